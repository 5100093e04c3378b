// Inverses and determinants.
#include <cmath>
#include <vector>

#include "ops/linalg/matrix.h"
#include "pointwise/operator.h"

namespace gemel::matrix {
namespace {

void inverse_kernel(const OpCall& c, const kernels::LinearAlgebra& algebra) {
  copy_in(c);
  const Batch b = batch_of(c.in[0].shape);
  each(b.count, b.size() * b.rows, [&](int64_t i) {
    std::vector<int> pivots(static_cast<size_t>(b.rows));
    std::byte* a = at(c.out[0], i, b.size());
    GEMEL_CHECK(algebra.lu(c.out[0].dtype, b.rows, a, pivots.data()),
                "[{}] matrix {} of the batch has no inverse", c.op.name(), i);
    algebra.lu_inverse(c.out[0].dtype, b.rows, a, pivots.data());
  });
}

// The shape without the matrices; of one matrix (1,).
void scalar_shape(ShapeContext& c) {
  check_matrices(c, 0, true);
  if (c.in[0].ndim() < 0) return;
  Shape result;
  for (int i = 0; i + 2 < c.in[0].ndim(); ++i) result.push_back(c.in[0][i]);
  for (size_t k = 0; k < c.out.size(); ++k)
    c.set_out(static_cast<int>(k), result.ndim() ? result : Shape{1});
}

// Sign and logarithm of the magnitude of the product of the pivots.
template <typename T>
std::pair<double, double> product_of_pivots(int64_t n, const T* a, const std::vector<int>& pivots) {
  double sign = 1, logarithm = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double pivot = a[i * n + i];
    if (pivots[static_cast<size_t>(i)] != i + 1) sign = -sign;
    sign *= pivot > 0 ? 1 : pivot < 0 ? -1 : pivot;  // 0 and NaN stay
    logarithm += std::log(std::abs(pivot));
  }
  return {sign, logarithm};
}

template <typename T>
void determinants(const OpCall& c, const kernels::LinearAlgebra& algebra) {
  const Batch b = batch_of(c.in[0].shape);
  each(b.count, b.size() * b.rows, [&](int64_t i) {
    const T* a = c.in[0].data<T>() + i * b.size();
    std::vector<T> factors(a, a + b.size());
    std::vector<int> pivots(static_cast<size_t>(b.rows));
    algebra.lu(c.in[0].dtype, b.rows, factors.data(), pivots.data());
    if (c.out.size() == 1) {
      double product = 1;
      for (int64_t k = 0; k < b.rows; ++k)
        product *= (pivots[static_cast<size_t>(k)] != k + 1 ? -1.0 : 1.0) *
                   static_cast<double>(factors[static_cast<size_t>(k * b.rows + k)]);
      c.out[0].data<T>()[i] = static_cast<T>(product);
    } else {
      const auto [sign, logarithm] = product_of_pivots(b.rows, factors.data(), pivots);
      c.out[0].data<T>()[i] = static_cast<T>(sign);
      c.out[1].data<T>()[i] = static_cast<T>(logarithm);
    }
  });
}

void determinant_kernel(const OpCall& c, const kernels::LinearAlgebra& algebra) {
  if (c.in[0].dtype == DType::float64)
    determinants<double>(c, algebra);
  else
    determinants<float>(c, algebra);
}

// The inverse where there is one, zeros else; transposed: what determinants need.
template <typename T>
void inverses_or_zero(const OpCall& c, const kernels::LinearAlgebra& algebra) {
  copy_in(c);
  const Batch b = batch_of(c.in[0].shape);
  each(b.count, b.size() * b.rows, [&](int64_t i) {
    std::vector<int> pivots(static_cast<size_t>(b.rows));
    T* a = c.out[0].data<T>() + i * b.size();
    if (algebra.lu(c.out[0].dtype, b.rows, a, pivots.data()))
      algebra.lu_inverse(c.out[0].dtype, b.rows, a, pivots.data());
    else
      std::fill(a, a + b.size(), T(0));
  });
}

std::vector<Entry> inverse_gradient(const GradientContext& c) {
  const Entry b = c.out(0);
  return {product(c, product(c, b, c.dy(), true), b, false, true, -1)};
}

// factor (one number for each matrix) times the transposed inverse.
std::vector<Entry> by_inverse(const GradientContext& c, const Entry& factor) {
  const Entry inverse = transposed(c, c.make("_matrix_inverse_or_zero", {c.in(0)}));
  // (..., 1, 1): the shape of the factors among the matrices.
  const Entry wide =
      c.make("_reshape_as",
             {factor, c.make("sum", {c.in(0)}, {{"axis", "(-2, -1)"}, {"keepdims", "True"}})});
  return {c.make("broadcast_mul", {inverse, wide})};
}

}  // namespace

GEMEL_OPERATORS(linalg_determinant) {
  OpBuilder inverse = op("_linalg_inverse");
  inverse.alias({"linalg_inverse"})
      .doc("The inverse of each matrix.")
      .inputs({"A"})
      .shape(square_shape)
      .type(real_type)
      .gradient(inverse_gradient)
      .inplace({{0, 0}})
      .sample({.shapes = {{2, 3, 3}}})
      .sample({.shapes = {{4, 4}}});
  implement(inverse, inverse_kernel);
  OpBuilder zero = op("_matrix_inverse_or_zero");
  zero.doc("The inverse of each matrix, zeros where there is none.")
      .inputs({"A"})
      .shape(square_shape)
      .type(real_type)
      .gradient(inverse_gradient)
      .inplace({{0, 0}});
  zero.info().hidden = true;
  implement(zero, [](const OpCall& c, const kernels::LinearAlgebra& algebra) {
    if (c.in[0].dtype == DType::float64)
      inverses_or_zero<double>(c, algebra);
    else
      inverses_or_zero<float>(c, algebra);
  });
  OpBuilder det = op("_linalg_det");
  det.alias({"linalg_det"})
      .doc("The determinant of each matrix; no gradient flows where it is 0.")
      .inputs({"A"})
      .outputs({"output0"}, 1)
      .file_outputs(3)
      .shape(scalar_shape)
      .type(real_type)
      .gradient([](const GradientContext& c) {
        return by_inverse(c, c.make("elemwise_mul", {c.dy(), c.out(0)}));
      })
      .sample({.shapes = {{2, 3, 3}}})
      .sample({.shapes = {{4, 4}}});
  implement(det, determinant_kernel);
  OpBuilder slogdet = op("_linalg_slogdet");
  slogdet.alias({"linalg_slogdet"})
      .doc(
          "The sign of each matrix's determinant and the logarithm of its magnitude; only the "
          "second "
          "has a gradient, and none where the determinant is 0.")
      .inputs({"A"})
      .outputs(2, 2)
      .file_outputs(4)
      .shape(scalar_shape)
      .type(real_type)
      .gradient([](const GradientContext& c) { return by_inverse(c, c.dy(1)); })
      .sample({.shapes = {{2, 3, 3}}})
      .sample({.shapes = {{4, 4}}});
  implement(slogdet, determinant_kernel);
}

}  // namespace gemel::matrix
