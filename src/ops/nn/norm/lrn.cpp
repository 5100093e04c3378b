// LRN: normalisation over neighbouring channels (Krizhevsky et al. 2012).
#include <algorithm>
#include <vector>

#include "kernels/parallel.h"
#include "op/formula.h"
#include "op/registry.h"
#include "ops/floating_type.h"
#include "simd/primitives.h"

namespace gemel::lrn_op {
namespace {

struct LRNParameters : Parameters {
  float alpha, beta, knorm;
  int nsize;
  static void declare(Fields<LRNParameters>& f) {
    using P = LRNParameters;
    f.field("alpha", &P::alpha).fallback("9.99999975e-05").doc("Weight of the sum of squares.");
    f.field("beta", &P::beta).fallback("0.75").doc("Power of the divisor.");
    f.field("knorm", &P::knorm).fallback("2").doc("Added to the weighted sum.");
    f.field("nsize", &P::nsize)
        .range(1, 2147483647)
        .doc("Channels that are summed, nsize / 2 on each side.")
        .type = "int (non-negative)";
  }
  int64_t side() const { return nsize / 2; }
  double weight() const { return static_cast<double>(alpha) / nsize; }
};
using P = LRNParameters;

void shape(ShapeContext& c) {
  same_shape(c);
  GEMEL_CHECK(c.in[0].ndim() < 0 || c.in[0].ndim() == 4,
              "[{}] expected data of 4 axes (batch, channel, height, width), got {}", c.op.name(),
              c.in[0]);
}

// One sample of `channels` lines in the type of computation.
template <typename C>
struct SampleLines {
  int64_t channels, space;
  // to = sum of the lines around each; from and to differ.
  void window_sums(int64_t side, const C* from, C* to) const {
    for (int64_t c = 0; c < channels; ++c) {
      C* line = to + c * space;
      std::fill_n(line, space, C(0));
      const int64_t end = std::min(channels, c + side + 1);
      for (int64_t k = std::max<int64_t>(0, c - side); k < end; ++k)
        for (int64_t i = 0; i < space; ++i) line[i] += from[k * space + i];
    }
  }
};

// Calls f(lines, offset) for every sample.
template <typename C, typename F>
void each_sample(const P& p, const Shape& s, F&& f) {
  const SampleLines<C> lines{s[1], s[2] * s[3]};
  const int64_t size = lines.channels * lines.space;
  kernels::parallel_for(s[0], size * (p.nsize + 8), [&](int64_t n) { f(lines, n * size); });
}

// divisor = knorm + weight * window sums of squares.
template <typename C>
void divisors(const P& p, const SampleLines<C>& lines, const std::vector<C>& x,
              std::vector<C>& scratch, std::vector<C>& divisor) {
  for (size_t i = 0; i < x.size(); ++i) scratch[i] = x[i] * x[i];
  lines.window_sums(p.side(), scratch.data(), divisor.data());
  for (C& d : divisor) d = static_cast<C>(p.knorm) + static_cast<C>(p.weight()) * d;
}

template <typename C>
void power(const std::vector<C>& x, double exponent, std::vector<C>& out) {
  simd::primitives<C>().of_right_scalar(simd::Primitive::pow)(x.data(), static_cast<C>(exponent),
                                                              out.data(), x.size());
}

template <typename T>
void forward(const OpCall& c) {
  using C = compute_type<T>;
  const auto& p = c.params<P>();
  each_sample<C>(p, c.in[0].shape, [&](const SampleLines<C>& lines, int64_t offset) {
    const T* from = c.in[0].data<T>() + offset;
    const auto size = static_cast<size_t>(lines.channels * lines.space);
    const std::vector<C> x(from, from + size);
    std::vector<C> scratch(size), divisor(size);
    divisors(p, lines, x, scratch, divisor);
    power(divisor, -p.beta, scratch);
    T* to = c.out[0].data<T>() + offset;
    for (size_t i = 0; i < size; ++i) to[i] = static_cast<T>(x[i] * scratch[i]);
  });
}

// dx = dy s^-beta - 2 beta weight x (window sums of dy x s^(-beta-1)). in: dy, data.
template <typename T>
void backward(const OpCall& c) {
  using C = compute_type<T>;
  const auto& p = c.params<P>();
  each_sample<C>(p, c.in[1].shape, [&](const SampleLines<C>& lines, int64_t offset) {
    const T *head = c.in[0].data<T>() + offset, *from = c.in[1].data<T>() + offset;
    const auto size = static_cast<size_t>(lines.channels * lines.space);
    const std::vector<C> dy(head, head + size), x(from, from + size);
    std::vector<C> scratch(size), divisor(size), scale(size);
    divisors(p, lines, x, scratch, divisor);
    power(divisor, -p.beta, scale);
    for (size_t i = 0; i < size; ++i) scratch[i] = dy[i] * x[i] * scale[i] / divisor[i];
    lines.window_sums(p.side(), scratch.data(), divisor.data());
    const C factor = static_cast<C>(2 * p.beta * p.weight());
    T* to = c.out[0].data<T>() + offset;
    for (size_t i = 0; i < size; ++i)
      to[i] = static_cast<T>(dy[i] * scale[i] - factor * x[i] * divisor[i]);
  });
}

// Sums over channels are those of pooling over the axis before the last.
std::vector<Entry> formula(const GradientContext& c, const std::vector<Entry>& in) {
  const auto& p = c.params<P>();
  const auto scalar = [&](const char* op, const Entry& e, double value) {
    return c.make(op, {e}, {{"scalar", print_value(value)}});
  };
  const Entry plane =
      c.make("reshape", {c.make("square", {in[0]})}, {{"shape", "(0, -4, 1, -1, -3)"}});
  const Entry sums = c.make("Pooling", {plane},
                            {{"pool_type", "sum"},
                             {"kernel", print_value(Shape{2 * p.side() + 1, 1})},
                             {"pad", print_value(Shape{p.side(), 0})}});
  const Entry divisor = scalar("_plus_scalar", scalar("_mul_scalar", sums, p.weight()), p.knorm);
  const Entry scale = scalar("_power_scalar", c.make("reshape_like", {divisor, in[0]}), -p.beta);
  return {c.make("elemwise_mul", {in[0], scale})};
}

}  // namespace

GEMEL_OPERATORS(lrn) {
  op<P>("LRN")
      .doc(
          "x / (knorm + alpha / nsize * sum(x^2))^beta, where the sum runs over the nsize channels "
          "around each, for data (batch, channel, height, width).")
      .inputs({"data"})
      .outputs({"output"}, 1)
      .file_outputs(2)
      .shape(shape)
      .type(floating_type)
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        return {c.make("_backward_LRN", {c.dy(), c.in(0)}, c.node.parameters)};
      })
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch_floating(c.out[0].dtype, c.op.name(),
                                     [&](auto type) { forward<typename decltype(type)::type>(c); });
                 })
      .inplace({{0, 0}})
      .sample({.shapes = {{2, 4, 3, 3}}, .attributes = {{"nsize", "3"}}})
      .sample({.shapes = {{1, 7, 2, 3}},
               .attributes = {{"nsize", "5"}, {"alpha", "0.5"}, {"beta", "0.6"}, {"knorm", "1"}}});

  op<P>("_backward_LRN")
      .doc("Gradient of LRN.")
      .inputs({"dy", "data"})
      .shape(same_shape)
      .gradient(gradient_of(differentiated(formula, 1, 1)))
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch_floating(c.out[0].dtype, c.op.name(), [&](auto type) {
                     backward<typename decltype(type)::type>(c);
                   });
                 })
      .inplace({{0, 0}});
}

}  // namespace gemel::lrn_op
