// SoftmaxActivation: softmax over the last axis, or over the channels.
#include "kernels/softmax/softmax.h"

#include "op/gradient.h"
#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::softmax_activation_op {
namespace {

enum class SoftmaxMode { channel, instance };

struct SoftmaxActivationParameters : Parameters {
  SoftmaxMode mode;
  static void declare(Fields<SoftmaxActivationParameters>& f) {
    f.choice("mode", &SoftmaxActivationParameters::mode,
             {{"channel", SoftmaxMode::channel}, {"instance", SoftmaxMode::instance}})
        .fallback("instance")
        .doc("'instance': over the last axis; 'channel': over the second axis.");
  }
};
using P = SoftmaxActivationParameters;

kernels::Softmax geometry(const P& p, const Shape& shape) {
  GEMEL_CHECK(shape.ndim() >= 2, "[SoftmaxActivation] expected data of at least 2 axes, got {}",
              shape);
  if (p.mode == SoftmaxMode::channel)
    return kernels::Softmax::along(kernels::SoftmaxKind::softmax, shape, 1);
  return kernels::Softmax::along(kernels::SoftmaxKind::softmax, shape, shape.ndim() - 1);
}

// y * (dy - sum(dy * y)), to be differentiated again.
std::vector<Entry> second_gradient(const GradientContext& c) {
  const Attributes axis = {{"axis", c.params<P>().mode == SoftmaxMode::channel ? "1" : "-1"},
                           {"keepdims", "1"}};
  return gradient_by_expression(c, 2, [&](const std::vector<Entry>& in) {
    const Entry sum = c.make("sum", {c.make("elemwise_mul", {in[0], in[1]})}, axis);
    return std::vector<Entry>{
        c.make("elemwise_mul", {in[1], c.make("broadcast_sub", {in[0], sum})})};
  });
}

}  // namespace

GEMEL_OPERATORS(softmax_activation) {
  op<P>("SoftmaxActivation")
      .doc("Softmax over the last axis, or over the channels at each position.")
      .inputs({"data"})
      .shape(same_shape)
      .type(floating_type)
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        return {c.make("_backward_SoftmaxActivation", {c.dy(), c.out(0)}, c.node.parameters)};
      })
      .implement("reference",
                 [](const OpCall& c) {
                   kernels::softmax(geometry(c.params<P>(), c.in[0].shape), c.in[0], c.out[0]);
                 })
      .inplace({{0, 0}})
      .sample({.shapes = {{4, 3}}})
      .sample({.shapes = {{2, 3, 2}}, .attributes = {{"mode", "channel"}}});

  op<P>("_backward_SoftmaxActivation")
      .doc("Gradient of SoftmaxActivation from its output.")
      .inputs({"dy", "y"})
      .shape(same_shape)
      .gradient(second_gradient)
      .implement("reference",
                 [](const OpCall& c) {
                   kernels::softmax_backward(geometry(c.params<P>(), c.in[0].shape), c.in[0],
                                             c.in[1], c.out[0]);
                 })
      .inplace({{0, 0}});
}

}  // namespace gemel::softmax_activation_op
