// Arrays put together (Concat, stack) and taken apart (SliceChannel).
#include <algorithm>
#include <cstring>

#include "kernels/strided_copy.h"
#include "op/blocked_form.h"
#include "op/registry.h"

namespace gemel {

namespace {

using kernels::CopyAxis;

struct ConcatParameters : Parameters {
  int num_args = 1, dim = 1;
  static void declare(Fields<ConcatParameters>& f) {
    f.field("num_args", &ConcatParameters::num_args).doc("Number of arrays.").range(1, 1 << 20);
    f.field("dim", &ConcatParameters::dim)
        .fallback("1")
        .doc("Axis along which they follow each other.");
  }
};
struct StackParameters : Parameters {
  int axis = 0, num_args = 1;
  static void declare(Fields<StackParameters>& f) {
    f.field("axis", &StackParameters::axis).fallback("0").doc("Where the new axis goes.");
    f.field("num_args", &StackParameters::num_args).doc("Number of arrays.").range(1, 1 << 20);
  }
};
struct SplitParameters : Parameters {
  int num_outputs = 1, axis = 1;
  bool squeeze_axis = false;
  static void declare(Fields<SplitParameters>& f) {
    f.field("num_outputs", &SplitParameters::num_outputs)
        .doc("Number of equal parts.")
        .range(1, 1 << 20);
    f.field("axis", &SplitParameters::axis).fallback("1").doc("Axis to cut.");
    f.field("squeeze_axis", &SplitParameters::squeeze_axis)
        .fallback("0")
        .doc("Drop the axis; it must be cut into single elements.");
  }
};

// `part` is `length` of the `total` that `whole` has along an axis, from `begin` on; `outer` and
// `inner` are the sizes on both sides of that axis.
void move_part(const Tensor& part, const Tensor& whole, int64_t outer, int64_t begin,
               int64_t length, int64_t total, int64_t inner, bool join) {
  if (part.size() == 0) return;
  const int64_t width = size_of(whole.dtype), run = length * inner, far = total * inner;
  std::byte* at = whole.address + begin * inner * width;
  if (at == part.address) return;  // it shares the memory
  const CopyAxis axes[] = {{outer, join ? run : far, join ? far : run}, {run, 1, 1}};
  if (join)
    kernels::strided_copy(axes, part.address, at, width);
  else
    kernels::strided_copy(axes, at, part.address, width);
}

// Where the parts of `whole` along `axis` begin, if each lies in one piece; else empty.
std::vector<int64_t> places(std::span<const Tensor> parts, const Tensor& whole, int axis) {
  std::vector<int64_t> begins;
  if (whole.shape.size(0, axis) != 1) return begins;
  int64_t at = 0;
  for (const Tensor& part : parts) {
    begins.push_back(at);
    at += part.bytes();
  }
  return begins;
}

std::vector<MemoryPart> joined(const OpCall& call, int axis) {
  std::vector<MemoryPart> result;
  for (const int64_t begin : places(call.in, call.out[0], axis))
    result.push_back({static_cast<int>(result.size()), 0, begin});
  return result;
}

std::vector<MemoryPart> parted(const OpCall& call, int axis) {
  std::vector<MemoryPart> result;
  for (const int64_t begin : places(call.out, call.in[0], axis))
    result.push_back({0, static_cast<int>(result.size()), begin});
  return result;
}

// Cuts or joins along `axis` of `whole`; the parts follow each other.
void move_parts(std::span<const Tensor> parts, const Tensor& whole, int axis, bool join) {
  const int64_t outer = whole.shape.size(0, axis), total = whole.shape[axis];
  const int64_t inner = whole.shape.size(axis + 1, whole.shape.ndim()), slab = outer * inner;
  int64_t begin = 0;
  for (const Tensor& part : parts) {
    const int64_t length = slab ? part.size() / slab : 0;
    move_part(part, whole, outer, begin, length, total, inner, join);
    begin += length;
  }
}

// All axes but `dim` agree; along it lengths add up, and one unknown length follows from the
// others.
void concat_rule(std::span<Shape> parts, Shape whole,
                 const std::function<void(int, const Shape&)>& set_part,
                 const std::function<void(const Shape&)>& set_whole, int dim,
                 std::string_view who) {
  int ndim = whole.ndim();
  for (const Shape& part : parts) ndim = std::max(ndim, part.ndim());
  if (ndim < 0) return;
  const int axis = normalize_axis(dim, ndim, who);
  Shape common = Shape::filled(ndim, -1);
  const auto merge = [&](Shape shape) {
    if (shape.ndim() < 0) return;
    GEMEL_CHECK(shape.ndim() == ndim, "[{}] expected arrays of as many axes, got {} and {} axes",
                who, ndim, shape.ndim());
    shape[axis] = -1;
    GEMEL_CHECK(merge_shape(common, shape),
                "[{}] expected arrays that agree in all axes but {}, got {} and {}", who, axis,
                common, shape);
  };
  for (const Shape& part : parts) merge(part);
  merge(whole);
  int64_t sum = 0;
  int unknown = 0, last_unknown = -1;
  for (size_t i = 0; i < parts.size(); ++i) {
    const int64_t length = parts[i].ndim() < 0 ? -1 : parts[i][axis];
    if (length >= 0)
      sum += length;
    else
      ++unknown, last_unknown = static_cast<int>(i);
  }
  for (size_t i = 0; i < parts.size(); ++i) set_part(static_cast<int>(i), common);
  if (unknown == 0) common[axis] = sum;
  set_whole(common);
  if (unknown == 1 && whole.ndim() >= 0 && whole[axis] >= 0) {
    common[axis] = whole[axis] - sum;
    GEMEL_CHECK(common[axis] >= 0, "[{}] the arrays are longer than the result {} along axis {}",
                who, whole, axis);
    set_part(last_unknown, common);
  }
}

void concat_shape(ShapeContext& context) {
  concat_rule(
      context.in, context.out[0], [&](int i, const Shape& s) { context.set_in(i, s); },
      [&](const Shape& s) { context.set_out(0, s); }, context.params<ConcatParameters>().dim,
      context.op.name());
}

int concat_axis(const OpCall& call, const Shape& whole) {
  return normalize_axis(call.params<ConcatParameters>().dim, whole.ndim(), "Concat");
}

// The gradient of Concat: inputs are the head gradient and the arrays that were joined.
void concat_backward_shape(ShapeContext& context) {
  for (size_t i = 0; i < context.out.size(); ++i) {
    context.set_out(static_cast<int>(i), context.in[i + 1]);
    context.set_in(static_cast<int>(i) + 1, context.out[i]);
  }
  concat_rule(
      context.out, context.in[0], [&](int i, const Shape& s) { context.set_out(i, s); },
      [&](const Shape& s) { context.set_in(0, s); }, context.params<ConcatParameters>().dim,
      "Concat");
}

Shape insert_axis(const Shape& shape, int axis, int64_t size) {
  Shape result;
  for (int i = 0; i <= shape.ndim(); ++i)
    result.push_back(i == axis ? size : shape[i < axis ? i : i - 1]);
  return result;
}

Shape remove_axis(const Shape& shape, int axis) {
  Shape result;
  for (int i = 0; i < shape.ndim(); ++i)
    if (i != axis) result.push_back(shape[i]);
  return result;
}

void stack_shape(ShapeContext& context) {
  const auto& p = context.params<StackParameters>();
  Shape part = Shape::unknown();
  for (const Shape& in : context.in)
    GEMEL_CHECK(merge_shape(part, in), "[stack] expected arrays of one shape, got {} and {}", part,
                in);
  if (context.out[0].ndim() > 0) {
    const int axis = normalize_axis(p.axis, context.out[0].ndim(), "stack");
    GEMEL_CHECK(merge_shape(part, remove_axis(context.out[0], axis)),
                "[stack] expected the result {} without axis {} to be {}", context.out[0], axis,
                part);
  }
  if (part.ndim() < 0) return;
  for (size_t i = 0; i < context.in.size(); ++i) context.set_in(static_cast<int>(i), part);
  context.set_out(0,
                  insert_axis(part, normalize_axis(p.axis, part.ndim() + 1, "stack"), p.num_args));
}

void split_shape(ShapeContext& context) {
  const auto& p = context.params<SplitParameters>();
  const Shape in = context.in[0];
  if (in.ndim() > 0) {
    const int axis = normalize_axis(p.axis, in.ndim(), "SliceChannel");
    GEMEL_CHECK(in[axis] < 0 || in[axis] % p.num_outputs == 0,
                "[SliceChannel] expected axis {} to divide into {} equal parts, got shape {}", axis,
                p.num_outputs, in);
    Shape part = in;
    part[axis] = in[axis] < 0 ? -1 : in[axis] / p.num_outputs;
    if (p.squeeze_axis) {
      GEMEL_CHECK(part[axis] <= 1 && part[axis] != 0,
                  "[SliceChannel] expected axis {} of {} to have length {} to be squeezed", axis,
                  in, p.num_outputs);
      part = remove_axis(part, axis);
    }
    for (size_t i = 0; i < context.out.size(); ++i) context.set_out(static_cast<int>(i), part);
  }
  Shape part = Shape::unknown();
  for (const Shape& out : context.out)
    GEMEL_CHECK(merge_shape(part, out), "[SliceChannel] expected parts of one shape, got {} and {}",
                part, out);
  if (part.ndim() < 0) return;
  const int ndim = part.ndim() + (p.squeeze_axis ? 1 : 0);
  const int axis = normalize_axis(p.axis, ndim, "SliceChannel");
  if (p.squeeze_axis) part = insert_axis(part, axis, 1);
  if (part[axis] >= 0) part[axis] *= p.num_outputs;
  context.set_in(0, part);
}

int concat_outputs(const ConcatParameters& p) { return p.num_args; }
int split_outputs(const SplitParameters& p) { return p.num_outputs; }
std::vector<std::string> concat_backward_inputs(const ConcatParameters& p) {
  std::vector<std::string> names{"head"};
  for (int i = 0; i < p.num_args; ++i) names.push_back("arg" + std::to_string(i));
  return names;
}

std::vector<Entry> outputs_of(const Entry& first, size_t count) {
  std::vector<Entry> result;
  for (size_t i = 0; i < count; ++i) result.push_back({first.node, static_cast<int32_t>(i), 0});
  return result;
}

std::vector<Entry> concat_gradient(const GradientContext& c) {
  std::vector<Entry> inputs{c.dy()};
  inputs.insert(inputs.end(), c.node.inputs.begin(), c.node.inputs.end());
  const size_t count = c.node.inputs.size();
  return outputs_of(c.make("_backward_Concat", std::move(inputs), c.node.parameters, 0), count);
}

std::vector<Entry> concat_backward_gradient(const GradientContext& c) {
  std::vector<Entry> heads, result(c.node.inputs.size());
  for (int i = 0; i < c.params<ConcatParameters>().num_args; ++i) heads.push_back(c.dy(i));
  result[0] = c.make("Concat", std::move(heads), c.node.parameters, 0);
  return result;
}

std::vector<Entry> stack_gradient(const GradientContext& c) {
  const auto& p = c.params<StackParameters>();
  auto split = std::make_shared<SplitParameters>();
  split->num_outputs = p.num_args;
  split->axis = p.axis;
  split->squeeze_axis = true;
  return outputs_of(c.make("SliceChannel", {c.dy()}, std::move(split), 0), c.node.inputs.size());
}

std::vector<Entry> split_gradient(const GradientContext& c) {
  const auto& p = c.params<SplitParameters>();
  std::vector<Entry> heads;
  for (int i = 0; i < p.num_outputs; ++i) heads.push_back(c.dy(i));
  if (p.squeeze_axis) {
    auto stack = std::make_shared<StackParameters>();
    stack->num_args = p.num_outputs;
    stack->axis = p.axis;
    return {c.make("stack", std::move(heads), std::move(stack), 0)};
  }
  auto concat = std::make_shared<ConcatParameters>();
  concat->num_args = p.num_outputs;
  concat->dim = p.axis;
  return {c.make("Concat", std::move(heads), std::move(concat), 0)};
}

OpBuilder declare_concat(std::string name) {
  OpBuilder builder = op<ConcatParameters>(std::move(name));
  builder.variadic("num_args", &ConcatParameters::num_args)
      .shape(concat_shape)
      .type(same_type)
      .gradient(concat_gradient)
      .recompute([](const GradientContext& c) { return std::vector<Entry>{c.out(0)}; })
      .joins([](const OpCall& c) { return joined(c, concat_axis(c, c.out[0].shape)); })
      .implement("strided", [](const OpCall& call) {
        move_parts(call.in, call.out[0], concat_axis(call, call.out[0].shape), true);
      });
  return builder;
}

// Blocks of channels are joined as channels are, where they are whole.
bool joins_blocks(const BlockedNode& n) {
  if (static_cast<const ConcatParameters&>(*n.node.parameters).dim != 1) return false;
  for (const Shape& in : n.in)
    if (in.ndim() != 4 || in[1] % layout_block != 0) return false;
  return n.dtype == DType::float32;
}
Entry join_blocks(const BlockedContext& c) {
  std::vector<Entry> parts;
  for (int i = 0; i < static_cast<int>(c.in.size()); ++i) parts.push_back(c.blocked(i));
  const NodeRef node = make_node(*c.node.op, c.node.name, std::move(parts), c.node.parameters);
  node->attributes = c.node.attributes;
  return {node, 0, 0};
}

}  // namespace

GEMEL_OPERATORS(join) {
  set_blocked_form("Concat", {.exists = joins_blocks, .make = join_blocks});
  declare_concat("Concat")
      .alias({"concat"})
      .doc("Arrays one after another along an axis.")
      .sample({.shapes = {{2, 3}, {2, 1}}, .attributes = {{"num_args", "2"}}})
      .sample(
          {.shapes = {{2, 3}, {1, 3}, {3, 3}}, .attributes = {{"num_args", "3"}, {"dim", "-2"}}});
  declare_concat("_rnn_param_concat")
      .doc("Concat of the weights and biases of recurrent layers into the flat array of RNN.")
      .sample({.shapes = {{3}, {4}}, .attributes = {{"num_args", "2"}, {"dim", "0"}}});
  op<ConcatParameters>("_backward_Concat")
      .doc("Gradient of Concat.")
      .shape_only_from(1)
      .inputs<ConcatParameters>(concat_backward_inputs)
      .outputs<ConcatParameters>(concat_outputs)
      .shape(concat_backward_shape)
      .type(same_type)
      .gradient(concat_backward_gradient)
      .parts([](const OpCall& c) { return parted(c, concat_axis(c, c.in[0].shape)); })
      .implement("strided",
                 [](const OpCall& call) {
                   move_parts(call.out, call.in[0], concat_axis(call, call.in[0].shape), false);
                 })
      .sample({.shapes = {{2, 4}, {2, 3}, {2, 1}}, .attributes = {{"num_args", "2"}}});
  op<StackParameters>("stack")
      .doc("Arrays of one shape along a new axis.")
      .variadic("num_args", &StackParameters::num_args)
      .shape(stack_shape)
      .type(same_type)
      .gradient(stack_gradient)
      .joins([](const OpCall& c) {
        return joined(
            c, normalize_axis(c.params<StackParameters>().axis, c.out[0].shape.ndim(), "stack"));
      })
      .implement("strided",
                 [](const OpCall& call) {
                   const Tensor& out = call.out[0];
                   move_parts(call.in, out,
                              normalize_axis(call.params<StackParameters>().axis, out.shape.ndim(),
                                             "stack"),
                              true);
                 })
      .sample({.shapes = {{2, 3}, {2, 3}}, .attributes = {{"num_args", "2"}, {"axis", "-1"}}});
  op<SplitParameters>("SliceChannel")
      .alias({"split"})
      .doc("Equal parts along an axis.")
      .inputs({"data"})
      .outputs<SplitParameters>(split_outputs)
      .shape(split_shape)
      .type(same_type)
      .gradient(split_gradient)
      .parts([](const OpCall& c) {
        return parted(c, normalize_axis(c.params<SplitParameters>().axis, c.in[0].shape.ndim(),
                                        "SliceChannel"));
      })
      .implement("strided",
                 [](const OpCall& call) {
                   const Tensor& in = call.in[0];
                   move_parts(call.out, in,
                              normalize_axis(call.params<SplitParameters>().axis, in.shape.ndim(),
                                             "SliceChannel"),
                              false);
                 })
      .sample({.shapes = {{2, 6}}, .attributes = {{"num_outputs", "3"}}})
      .sample({.shapes = {{2, 3, 4}},
               .attributes = {{"num_outputs", "2"}, {"axis", "0"}, {"squeeze_axis", "1"}}});
}

}  // namespace gemel
