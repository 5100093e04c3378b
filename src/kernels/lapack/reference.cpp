// Plain loops, written for clarity; they judge the library.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "kernels/lapack/lapack.h"

namespace gemel::kernels {
namespace {

template <typename T>
bool cholesky(int64_t n, T* a) {
  for (int64_t j = 0; j < n; ++j) {
    T diagonal = a[j * n + j];
    for (int64_t k = 0; k < j; ++k) diagonal -= a[j * n + k] * a[j * n + k];
    if (!(diagonal > 0)) return false;
    a[j * n + j] = std::sqrt(diagonal);
    for (int64_t i = j + 1; i < n; ++i) {
      T value = a[i * n + j];
      for (int64_t k = 0; k < j; ++k) value -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = value / a[j * n + j];
    }
    for (int64_t k = j + 1; k < n; ++k) a[j * n + k] = 0;
  }
  return true;
}

// Element (i, k) of op(a), where a is triangular with `size` rows.
template <typename T>
T element(const Triangular& t, const T* a, int64_t size, int64_t i, int64_t k) {
  if (t.transpose) std::swap(i, k);
  return (t.lower ? k <= i : k >= i) ? a[i * size + k] : T(0);
}

template <typename T>
void triangular_multiply(Triangular t, int64_t m, int64_t n, double alpha, const T* a, T* b) {
  const int64_t size = t.right ? n : m;
  const std::vector<T> old(b, b + m * n);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      T sum = 0;
      for (int64_t k = 0; k < size; ++k)
        sum += t.right ? old[static_cast<size_t>(i * n + k)] * element(t, a, size, k, j)
                       : element(t, a, size, i, k) * old[static_cast<size_t>(k * n + j)];
      b[i * n + j] = static_cast<T>(alpha) * sum;
    }
}

// Solves op(a) x = b for one vector, `step` elements apart.
template <typename T>
void solve_vector(const Triangular& t, bool transpose, int64_t size, const T* a, T* x,
                  int64_t step) {
  Triangular view = t;
  view.transpose = transpose;
  const bool forward = t.lower != transpose;  // op(a) is lower
  for (int64_t at = 0; at < size; ++at) {
    const int64_t i = forward ? at : size - 1 - at;
    T value = x[i * step];
    for (int64_t k = forward ? 0 : i + 1; k < (forward ? i : size); ++k)
      value -= element(view, a, size, i, k) * x[k * step];
    x[i * step] = value / a[i * size + i];
  }
}

template <typename T>
void triangular_solve(Triangular t, int64_t m, int64_t n, double alpha, const T* a, T* b) {
  for (int64_t i = 0; i < m * n; ++i) b[i] *= static_cast<T>(alpha);
  if (t.right)  // x op(a) = b: op(a)^T x^T = b^T, row by row
    for (int64_t i = 0; i < m; ++i) solve_vector(t, !t.transpose, n, a, b + i * n, 1);
  else
    for (int64_t j = 0; j < n; ++j) solve_vector(t, t.transpose, m, a, b + j, n);
}

template <typename T>
bool lu(int64_t n, T* a, int* pivots) {
  bool regular = true;
  for (int64_t j = 0; j < n; ++j) {
    int64_t best = j;
    for (int64_t i = j + 1; i < n; ++i)
      if (std::abs(a[i * n + j]) > std::abs(a[best * n + j])) best = i;
    pivots[j] = static_cast<int>(best + 1);
    if (best != j) std::swap_ranges(a + j * n, a + (j + 1) * n, a + best * n);
    if (a[j * n + j] == 0) {
      regular = false;
      continue;
    }
    for (int64_t i = j + 1; i < n; ++i) {
      const T factor = a[i * n + j] /= a[j * n + j];
      for (int64_t k = j + 1; k < n; ++k) a[i * n + k] -= factor * a[j * n + k];
    }
  }
  return regular;
}

template <typename T>
void lu_inverse(int64_t n, T* a, const int* pivots) {
  std::vector<T> inverse(static_cast<size_t>(n * n));
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = 0; i < n; ++i)
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(pivots[i] - 1)]);
  for (int64_t i = 0; i < n; ++i)
    inverse[static_cast<size_t>(i * n + order[static_cast<size_t>(i)])] = 1;
  for (int64_t i = 0; i < n; ++i)  // L has ones on its diagonal
    for (int64_t k = 0; k < i; ++k)
      for (int64_t j = 0; j < n; ++j)
        inverse[static_cast<size_t>(i * n + j)] -=
            a[i * n + k] * inverse[static_cast<size_t>(k * n + j)];
  triangular_solve({.lower = false}, n, n, 1, a, inverse.data());
  std::copy(inverse.begin(), inverse.end(), a);
}

