// L2Normalization: rows divided by their Euclidean length.
#include <cmath>

#include "kernels/parallel.h"
#include "op/formula.h"
#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::l2_normalization_op {
namespace {

enum class Mode { channel, instance, spatial };

struct L2NormalizationParameters : Parameters {
  float eps;
  Mode mode;
  static void declare(Fields<L2NormalizationParameters>& f) {
    f.field("eps", &L2NormalizationParameters::eps)
        .fallback("1.00000001e-10")
        .doc("Added to the sum of squares.");
    f.choice("mode", &L2NormalizationParameters::mode,
             {{"channel", Mode::channel}, {"instance", Mode::instance}, {"spatial", Mode::spatial}})
        .fallback("instance")
        .doc("What is a row: a sample, a position's channels, or a channel of a sample.");
  }
};
using P = L2NormalizationParameters;

void shape(ShapeContext& c) {
  same_shape(c);
  const int ndim = c.in[0].ndim(), least = c.params<P>().mode == Mode::instance ? 1 : 3;
  GEMEL_CHECK(ndim < 0 || ndim >= least, "[{}] expected data of at least {} axes, got {}",
              c.op.name(), least, c.in[0]);
}

struct Rows {
  int64_t outer, count, inner;
  Rows(const P& p, const Shape& s) {
    const int split = p.mode == Mode::spatial ? 2 : 1;
    const int end = p.mode == Mode::channel ? 2 : s.ndim();
    outer = s.size(0, split);
    count = s.size(split, end);
    inner = s.size(end, s.ndim());
  }
};

template <typename T>
void forward(const OpCall& c) {
  const auto& p = c.params<P>();
  const Rows rows(p, c.in[0].shape);
  kernels::parallel_for(rows.outer * rows.inner, rows.count * 2, [&](int64_t row) {
    const int64_t first = row / rows.inner * rows.count * rows.inner + row % rows.inner;
    const T* x = c.in[0].data<T>() + first;
    T* y = c.out[0].data<T>() + first;
    double sum = p.eps;
    for (int64_t i = 0; i < rows.count; ++i) {
      const double v = static_cast<double>(static_cast<compute_type<T>>(x[i * rows.inner]));
      sum += v * v;
    }
    const auto scale = static_cast<compute_type<T>>(1 / std::sqrt(sum));
    for (int64_t i = 0; i < rows.count; ++i)
      y[i * rows.inner] = static_cast<T>(static_cast<compute_type<T>>(x[i * rows.inner]) * scale);
  });
}

std::vector<Entry> formula(const GradientContext& c, const std::vector<Entry>& in) {
  const auto& p = c.params<P>();
  Attributes axes = {{"keepdims", "True"}, {"axis", "0"}, {"exclude", "True"}};
  if (p.mode == Mode::channel) axes = {{"keepdims", "True"}, {"axis", "1"}};
  if (p.mode == Mode::spatial) axes["axis"] = "(0, 1)";
  const Entry sum = c.make("sum", {c.make("square", {in[0]})}, axes);
  const Entry shifted =
      c.make("_plus_scalar", {sum}, {{"scalar", print_value(static_cast<double>(p.eps))}});
  return {c.make("broadcast_mul", {in[0], c.make("rsqrt", {shifted})})};
}

}  // namespace

GEMEL_OPERATORS(l2_normalization) {
  op<P>("L2Normalization")
      .doc(
          "x / sqrt(sum(x^2) + eps), with sums over each sample ('instance'), over the channels at "
          "each position ('channel'), or over each channel of each sample ('spatial').")
      .inputs({"data"})
      .outputs({"output"}, 1)
      .file_outputs(2)
      .shape(shape)
      .type(floating_type)
      .gradient(gradient_of(formula))
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch_floating(c.out[0].dtype, c.op.name(),
                                     [&](auto type) { forward<typename decltype(type)::type>(c); });
                 })
      .inplace({{0, 0}})
      .sample({.shapes = {{3, 5}}})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"mode", "channel"}}})
      .sample({.shapes = {{2, 3, 4, 2}}, .attributes = {{"mode", "spatial"}, {"eps", "0.1"}}});
}

}  // namespace gemel::l2_normalization_op
