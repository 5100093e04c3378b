#include "ops/nn/spatial/sampling.h"

#include <cmath>
#include <vector>

#include "kernels/parallel.h"

namespace gemel {
namespace {

// The four neighbours of a point: weight and place, or place -1 outside of the image.
template <typename C>
struct Point {
  C x, y;        // in elements of the image
  C right, low;  // distances from the upper left neighbour
  int64_t place[4];
  C weight[4];

  Point(C grid_x, C grid_y, int64_t height, int64_t width)
      : x((grid_x + 1) * static_cast<C>(width - 1) / 2),
        y((grid_y + 1) * static_cast<C>(height - 1) / 2) {
    const C left = std::floor(x), top = std::floor(y);
    right = x - left;
    low = y - top;
    for (int k = 0; k < 4; ++k) {
      const C column = left + static_cast<C>(k % 2), row = top + static_cast<C>(k / 2);
      const bool inside =
          column >= 0 && row >= 0 && column < static_cast<C>(width) && row < static_cast<C>(height);
      place[k] = inside ? static_cast<int64_t>(row) * width + static_cast<int64_t>(column) : -1;
      weight[k] = (k % 2 ? right : 1 - right) * (k / 2 ? low : 1 - low);
    }
  }
};

struct Sizes {
  int64_t batch, channels, height, width, points;
  Sizes(const Tensor& data, const Tensor& grid)
      : batch(data.shape[0]),
        channels(data.shape[1]),
        height(data.shape[2]),
        width(data.shape[3]),
        points(grid.shape[2] * grid.shape[3]) {}
  int64_t plane() const { return height * width; }
};

template <typename T, typename C>
Point<C> point_at(const Sizes& s, const T* grid, int64_t n, int64_t i) {
  const T* at = grid + n * 2 * s.points + i;
  return {static_cast<C>(at[0]), static_cast<C>(at[s.points]), s.height, s.width};
}

// -1 ... 1 over `size` elements.
double coordinate(int64_t i, int64_t size) {
  return size > 1 ? -1 + 2.0 * static_cast<double>(i) / static_cast<double>(size - 1) : -1;
}

}  // namespace

void sample_bilinear(const Tensor& data, const Tensor& grid, const Tensor& out) {
  const Sizes s(data, grid);
  dispatch_floating(out.dtype, "BilinearSampler", [&](auto type) {
    using T = typename decltype(type)::type;
    using C = compute_type<T>;
    kernels::parallel_for(s.batch * s.points, s.channels * 8, [&](int64_t at) {
      const int64_t n = at / s.points, i = at % s.points;
      const Point<C> p = point_at<T, C>(s, grid.data<T>(), n, i);
      for (int64_t c = 0; c < s.channels; ++c) {
        const T* image = data.data<T>() + (n * s.channels + c) * s.plane();
        C sum = 0;
        for (int k = 0; k < 4; ++k)
          if (p.place[k] >= 0) sum += p.weight[k] * static_cast<C>(image[p.place[k]]);
        out.data<T>()[(n * s.channels + c) * s.points + i] = static_cast<T>(sum);
      }
    });
  });
}

void sample_bilinear_backward(const Tensor& dy, const Tensor& data, const Tensor& grid,
                              const Tensor& ddata, const Tensor& dgrid) {
  const Sizes s(data, grid);
  dispatch_floating(dy.dtype, "BilinearSampler", [&](auto type) {
    using T = typename decltype(type)::type;
    using C = compute_type<T>;
    kernels::parallel_for(s.batch, s.points * s.channels * 16, [&](int64_t n) {
      std::vector<C> sums(static_cast<size_t>(s.channels * s.plane()), C(0));
      for (int64_t i = 0; i < s.points; ++i) {
        const Point<C> p = point_at<T, C>(s, grid.data<T>(), n, i);
        C dx = 0, dlow = 0;
        for (int64_t c = 0; c < s.channels; ++c) {
          const T* image = data.data<T>() + (n * s.channels + c) * s.plane();
          C* target = sums.data() + c * s.plane();
          const C head = static_cast<C>(dy.data<T>()[(n * s.channels + c) * s.points + i]);
          for (int k = 0; k < 4; ++k) {
            if (p.place[k] < 0) continue;
            target[p.place[k]] += head * p.weight[k];
            const C value = head * static_cast<C>(image[p.place[k]]);
            dx += value * (k % 2 ? 1 : -1) * (k / 2 ? p.low : 1 - p.low);
            dlow += value * (k / 2 ? 1 : -1) * (k % 2 ? p.right : 1 - p.right);
          }
        }
        T* to = dgrid.data<T>() + n * 2 * s.points + i;
        to[0] = static_cast<T>(dx * static_cast<C>(s.width - 1) / 2);
        to[s.points] = static_cast<T>(dlow * static_cast<C>(s.height - 1) / 2);
      }
      T* to = ddata.data<T>() + n * s.channels * s.plane();
      for (size_t k = 0; k < sums.size(); ++k) to[k] = static_cast<T>(sums[k]);
    });
  });
}

void affine_grid(const Tensor& theta, const Tensor& grid) {
  dispatch_floating(grid.dtype, "GridGenerator", [&](auto type) {
    using T = typename decltype(type)::type;
    using C = compute_type<T>;
    const int64_t rows = grid.shape[2], columns = grid.shape[3];
    kernels::parallel_for(grid.shape[0] * 2, rows * columns * 4, [&](int64_t line) {
      const T* m = theta.data<T>() + line * 3;
      T* to = grid.data<T>() + line * rows * columns;
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j)
          *to++ = static_cast<T>(static_cast<C>(m[0]) * static_cast<C>(coordinate(j, columns)) +
                                 static_cast<C>(m[1]) * static_cast<C>(coordinate(i, rows)) +
                                 static_cast<C>(m[2]));
    });
  });
}

void affine_grid_backward(const Tensor& dgrid, const Tensor& dtheta) {
  dispatch_floating(dgrid.dtype, "GridGenerator", [&](auto type) {
    using T = typename decltype(type)::type;
    const int64_t rows = dgrid.shape[2], columns = dgrid.shape[3];
    kernels::parallel_for(dgrid.shape[0] * 2, rows * columns * 4, [&](int64_t line) {
      const T* head = dgrid.data<T>() + line * rows * columns;
      double sums[3] = {0, 0, 0};
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) {
          const double v = static_cast<double>(static_cast<compute_type<T>>(*head++));
          sums[0] += v * coordinate(j, columns);
          sums[1] += v * coordinate(i, rows);
          sums[2] += v;
        }
      for (int k = 0; k < 3; ++k)
        dtheta.data<T>()[line * 3 + k] = static_cast<T>(static_cast<compute_type<T>>(sums[k]));
    });
  });
}

}  // namespace gemel