// Householder reflections of the rows, as LAPACK's gelqf chooses their signs.
template <typename T>
void lq(int64_t m, int64_t n, T* a, T* l) {
  std::vector<T> factor(static_cast<size_t>(m));
  for (int64_t i = 0; i < m; ++i) {
    T* row = a + i * n;
    T rest = 0;
    for (int64_t k = i + 1; k < n; ++k) rest += row[k] * row[k];
    const T head = row[i];
    if (rest == 0) continue;  // the row is in place: factor 0
    const T length = -std::copysign(std::sqrt(head * head + rest), head);
    factor[static_cast<size_t>(i)] = (length - head) / length;
    for (int64_t k = i + 1; k < n; ++k) row[k] /= head - length;
    row[i] = length;
    for (int64_t j = i + 1; j < m; ++j) {
      T* other = a + j * n;
      T sum = other[i];
      for (int64_t k = i + 1; k < n; ++k) sum += row[k] * other[k];
      sum *= factor[static_cast<size_t>(i)];
      other[i] -= sum;
      for (int64_t k = i + 1; k < n; ++k) other[k] -= sum * row[k];
    }
  }
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < m; ++j) l[i * m + j] = j <= i ? a[i * n + j] : T(0);
  // Q: the reflections applied to the first m rows of the identity, from the last.
  std::vector<T> q(static_cast<size_t>(m * n));
  for (int64_t i = 0; i < m; ++i) q[static_cast<size_t>(i * n + i)] = 1;
  for (int64_t i = m - 1; i >= 0; --i)
    for (int64_t j = 0; j < m; ++j) {
      T* other = q.data() + j * n;
      T sum = other[i];
      for (int64_t k = i + 1; k < n; ++k) sum += a[i * n + k] * other[k];
      sum *= factor[static_cast<size_t>(i)];
      other[i] -= sum;
      for (int64_t k = i + 1; k < n; ++k) other[k] -= sum * a[i * n + k];
    }
  std::copy(q.begin(), q.end(), a);
}

// Jacobi's rotations until nothing is left beside the diagonal.
template <typename T>
bool symmetric_eigen(int64_t n, T* a, T* values) {
  std::vector<double> s(static_cast<size_t>(n * n)), v(static_cast<size_t>(n * n));
  const auto at = [n](std::vector<double>& x, int64_t i, int64_t j) -> double& {
    return x[static_cast<size_t>(i * n + j)];
  };
  for (int64_t i = 0; i < n; ++i) {
    at(v, i, i) = 1;
    for (int64_t j = 0; j <= i; ++j) at(s, i, j) = at(s, j, i) = a[i * n + j];
  }
  double total = 0;
  for (double x : s) total += x * x;
  bool ended = false;
  for (int sweep = 0; sweep < 60 && !ended; ++sweep) {
    double beside = 0;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < i; ++j) beside += at(s, i, j) * at(s, i, j);
    ended = beside <= 1e-32 * total || !std::isfinite(total);
    for (int64_t p = 0; p < n && !ended; ++p)
      for (int64_t q = p + 1; q < n; ++q) {
        if (at(s, p, q) == 0) continue;
        const double theta = (at(s, q, q) - at(s, p, p)) / (2 * at(s, p, q));
        const double t = std::copysign(1 / (std::abs(theta) + std::sqrt(theta * theta + 1)), theta);
        const double c = 1 / std::sqrt(t * t + 1), r = t * c;
        for (int64_t k = 0; k < n; ++k) {
          const double x = at(s, k, p), y = at(s, k, q);
          at(s, k, p) = c * x - r * y;
          at(s, k, q) = r * x + c * y;
        }
        for (int64_t k = 0; k < n; ++k) {
          const double x = at(s, p, k), y = at(s, q, k);
          at(s, p, k) = c * x - r * y;
          at(s, q, k) = r * x + c * y;
        }
        for (int64_t k = 0; k < n; ++k) {
          const double x = at(v, p, k), y = at(v, q, k);
          at(v, p, k) = c * x - r * y;
          at(v, q, k) = r * x + c * y;
        }
      }
  }
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int64_t i, int64_t j) { return at(s, i, i) < at(s, j, j); });
  for (int64_t i = 0; i < n; ++i) {
    const int64_t from = order[static_cast<size_t>(i)];
    values[i] = static_cast<T>(at(s, from, from));
    for (int64_t k = 0; k < n; ++k) a[i * n + k] = static_cast<T>(at(v, from, k));
  }
  return ended;
}

// f(typed pointer...) in the element type.
template <typename F>
auto typed(DType dtype, F&& f) {
  return dtype == DType::float64 ? f(double{}) : f(float{});
}

}  // namespace

const LinearAlgebra reference_linear_algebra{
    .cholesky =
        [](DType d, int64_t n, void* a) {
          return typed(d, [&](auto t) { return cholesky(n, static_cast<decltype(t)*>(a)); });
        },
    .triangular_multiply =
        [](DType d, Triangular how, int64_t m, int64_t n, double alpha, const void* a, void* b) {
          typed(d, [&](auto t) {
            using T = decltype(t);
            triangular_multiply(how, m, n, alpha, static_cast<const T*>(a), static_cast<T*>(b));
          });
        },
    .triangular_solve =
        [](DType d, Triangular how, int64_t m, int64_t n, double alpha, const void* a, void* b) {
          typed(d, [&](auto t) {
            using T = decltype(t);
            triangular_solve(how, m, n, alpha, static_cast<const T*>(a), static_cast<T*>(b));
          });
        },
    .lu =
        [](DType d, int64_t n, void* a, int* pivots) {
          return typed(d, [&](auto t) { return lu(n, static_cast<decltype(t)*>(a), pivots); });
        },
    .lu_inverse =
        [](DType d, int64_t n, void* a, const int* pivots) {
          typed(d, [&](auto t) { lu_inverse(n, static_cast<decltype(t)*>(a), pivots); });
        },
    .lq =
        [](DType d, int64_t m, int64_t n, void* a, void* l) {
          typed(d, [&](auto t) {
            using T = decltype(t);
            lq(m, n, static_cast<T*>(a), static_cast<T*>(l));
          });
        },
    .symmetric_eigen =
        [](DType d, int64_t n, void* a, void* values) {
          return typed(d, [&](auto t) {
            using T = decltype(t);
            return symmetric_eigen(n, static_cast<T*>(a), static_cast<T*>(values));
          });
        },
};

}  // namespace gemel::kernels
