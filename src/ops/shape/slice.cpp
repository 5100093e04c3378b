// Parts of arrays (slice, slice_axis, slice_like), and writing into parts (_slice_assign).
#include <cstring>

#include "kernels/strided_copy.h"
#include "op/registry.h"
#include "ops/shape/slice_range.h"
#include "simd/convert.h"

namespace gemel {

namespace {

using kernels::CopyAxis;

struct SliceParameters : Parameters {
  OptionalAxes begin, end, step;
  static void declare(Fields<SliceParameters>& f) {
    f.field("begin", &SliceParameters::begin)
        .doc("First index of each axis; None is the start, negative ones count from the end.");
    f.field("end", &SliceParameters::end).doc("End of each axis, not included; None is the end.");
    f.field("step", &SliceParameters::step).fallback("()").doc("Step of each axis; 1 by default.");
  }
};
struct AssignScalarParameters : SliceParameters {
  double scalar = 0;
  static void declare(Fields<AssignScalarParameters>& f) {
    using P = AssignScalarParameters;
    f.field("scalar", &P::scalar).fallback("0").doc("Value to write.");
    f.field("begin", static_cast<OptionalAxes P::*>(&P::begin)).doc("First index of each axis.");
    f.field("end", static_cast<OptionalAxes P::*>(&P::end)).doc("End of each axis, not included.");
    f.field("step", static_cast<OptionalAxes P::*>(&P::step))
        .fallback("()")
        .doc("Step of each axis; 1 by default.");
  }
};
struct SliceAxisParameters : Parameters {
  int axis = 0, begin = 0;
  std::optional<int> end;
  static void declare(Fields<SliceAxisParameters>& f) {
    f.field("axis", &SliceAxisParameters::axis).doc("The axis.");
    f.field("begin", &SliceAxisParameters::begin)
        .doc("First index; negative ones count from the end.");
    f.field("end", &SliceAxisParameters::end).doc("End, not included; None is the end.");
  }
};
struct SliceLikeParameters : Parameters {
  Shape axes;
  static void declare(Fields<SliceLikeParameters>& f) {
    f.field("axes", &SliceLikeParameters::axes)
        .fallback("()")
        .doc("Axes to cut to the length of the second input; all by default.");
  }
};

SliceRange range_of(const SliceParameters& p, const Shape& whole, std::string_view who) {
  return resolve_slice(whole, p.begin, p.end, p.step, who);
}

SliceRange range_of(const SliceAxisParameters& p, const Shape& whole, std::string_view who) {
  const int axis = normalize_axis(p.axis, whole.ndim(), who);
  OptionalAxes begin(static_cast<size_t>(axis) + 1), end = begin;
  GEMEL_CHECK(whole[axis] <= 0 || p.begin >= -whole[axis],
              "[{}] expected a begin of at least {} along axis {} of {}, got {}", who, -whole[axis],
              axis, whole, p.begin);
  begin.back() = p.begin;
  if (p.end) end.back() = *p.end;
  SliceRange range = resolve_slice(whole, begin, end, {}, who);
  GEMEL_CHECK(range.size[axis] != 0 || whole[axis] == 0,
              "[{}] expected begin before end along axis {} of {}, got {} and {}", who, axis, whole,
              p.begin, p.end ? std::to_string(*p.end) : "None");
  return range;
}

SliceRange leading_range(const Shape& whole, const Shape& size) {
  return {Shape::filled(whole.ndim(), 0), Shape::filled(whole.ndim(), 1), size};
}

Shape like_size(const Shape& whole, const Shape& like, const Shape& axes) {
  Shape size = whole;
  const auto cut = [&](int axis, int64_t length) {
    GEMEL_CHECK(length <= size[axis] || size[axis] < 0,
                "[slice_like] expected axis {} of {} to be at least {}", axis, whole, length);
    size[axis] = length;
  };
  if (axes.ndim() <= 0) {
    GEMEL_CHECK(whole.ndim() == like.ndim(),
                "[slice_like] expected arrays of as many axes, got {} and {}", whole, like);
    for (int i = 0; i < whole.ndim(); ++i) cut(i, like[i]);
  }
  // A negative axis counts from the end of the first input, for both, as in 1.9.1.
  for (int64_t a : axes) {
    const int axis = normalize_axis(a, whole.ndim(), "slice_like");
    GEMEL_CHECK(axis < like.ndim(), "[slice_like] expected shape_like to have axis {}, got {}",
                axis, like);
    cut(axis, like[axis]);
  }
  return size;
}

// The walk over the part, with the distances of the whole on the side that `whole_is_source` names.
struct PartWalk {
  CopyAxis axes[Shape::max_ndim];
  size_t count;
  int64_t start = 0;
  PartWalk(const SliceRange& range, const Shape& whole, bool whole_is_source)
      : count(static_cast<size_t>(whole.ndim())) {
    const Shape outer = contiguous_strides(whole), inner = contiguous_strides(range.size);
    for (int i = 0; i < whole.ndim(); ++i) {
      const int64_t far = outer[i] * range.step[i];
      axes[i] = whole_is_source ? CopyAxis{range.size[i], far, inner[i]}
                                : CopyAxis{range.size[i], inner[i], far};
      start += outer[i] * range.begin[i];
    }
  }
  std::span<const CopyAxis> span() const { return {axes, count}; }
};

// The part, where it lies in one piece: along one axis a range, of those before a single index, of
// those behind everything.
std::vector<MemoryPart> piece(const SliceRange& range, const Tensor& whole) {
  const int ndim = whole.shape.ndim();
  int axis = 0;
  while (axis < ndim && range.size[axis] == 1) ++axis;
  if (axis < ndim && range.step[axis] != 1) return {};
  for (int i = axis + 1; i < ndim; ++i)
    if (range.size[i] != whole.shape[i] || range.step[i] != 1) return {};
  int64_t start = 0;
  const Shape strides = contiguous_strides(whole.shape);
  for (int i = 0; i < ndim; ++i) start += strides[i] * range.begin[i];
  return {{0, 0, start * size_of(whole.dtype)}};
}

template <typename P>
std::vector<MemoryPart> piece_of_call(const OpCall& call) {
  if (call.out[0].size() == 0) return {};
  return piece(range_of(call.params<P>(), call.in[0].shape, call.op.name()), call.in[0]);
}

void read_part(const Tensor& whole, const SliceRange& range, const Tensor& part) {
  if (part.size() == 0) return;
  const PartWalk walk(range, whole.shape, true);
  const int64_t width = size_of(whole.dtype);
  kernels::strided_copy(walk.span(), whole.address + walk.start * width, part.address, width);
}

void write_part(const Tensor& part, const SliceRange& range, const Tensor& whole) {
  if (part.size() == 0) return;
  const PartWalk walk(range, whole.shape, false);
  const int64_t width = size_of(whole.dtype);
  kernels::strided_copy(walk.span(), part.address, whole.address + walk.start * width, width);
}

void copy_whole(const Tensor& in, const Tensor& out) {
  if (in.address != out.address && in.bytes())
    std::memcpy(out.address, in.address, static_cast<size_t>(in.bytes()));
}

template <typename P>
void slice_shape(ShapeContext& context) {
  if (context.in[0].ndim() < 0) return;
  context.set_out(0, range_of(context.params<P>(), context.in[0], context.op.name()).size);
}

template <typename P>
void slice_kernel(const OpCall& call) {
  read_part(call.in[0], range_of(call.params<P>(), call.in[0].shape, call.op.name()), call.out[0]);
}

void assign_shape(ShapeContext& context) {
  context.set_out(0, context.in[0]);
  context.set_in(0, context.out[0]);
  if (context.in[0].known() && context.in.size() > 1)
    context.set_in(
        1, range_of(context.params<SliceParameters>(), context.in[0], context.op.name()).size);
}

void assign_kernel(const OpCall& call) {
  copy_whole(call.in[0], call.out[0]);
  write_part(call.in[1], range_of(call.params<SliceParameters>(), call.in[0].shape, call.op.name()),
             call.out[0]);
}

void assign_scalar_kernel(const OpCall& call) {
  const auto& p = call.params<AssignScalarParameters>();
  const Tensor& out = call.out[0];
  copy_whole(call.in[0], out);
  const SliceRange range = range_of(p, out.shape, call.op.name());
  if (range.size.size() == 0) return;
  alignas(8) std::byte value[8];
  simd::store_function<double>(out.dtype)(&p.scalar, value, 1);
  const PartWalk walk(range, out.shape, false);
  kernels::strided_fill(walk.span(), value, out.address + walk.start * size_of(out.dtype),
                        size_of(out.dtype));
}

// Gradients of parts: zeros with the head gradient written into the part.
template <typename Range>
void place_kernel(const OpCall& call, const Range& range) {
  const Tensor& out = call.out[0];
  if (out.bytes()) std::memset(out.address, 0, static_cast<size_t>(out.bytes()));
  write_part(call.in[0], range, out);
}

void first_type_rule(TypeContext& context) {
  context.set_out(0, context.in[0]);
  context.set_in(0, context.out[0]);
}

template <typename P>
void declare_backward(const char* name, const char* text, const char* forward, Sample sample) {
  op<P>(name)
      .doc(text)
      .inputs({"head", "data"})
      .shape_only({1})
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[1]);
        c.set_in(1, c.out[0]);
      })
      .type(first_type_rule)
      .gradient([forward](const GradientContext& c) {
        std::vector<Entry> inputs{c.dy()};
        if constexpr (std::is_same_v<P, SliceLikeParameters>) inputs.push_back(c.in(0));
        return std::vector<Entry>{c.make(forward, std::move(inputs), c.node.parameters, 0),
                                  Entry{}};
      })
      .implement("strided",
                 [](const OpCall& call) {
                   const Shape& whole = call.out[0].shape;
                   if constexpr (std::is_same_v<P, SliceLikeParameters>)
                     place_kernel(call, leading_range(whole, call.in[0].shape));
                   else
                     place_kernel(call, range_of(call.params<P>(), whole, call.op.name()));
                 })
      .sample(std::move(sample));
}

