#include "ops/nn/pooling/window.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/parallel.h"
#include "simd/window_loops.h"

namespace gemel {
namespace {

using Geometry = PoolingGeometry;

// Where the windows along one axis lie: the part inside the input, the length with padding, and the
// beginning, which may be in the padding.
struct Bounds {
  int64_t first, last, divisor, start;
};

// The bounds of every output position along the three axes, made once for all planes.
struct Grid {
  std::vector<Bounds> axis[3];
  explicit Grid(const Geometry& g) {
    for (int a = 0; a < 3; ++a)
      for (int64_t o = 0; o < g.out[a]; ++o) {
        const int64_t start = o * g.stride[a] - g.pad[a];
        const int64_t end = std::min(start + g.kernel[a], g.in[a] + g.pad[a]);
        const int64_t first = std::max<int64_t>(start, 0), last = std::min(end, g.in[a]);
        axis[a].push_back(
            {first, last, std::max<int64_t>(g.include_pad ? end - start : last - first, 0), start});
      }
  }
};

struct Window {
  Bounds axis[3];
  // How many elements an average divides by.
  int64_t divisor() const {
    return std::max<int64_t>(axis[0].divisor * axis[1].divisor * axis[2].divisor, 1);
  }
};

// Calls f(output offset, window) for every window of a plane.
template <typename F>
void windows(const Grid& grid, F&& f) {
  Window w;
  int64_t offset = 0;
  for (const Bounds& d : grid.axis[0]) {
    w.axis[0] = d;
    for (const Bounds& h : grid.axis[1]) {
      w.axis[1] = h;
      for (const Bounds& x : grid.axis[2]) {
        w.axis[2] = x;
        f(offset++, w);
      }
    }
  }
}

// Calls f(input offset) for every element of the window.
template <typename F>
void elements(const Geometry& g, const Window& w, F&& f) {
  for (int64_t d = w.axis[0].first; d < w.axis[0].last; ++d)
    for (int64_t h = w.axis[1].first; h < w.axis[1].last; ++h) {
      const int64_t line = (d * g.in[1] + h) * g.in[2];
      for (int64_t i = line + w.axis[2].first; i < line + w.axis[2].last; ++i) f(i);
    }
}

template <typename C>
C power(C x, int p) {
  return p == 1 ? x : p == 2 ? x * x : x * x * x;
}
template <typename C>
C root(C x, int p) {
  return p == 1 ? x : p == 2 ? std::sqrt(x) : std::cbrt(x);
}

// The loops of simd/window_loops.h, for float by vectors and for double one by one.
template <typename C>
struct Loops {
  static void join(const C* x, C* best, size_t n) {
    if constexpr (std::is_same_v<C, float>) return simd::window_loops().larger(x, best, n);
    for (size_t i = 0; i < n; ++i) best[i] = x[i] > best[i] ? x[i] : best[i];
  }
  static void join(const C* x, int32_t number, C* best, int32_t* row, size_t n) {
    if constexpr (std::is_same_v<C, float>)
      return simd::window_loops().larger_with_row(x, number, best, row, n);
    for (size_t i = 0; i < n; ++i) {
      row[i] = x[i] > best[i] ? number : row[i];
      best[i] = x[i] > best[i] ? x[i] : best[i];
    }
  }
  static void largest(const C* best, size_t kernel, size_t stride, C* out, size_t n) {
    if constexpr (std::is_same_v<C, float>)
      return simd::window_loops().largest_of_windows(best, kernel, stride, out, n);
    for (size_t i = 0; i < n; ++i)
      out[i] = *std::max_element(best + i * stride, best + i * stride + kernel);
  }
  static void first_largest(const C* best, const int32_t* row, size_t kernel, size_t stride, C* out,
                            int32_t* place, size_t n) {
    if constexpr (std::is_same_v<C, float>)
      return simd::window_loops().first_largest_of_windows(best, row, kernel, stride, out, place,
                                                           n);
    for (size_t i = 0; i < n; ++i) {
      out[i] = -std::numeric_limits<C>::infinity();
      place[i] = std::numeric_limits<int32_t>::max();
      for (size_t j = 0; j < kernel; ++j) {
        const C value = best[i * stride + j];
        const auto at = static_cast<int32_t>(row[i * stride + j] * kernel + j);
        if (value > out[i] || (value == out[i] && at < place[i])) {
          out[i] = value;
          place[i] = at;
        }
      }
    }
  }
  static void add(const C* x, C* sum, size_t n) {
    if constexpr (std::is_same_v<C, float>) return simd::window_loops().add(x, sum, n);
    for (size_t i = 0; i < n; ++i) sum[i] += x[i];
  }
  static void sums(const C* sum, size_t kernel, size_t stride, C* out, size_t n) {
    if constexpr (std::is_same_v<C, float>)
      return simd::window_loops().sums_of_windows(sum, kernel, stride, out, n);
    for (size_t i = 0; i < n; ++i)
      out[i] = std::accumulate(sum + i * stride, sum + i * stride + kernel, C(0));
  }
};

// The maxima or the sums of windows, a row of windows at a time: the rows of the input that it
// covers are joined into one, with padding at both ends, then that row's windows. Elements that are
// NaN, and windows without others, are as the lowest number.
template <typename T>
class RowsOfWindows {
 public:
  using C = compute_type<T>;
  RowsOfWindows(const Geometry& g, const Grid& grid)
      : g_(g),
        grid_(grid),
        width_(static_cast<size_t>(g.in[2])),
        kernel_(static_cast<size_t>(g.kernel[2])),
        stride_(static_cast<size_t>(g.stride[2])),
        pad_(static_cast<size_t>(g.pad[2])),
        count_(static_cast<size_t>(g.out[2])),
        joined_(std::max(count_ * stride_ + kernel_, pad_ + width_) + 2 * simd::window_slack),
        values_(count_ + simd::window_slack) {
    if constexpr (!std::is_same_v<T, C>) converted_.resize(width_);
  }

