// LinearRegressionOutput, LogisticRegressionOutput and MAERegressionOutput: a prediction whose
// gradient is that of its loss against the label.
#include "op/registry.h"

#include "kernels/parallel.h"
#include "ops/floating_type.h"

namespace gemel::regression_output_op {
namespace {

struct RegressionParameters : Parameters {
  float grad_scale;
  static void declare(Fields<RegressionParameters>& f) {
    f.field("grad_scale", &RegressionParameters::grad_scale)
        .fallback("1")
        .doc("Multiplies the gradient.");
  }
};
using P = RegressionParameters;

enum class Regression { linear, logistic, absolute };

// The label has the shape of the data, or that without axes of size 1; (n, 1) suggests (n,).
void forward_shape(ShapeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  const Shape data = c.in[0];
  if (!data.known()) return;
  if (c.in[1].ndim() < 0) {
    c.set_in(1, data.ndim() == 2 && data[1] == 1 ? Shape{data[0]} : data);
    return;
  }
  if (!c.in[1].known()) return;
  const Shape& label = c.in[1];
  GEMEL_CHECK(
      label.size() == data.size() && label.ndim() >= 1 && data.ndim() >= 1 && label[0] == data[0],
      "[{}] expected a label of shape {} or of as many elements for each sample, got {}",
      c.op.name(), data, label);
}

template <Regression kind>
void forward(const OpCall& c) {
  if (kind != Regression::logistic) {
    if (c.out[0].address != c.in[0].address)
      std::memcpy(c.out[0].address, c.in[0].address, c.in[0].bytes());
    return;
  }
  dispatch_floating(c.out[0].dtype, c.op.name(), [&](auto type) {
    using T = typename decltype(type)::type;
    using C = compute_type<T>;
    const T* x = c.in[0].data<T>();
    T* y = c.out[0].data<T>();
    kernels::parallel_for(c.out[0].size(), 8, [&](int64_t i) {
      y[i] = static_cast<T>(1 / (1 + std::exp(-static_cast<C>(x[i]))));
    });
  });
}

// The loss is averaged over the outputs of a sample. in: out, label.
template <Regression kind>
void backward(const OpCall& c) {
  const auto& p = c.params<P>();
  const Tensor& out = c.in[0];
  const int64_t outputs = out.shape.size(1, out.shape.ndim());
  dispatch_floating(out.dtype, c.op.name(), [&](auto type) {
    using T = typename decltype(type)::type;
    using C = compute_type<T>;
    const C scale = static_cast<C>(p.grad_scale) / static_cast<C>(std::max<int64_t>(outputs, 1));
    const T *y = out.data<T>(), *label = c.in[1].data<T>();
    T* dx = c.out[0].data<T>();
    kernels::parallel_for(out.size(), 2, [&](int64_t i) {
      const C difference = static_cast<C>(y[i]) - static_cast<C>(label[i]);
      dx[i] = static_cast<T>(
          scale * (kind == Regression::absolute ? (difference > 0 ? C(1) : C(-1)) : difference));
    });
  });
}

template <Regression kind>
void declare(const std::string& name, std::string doc) {
  const std::string backward_name = "_backward_" + name;
  op<P>(name)
      .doc(std::move(doc))
      .inputs({"data", "label"})
      .shape(forward_shape)
      .type(floating_type)
      .gradient([backward_name](const GradientContext& c) -> std::vector<Entry> {
        return {c.make(backward_name, {c.out(0), c.in(1)}, c.node.parameters), Entry{}};
      })
      .ignores_head_gradient()
      .implement("reference", forward<kind>)
      .inplace({{0, 0}})
      .sample({.shapes = {{4, 3}, {4, 3}}})
      .sample({.shapes = {{4, 1}, {4}}, .attributes = {{"grad_scale", "2.0"}}});

  op<P>(backward_name)
      .doc("Gradient of " + name + ".")
      .inputs({"out", "label"})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[0]); })
      .implement("reference", backward<kind>)
      .inplace({{0, 0}});
}

}  // namespace

GEMEL_OPERATORS(regression_output) {
  declare<Regression::linear>(
      "LinearRegressionOutput",
      "The data itself. Its gradient is that of half the squared difference to `label`, whatever "
      "gradient "
      "arrives at the output: (out - label) * grad_scale / outputs per sample.");
  declare<Regression::logistic>("LogisticRegressionOutput",
                                "sigmoid(data). Its gradient is that of the cross entropy with "
                                "`label`, whatever gradient arrives at the "
                                "output: (out - label) * grad_scale / outputs per sample.");
  declare<Regression::absolute>("MAERegressionOutput",
                                "The data itself. Its gradient is that of the absolute difference "
                                "to `label`, whatever gradient arrives "
                                "at the output: grad_scale / outputs per sample, negative unless "
                                "the data exceeds the label.");
}

}  // namespace gemel::regression_output_op