template <typename P>
Gradient backward_by(const char* name) {
  return [name](const GradientContext& c) {
    std::vector<Entry> result(c.node.inputs.size());
    result[0] = c.make(name, {c.dy(), c.in(0)}, c.node.parameters, 0);
    return result;
  };
}

}  // namespace

GEMEL_OPERATORS(slice) {
  op<SliceParameters>("slice")
      .alias({"crop"})
      .doc("A part of the array: a range with a step along each axis.")
      .inputs({"data"})
      .shape(slice_shape<SliceParameters>)
      .parts(piece_of_call<SliceParameters>)
      .type(same_type)
      .gradient(backward_by<SliceParameters>("_backward_slice"))
      .implement("strided", slice_kernel<SliceParameters>)
      .sample({.shapes = {{4, 5}}, .attributes = {{"begin", "(1, None)"}, {"end", "(3, -1)"}}})
      .sample({.shapes = {{4, 5}},
               .attributes = {{"begin", "(None, 4)"}, {"end", "(None, 0)"}, {"step", "(2, -2)"}}});
  op<SliceAxisParameters>("slice_axis")
      .doc("A range along one axis.")
      .inputs({"data"})
      .shape(slice_shape<SliceAxisParameters>)
      .parts(piece_of_call<SliceAxisParameters>)
      .type(same_type)
      .gradient(backward_by<SliceAxisParameters>("_backward_slice_axis"))
      .implement("strided", slice_kernel<SliceAxisParameters>)
      .sample({.shapes = {{3, 4}}, .attributes = {{"axis", "-1"}, {"begin", "1"}, {"end", "3"}}})
      .sample(
          {.shapes = {{3, 4}}, .attributes = {{"axis", "0"}, {"begin", "-2"}, {"end", "None"}}});
  op<SliceLikeParameters>("slice_like")
      .doc("The leading part that has the shape of the second input.")
      .inputs({"data", "shape_like"})
      .shape([](ShapeContext& c) {
        if (c.in[0].ndim() >= 0 && c.in[1].ndim() >= 0)
          c.set_out(0, like_size(c.in[0], c.in[1], c.params<SliceLikeParameters>().axes));
      })
      .type(first_type_rule)
      .gradient(backward_by<SliceLikeParameters>("_backward_slice_like"))
      .implement("strided",
                 [](const OpCall& call) {
                   read_part(call.in[0], leading_range(call.in[0].shape, call.out[0].shape),
                             call.out[0]);
                 })
      .sample({.shapes = {{4, 5}, {2, 3}}})
      .sample({.shapes = {{4, 5}, {2, 3}}, .attributes = {{"axes", "(-1,)"}}});
  declare_backward<SliceParameters>(
      "_backward_slice", "Gradient of slice.", "slice",
      {.shapes = {{2, 3}, {4, 5}}, .attributes = {{"begin", "(1, 1)"}, {"end", "(3, 4)"}}});
  declare_backward<SliceAxisParameters>(
      "_backward_slice_axis", "Gradient of slice_axis.", "slice_axis",
      {.shapes = {{3, 2}, {3, 4}}, .attributes = {{"axis", "1"}, {"begin", "1"}, {"end", "3"}}});
  declare_backward<SliceLikeParameters>("_backward_slice_like", "Gradient of slice_like.",
                                        "slice_like", {.shapes = {{2, 3}, {4, 5}}});
}