  // Calls f(output offset of a row, its values).
  template <typename F>
  void maxima(const T* data, F&& f) {
    rows(
        data, lowest_, [&](int64_t, const C* x) { Loops<C>::join(x, &joined_[pad_], width_); },
        [&](int64_t offset) {
          Loops<C>::largest(joined_.data(), kernel_, stride_, values_.data(), count_);
          finite();
          f(offset, values_.data());
        });
  }
  // The same, and the number of each first maximum in its window with padding; -1 without one.
  template <typename F>
  void first_maxima(const T* data, F&& f) {
    row_.resize(joined_.size());
    places_.resize(values_.size());
    rows(
        data, lowest_,
        [&](int64_t number, const C* x) {
          Loops<C>::join(x, static_cast<int32_t>(number), &joined_[pad_], &row_[pad_], width_);
        },
        [&](int64_t offset) {
          Loops<C>::first_largest(joined_.data(), row_.data(), kernel_, stride_, values_.data(),
                                  places_.data(), count_);
          for (size_t i = 0; i < count_; ++i)
            if (values_[i] == lowest_) places_[i] = -1;
          finite();
          f(offset, values_.data(), places_.data());
        });
  }
  template <typename F>
  void sums(const T* data, F&& f) {
    rows(
        data, C(0), [&](int64_t, const C* x) { Loops<C>::add(x, &joined_[pad_], width_); },
        [&](int64_t offset) {
          Loops<C>::sums(joined_.data(), kernel_, stride_, values_.data(), count_);
          f(offset, values_.data());
        });
  }

 private:
  template <typename Join, typename Done>
  void rows(const T* data, C empty, Join&& join, Done&& done) {
    int64_t offset = 0;
    std::fill(joined_.begin(), joined_.end(), empty);
    std::fill(row_.begin(), row_.end(), 0);
    for (const Bounds& d : grid_.axis[0])
      for (const Bounds& h : grid_.axis[1]) {
        std::fill_n(&joined_[pad_], width_, empty);
        if (!row_.empty()) std::fill_n(&row_[pad_], width_, 0);
        for (int64_t z = d.first; z < d.last; ++z)
          for (int64_t y = h.first; y < h.last; ++y)
            join((z - d.start) * g_.kernel[1] + (y - h.start),
                 as_computed(data + (z * g_.in[1] + y) * g_.in[2]));
        done(offset);
        offset += g_.out[2];
      }
  }
  const C* as_computed(const T* row) {
    if constexpr (std::is_same_v<T, C>) {
      return row;
    } else {
      for (size_t i = 0; i < width_; ++i) converted_[i] = static_cast<C>(row[i]);
      return converted_.data();
    }
  }
  void finite() {
    for (size_t i = 0; i < count_; ++i)
      values_[i] = std::max(values_[i], std::numeric_limits<C>::lowest());
  }

