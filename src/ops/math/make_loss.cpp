// Outputs that are losses: their gradient is given by them and not by what follows.
#include "pointwise/operator.h"

namespace gemel::pointwise {

namespace {

enum class Normalization { batch, none, valid };
struct MakeLossParameters : Parameters {
  float grad_scale = 1, valid_thresh = 0;
  Normalization normalization = Normalization::none;
  static void declare(Fields<MakeLossParameters>& f) {
    f.field("grad_scale", &MakeLossParameters::grad_scale)
        .fallback("1")
        .doc("Gradient of every element.");
    f.field("valid_thresh", &MakeLossParameters::valid_thresh)
        .fallback("0")
        .doc("Elements above it count as valid.");
    f.choice("normalization", &MakeLossParameters::normalization,
             {{"batch", Normalization::batch},
              {"null", Normalization::none},
              {"valid", Normalization::valid}})
        .fallback("null")
        .doc("Divide the gradient by the batch size or by the number of valid elements.");
  }
};

void copy_kernel(const OpCall& call) {
  static const Program copy({input(0)});
  if (call.in[0].address != call.out[0].address) copy.run(call.in, {}, call.out);
}

void make_loss_gradient(const OpCall& call) {
  static const Program fill({scalar(0)});
  const auto& p = call.params<MakeLossParameters>();
  double scale = p.grad_scale;
  if (p.normalization == Normalization::batch) {
    scale /= std::max<int64_t>(call.in[0].shape.ndim() ? call.in[0].shape[0] : 1, 1);
  } else if (p.normalization == Normalization::valid) {
    int64_t valid = 0;
    dispatch(call.in[0].dtype, [&]<typename T>(Type<T>) {
      const T* x = call.in[0].data<T>();
      for (int64_t i = 0; i < call.in[0].size(); ++i)
        valid += static_cast<compute_type<T>>(x[i]) > p.valid_thresh;
    });
    scale /= std::max<int64_t>(valid, 1);
  }
  fill.run({}, std::span<const double>(&scale, 1), call.out);
}

}  // namespace

GEMEL_OPERATORS(make_loss) {
  op<MakeLossParameters>("MakeLoss")
      .doc("The input as a loss: its gradient is grad_scale everywhere, normalised.")
      .inputs({"data"})
      .shape(same_shape)
      .type(same_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_backward_MakeLoss", {c.in(0)}, c.node.parameters)};
      })
      .ignores_head_gradient()
      .implement("copy", copy_kernel)
      .inplace({{0, 0}})
      .sample(
          {.shapes = {{2, 3}}, .attributes = {{"grad_scale", "0.5"}, {"normalization", "batch"}}});
  OpBuilder backward = op<MakeLossParameters>("_backward_MakeLoss");
  backward.doc("Gradient of MakeLoss.")
      .inputs({"data"})
      .shape(same_shape)
      .type(same_type)
      .no_gradient()
      .implement("fill", make_loss_gradient)
      .sample({.shapes = {{2, 3}}, .attributes = {{"normalization", "valid"}}});
  backward.info().hidden = true;
  op("make_loss")
      .doc("The input as a loss: its gradient is 1 everywhere.")
      .inputs({"data"})
      .outputs({"loss"}, 1)
      .shape(same_shape)
      .type(same_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("ones_like", {c.in(0)})};
      })
      .ignores_head_gradient()
      .implement("copy", copy_kernel)
      .inplace({{0, 0}})
      .sample({.shapes = {{2, 3}}});
}

}  // namespace gemel::pointwise
