// Factorisations: Cholesky (potrf, potri), LQ (gelqf) and symmetric eigenvalues (syevd). The
// gradients follow Seeger et al. 2017, Auto-differentiating linear algebra.
#include <cmath>
#include <cstring>

#include "ops/linalg/matrix.h"
#include "pointwise/operator.h"

namespace gemel::matrix {
namespace {

void potrf_kernel(const OpCall& c, const kernels::LinearAlgebra& algebra) {
  copy_in(c);
  const Batch b = batch_of(c.in[0].shape);
  each(b.count, b.size() * b.rows, [&](int64_t i) {
    GEMEL_CHECK(algebra.cholesky(c.out[0].dtype, b.rows, at(c.out[0], i, b.size())),
                "[{}] matrix {} of the batch is not positive definite", c.op.name(), i);
  });
}

// With P the lower triangle of L' dL and its diagonal halved: the symmetric part of L'^-1 P L^-1.
std::vector<Entry> potrf_gradient(const GradientContext& c) {
  const Entry l = c.out(0);
  const Entry p = triangle(c, product(c, l, c.dy(), true), true, true);
  const Entry x = solved(c, l, solved(c, l, p, false, true), true, false);
  return {scaled(c, add(c, x, transposed(c, x)), 0.5)};
}

// (L L')^-1: the inverse of L, then its own product.
void potri_kernel(const OpCall& c, const kernels::LinearAlgebra& algebra) {
  const Batch b = batch_of(c.in[0].shape);
  const DType dtype = c.out[0].dtype;
  each(b.count, b.size() * b.rows, [&](int64_t i) {
    std::byte* out = at(c.out[0], i, b.size());
    std::memset(out, 0, static_cast<size_t>(b.size() * size_of(dtype)));
    for (int64_t k = 0; k < b.rows; ++k) {
      if (dtype == DType::float64)
        reinterpret_cast<double*>(out)[k * b.rows + k] = 1;
      else
        reinterpret_cast<float*>(out)[k * b.rows + k] = 1;
    }
    const std::byte* a = at(c.in[0], i, b.size());
    algebra.triangular_solve(dtype, {}, b.rows, b.rows, 1, a, out);
    algebra.triangular_solve(dtype, {.transpose = true}, b.rows, b.rows, 1, a, out);
  });
}

// With B the result: the lower triangle of -B (dB + dB') L'^-1.
std::vector<Entry> potri_gradient(const GradientContext& c) {
  const Entry both = add(c, c.dy(), transposed(c, c.dy()));
  const Entry x = product(c, c.out(0), both, false, false, -1);
  return {triangle(c, solved(c, c.in(0), x, true, true), true)};
}

void gelqf_shape(ShapeContext& c) {
  check_matrices(c, 0, false);
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  Shape l = c.in[0];
  if (l.ndim() < 0) return;
  const int d = l.ndim();
  GEMEL_CHECK(l[d - 2] <= l[d - 1], "[{}] expected at most as many rows as columns, got shape {}",
              c.op.name(), l);
  l[d - 1] = l[d - 2];
  c.set_out(1, l);
}

void gelqf_kernel(const OpCall& c, const kernels::LinearAlgebra& algebra) {
  copy_in(c);
  const Batch b = batch_of(c.in[0].shape);
  each(b.count, b.size() * b.rows, [&](int64_t i) {
    algebra.lq(c.out[0].dtype, b.rows, b.columns, at(c.out[0], i, b.size()),
               at(c.out[1], i, b.rows * b.rows));
  });
}

// With M = L' dL - dQ Q' and N its lower triangle mirrored upwards: L'^-1 (dQ + N Q).
std::vector<Entry> gelqf_gradient(const GradientContext& c) {
  const Entry q = c.out(0), l = c.out(1), dq = c.dy(0), dl = c.dy(1);
  const Entry m = add(c, product(c, l, dl, true), product(c, dq, q, false, true, -1));
  const Entry p = triangle(c, m, true, true);
  const Entry n = add(c, p, transposed(c, p));
  return {solved(c, l, add(c, dq, product(c, n, q)), false, true)};
}

void syevd_shape(ShapeContext& c) {
  check_matrices(c, 0, true);
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  if (c.in[0].ndim() < 0) return;
  Shape values;
  for (int i = 0; i + 1 < c.in[0].ndim(); ++i) values.push_back(c.in[0][i]);
  c.set_out(1, values);
}

// An eigenvector's sign is free: its element of largest magnitude is positive, as in 1.9.1.
template <typename T>
void orient(int64_t n, T* vectors) {
  for (int64_t i = 0; i < n; ++i) {
    T* row = vectors + i * n;
    int64_t largest = 0;
    for (int64_t k = 1; k < n; ++k)
      if (std::abs(row[k]) > std::abs(row[largest])) largest = k;
    if (n && row[largest] < 0)
      for (int64_t k = 0; k < n; ++k) row[k] = -row[k];
  }
}

void syevd_kernel(const OpCall& c, const kernels::LinearAlgebra& algebra) {
  copy_in(c);
  const Batch b = batch_of(c.in[0].shape);
  each(b.count, b.size() * b.rows * 8, [&](int64_t i) {
    std::byte* vectors = at(c.out[0], i, b.size());
    GEMEL_CHECK(algebra.symmetric_eigen(c.out[0].dtype, b.rows, vectors, at(c.out[1], i, b.rows)),
                "[{}] matrix {} of the batch: the iteration for its eigenvalues does not end",
                c.op.name(), i);
    if (c.out[0].dtype == DType::float64)
      orient(b.rows, reinterpret_cast<double*>(vectors));
    else
      orient(b.rows, reinterpret_cast<float*>(vectors));
  });
}

// With F(i, j) = 1 / (l_i - l_j) beside the diagonal: U' (sym(dU U' F) + diag(dL)) U.
std::vector<Entry> syevd_gradient(const GradientContext& c) {
  using pointwise::input;
  const Entry u = c.out(0), l = c.out(1), du = c.dy(0), dl = c.dy(1);
  const Entry m = product(c, du, u, false, true);
  const Entry rows = c.make("expand_dims", {l}, {{"axis", "-1"}});
  const Entry columns = c.make("expand_dims", {l}, {{"axis", "-2"}});
  const pointwise::Expr gap = input(1) - input(2);
  const Entry y =
      c.make("_pointwise", {m, rows, columns},
             pointwise::make_pointwise(
                 {where(equal(gap, 0.0), 0.0, input(0) / (gap + equal(gap, 0.0)))}, {}, 3));
  const Entry symmetric = scaled(c, add(c, y, transposed(c, y)), 0.5);
  const Entry inner = add(c, symmetric, c.make("_linalg_makediag", {dl}));
  return {product(c, u, product(c, inner, u), true)};
}

}  // namespace

GEMEL_OPERATORS(linalg_factorize) {
  OpBuilder potrf = op("_linalg_potrf");
  potrf.alias({"linalg_potrf"})
      .doc("The lower Cholesky factor of each symmetric positive definite matrix.")
      .inputs({"A"})
      .shape(square_shape)
      .type(real_type)
      .gradient(potrf_gradient)
      .inplace({{0, 0}})
      .sample({.shapes = {{3, 1, 1}}, .low = 1, .high = 2});
  implement(potrf, potrf_kernel);
  OpBuilder potri = op("_linalg_potri");
  potri.alias({"linalg_potri"})
      .doc("The inverse of L L' for each lower triangular L (a Cholesky factor).")
      .inputs({"A"})
      .shape(square_shape)
      .type(real_type)
      .gradient(potri_gradient)
      .sample({.shapes = {{2, 3, 3}}, .low = 1, .high = 2});
  implement(potri, potri_kernel);
  OpBuilder gelqf = op("_linalg_gelqf");
  gelqf.alias({"linalg_gelqf"})
      .doc("Q with orthonormal rows and lower triangular L with L Q = A, for each matrix.")
      .inputs({"A"})
      .outputs(2, 2)
      .shape(gelqf_shape)
      .type(real_type)
      .gradient(gelqf_gradient)
      .inplace({{0, 0}})
      .sample({.shapes = {{2, 3, 4}}})
      .sample({.shapes = {{3, 3}}});
  implement(gelqf, gelqf_kernel);
  OpBuilder syevd = op("_linalg_syevd");
  syevd
      .doc(
          "Eigenvectors (the rows of U) and ascending eigenvalues L of each symmetric matrix: U A "
          "= "
          "diag(L) U. Only the lower triangle is read.")
      .inputs({"A"})
      .outputs(2, 2)
      .shape(syevd_shape)
      .type(real_type)
      .gradient(syevd_gradient)
      .inplace({{0, 0}})
      .sample({.shapes = {{2, 3, 3}}})
      .sample({.shapes = {{4, 4}}});
  implement(syevd, syevd_kernel);
}

}  // namespace gemel::matrix
