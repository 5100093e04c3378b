#include "ops/nn/batch_norm/normalize_columns.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/parallel.h"
#include "simd/row_loops.h"

namespace gemel {
namespace {

using Geometry = ChannelGeometry;

constexpr int64_t width = 32;               // channels of a block
constexpr int64_t rows_of_block = 1 << 15;  // elements of a block of whole rows

// Calls f(T, C, first channel, number of channels) for every block; the number is a constant to the
// compiler in all blocks but the last.
template <typename F>
void each_block(const Geometry& g, F&& f) {
  dispatch_floating(g.dtype, "BatchNorm", [&](auto type) {
    using T = typename decltype(type)::type;
    using C = compute_type<T>;
    kernels::parallel_for((g.channels + width - 1) / width, g.outer * width * 4, [&](int64_t b) {
      const int64_t first = b * width, left = g.channels - first;
      if (left >= width)
        f(T{}, C{}, first, std::integral_constant<int64_t, width>());
      else
        f(T{}, C{}, first, left);
    });
  });
}

// Adds term(row offset, channel within the block) over all rows.
template <typename Count, typename Term>
void add_rows(const Geometry& g, int64_t first, Count count, double* sums, Term&& term) {
  std::fill_n(sums, width, 0.0);
  for (int64_t row = 0; row < g.outer; ++row)
    for (int64_t k = 0; k < count; ++k) sums[k] += term(row * g.channels + first + k, k);
}

double rows_of(const Geometry& g) { return static_cast<double>(std::max<int64_t>(g.outer, 1)); }

// Each channel's own numbers, in the type of computation; a null array gives `missing`.
template <typename C, typename Count>
void load(const void* array, int64_t first, Count count, C missing, C* to) {
  for (int64_t k = 0; k < count; ++k)
    to[k] = array ? static_cast<const C*>(array)[first + k] : missing;
}

// Elements that need no conversion: whole rows at a time.
template <typename C>
void normalize_rows(const Geometry& g, const C* data, const C* mean, const C* inverse_deviation,
                    const C* gamma, const C* beta, C* out) {
  std::vector<C> scale(inverse_deviation, inverse_deviation + g.channels);
  for (int64_t k = 0; gamma && k < g.channels; ++k) scale[static_cast<size_t>(k)] *= gamma[k];
  const int64_t block = std::max<int64_t>(1, rows_of_block / std::max<int64_t>(1, g.channels));
  kernels::parallel_for((g.outer + block - 1) / block, block * g.channels, [&](int64_t b) {
    for (int64_t row = b * block; row < std::min(g.outer, (b + 1) * block); ++row)
      simd::row_loops<C>().normalize_columns(data + row * g.channels, mean, scale.data(), beta,
                                             out + row * g.channels,
                                             static_cast<size_t>(g.channels));
  });
}

}  // namespace

void column_statistics(const Geometry& g, const void* data, void* mean, void* inverse_deviation) {
  each_block(g, [&]<typename T, typename C>(T, C, int64_t first, auto count) {
    const T* x = static_cast<const T*>(data);
    double sums[width];
    C middle[width];
    add_rows(g, first, count, sums,
             [&](int64_t at, int64_t) { return static_cast<double>(static_cast<C>(x[at])); });
    for (int64_t k = 0; k < count; ++k) middle[k] = static_cast<C>(sums[k] / rows_of(g));
    add_rows(g, first, count, sums, [&](int64_t at, int64_t k) {
      const C d = static_cast<C>(x[at]) - middle[k];
      return static_cast<double>(d * d);
    });
    for (int64_t k = 0; k < count; ++k) {
      static_cast<C*>(mean)[first + k] = middle[k];
      static_cast<C*>(inverse_deviation)[first + k] =
          static_cast<C>(1 / std::sqrt(sums[k] / rows_of(g) + g.eps));
    }
  });
}

void normalize_columns(const Geometry& g, const void* data, const void* mean,
                       const void* inverse_deviation, const void* gamma, const void* beta,
                       void* out) {
  const auto of = []<typename C>(C, const void* array) { return static_cast<const C*>(array); };
  const auto whole = [&]<typename C>(C c) {
    normalize_rows(g, of(c, data), of(c, mean), of(c, inverse_deviation), of(c, gamma), of(c, beta),
                   static_cast<C*>(out));
  };
  if (beta && g.dtype == DType::float32) return whole(float{});
  if (beta && g.dtype == DType::float64) return whole(double{});
  each_block(g, [&]<typename T, typename C>(T, C, int64_t first, auto count) {
    C middle[width], scale[width], factor[width], shift[width];
    load<C>(mean, first, count, 0, middle);
    load<C>(inverse_deviation, first, count, 0, scale);
    load<C>(gamma, first, count, 1, factor);
    load<C>(beta, first, count, 0, shift);
    for (int64_t k = 0; k < count; ++k) scale[k] *= factor[k];
    for (int64_t row = 0; row < g.outer; ++row) {
      const T* x = static_cast<const T*>(data) + row * g.channels + first;
      T* y = static_cast<T*>(out) + row * g.channels + first;
      for (int64_t k = 0; k < count; ++k)
        y[k] = static_cast<T>((static_cast<C>(x[k]) - middle[k]) * scale[k] + shift[k]);
    }
  });
}

void normalize_columns_backward(const Geometry& g, bool moves, const void* dy, const void* data,
                                const void* mean, const void* inverse_deviation, const void* gamma,
                                void* dx, void* dgamma, void* dbeta) {
  each_block(g, [&]<typename T, typename C>(T, C, int64_t first, auto count) {
    const T *head = static_cast<const T*>(dy), *x = static_cast<const T*>(data);
    C middle[width], inverse[width], scale[width], average[width] = {}, slope[width] = {};
    double sums[width], products[width];
    load<C>(mean, first, count, 0, middle);
    load<C>(inverse_deviation, first, count, 0, inverse);
    load<C>(gamma, first, count, 1, scale);
    add_rows(g, first, count, sums,
             [&](int64_t at, int64_t) { return static_cast<double>(static_cast<C>(head[at])); });
    add_rows(g, first, count, products, [&](int64_t at, int64_t k) {
      return static_cast<double>(static_cast<C>(head[at]) * (static_cast<C>(x[at]) - middle[k]));
    });
    for (int64_t k = 0; k < count; ++k) {
      scale[k] *= inverse[k];
      static_cast<C*>(dgamma)[first + k] = gamma ? static_cast<C>(products[k] * inverse[k]) : C(0);
      static_cast<C*>(dbeta)[first + k] = static_cast<C>(sums[k]);
      if (!moves) continue;
      average[k] = static_cast<C>(sums[k] / rows_of(g));
      slope[k] = static_cast<C>(products[k] / rows_of(g) * inverse[k] * inverse[k]);
    }
    for (int64_t row = 0; row < g.outer; ++row) {
      const int64_t at = row * g.channels + first;
      T* to = static_cast<T*>(dx) + at;
      for (int64_t k = 0; k < count; ++k)
        to[k] = static_cast<T>((static_cast<C>(head[at + k]) - average[k] -
                                (static_cast<C>(x[at + k]) - middle[k]) * slope[k]) *
                               scale[k]);
    }
  });
}

}  // namespace gemel
