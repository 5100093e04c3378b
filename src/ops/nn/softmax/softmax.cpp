// softmax, log_softmax and softmin.
#include "kernels/softmax/softmax.h"

#include "op/registry.h"

namespace gemel::softmax_op {
namespace {

using kernels::Softmax;
using kernels::SoftmaxKind;

struct SoftmaxParameters : Parameters {
  int axis;
  std::optional<double> temperature;
  DType dtype;
  std::optional<bool> use_length;
  static void declare(Fields<SoftmaxParameters>& f) {
    using P = SoftmaxParameters;
    f.field("axis", &P::axis).fallback("-1").doc("The axis whose elements add up to 1.");
    f.field("temperature", &P::temperature)
        .fallback("None")
        .doc("Divides data first; 1 when None.");
    f.choice("dtype", &P::dtype,
             {{"None", DType::none},
              {"float16", DType::float16},
              {"float32", DType::float32},
              {"float64", DType::float64}})
        .fallback("None")
        .doc("Element type of the result; that of data when None.");
    f.field("use_length", &P::use_length)
        .fallback("0")
        .doc("Take only the first `length` elements along the axis.");
  }
};
using P = SoftmaxParameters;

std::vector<std::string> softmax_inputs(const P& p) {
  if (p.use_length.value_or(false)) return {"data", "length"};
  return {"data"};
}

void forward_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  if (c.in[0].ndim() < 0) return;
  GEMEL_CHECK(c.in[0].ndim() > 0, "[{}] expected data of at least one axis, got a scalar",
              c.op.name());
  const int axis = normalize_axis(p.axis, c.in[0].ndim(), c.op.name());
  if (c.in.size() < 2) {
    GEMEL_CHECK(!p.use_length.value_or(false),
                "[{}] use_length is supported by softmax only; got use_length=True", c.op.name());
    return;
  }
  Shape rest;
  for (int i = 0; i < c.in[0].ndim(); ++i)
    if (i != axis) rest.push_back(c.in[0][i]);
  c.set_in(1, rest);
}

void forward_type(TypeContext& c) {
  const auto& p = c.params<P>();
  GEMEL_CHECK(c.in[0] == DType::none || is_floating(c.in[0]),
              "[{}] expected a floating-point dtype, got {}; cast data first", c.op.name(),
              name_of(c.in[0]));
  if (p.dtype != DType::none)
    c.set_out(0, p.dtype);
  else {
    c.set_out(0, c.in[0]);
    c.set_in(0, c.out[0]);
  }
  if (c.in.size() > 1)
    GEMEL_CHECK(c.in[1] == DType::none || c.in[1] == DType::int32 || c.in[1] == DType::int64,
                "[{}] expected length of dtype int32 or int64, got {}", c.op.name(),
                name_of(c.in[1]));
}

Softmax geometry(SoftmaxKind kind, const P& p, const Shape& shape) {
  Softmax s = Softmax::along(kind, shape, normalize_axis(p.axis, shape.ndim(), "softmax"));
  s.temperature = p.temperature.value_or(1);
  return s;
}

template <SoftmaxKind kind>
void forward(const OpCall& c) {
  Softmax s = geometry(kind, c.params<P>(), c.in[0].shape);
  if (c.in.size() > 1) s.lengths = &c.in[1];
  kernels::softmax(s, c.in[0], c.out[0]);
}

// dy, y and, where the result's type is not that of data, data for its type.
std::vector<std::string> backward_inputs(const P& p) {
  if (p.dtype != DType::none) return {"dy", "y", "data"};
  return {"dy", "y"};
}

template <SoftmaxKind kind>
void backward(const OpCall& c) {
  kernels::softmax_backward(geometry(kind, c.params<P>(), c.in[0].shape), c.in[0], c.in[1],
                            c.out[0]);
}

void backward_type(TypeContext& c) { c.set_out(0, c.in.size() > 2 ? c.in[2] : c.in[0]); }

const char* backward_name(SoftmaxKind kind) {
  return kind == SoftmaxKind::softmax       ? "_backward_softmax"
         : kind == SoftmaxKind::log_softmax ? "_backward_log_softmax"
                                            : "_backward_softmin";
}

template <SoftmaxKind kind>
std::vector<Entry> forward_gradient(const GradientContext& c) {
  std::vector<Entry> inputs = {c.dy(), c.out(0)};
  if (c.params<P>().dtype != DType::none) inputs.push_back(c.in(0));
  std::vector<Entry> result = {c.make(backward_name(kind), inputs, c.node.parameters)};
  if (c.node.inputs.size() > 1) result.push_back(Entry{});
  return result;
}

// Second order. With f = +-1/temperature and S the sum along the axis:
//   softmax:      dx = f y (dy - S(dy y))
//   log_softmax:  dx = f (dy - exp(y) S(dy))
template <SoftmaxKind kind>
std::vector<Entry> backward_gradient(const GradientContext& c) {
  const auto& p = c.params<P>();
  const Entry h = c.dy(), dy = c.in(0), y = c.in(1);
  const double factor = (kind == SoftmaxKind::softmin ? -1 : 1) / p.temperature.value_or(1);
  const auto sum = [&](Entry e) {
    return c.make("sum", {e}, {{"axis", print_value(p.axis)}, {"keepdims", "True"}});
  };
  const auto multiply = [&](Entry a, Entry b) { return c.make("broadcast_mul", {a, b}); };
  const auto scale = [&](Entry a, double by) {
    return c.make("_mul_scalar", {a}, {{"scalar", print_value(by)}});
  };
  std::vector<Entry> result;
  if (kind == SoftmaxKind::log_softmax) {
    const Entry softmax = c.make("exp", {y});
    result = {scale(c.make("broadcast_sub", {h, sum(multiply(softmax, h))}), factor),
              scale(multiply(multiply(softmax, h), sum(dy)), -factor)};
  } else {
    const Entry centred = c.make("broadcast_sub", {dy, sum(multiply(dy, y))});
    result = {
        scale(multiply(y, c.make("broadcast_sub", {h, sum(multiply(h, y))})), factor),
        scale(c.make("broadcast_sub", {multiply(h, centred), multiply(dy, sum(multiply(h, y)))}),
              factor)};
  }
  if (c.node.inputs.size() > 2) result.push_back(Entry{});
  return result;
}

template <SoftmaxKind kind>
void declare(std::string name, std::string doc) {
  OpBuilder forward_op = op<P>(name);
  forward_op.doc(std::move(doc))
      .shape(forward_shape)
      .type(forward_type)
      .gradient(forward_gradient<kind>)
      .implement("reference", forward<kind>)
      .inplace({{0, 0}})
      .sample({.shapes = {{3, 5}}})
      .sample({.shapes = {{3, 4, 2}}, .attributes = {{"axis", "1"}}})
      .sample({.shapes = {{3, 5}}, .attributes = {{"axis", "0"}, {"temperature", "2.0"}}})
      .sample({.shapes = {{1}}});
  if (kind == SoftmaxKind::softmax)
    forward_op.inputs(&softmax_inputs);
  else
    forward_op.inputs({"data"});

  op<P>(backward_name(kind))
      .doc("Gradient of " + name + " from its output.")
      .inputs(&backward_inputs)
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_out(0, c.in[1]);
      })
      .type(backward_type)
      .gradient(backward_gradient<kind>)
      .implement("reference", backward<kind>)
      .inplace({{0, 0}});
}

}  // namespace

GEMEL_OPERATORS(softmax) {
  declare<SoftmaxKind::softmax>("softmax",
                                "exp(x / temperature) divided by its sum along `axis`. With "
                                "`use_length`, the second input holds how "
                                "many elements along the axis take part; the others become 0.");
  declare<SoftmaxKind::log_softmax>("log_softmax",
                                    "Logarithm of softmax(x / temperature) along `axis`, computed "
                                    "without leaving the logarithmic scale.");
  declare<SoftmaxKind::softmin>(
      "softmin", "softmax(-x / temperature) along `axis`: the smallest gets the most.");
}

}  // namespace gemel::softmax_op
