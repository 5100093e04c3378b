#include "kernels/norm/row_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/parallel.h"
#include "simd/row_loops.h"

namespace gemel::kernels {
namespace {

// Elements of a row in the type of computation: the array itself where that is possible, else a
// copy.
template <typename T>
struct Rows {
  using C = compute_type<T>;
  const RowNorm& g;
  std::vector<C> first, second;

  explicit Rows(const RowNorm& geometry) : g(geometry) {}
  bool direct() const { return g.inner == 1 && std::is_same_v<T, C>; }
  int64_t offset(int64_t row) const { return row / g.inner * g.count * g.inner + row % g.inner; }

  const C* read(const void* array, int64_t row, std::vector<C>& buffer) const {
    const T* from = static_cast<const T*>(array) + offset(row);
    if (direct()) return reinterpret_cast<const C*>(from);
    buffer.resize(static_cast<size_t>(g.count));
    for (int64_t i = 0; i < g.count; ++i) buffer[i] = static_cast<C>(from[i * g.inner]);
    return buffer.data();
  }
  // Where to put results: `finish` copies them to the array unless they are there already.
  C* target(void* array, int64_t row, std::vector<C>& buffer) const {
    if (direct()) return reinterpret_cast<C*>(static_cast<T*>(array) + offset(row));
    buffer.resize(static_cast<size_t>(g.count));
    return buffer.data();
  }
  void finish(void* array, int64_t row, const std::vector<C>& buffer) const {
    if (direct()) return;
    T* to = static_cast<T*>(array) + offset(row);
    for (int64_t i = 0; i < g.count; ++i) to[i * g.inner] = static_cast<T>(buffer[i]);
  }
};

// gamma or beta in the type of computation.
template <typename T>
std::vector<compute_type<T>> factors(const RowNorm& g, const void* array) {
  const T* from = static_cast<const T*>(array);
  return {from, from + g.factors()};
}

// Rows go to tasks in blocks of a size that depends on the shape only, so that partial sums have
// one order.
struct Blocks {
  int64_t size, count;
  explicit Blocks(const RowNorm& g)
      : size(std::max<int64_t>(1, std::max<int64_t>(g.rows() / 64, 65536 / (g.count + 1)))),
        count((g.rows() + size - 1) / size) {}
};

template <typename F>
void each_block(const RowNorm& g, const Blocks& blocks, F&& f) {
  parallel_for(blocks.count, blocks.size * g.count * 4, [&](int64_t block) {
    f(block, block * blocks.size, std::min(g.rows(), (block + 1) * blocks.size));
  });
}

template <typename C>
struct Statistics {
  C mean, deviation;
  Statistics(const RowNorm& g, const C* x) {
    const auto& loops = simd::row_loops<C>();
    const auto n = static_cast<size_t>(g.count);
    const double count = static_cast<double>(std::max<int64_t>(g.count, 1));
    mean = static_cast<C>(loops.sum(x, n) / count);
    deviation = static_cast<C>(std::sqrt(loops.squared_distance(x, mean, n) / count + g.eps));
  }
};

template <typename T>
void forward(const RowNorm& g, const void* data, const void* gamma, const void* beta, void* out,
             void* mean, void* deviation) {
  using C = compute_type<T>;
  const auto& loops = simd::row_loops<C>();
  const std::vector<C> scale = factors<T>(g, gamma), shift = factors<T>(g, beta);
  const auto n = static_cast<size_t>(g.count);
  each_block(g, Blocks(g), [&](int64_t, int64_t begin, int64_t end) {
    Rows<T> rows(g);
    for (int64_t row = begin; row < end; ++row) {
      const C* x = rows.read(data, row, rows.first);
      const auto [middle, spread] = Statistics<C>(g, x);
      static_cast<T*>(mean)[row] = static_cast<T>(middle);
      static_cast<T*>(deviation)[row] = static_cast<T>(spread);
      C* y = rows.target(out, row, rows.second);
      if (g.period > 0) {
        const auto k = static_cast<size_t>(row % g.period);
        loops.subtract_multiply_add(x, middle, scale[k] / spread, shift[k], y, n);
      } else {
        loops.normalize_affine(x, middle, 1 / spread, scale.data(), shift.data(), y, n);
      }
      rows.finish(out, row, rows.second);
    }
  });
}

template <typename T>
void backward(const RowNorm& g, const void* dy, const void* data, const void* gamma, void* dx,
              void* dgamma, void* dbeta) {
  using C = compute_type<T>;
  const auto& loops = simd::row_loops<C>();
  const std::vector<C> scale = factors<T>(g, gamma);
  const auto n = static_cast<size_t>(g.count), wide = scale.size();
  const C count = static_cast<C>(std::max<int64_t>(g.count, 1));
  const Blocks blocks(g);
  // Each block adds up its own gradients of gamma, then of beta.
  std::vector<C> partial(static_cast<size_t>(blocks.count) * 2 * wide, C(0));
  each_block(g, blocks, [&](int64_t block, int64_t begin, int64_t end) {
    Rows<T> rows(g);
    C* to_gamma = partial.data() + static_cast<size_t>(block) * 2 * wide;
    C* to_beta = to_gamma + wide;
    for (int64_t row = begin; row < end; ++row) {
      const C* head = rows.read(dy, row, rows.first);
      const C* x = rows.read(data, row, rows.second);
      const auto [middle, spread] = Statistics<C>(g, x);
      const C inverse = 1 / spread;
      C* target = rows.target(dx, row, rows.first);
      if (g.period > 0) {
        const auto k = static_cast<size_t>(row % g.period);
        const C sum = loops.sum(head, n), product = loops.centred_dot(head, x, middle, n);
        to_gamma[k] += product * inverse;
        to_beta[k] += sum;
        loops.normalize_backward(head, x, sum / count, middle, product / count * inverse * inverse,
                                 scale[k] * inverse, target, n);
      } else {
        C sums[2];
        loops.affine_sums(head, x, scale.data(), middle, sums, n);
        loops.affine_backward(head, x, scale.data(), middle, inverse, sums[0] / count,
                              sums[1] / count * inverse * inverse, target, to_gamma, to_beta, n);
      }
      rows.finish(dx, row, rows.first);
    }
  });
  for (size_t k = 0; k < wide; ++k) {
    C sums[2] = {0, 0};
    for (size_t block = 0; block < static_cast<size_t>(blocks.count); ++block)
      for (size_t s = 0; s < 2; ++s) sums[s] += partial[(block * 2 + s) * wide + k];
    static_cast<T*>(dgamma)[k] = static_cast<T>(sums[0]);
    static_cast<T*>(dbeta)[k] = static_cast<T>(sums[1]);
  }
}

}  // namespace

void row_norm(const RowNorm& g, const void* data, const void* gamma, const void* beta, void* out,
              void* mean, void* deviation) {
  dispatch_floating(g.dtype, "normalisation", [&](auto type) {
    forward<typename decltype(type)::type>(g, data, gamma, beta, out, mean, deviation);
  });
}

void row_norm_backward(const RowNorm& g, const void* dy, const void* data, const void* gamma,
                       void* dx, void* dgamma, void* dbeta) {
  dispatch_floating(g.dtype, "normalisation", [&](auto type) {
    backward<typename decltype(type)::type>(g, dy, data, gamma, dx, dgamma, dbeta);
  });
}

}  // namespace gemel::kernels
