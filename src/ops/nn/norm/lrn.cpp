// LRN: normalisation over neighbouring channels (Krizhevsky et al. 2012).
#include <algorithm>
#include <vector>

#include "kernels/parallel.h"
#include "op/formula.h"
#include "op/registry.h"
#include "ops/floating_type.h"
#include "simd/channel_loops.h"
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

// Stretches of channels in vectors: those that a window spans go round in a few lines of scratch
// that stay in the cache, so data is read and the result written once.
constexpr int64_t stretch = 512;

class Lines {
 public:
  Lines(int64_t channels, int64_t side)
      : channels_(channels),
        side_(side),
        count_(std::min(channels, 2 * side + 1)),
        values_(static_cast<size_t>(count_ * stretch)) {}
  float* operator[](int64_t channel) { return values_.data() + channel % count_ * stretch; }
  // The window of channel c, whose lines are all made; it lives until the next.
  simd::ChannelWindow around(int64_t c, const P& p, float offset, float weight) {
    window_.clear();
    const int64_t end = std::min(channels_, c + side_ + 1);
    for (int64_t k = std::max<int64_t>(0, c - side_); k < end; ++k) window_.push_back((*this)[k]);
    return {window_.data(), window_.size(), offset, weight, p.beta};
  }

 private:
  int64_t channels_, side_, count_;
  std::vector<float> values_;
  std::vector<const float*> window_;
};

// Calls f(offset of the first channel, length) for the stretches of every sample.
template <typename F>
void each_stretch(const P& p, const Shape& s, F&& f) {
  const int64_t space = s[2] * s[3], across = (space + stretch - 1) / stretch;
  kernels::parallel_for(s[0] * across, s[1] * stretch * (p.nsize + 8), [&](int64_t i) {
    const int64_t first = i % across * stretch;
    f(i / across * s[1] * space + first, static_cast<size_t>(std::min(stretch, space - first)));
  });
}

void forward_vector(const OpCall& c) {
  const auto& p = c.params<P>();
  const auto& loops = simd::channel_loops();
  const Shape& s = c.in[0].shape;
  const int64_t space = s[2] * s[3], side = std::min<int64_t>(p.side(), s[1]);
  each_stretch(p, s, [&](int64_t offset, size_t n) {
    const float* x = c.in[0].data<float>() + offset;
    float* out =
        c.out[0].data<float>() + offset;  // may be x: a channel is written after its window
    Lines squares(s[1], side);
    for (int64_t ready = 0; ready < s[1] + side; ++ready) {
      if (ready < s[1]) loops.squares(x + ready * space, squares[ready], n);
      const int64_t at = ready - side;
      if (at >= 0)
        loops.normalize(squares.around(at, p, p.knorm, static_cast<float>(p.weight())),
                        x + at * space, out + at * space, n);
    }
  });
}

void backward_vector(const OpCall& c) {
  const auto& p = c.params<P>();
  const auto& loops = simd::channel_loops();
  const Shape& s = c.in[1].shape;
  const int64_t space = s[2] * s[3], side = std::min<int64_t>(p.side(), s[1]);
  const auto factor = static_cast<float>(2 * p.beta * p.weight());
  each_stretch(p, s, [&](int64_t offset, size_t n) {
    const float *dy = c.in[0].data<float>() + offset, *x = c.in[1].data<float>() + offset;
    float* out = c.out[0].data<float>() + offset;  // may be dy
    Lines squares(s[1], side), ratios(s[1], side), scaled(s[1], side);
    for (int64_t ready = 0; ready < s[1] + 2 * side; ++ready) {
      if (ready < s[1]) loops.squares(x + ready * space, squares[ready], n);
      const int64_t middle = ready - side, at = middle - side;
      if (middle >= 0 && middle < s[1])
        loops.ratios(squares.around(middle, p, p.knorm, static_cast<float>(p.weight())),
                     dy + middle * space, x + middle * space, scaled[middle], ratios[middle], n);
      if (at >= 0)
        loops.gradient(ratios.around(at, p, 0, factor), scaled[at], x + at * space,
                       out + at * space, n);
    }
  });
}

bool is_float(const OpCall& c) { return c.out[0].dtype == DType::float32; }

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
      .implement("vector", forward_vector, is_float)
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
      .implement("vector", backward_vector, is_float)
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch_floating(c.out[0].dtype, c.op.name(), [&](auto type) {
                     backward<typename decltype(type)::type>(c);
                   });
                 })
      .inplace({{0, 0}});
}

}  // namespace gemel::lrn_op
