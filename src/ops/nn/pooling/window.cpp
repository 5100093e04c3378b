#include "ops/nn/pooling/window.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/parallel.h"

namespace gemel {
namespace {

using Geometry = PoolingGeometry;

// Where the windows along one axis lie: the part inside the input, and the length with padding.
struct Bounds {
  int64_t first, last, divisor;
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
            {first, last, std::max<int64_t>(g.include_pad ? end - start : last - first, 0)});
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

template <typename T>
void forward_plane(const Geometry& g, const Grid& grid, const T* data, T* out) {
  using C = compute_type<T>;
  windows(grid, [&](int64_t offset, const Window& w) {
    C value = 0;
    switch (g.type) {
      case PoolType::max:
        value = std::numeric_limits<C>::lowest();
        elements(g, w, [&](int64_t i) { value = std::max(value, static_cast<C>(data[i])); });
        break;
      case PoolType::avg:
      case PoolType::sum:
        elements(g, w, [&](int64_t i) { value += static_cast<C>(data[i]); });
        if (g.type == PoolType::avg) value /= static_cast<C>(w.divisor());
        break;
      case PoolType::lp:
        elements(g, w, [&](int64_t i) { value += power(static_cast<C>(data[i]), g.power); });
        value = root(value, g.power);
        break;
    }
    out[offset] = static_cast<T>(value);
  });
}

// Offset of the first maximum; -1 in an empty window.
template <typename T>
int64_t first_maximum(const Geometry& g, const Window& w, const T* data) {
  using C = compute_type<T>;
  int64_t best = -1;
  C value = std::numeric_limits<C>::lowest();
  elements(g, w, [&](int64_t i) {
    if (best < 0 || static_cast<C>(data[i]) > value) {
      value = static_cast<C>(data[i]);
      best = i;
    }
  });
  return best;
}

template <typename T, typename C>
void backward_plane(const Geometry& g, const Grid& grid, const T* dy, const T* data, C* dx) {
  windows(grid, [&](int64_t offset, const Window& w) {
    const C head = static_cast<C>(dy[offset]);
    switch (g.type) {
      case PoolType::max: {
        const int64_t best = first_maximum(g, w, data);
        if (best >= 0) dx[best] += head;
        break;
      }
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
      windows(grid, [&](int64_t offset, const Window& w) {
        const int64_t best = first_maximum(g, w, image);
        target[offset] = best < 0 ? T(0.0f) : value[best];
      });
    });
  });
}

void pool_backward(DType dtype, const Geometry& g, const void* dy, const void* data, void* dx) {
  const Grid grid(g);
  dispatch_floating(dtype, "Pooling", [&](auto type) {
    using T = typename decltype(type)::type;
    using C = compute_type<T>;
    kernels::parallel_for(g.planes, g.out_size() * g.kernel_size(), [&](int64_t plane) {
      const T* head = static_cast<const T*>(dy) + plane * g.out_size();
      const T* image = static_cast<const T*>(data) + plane * g.in_size();
      T* target = static_cast<T*>(dx) + plane * g.in_size();
      if constexpr (std::is_same_v<T, C>) {
        std::fill_n(target, g.in_size(), T(0));
        backward_plane<T, C>(g, grid, head, image, target);
      } else {
        // Overlapping windows add up in the wider type and are rounded once.
        std::vector<C> sums(static_cast<size_t>(g.in_size()), C(0));
        backward_plane<T, C>(g, grid, head, image, sums.data());
        for (int64_t i = 0; i < g.in_size(); ++i) target[i] = static_cast<T>(sums[i]);
      }
    });
  });
}

}  // namespace gemel