  static constexpr C lowest_ = -std::numeric_limits<C>::infinity();
  const Geometry& g_;
  const Grid& grid_;
  size_t width_, kernel_, stride_, pad_, count_;
  std::vector<C> joined_, values_, converted_;
  std::vector<int32_t> row_, places_;
};

// Where the places of a window lie in the input, from the window's beginning.
std::vector<int64_t> offsets_of_places(const Geometry& g) {
  std::vector<int64_t> offsets;
  for (int64_t z = 0; z < g.kernel[0]; ++z)
    for (int64_t y = 0; y < g.kernel[1]; ++y)
      for (int64_t x = 0; x < g.kernel[2]; ++x) offsets.push_back((z * g.in[1] + y) * g.in[2] + x);
  return offsets;
}

int64_t beginning(const Geometry& g, const Window& w) {
  return (w.axis[0].start * g.in[1] + w.axis[1].start) * g.in[2] + w.axis[2].start;
}

template <typename T>
void forward_plane(const Geometry& g, const Grid& grid, const T* data, T* out) {
  using C = compute_type<T>;
  const auto store = [&](int64_t offset, const C* values) {
    for (int64_t i = 0; i < g.out[2]; ++i) out[offset + i] = static_cast<T>(values[i]);
  };
  if (g.type == PoolType::max) return RowsOfWindows<T>(g, grid).maxima(data, store);
  if (g.type == PoolType::lp) {
    windows(grid, [&](int64_t offset, const Window& w) {
      C value = 0;
      elements(g, w, [&](int64_t i) { value += power(static_cast<C>(data[i]), g.power); });
      out[offset] = static_cast<T>(root(value, g.power));
    });
    return;
  }
  if (g.type == PoolType::sum) return RowsOfWindows<T>(g, grid).sums(data, store);
  auto row = RowsOfWindows<T>(g, grid);
  row.sums(data, [&](int64_t offset, C* sums) {
    const int64_t line = offset / g.out[2];
    Window w;
    w.axis[0] = grid.axis[0][static_cast<size_t>(line / g.out[1])];
    w.axis[1] = grid.axis[1][static_cast<size_t>(line % g.out[1])];
    for (int64_t i = 0; i < g.out[2]; ++i) {
      w.axis[2] = grid.axis[2][static_cast<size_t>(i)];
      sums[i] /= static_cast<C>(w.divisor());
    }
    store(offset, sums);
  });
}

// Calls f(output offset, input offset of the first maximum) for every window that has one.
template <typename T, typename F>
void first_maxima(const Geometry& g, const Grid& grid, const T* data, F&& f) {
  std::vector<int32_t> place(static_cast<size_t>(g.out_size()));
  RowsOfWindows<T>(g, grid).first_maxima(
      data, [&](int64_t offset, const auto*, const int32_t* places) {
        std::copy_n(places, g.out[2], &place[static_cast<size_t>(offset)]);
      });
  const std::vector<int64_t> offsets = offsets_of_places(g);
  windows(grid, [&](int64_t offset, const Window& w) {
    const int32_t p = place[static_cast<size_t>(offset)];
    if (p >= 0) f(offset, beginning(g, w) + offsets[static_cast<size_t>(p)]);
  });
}

template <typename T, typename C>
void backward_plane(const Geometry& g, const Grid& grid, const T* dy, const T* data, C* dx) {
  if (g.type == PoolType::max)
    return first_maxima(g, grid, data,
                        [&](int64_t offset, int64_t i) { dx[i] += static_cast<C>(dy[offset]); });
  windows(grid, [&](int64_t offset, const Window& w) {
    const C head = static_cast<C>(dy[offset]);
    switch (g.type) {
      case PoolType::max:
        break;
      case PoolType::avg:
      case PoolType::sum: {
        const C share = g.type == PoolType::avg ? head / static_cast<C>(w.divisor()) : head;
        elements(g, w, [&](int64_t i) { dx[i] += share; });
        break;
      }
      case PoolType::lp: {
        C sum = 0;
        elements(g, w, [&](int64_t i) { sum += power(static_cast<C>(data[i]), g.power); });
        const C norm = power(root(sum, g.power), g.power - 1);
        if (g.power == 1)
          elements(g, w, [&](int64_t i) { dx[i] += head; });
        else if (norm != 0)
          elements(g, w, [&](int64_t i) {
            dx[i] += head * power(static_cast<C>(data[i]), g.power - 1) / norm;
          });
        break;
      }
    }
  });
}

}  // namespace

void pool(DType dtype, const Geometry& g, const void* data, void* out) {
  const Grid grid(g);
  dispatch_floating(dtype, "Pooling", [&](auto type) {
    using T = typename decltype(type)::type;
    kernels::parallel_for(g.planes, g.out_size() * g.kernel_size(), [&](int64_t plane) {
      forward_plane(g, grid, static_cast<const T*>(data) + plane * g.in_size(),
                    static_cast<T*>(out) + plane * g.out_size());
    });
  });
}

void pick_maxima(DType dtype, const Geometry& g, const void* values, const void* data, void* out) {
  const Grid grid(g);
  dispatch_floating(dtype, "Pooling", [&](auto type) {
    using T = typename decltype(type)::type;
    kernels::parallel_for(g.planes, g.out_size() * g.kernel_size(), [&](int64_t plane) {
      const T* value = static_cast<const T*>(values) + plane * g.in_size();
      const T* image = static_cast<const T*>(data) + plane * g.in_size();
      T* target = static_cast<T*>(out) + plane * g.out_size();
      std::fill_n(target, g.out_size(), T(0.0f));
      first_maxima(g, grid, image, [&](int64_t offset, int64_t i) { target[offset] = value[i]; });
    });
  });
}

// Overlapping windows add up in the wider type and are rounded once.
template <typename T, typename F>
void add_up(int64_t size, T* dx, F&& f) {
  using C = compute_type<T>;
  if constexpr (std::is_same_v<T, C>) {
    std::fill_n(dx, size, T(0));
    f(dx);
  } else {
    std::vector<C> sums(static_cast<size_t>(size), C(0));
    f(sums.data());
    for (int64_t i = 0; i < size; ++i) dx[i] = static_cast<T>(sums[static_cast<size_t>(i)]);
  }
}

void pool_backward(DType dtype, const Geometry& g, const void* dy, const void* data, void* dx) {
  const Grid grid(g);
  dispatch_floating(dtype, "Pooling", [&](auto type) {
    using T = typename decltype(type)::type;
    kernels::parallel_for(g.planes, g.out_size() * g.kernel_size(), [&](int64_t plane) {
      const T* head = static_cast<const T*>(dy) + plane * g.out_size();
      const T* image = static_cast<const T*>(data) + plane * g.in_size();
      add_up(g.in_size(), static_cast<T*>(dx) + plane * g.in_size(),
             [&](auto* sums) { backward_plane(g, grid, head, image, sums); });
    });
  });
}

void pool_with_places(DType dtype, const Geometry& g, const void* data, void* out,
                      uint8_t* places) {
  const Grid grid(g);
  dispatch_floating(dtype, "Pooling", [&](auto type) {
    using T = typename decltype(type)::type;
    kernels::parallel_for(g.planes, g.out_size() * g.kernel_size(), [&](int64_t plane) {
      T* target = static_cast<T*>(out) + plane * g.out_size();
      uint8_t* place = places + plane * g.out_size();
      RowsOfWindows<T>(g, grid).first_maxima(
          static_cast<const T*>(data) + plane * g.in_size(),
          [&](int64_t offset, const auto* values, const int32_t* numbers) {
            for (int64_t i = 0; i < g.out[2]; ++i) {
              target[offset + i] = static_cast<T>(values[i]);
              place[offset + i] = numbers[i] < 0 ? no_place : static_cast<uint8_t>(numbers[i]);
            }
          });
    });
  });
}

void pool_backward_to_places(DType dtype, const Geometry& g, const void* dy, const uint8_t* places,
                             void* dx) {
  const Grid grid(g);
  const std::vector<int64_t> offsets = offsets_of_places(g);
  dispatch_floating(dtype, "Pooling", [&](auto type) {
    using T = typename decltype(type)::type;
    using C = compute_type<T>;
    kernels::parallel_for(g.planes, g.out_size() * g.kernel_size(), [&](int64_t plane) {
      const T* head = static_cast<const T*>(dy) + plane * g.out_size();
      const uint8_t* place = places + plane * g.out_size();
      add_up(g.in_size(), static_cast<T*>(dx) + plane * g.in_size(), [&](C* sums) {
        windows(grid, [&](int64_t offset, const Window& w) {
          if (place[offset] != no_place)
            sums[beginning(g, w) + offsets[place[offset]]] += static_cast<C>(head[offset]);
        });
      });
    });
  });
}

}  // namespace gemel
