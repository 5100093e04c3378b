// Borders around arrays of 4 or 5 axes.
#include <cstring>

#include "kernels/parallel.h"
#include "op/registry.h"
#include "ops/shape/slice_range.h"
#include "simd/convert.h"

namespace gemel {

namespace {

enum class PadMode { constant, edge, reflect };
struct PadParameters : Parameters {
  PadMode mode = PadMode::constant;
  OptionalAxes pad_width;
  double constant_value = 0;
  static void declare(Fields<PadParameters>& f) {
    f.choice(
         "mode", &PadParameters::mode,
         {{"constant", PadMode::constant}, {"edge", PadMode::edge}, {"reflect", PadMode::reflect}})
        .doc("What the border holds: a number, the nearest element, or the array mirrored.");
    f.field("pad_width", &PadParameters::pad_width)
        .doc("Widths before and after, for each axis; the first two axes have none.");
    f.field("constant_value", &PadParameters::constant_value)
        .fallback("0")
        .doc("The number of constant borders.");
  }
};

int64_t width_of(const PadParameters& p, int axis, bool after) {
  return p.pad_width[static_cast<size_t>(2 * axis + after)].value_or(0);
}

void pad_shape(ShapeContext& context) {
  const auto& p = context.params<PadParameters>();
  const Shape& in = context.in[0];
  if (in.ndim() < 0) return;
  GEMEL_CHECK(in.ndim() == 4 || in.ndim() == 5, "[Pad] expected an array of 4 or 5 axes, got {}",
              in);
  GEMEL_CHECK(p.pad_width.size() == 2 * static_cast<size_t>(in.ndim()),
              "[Pad] expected {} widths, got {}", 2 * in.ndim(), p.pad_width.size());
  Shape result = in;
  for (int i = 0; i < in.ndim(); ++i) {
    const int64_t before = width_of(p, i, false), after = width_of(p, i, true);
    GEMEL_CHECK(before >= 0 && after >= 0 && (i > 1 || before + after == 0),
                "[Pad] expected widths of at least 0, and none on the first two axes");
    GEMEL_CHECK(p.mode != PadMode::reflect || in[i] < 0 || std::max(before, after) < in[i] ||
                    before + after == 0,
                "[Pad] expected reflected borders narrower than axis {} of {}", i, in);
    if (result[i] >= 0) result[i] += before + after;
  }
  context.set_out(0, result);
}

// Where element `at` of the padded axis comes from; -1: the constant.
int64_t source_of(int64_t at, int64_t before, int64_t length, PadMode mode) {
  const int64_t i = at - before;
  if (i >= 0 && i < length) return i;
  if (mode == PadMode::constant) return -1;
  if (mode == PadMode::edge) return i < 0 ? 0 : length - 1;
  return i < 0 ? -i : 2 * (length - 1) - i;
}

// f(offset of a row in the padded array, offset of its source row or -1) for the rows of one outer
// (first two axes) part.
template <typename F>
void for_rows(const PadParameters& p, const Shape& in, const Shape& out, int64_t part, const F& f) {
  const int last = in.ndim() - 1;
  const int64_t rows = out.size(2, last), row = out[last], in_row = in[last];
  for (int64_t r = 0; r < rows; ++r) {
    int64_t rest = r, offset = 0, step = 1;
    bool inside = true;
    for (int i = last - 1; i >= 2; --i) {
      const int64_t source = source_of(rest % out[i], width_of(p, i, false), in[i], p.mode);
      inside = inside && source >= 0;
      offset += source * step;
      rest /= out[i];
      step *= in[i];
    }
    f((part * rows + r) * row, inside ? (part * step + offset) * in_row : -1);
  }
}

void pad_kernel(const OpCall& call) {
  const auto& p = call.params<PadParameters>();
  const Tensor &in = call.in[0], &out = call.out[0];
  const int last = in.shape.ndim() - 1;
  const int64_t width = size_of(in.dtype), row = out.shape[last];
  alignas(8) std::byte border[8];
  simd::store_function<double>(out.dtype)(&p.constant_value, border, 1);
  kernels::parallel_for(in.shape.size(0, 2), out.shape.size(2, last + 1), [&](int64_t part) {
    for_rows(p, in.shape, out.shape, part, [&](int64_t to, int64_t from) {
      for (int64_t c = 0; c < row; ++c) {
        const int64_t source =
            from < 0 ? -1 : source_of(c, width_of(p, last, false), in.shape[last], p.mode);
        std::memcpy(out.address + (to + c) * width,
                    source < 0 ? border : in.address + (from + source) * width,
                    static_cast<size_t>(width));
      }
    });
  });
}

void pad_backward_kernel(const OpCall& call) {
  const auto& p = call.params<PadParameters>();
  const Tensor &head = call.in[0], &out = call.out[0];
  const int last = out.shape.ndim() - 1;
  const int64_t row = head.shape[last];
  if (out.bytes()) std::memset(out.address, 0, static_cast<size_t>(out.bytes()));
  dispatch_floating(out.dtype, "Pad", [&]<typename T>(Type<T>) {
    kernels::parallel_for(out.shape.size(0, 2), head.shape.size(2, last + 1), [&](int64_t part) {
      for_rows(p, out.shape, head.shape, part, [&](int64_t from, int64_t to) {
        for (int64_t c = 0; c < row; ++c) {
          const int64_t target =
              to < 0 ? -1 : source_of(c, width_of(p, last, false), out.shape[last], p.mode);
          if (target < 0) continue;
          T& sum = out.data<T>()[to + target];
          sum = static_cast<T>(static_cast<compute_type<T>>(sum) +
                               static_cast<compute_type<T>>(head.data<T>()[from + c]));
        }
      });
    });
  });
}

}  // namespace

GEMEL_OPERATORS(pad) {
  op<PadParameters>("Pad")
      .alias({"pad"})
      .doc("The array with a border along the axes after the first two.")
      .inputs({"data"})
      .shape(pad_shape)
      .type(same_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_backward_Pad", {c.dy(), c.in(0)}, c.node.parameters, 0)};
      })
      .implement("rows", pad_kernel)
      .sample({.shapes = {{1, 2, 2, 3}},
               .attributes = {{"mode", "constant"},
                              {"pad_width", "(0,0,0,0,1,2,1,1)"},
                              {"constant_value", "2"}}})
      .sample({.shapes = {{1, 2, 2, 3}},
               .attributes = {{"mode", "edge"}, {"pad_width", "(0,0,0,0,1,2,1,1)"}}})
      .sample({.shapes = {{1, 1, 2, 3, 3}},
               .attributes = {{"mode", "reflect"}, {"pad_width", "(0,0,0,0,1,1,2,1,0,2)"}}});
  op<PadParameters>("_backward_Pad")
      .doc("Gradient of Pad.")
      .inputs({"head", "data"})
      .shape_only({1})
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[1]);
        c.set_in(1, c.out[0]);
      })
      .type([](TypeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(0, c.out[0]);
      })
      .gradient([](const GradientContext& c) {
        auto border = std::make_shared<PadParameters>(c.params<PadParameters>());
        border->constant_value = 0;
        return std::vector<Entry>{c.make("Pad", {c.dy()}, std::move(border), 0), Entry{}};
      })
      .implement("rows", pad_backward_kernel);
}

}  // namespace gemel
