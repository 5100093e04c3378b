#include "ops/nn/batch_norm/normalize.h"

#include <cmath>

#include "kernels/parallel.h"
#include "ops/nn/batch_norm/normalize_columns.h"
#include "simd/row_loops.h"

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

// What is done with one line (the neighbouring elements of a channel): by vector loops where the
// type is that of computation and the line is not too short.
template <typename T>
struct Line {
  using C = compute_type<T>;
  static constexpr int64_t shortest_vector = 8;

  template <typename Vector, typename Term>
  static C add_up(int64_t n, Vector&& vector, Term&& term) {
    if constexpr (std::is_same_v<T, C>)
      if (n >= shortest_vector) return vector(simd::row_loops<C>());
    C sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += term(i);
    return sum;
  }
  static C sum(const T* x, int64_t n) {
    return add_up(
        n, [&](const auto& loops) { return loops.sum(reinterpret_cast<const C*>(x), n); },
        [&](int64_t i) { return static_cast<C>(x[i]); });
  }
  static C squared_distance(const T* x, C mean, int64_t n) {
    return add_up(
        n,
        [&](const auto& loops) {
          return loops.squared_distance(reinterpret_cast<const C*>(x), mean, n);
        },
        [&](int64_t i) {
          const C d = static_cast<C>(x[i]) - mean;
          return d * d;
        });
  }
  static C centred_dot(const T* a, const T* x, C mean, int64_t n) {
    return add_up(
        n,
        [&](const auto& loops) {
          return loops.centred_dot(reinterpret_cast<const C*>(a), reinterpret_cast<const C*>(x),
                                   mean, n);
        },
        [&](int64_t i) { return static_cast<C>(a[i]) * (static_cast<C>(x[i]) - mean); });
  }
  static void normalize(const T* x, C mean, C scale, C shift, T* out, int64_t n) {
    if constexpr (std::is_same_v<T, C>)
      if (n >= shortest_vector)
        return simd::row_loops<C>().subtract_multiply_add(x, mean, scale, shift, out, n);
    for (int64_t i = 0; i < n; ++i)
      out[i] = static_cast<T>((static_cast<C>(x[i]) - mean) * scale + shift);
  }
  static void backward(const T* dy, const T* x, C average, C mean, C slope, C scale, T* out,
                       int64_t n) {
    if constexpr (std::is_same_v<T, C>)
      if (n >= shortest_vector)
        return simd::row_loops<C>().normalize_backward(dy, x, average, mean, slope, scale, out, n);
    for (int64_t i = 0; i < n; ++i)
      out[i] = static_cast<T>(
          (static_cast<C>(dy[i]) - average - (static_cast<C>(x[i]) - mean) * slope) * scale);
  }
};

// Calls f(offset of the line's first element) for each line of a channel.
template <typename F>
void each_line(const Geometry& g, int64_t channel, F&& f) {
  for (int64_t o = 0; o < g.outer; ++o) f((o * g.channels + channel) * g.inner);
}

// Lines add up in double, so that long channels keep their precision.
template <typename F>
double channel_sum(const Geometry& g, int64_t channel, F&& line_sum) {
  double total = 0;
  each_line(g, channel, [&](int64_t first) { total += line_sum(first); });
  return total;
}

template <typename T, typename C>
void statistics(const Geometry& g, int64_t channel, const T* x, void* mean,
                void* inverse_deviation) {
  const double count = static_cast<double>(std::max<int64_t>(g.outer * g.inner, 1));
  const C middle = static_cast<C>(
      channel_sum(g, channel, [&](int64_t first) { return Line<T>::sum(x + first, g.inner); }) /
      count);
  const double squares = channel_sum(g, channel, [&](int64_t first) {
    return Line<T>::squared_distance(x + first, middle, g.inner);
  });
  static_cast<C*>(mean)[channel] = middle;
  static_cast<C*>(inverse_deviation)[channel] =
      static_cast<C>(1 / std::sqrt(squares / count + g.eps));
}

