// LAPACK and BLAS as OpenBLAS brings them. A row-major matrix is the transpose of a column-major
// one, so lower and upper change places, LQ becomes QR and eigenvectors stand in rows.
#include "kernels/lapack/lapack.h"

#ifdef GEMEL_WITH_OPENBLAS
#include <cblas.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/error.h"

extern "C" {
void spotrf_(const char*, const int*, float*, const int*, int*);
void dpotrf_(const char*, const int*, double*, const int*, int*);
void sgetrf_(const int*, const int*, float*, const int*, int*, int*);
void dgetrf_(const int*, const int*, double*, const int*, int*, int*);
void sgetri_(const int*, float*, const int*, const int*, float*, const int*, int*);
void dgetri_(const int*, double*, const int*, const int*, double*, const int*, int*);
void sgeqrf_(const int*, const int*, float*, const int*, float*, float*, const int*, int*);
void dgeqrf_(const int*, const int*, double*, const int*, double*, double*, const int*, int*);
void sorgqr_(const int*, const int*, const int*, float*, const int*, const float*, float*,
             const int*, int*);
void dorgqr_(const int*, const int*, const int*, double*, const int*, const double*, double*,
             const int*, int*);
void ssyevd_(const char*, const char*, const int*, float*, const int*, float*, float*, const int*,
             int*, const int*, int*);
void dsyevd_(const char*, const char*, const int*, double*, const int*, double*, double*,
             const int*, int*, const int*, int*);
}
#endif

namespace gemel::kernels {

#ifdef GEMEL_WITH_OPENBLAS

namespace {

template <typename T>
struct Lapack;
template <>
struct Lapack<float> {
  static constexpr auto potrf = spotrf_;
  static constexpr auto getrf = sgetrf_;
  static constexpr auto getri = sgetri_;
  static constexpr auto geqrf = sgeqrf_;
  static constexpr auto orgqr = sorgqr_;
  static constexpr auto syevd = ssyevd_;
  static constexpr auto trmm = cblas_strmm;
  static constexpr auto trsm = cblas_strsm;
};
template <>
struct Lapack<double> {
  static constexpr auto potrf = dpotrf_;
  static constexpr auto getrf = dgetrf_;
  static constexpr auto getri = dgetri_;
  static constexpr auto geqrf = dgeqrf_;
  static constexpr auto orgqr = dorgqr_;
  static constexpr auto syevd = dsyevd_;
  static constexpr auto trmm = cblas_dtrmm;
  static constexpr auto trsm = cblas_dtrsm;
};

int size32(int64_t n) {
  GEMEL_CHECK(n <= std::numeric_limits<int>::max(), "LAPACK takes at most 2^31 rows, got {}", n);
  return static_cast<int>(n);
}

template <typename T>
bool cholesky(int64_t rows, T* a) {
  const int n = size32(rows), lead = std::max(1, n);
  int info = 0;
  Lapack<T>::potrf("U", &n, a, &lead, &info);
  for (int64_t i = 0; i < rows; ++i) std::fill(a + i * rows + i + 1, a + (i + 1) * rows, T(0));
  return info == 0;
}

template <typename T, typename F>
void triangular(F function, const Triangular& t, int64_t m, int64_t n, double alpha, const T* a,
                T* b) {
  if (m == 0 || n == 0) return;
  function(CblasRowMajor, t.right ? CblasRight : CblasLeft, t.lower ? CblasLower : CblasUpper,
           t.transpose ? CblasTrans : CblasNoTrans, CblasNonUnit, size32(m), size32(n),
           static_cast<T>(alpha), a, size32(t.right ? n : m), b, size32(n));
}

template <typename T>
bool lu(int64_t rows, T* a, int* pivots) {
  const int n = size32(rows), lead = std::max(1, n);
  int info = 0;
  Lapack<T>::getrf(&n, &n, a, &lead, pivots, &info);
  return info == 0;
}

// The work space that LAPACK asks for when called with the length -1, as its first element.
template <typename T>
std::vector<T> work_space(T asked) {
  return std::vector<T>(static_cast<size_t>(std::max<double>(1, static_cast<double>(asked))));
}

template <typename T>
void lu_inverse(int64_t rows, T* a, const int* pivots) {
  const int n = size32(rows), lead = std::max(1, n), query = -1;
  int info = 0;
  T asked = 0;
  Lapack<T>::getri(&n, a, &lead, pivots, &asked, &query, &info);
  std::vector<T> work = work_space(asked);
  const int length = size32(static_cast<int64_t>(work.size()));
  Lapack<T>::getri(&n, a, &lead, pivots, work.data(), &length, &info);
}

template <typename T>
void lq(int64_t rows, int64_t columns, T* a, T* l) {
  const int m = size32(rows), n = size32(columns), lead = std::max(1, n), query = -1;
  if (m == 0) return;
  int info = 0;
  T asked = 0, asked_too = 0;
  std::vector<T> factors(static_cast<size_t>(m));
  Lapack<T>::geqrf(&n, &m, a, &lead, factors.data(), &asked, &query, &info);
  Lapack<T>::orgqr(&n, &m, &m, a, &lead, factors.data(), &asked_too, &query, &info);
  std::vector<T> work = work_space(std::max(asked, asked_too));
  const int length = size32(static_cast<int64_t>(work.size()));
  Lapack<T>::geqrf(&n, &m, a, &lead, factors.data(), work.data(), &length, &info);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < rows; ++j) l[i * rows + j] = j <= i ? a[i * columns + j] : T(0);
  Lapack<T>::orgqr(&n, &m, &m, a, &lead, factors.data(), work.data(), &length, &info);
}

template <typename T>
bool symmetric_eigen(int64_t rows, T* a, T* values) {
  const int n = size32(rows), lead = std::max(1, n), query = -1;
  int info = 0, asked_integers = 1;
  T asked = 0;
  Lapack<T>::syevd("V", "U", &n, a, &lead, values, &asked, &query, &asked_integers, &query, &info);
  std::vector<T> work = work_space(asked);
  std::vector<int> integers(static_cast<size_t>(std::max(1, asked_integers)));
  const int length = size32(static_cast<int64_t>(work.size()));
  Lapack<T>::syevd("V", "U", &n, a, &lead, values, work.data(), &length, integers.data(),
                   &asked_integers, &info);
  return info == 0;
}

template <typename F>
auto typed(DType dtype, F&& f) {
  return dtype == DType::float64 ? f(double{}) : f(float{});
}

}  // namespace

bool lapack_supports(DType dtype) { return dtype == DType::float32 || dtype == DType::float64; }

const LinearAlgebra lapack_linear_algebra{
    .cholesky =
        [](DType d, int64_t n, void* a) {
          return typed(d, [&](auto t) { return cholesky(n, static_cast<decltype(t)*>(a)); });
        },
    .triangular_multiply =
        [](DType d, Triangular how, int64_t m, int64_t n, double alpha, const void* a, void* b) {
          typed(d, [&](auto t) {
            using T = decltype(t);
            triangular(Lapack<T>::trmm, how, m, n, alpha, static_cast<const T*>(a),
                       static_cast<T*>(b));
          });
        },
    .triangular_solve =
        [](DType d, Triangular how, int64_t m, int64_t n, double alpha, const void* a, void* b) {
          typed(d, [&](auto t) {
            using T = decltype(t);
            triangular(Lapack<T>::trsm, how, m, n, alpha, static_cast<const T*>(a),
                       static_cast<T*>(b));
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

#else

bool lapack_supports(DType) { return false; }
const LinearAlgebra lapack_linear_algebra = reference_linear_algebra;

#endif

}  // namespace gemel::kernels
