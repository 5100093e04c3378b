// Operators that only rename axes: the result is the input's memory under another shape.
#include "ops/shape/reshape.h"

#include <cstring>

#include "op/registry.h"

namespace gemel {

namespace {

struct ReshapeParameters : Parameters {
  Shape shape, target_shape;
  bool reverse = false, keep_highest = false;
  static void declare(Fields<ReshapeParameters>& f) {
    f.field("shape", &ReshapeParameters::shape)
        .fallback("()")
        .doc(
            "New shape. 0: the same axis of the input; -1: what remains; -2: all remaining axes; "
            "-3: the product of "
            "two axes; -4: an axis split into the two numbers that follow.");
    f.field("reverse", &ReshapeParameters::reverse)
        .fallback("0")
        .doc("Match the axes from the right.");
    f.field("target_shape", &ReshapeParameters::target_shape)
        .fallback("()")
        .doc("The older spelling of shape: 0 is what remains.");
    f.field("keep_highest", &ReshapeParameters::keep_highest)
        .fallback("0")
        .doc("With target_shape: keep the first axis.");
  }
};
struct AxisParameters : Parameters {
  int axis = 0;
  static void declare(Fields<AxisParameters>& f) {
    f.field("axis", &AxisParameters::axis)
        .doc("Where the new axis goes; negative ones count from the end.");
  }
};
struct SqueezeParameters : Parameters {
  std::optional<Shape> axis;
  static void declare(Fields<SqueezeParameters>& f) {
    f.field("axis", &SqueezeParameters::axis)
        .fallback("None")
        .doc("Axes of length 1 to drop; all of them by default.")
        .type = "Shape or None";
  }
};

Shape older_reshape(const ReshapeParameters& p, const Shape& in) {
  Shape result = p.target_shape;
  if (p.keep_highest && result.ndim() > 0) result[0] = in[0];
  int unknown = -1;
  int64_t known = 1;
  for (int i = 0; i < result.ndim(); ++i) {
    if (result[i] == 0) {
      GEMEL_CHECK(unknown < 0, "[Reshape] expected one 0 in target_shape, got {}", p.target_shape);
      unknown = i;
    } else {
      known *= result[i];
    }
  }
  if (unknown >= 0) result[unknown] = known ? in.size() / known : 0;
  return result;
}

void reshape_rule(ShapeContext& context) {
  const auto& p = context.params<ReshapeParameters>();
  const Shape& in = context.in[0];
  Shape& out = context.out[0];
  if (!in.known()) {
    // One unknown axis follows from the other side's size.
    if (!out.known() || in.ndim() < 0) return;
    int unknown = -1;
    int64_t known = 1;
    for (int i = 0; i < in.ndim(); ++i) {
      if (in[i] >= 0)
        known *= in[i];
      else if (unknown >= 0)
        return;
      else
        unknown = i;
    }
    if (known <= 0 || out.size() % known) return;
    Shape full = in;
    full[unknown] = out.size() / known;
    context.set_in(0, full);
    return;
  }
  const bool older = p.shape.ndim() <= 0 && p.target_shape.ndim() > 0;
  const Shape result = older ? older_reshape(p, in) : resolve_reshape(in, p.shape, p.reverse);
  GEMEL_CHECK(result.size() == in.size(),
              "[Reshape] cannot reshape {} ({} elements) to {} ({} elements)", in, in.size(),
              result, result.size());
  context.set_out(0, result);
}

void copy_bytes(const OpCall& call) {
  const Tensor &in = call.in[0], &out = call.out[0];
  if (in.address != out.address && in.bytes())
    std::memmove(out.address, in.address, static_cast<size_t>(in.bytes()));
}

std::vector<Entry> reshape_back(const GradientContext& context) {
  std::vector<Entry> result(context.node.inputs.size());
  result[0] = context.make("_reshape_as", {context.dy(), context.in(0)});
  return result;
}

uint32_t squeezed_axes(const Shape& in, const std::optional<Shape>& axis) {
  uint32_t bits = 0;
  if (!axis || axis->ndim() < 0) {
    for (int i = 0; i < in.ndim(); ++i) bits |= in[i] == 1 ? 1u << i : 0;
    return bits;
  }
  for (int64_t a : *axis) {
    const int i = normalize_axis(a, in.ndim(), "squeeze");
    GEMEL_CHECK(in[i] == 1, "[squeeze] expected axis {} of {} to have length 1", a, in);
    GEMEL_CHECK(!(bits >> i & 1), "[squeeze] expected different axes, got {}", *axis);
    bits |= 1u << i;
  }
  return bits;
}

void squeeze_rule(ShapeContext& context) {
  const Shape& in = context.in[0];
  if (!in.known()) return;
  const uint32_t drop = squeezed_axes(in, context.params<SqueezeParameters>().axis);
  Shape result;
  for (int i = 0; i < in.ndim(); ++i)
    if (!(drop >> i & 1)) result.push_back(in[i]);
  if (result.ndim() == 0 && in.ndim() > 0) result.push_back(1);
  context.set_out(0, result);
}

void flatten_rule(ShapeContext& context) {
  const Shape& in = context.in[0];
  if (in.ndim() <= 0) return;
  Shape result{in[0], 1};
  for (int i = 1; i < in.ndim() && result[1] >= 0; ++i)
    result[1] = in[i] < 0 ? -1 : result[1] * in[i];
  context.set_out(0, result);
  if (context.out[0].ndim() == 2 && in[0] < 0 && context.out[0][0] >= 0) {
    Shape batch = in;
    batch[0] = context.out[0][0];
    context.set_in(0, batch);
  }
}

void expand_dims_rule(ShapeContext& context) {
  const Shape& in = context.in[0];
  const int axis = context.params<AxisParameters>().axis;
  if (in.ndim() >= 0) {
    const int at = normalize_axis(axis, in.ndim() + 1, "expand_dims");
    Shape result;
    for (int i = 0; i <= in.ndim(); ++i) result.push_back(i == at ? 1 : in[i < at ? i : i - 1]);
    return context.set_out(0, result);
  }
  const Shape& out = context.out[0];
  if (out.ndim() <= 0) return;
  const int at = normalize_axis(axis, out.ndim(), "expand_dims");
  Shape source;
  for (int i = 0; i < out.ndim(); ++i)
    if (i != at) source.push_back(out[i]);
  context.set_in(0, source);
}

OpBuilder& as_view(OpBuilder& builder, std::function<void(ShapeContext&)> rule) {
  return builder.shape(std::move(rule))
      .gradient(reshape_back)
      .implement("copy", copy_bytes)
      .shares_memory(0, 0)
      .inplace({{0, 0}});
}

void first_type(TypeContext& context) {  // a second input gives only its shape
  context.set_out(0, context.in[0]);
  context.set_in(0, context.out[0]);
}

}  // namespace

Shape resolve_reshape(const Shape& in, const Shape& codes, bool reverse) {
  Shape source = in, target = codes;
  if (reverse) {
    std::reverse(source.begin(), source.end());
    std::reverse(target.begin(), target.end());
  }
  Shape result;
  int at = 0, inferred = -1;
  const auto take = [&](const char* what) {
    GEMEL_CHECK(at < source.ndim(), "[Reshape] {} has no axis left for {} in shape {}", in, what,
                codes);
    return source[at++];
  };
  for (int i = 0; i < target.ndim(); ++i) {
    const int64_t code = target[i];
    if (code > 0) {
      result.push_back(code);
      ++at;
    } else if (code == 0) {
      result.push_back(take("0"));
    } else if (code == -1) {
      GEMEL_CHECK(inferred < 0, "[Reshape] expected one -1, got {}", codes);
      inferred = result.ndim();
      result.push_back(1);
      ++at;
    } else if (code == -2) {
      while (at < source.ndim()) result.push_back(source[at++]);
    } else if (code == -3) {
      const int64_t first = take("-3");
      result.push_back(first * take("-3"));
    } else if (code == -4) {
      GEMEL_CHECK(i + 2 < target.ndim(), "[Reshape] expected two numbers after -4, got {}", codes);
      const int64_t size = take("-4");
      int64_t left = target[i + 1], right = target[i + 2];
      GEMEL_CHECK(left != -1 || right != -1, "[Reshape] expected at most one -1 after -4, got {}",
                  codes);
      if (left == -1 && right) left = size / right;
      if (right == -1 && left) right = size / left;
      GEMEL_CHECK(left >= 0 && right >= 0 && left * right == size,
                  "[Reshape] -4 cannot split an axis of {} into {} and {}", size, left, right);
      result.push_back(left);
      result.push_back(right);
      i += 2;
    } else {
      fail(ErrorKind::Input, "[Reshape] expected numbers of at least -4, got {}", codes);
    }
  }
  if (inferred >= 0) {
    const int64_t others = result.size();
    GEMEL_CHECK(others > 0 && in.size() % others == 0,
                "[Reshape] cannot infer -1: {} has {} elements, the other axes of {} take {}", in,
                in.size(), codes, others);
    result[inferred] = in.size() / others;
  }
  if (reverse) std::reverse(result.begin(), result.end());
  return result;
}

GEMEL_OPERATORS(reshape) {
  OpBuilder reshape = op<ReshapeParameters>("Reshape");
  as_view(reshape, reshape_rule)
      .alias({"reshape"})
      .doc("The same elements under another shape.")
      .inputs({"data"})
      .type(same_type)
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"shape", "(-1, 0)"}}})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"shape", "(-4, 1, 2, -2)"}}})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"shape", "(-1, 0)"}, {"reverse", "1"}}});
  OpBuilder flatten = op("Flatten");
  as_view(flatten, flatten_rule)
      .alias({"flatten"})
      .doc("All axes but the first joined into one.")
      .inputs({"data"})
      .type(same_type)
      .sample({.shapes = {{2, 3, 4}}});
  OpBuilder expand = op<AxisParameters>("expand_dims");
  as_view(expand, expand_dims_rule)
      .doc("Inserts an axis of length 1.")
      .inputs({"data"})
      .type(same_type)
      .sample({.shapes = {{2, 3}}, .attributes = {{"axis", "-2"}}});
  OpBuilder squeeze = op<SqueezeParameters>("squeeze");
  as_view(squeeze, squeeze_rule)
      .doc("Drops axes of length 1.")
      .inputs({"data"})
      .type(same_type)
      .sample({.shapes = {{2, 1, 3, 1}}})
      .sample({.shapes = {{2, 1, 3, 1}}, .attributes = {{"axis", "(-1,)"}}});
  OpBuilder like = op("_reshape_as");
  like.shape_only({1});
  as_view(like,
          [](ShapeContext& c) {
            c.set_out(0, c.in[1]);
            c.set_in(1, c.out[0]);
          })
      .doc("The first input under the shape of the second: the gradient of reshaping.")
      .inputs({"data", "like"})
      .type(first_type)
      .sample({.shapes = {{2, 6}, {3, 4}}});
  like.info().hidden = true;
}

}  // namespace gemel