template <typename T, typename C>
void normalize(const Geometry& g, int64_t channel, const T* x, const void* mean,
               const void* inverse_deviation, const void* gamma, const void* beta, T* y) {
  const C middle = static_cast<const C*>(mean)[channel],
          shift = static_cast<const C*>(beta)[channel];
  C scale = static_cast<const C*>(inverse_deviation)[channel];
  if (gamma) scale *= static_cast<const C*>(gamma)[channel];
  each_line(g, channel, [&](int64_t first) {
    Line<T>::normalize(x + first, middle, scale, shift, y + first, g.inner);
  });
}

}  // namespace

void normalize_batch(const Geometry& g, const void* data, const void* gamma, const void* beta,
                     void* mean, void* inverse_deviation, void* out) {
  if (g.inner == 1) {
    column_statistics(g, data, mean, inverse_deviation);
    return normalize_columns(g, data, mean, inverse_deviation, gamma, beta, out);
  }
  with_type(g, [&]<typename T, typename C>(T, C) {
    const T* x = static_cast<const T*>(data);
    // A channel is often still in the cache when it is normalised.
    each_channel(g, [&](int64_t channel) {
      statistics<T, C>(g, channel, x, mean, inverse_deviation);
      normalize<T, C>(g, channel, x, mean, inverse_deviation, gamma, beta, static_cast<T*>(out));
    });
  });
}

void inverse_deviations(const Geometry& g, const void* variance, void* inverse_deviation) {
  with_type(g, [&]<typename T, typename C>(T, C) {
    for (int64_t c = 0; c < g.channels; ++c)
      static_cast<C*>(inverse_deviation)[c] =
          static_cast<C>(1 / std::sqrt(static_cast<const C*>(variance)[c] + g.eps));
  });
}

void normalize_channels(const Geometry& g, const void* data, const void* mean,
                        const void* inverse_deviation, const void* gamma, const void* beta,
                        void* out) {
  if (g.inner == 1) return normalize_columns(g, data, mean, inverse_deviation, gamma, beta, out);
  with_type(g, [&]<typename T, typename C>(T, C) {
    each_channel(g, [&](int64_t channel) {
      normalize<T, C>(g, channel, static_cast<const T*>(data), mean, inverse_deviation, gamma, beta,
                      static_cast<T*>(out));
    });
  });
}

void normalize_channels_backward(const Geometry& g, bool moves, const void* dy, const void* data,
                                 const void* mean, const void* inverse_deviation, const void* gamma,
                                 void* dx, void* dgamma, void* dbeta) {
  if (g.inner == 1)
    return normalize_columns_backward(g, moves, dy, data, mean, inverse_deviation, gamma, dx,
                                      dgamma, dbeta);
  with_type(g, [&]<typename T, typename C>(T, C) {
    const T* head = static_cast<const T*>(dy);
    const T* x = static_cast<const T*>(data);
    T* target = static_cast<T*>(dx);
    const double count = static_cast<double>(std::max<int64_t>(g.outer * g.inner, 1));
    each_channel(g, [&](int64_t channel) {
      const C middle = static_cast<const C*>(mean)[channel];
      const C inverse = static_cast<const C*>(inverse_deviation)[channel];
      const C scale = inverse * (gamma ? static_cast<const C*>(gamma)[channel] : C(1));
      double sum = 0, product = 0;
      each_line(g, channel, [&](int64_t first) {
        sum += Line<T>::sum(head + first, g.inner);
        product += Line<T>::centred_dot(head + first, x + first, middle, g.inner);
      });
      static_cast<C*>(dgamma)[channel] = gamma ? static_cast<C>(product * inverse) : C(0);
      static_cast<C*>(dbeta)[channel] = static_cast<C>(sum);
      const C average = moves ? static_cast<C>(sum / count) : C(0);
      const C slope = moves ? static_cast<C>(product / count * inverse * inverse) : C(0);
      each_line(g, channel, [&](int64_t first) {
        Line<T>::backward(head + first, x + first, average, middle, slope, scale, target + first,
                          g.inner);
      });
    });
  });
}

void move_statistics(const Geometry& g, double momentum, const void* mean,
                     const void* inverse_deviation, void* moving_mean, void* moving_variance) {
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
