// Running sums along an axis.
#include <algorithm>
#include <optional>

#include "array/convert.h"
#include "kernels/parallel.h"
#include "op/registry.h"

namespace gemel {

namespace {

struct CumsumParameters : Parameters {
  std::optional<int> axis;
  DType dtype = DType::none;
  static void declare(Fields<CumsumParameters>& f) {
    f.field("axis", &CumsumParameters::axis)
        .fallback("None")
        .doc("Axis to sum along; None: all elements in a row.");
    f.choice("dtype", &CumsumParameters::dtype,
             {{"None", DType::none},
              {"float16", DType::float16},
              {"float32", DType::float32},
              {"float64", DType::float64},
              {"int32", DType::int32},
              {"int64", DType::int64},
              {"int8", DType::int8}})
        .fallback("None")
        .doc("Type of the sums; that of the input by default (int64 for bool).")
        .type = "{None, 'float16', 'float32', 'float64', 'int32', 'int64', 'int8'}";
  }
};

void cumsum_shape(ShapeContext& c) {
  const auto& p = c.params<CumsumParameters>();
  if (c.in[0].ndim() < 0) return;
  if (p.axis) {
    normalize_axis(*p.axis, c.in[0].ndim(), "cumsum");
    c.set_out(0, c.in[0]);
    c.set_in(0, c.out[0]);
  } else if (c.in[0].known()) {
    c.set_out(0, Shape{c.in[0].size()});
  }
}

void cumsum_type(TypeContext& c) {
  const DType wanted = c.params<CumsumParameters>().dtype;
  if (wanted != DType::none)
    c.set_out(0, wanted);
  else
    c.set_out(0, c.in[0] == DType::boolean ? DType::int64 : c.in[0]);
  if (wanted == DType::none && c.in[0] == DType::none && c.out[0] != DType::int64)
    c.set_in(0, c.out[0]);
}

// Sums of `columns` neighbouring series of `length` elements that lie `stride` apart. The sums so
// far are kept unrounded (half types add in float).
template <typename T>
void running_sums(const T* in, T* out, int64_t length, int64_t stride, int64_t columns) {
  using Sum = compute_type<T>;
  constexpr int64_t block = 256;
  Sum sums[block];
  std::fill_n(sums, columns, Sum{});
  for (int64_t i = 0; i < length; ++i, in += stride, out += stride)
    for (int64_t k = 0; k < columns; ++k) {
      sums[k] = static_cast<Sum>(sums[k] + static_cast<Sum>(in[k]));
      out[k] = static_cast<T>(sums[k]);
    }
}

void cumsum_kernel(const OpCall& call) {
  const auto& p = call.params<CumsumParameters>();
  Tensor in = call.in[0];
  const Tensor& out = call.out[0];
  const int axis = p.axis ? normalize_axis(*p.axis, in.shape.ndim(), "cumsum") : 0;
  int64_t outer = 1, length = in.size(), inner = 1;
  if (p.axis) {
    length = in.shape[axis];
    for (int i = 0; i < axis; ++i) outer *= in.shape[i];
    for (int i = axis + 1; i < in.shape.ndim(); ++i) inner *= in.shape[i];
  }
  if (in.dtype != out.dtype) {
    convert(in, Tensor(out.address, in.shape, out.dtype));
    in = out;
  }
  constexpr int64_t block = 256;
  const int64_t blocks = (inner + block - 1) / block;
  dispatch(out.dtype, [&]<typename T>(Type<T>) {
    kernels::parallel_for(outer * blocks, length * std::min(inner, block), [&](int64_t i) {
      const int64_t column = i % blocks * block, start = i / blocks * length * inner + column;
      running_sums(in.data<T>() + start, out.data<T>() + start, length, inner,
                   std::min(block, inner - column));
    });
  });
}

// Each element counts in its own sum and in all later ones.
std::vector<Entry> cumsum_gradient(const GradientContext& c) {
  const auto& p = c.params<CumsumParameters>();
  const std::string axis = std::to_string(p.axis.value_or(0));
  auto reversed = [&](Entry value) {
    return c.make("reverse", {std::move(value)}, {{"axis", axis}});
  };
  Entry sums = reversed(c.make("_np_cumsum", {reversed(c.dy())}, {{"axis", axis}}));
  if (!p.axis) sums = c.make("reshape_like", {sums, c.in(0)});
  if (p.dtype != DType::none) sums = c.make("_cast_like", {sums, c.in(0)});
  return {sums};
}

}  // namespace

GEMEL_OPERATORS(cumsum) {
  op<CumsumParameters>("_np_cumsum")
      .alias({"cumsum"})
      .doc("Running sums of the elements along an axis, or of all of them in a row.")
      .inputs({"a"})
      .shape(cumsum_shape)
      .type(cumsum_type)
      .gradient(cumsum_gradient)
      .inplace({{0, 0}})
      .implement("blocks", cumsum_kernel)
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axis", "1"}}})
      .sample({.shapes = {{2, 3}}})
      .sample({.shapes = {{3, 4}}, .attributes = {{"axis", "1"}, {"dtype", "float64"}}});
}

}  // namespace gemel
