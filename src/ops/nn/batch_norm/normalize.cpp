#include "ops/nn/batch_norm/normalize.h"

#include <cmath>

#include "kernels/parallel.h"

namespace gemel {
namespace {

using Geometry = ChannelGeometry;

template <typename F>
void with_type(const Geometry& g, F&& f) {
  dispatch_floating(g.dtype, "BatchNorm", [&](auto type) {
    using T = typename decltype(type)::type;
    f(T{}, compute_type<T>{});
  });
}

template <typename F>
void each_channel(const Geometry& g, F&& f) {
  kernels::parallel_for(g.channels, g.outer * g.inner * 4, f);
}

// The sum over one channel of term(element offset). Eight sums run side by side along each line and
// lines add up in double, so that long channels keep their precision.
template <typename C, typename Term>
double channel_sum(const Geometry& g, int64_t channel, Term&& term) {
  constexpr int lanes = 8;
  double total = 0;
  for (int64_t o = 0; o < g.outer; ++o) {
    const int64_t line = (o * g.channels + channel) * g.inner;
    C sums[lanes] = {};
    int64_t i = 0;
    for (; i + lanes <= g.inner; i += lanes)
      for (int l = 0; l < lanes; ++l) sums[l] += term(line + i + l);
    for (; i < g.inner; ++i) sums[0] += term(line + i);
    total += ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  }
  return total;
}

template <typename F>
void channel_elements(const Geometry& g, int64_t channel, F&& f) {
  for (int64_t o = 0; o < g.outer; ++o) {
    const int64_t line = (o * g.channels + channel) * g.inner;
    for (int64_t i = line; i < line + g.inner; ++i) f(i);
  }
}

}  // namespace

void channel_statistics(const Geometry& g, const void* data, void* mean, void* inverse_deviation) {
  with_type(g, [&]<typename T, typename C>(T, C) {
    const T* x = static_cast<const T*>(data);
    const double count = static_cast<double>(std::max<int64_t>(g.outer * g.inner, 1));
    each_channel(g, [&](int64_t channel) {
      const C middle = static_cast<C>(
          channel_sum<C>(g, channel, [&](int64_t i) { return static_cast<C>(x[i]); }) / count);
      const double squares = channel_sum<C>(g, channel, [&](int64_t i) {
        const C d = static_cast<C>(x[i]) - middle;
        return d * d;
      });
      static_cast<C*>(mean)[channel] = middle;
      static_cast<C*>(inverse_deviation)[channel] = static_cast<C>(1 / std::sqrt(squares / count + g.eps));
    });
  });
}

void inverse_deviations(const Geometry& g, const void* variance, void* inverse_deviation) {
  with_type(g, [&]<typename T, typename C>(T, C) {
    for (int64_t c = 0; c < g.channels; ++c)
      static_cast<C*>(inverse_deviation)[c] = static_cast<C>(1 / std::sqrt(static_cast<const C*>(variance)[c] + g.eps));
  });
}

void normalize_channels(const Geometry& g, const void* data, const void* mean, const void* inverse_deviation,
                        const void* gamma, const void* beta, void* out) {
  with_type(g, [&]<typename T, typename C>(T, C) {
    const T* x = static_cast<const T*>(data);
    T* y = static_cast<T*>(out);
    each_channel(g, [&](int64_t channel) {
      const C middle = static_cast<const C*>(mean)[channel], shift = static_cast<const C*>(beta)[channel];
      C scale = static_cast<const C*>(inverse_deviation)[channel];
      if (gamma) scale *= static_cast<const C*>(gamma)[channel];
      channel_elements(g, channel, [&](int64_t i) {
        y[i] = static_cast<T>((static_cast<C>(x[i]) - middle) * scale + shift);
      });
    });
  });
}

void normalize_channels_backward(const Geometry& g, bool moves, const void* dy, const void* data, const void* mean,
                                 const void* inverse_deviation, const void* gamma, void* dx, void* dgamma,
                                 void* dbeta) {
  with_type(g, [&]<typename T, typename C>(T, C) {
    const T* head = static_cast<const T*>(dy);
    const T* x = static_cast<const T*>(data);
    T* target = static_cast<T*>(dx);
    const double count = static_cast<double>(std::max<int64_t>(g.outer * g.inner, 1));
    each_channel(g, [&](int64_t channel) {
      const C middle = static_cast<const C*>(mean)[channel];
      const C inverse = static_cast<const C*>(inverse_deviation)[channel];
      const C scale = inverse * (gamma ? static_cast<const C*>(gamma)[channel] : C(1));
      const double sum = channel_sum<C>(g, channel, [&](int64_t i) { return static_cast<C>(head[i]); });
      const double product = channel_sum<C>(g, channel, [&](int64_t i) {
        return static_cast<C>(head[i]) * (static_cast<C>(x[i]) - middle);
      });
      static_cast<C*>(dgamma)[channel] = gamma ? static_cast<C>(product * inverse) : C(0);
      static_cast<C*>(dbeta)[channel] = static_cast<C>(sum);
      if (!moves) {
        channel_elements(g, channel, [&](int64_t i) { target[i] = static_cast<T>(static_cast<C>(head[i]) * scale); });
        return;
      }
      const C average = static_cast<C>(sum / count);
      const C slope = static_cast<C>(product / count * inverse * inverse);
      channel_elements(g, channel, [&](int64_t i) {
        target[i] = static_cast<T>(
            (static_cast<C>(head[i]) - average - (static_cast<C>(x[i]) - middle) * slope) * scale);
      });
    });
  });
}

void move_statistics(const Geometry& g, double momentum, const void* mean, const void* inverse_deviation,
                     void* moving_mean, void* moving_variance) {
  with_type(g, [&]<typename T, typename C>(T, C) {
    for (int64_t c = 0; c < g.channels; ++c) {
      const double inverse = static_cast<const C*>(inverse_deviation)[c];
      const double variance = 1 / (inverse * inverse) - g.eps;
      C& m = static_cast<C*>(moving_mean)[c];
      C& v = static_cast<C*>(moving_variance)[c];
      m = static_cast<C>(m * momentum + static_cast<const C*>(mean)[c] * (1 - momentum));
      v = static_cast<C>(v * momentum + variance * (1 - momentum));
    }
  });
}

}  // namespace gemel
