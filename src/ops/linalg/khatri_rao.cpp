// khatri_rao: the Kronecker product of matrices column by column; fill_element_0index.
#include <cstring>

#include "kernels/parallel.h"
#include "op/formula.h"
#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::khatri_rao_op {
namespace {

struct KhatriRaoParameters : Parameters {
  int num_args;
  static void declare(Fields<KhatriRaoParameters>& f) {
    f.field("num_args", &KhatriRaoParameters::num_args).range(1, 1000).doc("Number of matrices.");
  }
};

void shape(ShapeContext& c) {
  int64_t rows = 1, columns = -1;
  for (size_t i = 0; i < c.in.size(); ++i) {
    const Shape& s = c.in[i];
    GEMEL_CHECK(s.ndim() < 0 || s.ndim() == 2, "[{}] expected matrices, got shape {}", c.op.name(),
                s);
    rows = rows < 0 || s.ndim() < 0 || s[0] < 0 ? -1 : rows * s[0];
    if (s.ndim() == 2 && s[1] >= 0) columns = s[1];
  }
  for (size_t i = 0; i < c.in.size(); ++i) c.set_in(static_cast<int>(i), {-1, columns});
  c.set_out(0, {rows, columns});
}

template <typename T>
void forward(const OpCall& c) {
  using C = std::conditional_t<std::is_same_v<T, bool>, int, compute_type<T>>;
  const int64_t rows = c.out[0].shape[0], columns = c.out[0].shape[1];
  kernels::parallel_for(rows, columns * static_cast<int64_t>(c.in.size()), [&](int64_t row) {
    T* to = c.out[0].data<T>() + row * columns;
    for (int64_t j = 0; j < columns; ++j) {
      C value = 1;
      int64_t rest = row;
      for (size_t i = c.in.size(); i-- > 0;) {
        const int64_t count = c.in[i].shape[0];
        value *= static_cast<C>(c.in[i].data<T>()[rest % count * columns + j]);
        rest /= count;
      }
      to[j] = static_cast<T>(value);
    }
  });
}

std::vector<Entry> formula(const GradientContext& c, const std::vector<Entry>& in) {
  Entry result = in[0];
  for (size_t i = 1; i < in.size(); ++i) {
    const Entry pairs = c.make("broadcast_mul", {c.make("expand_dims", {result}, {{"axis", "1"}}),
                                                 c.make("expand_dims", {in[i]}, {{"axis", "0"}})});
    result = c.make("reshape", {pairs}, {{"shape", "(-3, 0)"}});
  }
  return {result};
}

// lhs with element rhs[i] of row i replaced by mhs[i].
void fill_shape(ShapeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  const Shape& lhs = c.in[0];
  if (lhs.ndim() < 0) return;
  GEMEL_CHECK(lhs.ndim() == 2, "[{}] expected lhs of 2 axes, got {}", c.op.name(), lhs);
  c.set_in(1, {lhs[0]});
  c.set_in(2, {lhs[0]});
}

template <typename T>
void fill(const OpCall& c) {
  if (c.out[0].address != c.in[0].address)
    std::memcpy(c.out[0].address, c.in[0].address, static_cast<size_t>(c.in[0].bytes()));
  const int64_t columns = c.in[0].shape[1];
  for (int64_t i = 0; i < c.in[0].shape[0]; ++i) {
    const auto at = static_cast<int64_t>(static_cast<compute_type<T>>(c.in[2].data<T>()[i]));
    GEMEL_CHECK(at >= 0 && at < columns, "[{}] expected indices of 0 to {}, got {} in row {}",
                c.op.name(), columns - 1, at, i);
    c.out[0].data<T>()[i * columns + at] = c.in[1].data<T>()[i];
  }
}

}  // namespace

GEMEL_OPERATORS(khatri_rao) {
  op<KhatriRaoParameters>("khatri_rao")
      .doc("The Kronecker product of matrices column by column: (m, k) and (n, k) give (m * n, k).")
      .variadic("num_args", &KhatriRaoParameters::num_args)
      .shape(shape)
      .gradient(gradient_of(formula))
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch(c.out[0].dtype,
                            [&](auto type) { forward<typename decltype(type)::type>(c); });
                 })
      .sample({.shapes = {{2, 3}, {4, 3}}, .attributes = {{"num_args", "2"}}})
      .sample({.shapes = {{2, 2}, {3, 2}, {2, 2}}, .attributes = {{"num_args", "3"}}});
  op("fill_element_0index")
      .doc("lhs (rows, columns) with element rhs[i] of each row i replaced by mhs[i].")
      .inputs({"lhs", "mhs", "rhs"})
      .shape(fill_shape)
      .no_gradient()
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch(c.out[0].dtype,
                            [&](auto type) { fill<typename decltype(type)::type>(c); });
                 })
      .inplace({{0, 0}})
      .sample({.shapes = {{3, 4}, {3}, {3}}, .ranges = {{-1, 1}, {-1, 1}, {0, 3.9}}});
}

}  // namespace gemel::khatri_rao_op
