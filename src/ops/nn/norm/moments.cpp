// moments: mean and variance along axes.
#include <vector>

#include "kernels/reduce.h"
#include "op/formula.h"
#include "op/registry.h"
#include "ops/reduce/axes.h"

namespace gemel::moments_op {
namespace {

struct MomentsParameters : Parameters {
  std::optional<Shape> axes;
  bool keepdims;
  static void declare(Fields<MomentsParameters>& f) {
    f.field("axes", &MomentsParameters::axes)
        .fallback("None")
        .doc("Axes to reduce; at least one.")
        .type = "Shape or None";
    f.field("keepdims", &MomentsParameters::keepdims)
        .fallback("0")
        .doc("Keep reduced axes with length 1.");
  }
};
using P = MomentsParameters;

uint32_t axes_of(const P& p, int ndim, std::string_view who) {
  GEMEL_CHECK(p.axes && p.axes->ndim() > 0,
              "[{}] expected axes to reduce, got {}; name all of them "
              "for moments over everything",
              who, print_value(p.axes));
  return reduced_axes(p.axes, false, ndim, who);
}

void shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  if (c.in[0].ndim() < 0) return;
  const Shape out = reduced_shape(c.in[0], axes_of(p, c.in[0].ndim(), c.op.name()), p.keepdims);
  c.set_out(0, out);
  c.set_out(1, out);
}

// mean(x) and mean((x - mean)^2); the second pass sees x centred in the type of computation.
template <typename T>
void forward(const OpCall& c) {
  // Integers have real moments, which are cut off at the end.
  using C = std::conditional_t<std::is_floating_point_v<compute_type<T>>, compute_type<T>, double>;
  const auto& p = c.params<P>();
  const Tensor& in = c.in[0];
  const uint32_t axes = axes_of(p, in.shape.ndim(), c.op.name());
  constexpr DType wide = std::is_same_v<C, double> ? DType::float64 : DType::float32;
  const Shape kept = reduced_shape(in.shape, axes, true);
  std::vector<C> x(in.data<T>(), in.data<T>() + in.size());
  std::vector<C> mean(static_cast<size_t>(kept.size())), variance(mean.size());
  const auto tensor = [&](std::vector<C>& v, const Shape& s) { return Tensor(v.data(), s, wide); };
  kernels::reduce(kernels::Reduction::mean, tensor(x, in.shape), axes, tensor(mean, kept));
  const Shape strides = contiguous_strides(kept);
  for (int64_t i = 0; i < in.size(); ++i) {
    int64_t at = 0, rest = i;
    for (int a = in.shape.ndim() - 1; a >= 0; --a) {
      if (kept[a] > 1) at += rest % in.shape[a] * strides[a];
      rest /= in.shape[a];
    }
    x[i] = (x[i] - mean[at]) * (x[i] - mean[at]);
  }
  kernels::reduce(kernels::Reduction::mean, tensor(x, in.shape), axes, tensor(variance, kept));
  for (size_t i = 0; i < mean.size(); ++i) {
    c.out[0].data<T>()[i] = static_cast<T>(mean[i]);
    c.out[1].data<T>()[i] = static_cast<T>(variance[i]);
  }
}

std::vector<Entry> formula(const GradientContext& c, const std::vector<Entry>& in) {
  const auto& p = c.params<P>();
  const std::string axes = print_value(p.axes.value_or(Shape()));
  const Attributes keep = {{"axis", axes}, {"keepdims", "True"}};
  const Attributes result = {{"axis", axes}, {"keepdims", print_value(p.keepdims)}};
  const Entry centred = c.make("broadcast_sub", {in[0], c.make("mean", {in[0]}, keep)});
  return {c.make("mean", {in[0]}, result), c.make("mean", {c.make("square", {centred})}, result)};
}

}  // namespace

GEMEL_OPERATORS(moments) {
  op<P>("moments")
      .doc("Mean and variance of data along `axes`.")
      .inputs({"data"})
      .outputs(2, 2)
      .shape(shape)
      .type(same_type)
      .gradient(gradient_of(formula))
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch(c.out[0].dtype,
                            [&](auto type) { forward<typename decltype(type)::type>(c); });
                 })
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axes", "(0, 2)"}}})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axes", "(-1,)"}, {"keepdims", "True"}}});
}

}  // namespace gemel::moments_op
