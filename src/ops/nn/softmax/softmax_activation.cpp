// SoftmaxActivation: softmax over the last axis, or over the channels.
#include "kernels/softmax/softmax.h"

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
      .implement("reference",
                 [](const OpCall& c) {
                   kernels::softmax_backward(geometry(c.params<P>(), c.in[0].shape), c.in[0],
                                             c.in[1], c.out[0]);
                 })
      .inplace({{0, 0}});
}

}  // namespace gemel::softmax_activation_op
