#include "ops/nn/batch_norm/normalize_columns.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/parallel.h"
#include "simd/column_loops.h"
#include "simd/convert.h"
#include "simd/row_loops.h"

namespace gemel {
namespace {

using Geometry = ChannelGeometry;

constexpr int64_t width = 512;              // channels of a strip
constexpr int64_t rows_together = 64;       // of a strip: they stay in the second-level cache
constexpr int64_t chunk_size = 1 << 16;     // elements for which partial sums of their own pay
constexpr int64_t most_chunks = 32;         // since partial sums take memory
constexpr int64_t rows_of_block = 1 << 15;  // elements of a block of whole rows

template <typename F>
void with_type(const Geometry& g, F&& f) {
  dispatch_floating(g.dtype, "BatchNorm",
                    [&](auto type) { f(compute_type<typename decltype(type)::type>{}); });
}

// An array rows x channels of any floating dtype, read and written as C.
template <typename C>
struct Matrix {
  std::byte* address;
  const Geometry& g;
  bool native = g.dtype == simd::compute_dtype<C>;
  simd::Load<C> load = simd::load_function<C>(g.dtype);
  simd::Store<C> store = simd::store_function<C>(g.dtype);

  Matrix(const void* address, const Geometry& g)
      : address(static_cast<std::byte*>(const_cast<void*>(address))), g(g) {}
  std::byte* at(int64_t row, int64_t column) const {
    return address + (row * g.channels + column) * size_of(g.dtype);
  }
  // n columns of some rows, `stride` apart: the array itself, or a copy in the buffer.
  const C* read(int64_t row, int64_t rows, int64_t column, int64_t n, std::vector<C>& buffer,
                size_t& stride) const {
    stride = static_cast<size_t>(native ? g.channels : n);
    if (native) return reinterpret_cast<const C*>(at(row, column));
    buffer.resize(static_cast<size_t>(rows * n));
    for (int64_t r = 0; r < rows; ++r)
      load(at(row + r, column), buffer.data() + r * n, static_cast<size_t>(n));
    return buffer.data();
  }
};

// Two numbers for each channel, added up over all rows.
struct Sums {
  std::vector<double> first, second;
};

// Strips of channels are cut into chunks of rows, by the geometry alone so that threads do not
// change the sums. add(row, rows, column, n, rows before, sums) adds some rows to a chunk's sums,
// join(rows before, sums, rows, sums, n) a chunk's to another's.
template <typename Add, typename Join>
Sums add_up(const Geometry& g, Add&& add, Join&& join) {
  const int64_t strips = (g.channels + width - 1) / width;
  const int64_t wanted = std::clamp<int64_t>(g.outer * std::min(g.channels, width) / chunk_size, 1,
                                             std::max<int64_t>(1, most_chunks / strips));
  const int64_t share =
      std::max<int64_t>(1, ((g.outer + wanted - 1) / wanted + rows_together - 1) / rows_together) *
      rows_together;
  const int64_t chunks = std::max<int64_t>(1, (g.outer + share - 1) / share);
  const auto size = static_cast<size_t>(chunks * g.channels);
  Sums sums{std::vector<double>(size), std::vector<double>(size)};
  const auto at = [&](std::vector<double>& v, int64_t chunk, int64_t column) {
    return v.data() + chunk * g.channels + column;
  };
  kernels::parallel_for(strips * chunks, share * std::min(g.channels, width), [&](int64_t task) {
    const int64_t chunk = task / strips, column = task % strips * width,
                  n = std::min(width, g.channels - column), begin = chunk * share,
                  end = std::min(g.outer, begin + share);
    for (int64_t row = begin; row < end; row += rows_together)
      add(row, std::min(rows_together, end - row), column, n, row - begin,
          at(sums.first, chunk, column), at(sums.second, chunk, column));
  });
  for (int64_t chunk = 1; chunk < chunks; ++chunk)
    join(chunk * share, at(sums.first, 0, 0), at(sums.second, 0, 0),
         std::min(share, g.outer - chunk * share), at(sums.first, chunk, 0),
         at(sums.second, chunk, 0), g.channels);
  return sums;
}

// Sums and squared distances from the mean of `before` rows, joined by those of `more` rows (Chan,
// Golub and LeVeque 1979).
void join_moments(int64_t before, double* __restrict sum, double* __restrict squares, int64_t more,
                  const double* __restrict sum_of_more, const double* __restrict squares_of_more,
                  int64_t n) {
  const auto a = static_cast<double>(before), b = static_cast<double>(more);
  const double weight = before ? a * b / (a + b) : 0, share_a = before ? 1 / a : 0;
  for (int64_t k = 0; k < n; ++k) {
    const double apart = sum_of_more[k] / b - sum[k] * share_a;
    squares[k] += squares_of_more[k] + (before ? apart * apart * weight : 0);
    sum[k] += sum_of_more[k];
  }
}

double rows_of(const Geometry& g) { return static_cast<double>(std::max<int64_t>(g.outer, 1)); }

template <typename C>
std::vector<C> scales(const Geometry& g, const void* inverse_deviation, const void* gamma) {
  const C* inverse = static_cast<const C*>(inverse_deviation);
  std::vector<C> scale(inverse, inverse + g.channels);
  for (int64_t k = 0; gamma && k < g.channels; ++k)
    scale[static_cast<size_t>(k)] *= static_cast<const C*>(gamma)[k];
  return scale;
}

// f(row, first column, number of columns) for pieces of rows.
template <typename F>
void each_row(const Geometry& g, F&& f) {
  const int64_t block = std::max<int64_t>(1, rows_of_block / std::max<int64_t>(1, g.channels));
  kernels::parallel_for((g.outer + block - 1) / block, block * g.channels, [&](int64_t b) {
    for (int64_t row = b * block; row < std::min(g.outer, (b + 1) * block); ++row)
      for (int64_t column = 0; column < g.channels; column += width)
        f(row, column, std::min(width, g.channels - column));
  });
}

}  // namespace

void column_statistics(const Geometry& g, const void* data, void* mean, void* inverse_deviation) {
  if (g.channels == 0) return;
  with_type(g, [&]<typename C>(C) {
    const Matrix<C> x(data, g);
    const auto& loops = simd::column_loops<C>();
    // Rows are added up as distances from the first, then, in the cache, squared as distances from
    // their own mean: neither loses digits where the mean is far from 0.
    const auto add = [&](int64_t row, int64_t rows, int64_t column, int64_t n, int64_t before,
                         double* sum, double* squares) {
      double block_sum[width] = {}, block_squares[width] = {};
      C middle[width];
      std::vector<C> buffer;
      size_t stride;
      const C* from = x.read(row, rows, column, n, buffer, stride);
      const auto row_count = static_cast<size_t>(rows), count = static_cast<size_t>(n);
      loops.add_distances(from, from, stride, row_count, block_sum, count);
      const auto divisor = static_cast<double>(rows);
      for (int64_t k = 0; k < n; ++k) {
        block_sum[k] += divisor * static_cast<double>(from[k]);
        middle[k] = static_cast<C>(block_sum[k] / divisor);
      }
      loops.add_squared_distances(from, middle, stride, row_count, block_squares, count);
      for (int64_t k = 0; k < n; ++k) {
        const double rounded_by = block_sum[k] / divisor - static_cast<double>(middle[k]);
        block_squares[k] =  // NaN stays NaN
            std::max(block_squares[k] - divisor * rounded_by * rounded_by, 0.0);
      }
      join_moments(before, sum, squares, rows, block_sum, block_squares, n);
    };
    const Sums sums = add_up(g, add, join_moments);
    for (int64_t k = 0; k < g.channels; ++k) {
      const auto channel = static_cast<size_t>(k);
      static_cast<C*>(mean)[k] = static_cast<C>(sums.first[channel] / rows_of(g));
      static_cast<C*>(inverse_deviation)[k] =
          static_cast<C>(1 / std::sqrt(sums.second[channel] / rows_of(g) + g.eps));
    }
  });
}

void normalize_columns(const Geometry& g, const void* data, const void* mean,
                       const void* inverse_deviation, const void* gamma, const void* beta,
                       void* out) {
  with_type(g, [&]<typename C>(C) {
    const Matrix<C> x(data, g), y(out, g);
    const std::vector<C> scale = scales<C>(g, inverse_deviation, gamma);
    const C *middle = static_cast<const C*>(mean), *shift = static_cast<const C*>(beta);
    each_row(g, [&](int64_t row, int64_t column, int64_t n) {
      const auto count = static_cast<size_t>(n);
      C buffer[width];
      if (!x.native) x.load(x.at(row, column), buffer, count);
      C* to = x.native ? reinterpret_cast<C*>(y.at(row, column)) : buffer;
      simd::row_loops<C>().normalize_columns(
          x.native ? reinterpret_cast<const C*>(x.at(row, column)) : buffer, middle + column,
          scale.data() + column, shift + column, to, count);
      if (!x.native) y.store(buffer, y.at(row, column), count);
    });
  });
}

void normalize_columns_backward(const Geometry& g, bool moves, const void* dy, const void* data,
                                const void* mean, const void* inverse_deviation, const void* gamma,
                                void* dx, void* dgamma, void* dbeta) {
  if (g.channels == 0) return;
  with_type(g, [&]<typename C>(C) {
    const Matrix<C> head(dy, g), x(data, g), target(dx, g);
    const auto& loops = simd::column_loops<C>();
    const C* middle = static_cast<const C*>(mean);
    const auto add = [&](int64_t row, int64_t rows, int64_t column, int64_t n, int64_t, double* sum,
                         double* product) {
      std::vector<C> head_buffer, buffer;
      size_t stride;
      const C* from = head.read(row, rows, column, n, head_buffer, stride);
      loops.add_centred_products(from, x.read(row, rows, column, n, buffer, stride),
                                 middle + column, stride, static_cast<size_t>(rows), sum, product,
                                 static_cast<size_t>(n));
    };
    const Sums sums = add_up(g, add,
                             [](int64_t, double* sum, double* product, int64_t, const double* more,
                                const double* more_products, int64_t n) {
                               for (int64_t k = 0; k < n; ++k)
                                 sum[k] += more[k], product[k] += more_products[k];
                             });
    const std::vector<C> scale = scales<C>(g, inverse_deviation, gamma);
    std::vector<C> average(scale.size()), slope(scale.size());
    for (size_t k = 0; k < scale.size(); ++k) {
      const C inverse = static_cast<const C*>(inverse_deviation)[k];
      static_cast<C*>(dgamma)[k] = gamma ? static_cast<C>(sums.second[k] * inverse) : C(0);
      static_cast<C*>(dbeta)[k] = static_cast<C>(sums.first[k]);
      if (!moves) continue;
      average[k] = static_cast<C>(sums.first[k] / rows_of(g));
      slope[k] = static_cast<C>(sums.second[k] / rows_of(g) * inverse * inverse);
    }
    each_row(g, [&](int64_t row, int64_t column, int64_t n) {
      const auto count = static_cast<size_t>(n);
      C heads[width], buffer[width];
      if (!x.native) {
        head.load(head.at(row, column), heads, count);
        x.load(x.at(row, column), buffer, count);
      }
      const auto part = [&](const Matrix<C>& m, C* copy) {
        return x.native ? reinterpret_cast<C*>(m.at(row, column)) : copy;
      };
      loops.normalize_backward(part(head, heads), part(x, buffer), average.data() + column,
                               middle + column, slope.data() + column, scale.data() + column,
                               part(target, heads), count);
      if (!x.native) target.store(heads, target.at(row, column), count);
    });
  });
}

}  // namespace gemel
