#include "ops/nn/pooling/window.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/parallel.h"

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
  windows(grid, [&](int64_t offset, const Window& w) {
    C value = g.type == PoolType::max ? std::numeric_limits<C>::lowest() : C(0);
    elements(g, w, [&](int64_t i) {
      const C x = static_cast<C>(data[i]);
      if (g.type == PoolType::max)
        value = x > value ? x : value;
      else
        value += g.type == PoolType::lp ? power(x, g.power) : x;
    });
    if (g.type == PoolType::lp) value = root(value, g.power);
    if (g.type == PoolType::avg) value /= static_cast<C>(w.divisor());
    out[offset] = static_cast<T>(value);
  });
}

// Calls f(output offset, input offset of the first maximum, window) for every window that has one.
template <typename T, typename F>
void first_maxima(const Geometry& g, const Grid& grid, const T* data, F&& f) {
  using C = compute_type<T>;
  windows(grid, [&](int64_t offset, const Window& w) {
    C best = -std::numeric_limits<C>::infinity();
    int64_t at = -1;
    elements(g, w, [&](int64_t i) {
      const C x = static_cast<C>(data[i]);
      if (x > best) best = x, at = i;
    });
    if (at >= 0) f(offset, at, w);
  });
}

template <typename T, typename C>
void backward_plane(const Geometry& g, const Grid& grid, const T* dy, const T* data, C* dx) {
  if (g.type == PoolType::max)
    return first_maxima(g, grid, data, [&](int64_t offset, int64_t i, const Window&) {
      dx[i] += static_cast<C>(dy[offset]);
    });
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

std::vector<float> window_divisors(const Geometry& g) {
  std::vector<float> divisors;
  windows(Grid(g),
          [&](int64_t, const Window& w) { divisors.push_back(static_cast<float>(w.divisor())); });
  return divisors;
}

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
      first_maxima(g, grid, image,
                   [&](int64_t offset, int64_t i, const Window&) { target[offset] = value[i]; });
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
      const T* image = static_cast<const T*>(data) + plane * g.in_size();
      uint8_t* place = places + plane * g.out_size();
      forward_plane(g, grid, image, static_cast<T*>(out) + plane * g.out_size());
      std::fill_n(place, g.out_size(), no_place);
      first_maxima(g, grid, image, [&](int64_t offset, int64_t i, const Window& w) {
        const int64_t z = i / (g.in[1] * g.in[2]), y = i / g.in[2] % g.in[1], x = i % g.in[2];
        place[offset] = static_cast<uint8_t>(
            ((z - w.axis[0].start) * g.kernel[1] + y - w.axis[1].start) * g.kernel[2] + x -
            w.axis[2].start);
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