GEMEL_OPERATORS(slice_assign) {
  op<SliceParameters>("_slice_assign")
      .alias({"_crop_assign"})
      .doc("The first array with a part of it replaced by the second.")
      .inputs({"lhs", "rhs"})
      .shape(assign_shape)
      .type(same_type)
      .gradient([](const GradientContext& c) {
        auto zero = std::make_shared<AssignScalarParameters>();
        static_cast<SliceParameters&>(*zero) = c.params<SliceParameters>();
        return std::vector<Entry>{c.make("_slice_assign_scalar", {c.dy()}, std::move(zero), 0),
                                  c.make("slice", {c.dy()}, c.node.parameters, 0)};
      })
      .implement("strided", assign_kernel)
      .inplace({{0, 0}})
      .sample({.shapes = {{3, 4}, {2, 2}}, .attributes = {{"begin", "(0, 1)"}, {"end", "(2, 3)"}}});
  op<AssignScalarParameters>("_slice_assign_scalar")
      .alias({"_crop_assign_scalar"})
      .doc("The array with a part of it set to a number.")
      .inputs({"data"})
      .shape(assign_shape)
      .type(same_type)
      .gradient([](const GradientContext& c) {
        auto zero = std::make_shared<AssignScalarParameters>(c.params<AssignScalarParameters>());
        zero->scalar = 0;
        return std::vector<Entry>{c.make("_slice_assign_scalar", {c.dy()}, std::move(zero), 0)};
      })
      .implement("strided", assign_scalar_kernel)
      .inplace({{0, 0}})
      .sample({.shapes = {{3, 4}},
               .attributes = {{"scalar", "5"},
                              {"begin", "(None, 2)"},
                              {"end", "(None, None)"},
                              {"step", "(-1, -2)"}}});
}

}  // namespace gemel
