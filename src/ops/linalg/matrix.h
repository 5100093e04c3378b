// What the linalg operators share: arrays as batches of matrices in the last two axes, and the
// matrix calculus of their gradients as nodes.
#pragma once
#include "kernels/lapack/lapack.h"
#include "kernels/parallel.h"
#include "op/registry.h"

namespace gemel::matrix {

struct Batch {
  int64_t count, rows, columns;
  int64_t size() const { return rows * columns; }
};
inline Batch batch_of(const Shape& shape) {
  const int d = shape.ndim();
  return {shape.size(0, d - 2), shape[d - 2], shape[d - 1]};
}

// Throws Error(Input) unless input i, where known, is a batch of (square) matrices.
inline void check_matrices(const ShapeContext& c, int i, bool square) {
  const Shape& shape = c.in[static_cast<size_t>(i)];
  if (shape.ndim() < 0) return;
  const int d = shape.ndim();
  GEMEL_CHECK(d >= 2, "[{}] expected matrices (at least 2 axes), got shape {}", c.op.name(), shape);
  GEMEL_CHECK(!square || shape[d - 1] < 0 || shape[d - 2] < 0 || shape[d - 1] == shape[d - 2],
              "[{}] expected square matrices in the last two axes, got shape {}", c.op.name(),
              shape);
}

// One input and one output of the same square matrices.
inline void square_shape(ShapeContext& c) {
  same_shape(c);
  check_matrices(c, 0, true);
}

// float32 or float64, all alike.
inline void real_type(TypeContext& c) {
  same_type(c);
  for (DType d : c.in)
    GEMEL_CHECK(d == DType::none || d == DType::float32 || d == DType::float64,
                "[{}] expected float32 or float64, got {}; cast the data first", c.op.name(),
                name_of(d));
}

// f(k) for every matrix of a batch; `cost` is that of one.
template <typename F>
void each(int64_t count, int64_t cost, F&& f) {
  if (cost < (1 << 20))
    kernels::parallel_for(count, cost, f);
  else
    for (int64_t k = 0; k < count; ++k) f(k);  // a library uses the threads inside
}

// Declares the library's and the plain implementation of kernel(call, algebra).
template <typename F>
void implement(OpBuilder& builder, F kernel) {
  builder
      .implement(
          "lapack", [kernel](const OpCall& c) { kernel(c, kernels::lapack_linear_algebra); },
          [](const OpCall& c) { return kernels::lapack_supports(c.in[0].dtype); })
      .implement("reference",
                 [kernel](const OpCall& c) { kernel(c, kernels::reference_linear_algebra); });
}

inline std::byte* at(const Tensor& t, int64_t k, int64_t elements) {
  return t.address + k * elements * size_of(t.dtype);
}
// A copy of the input in the output, unless they are one.
void copy_in(const OpCall& c);

// Nodes. `scaled`: alpha op(a) op(b).
inline Entry product(const GradientContext& c, const Entry& a, const Entry& b, bool ta = false,
                     bool tb = false, double alpha = 1) {
  return c.make("_linalg_gemm2", {a, b},
                {{"transpose_a", print_value(ta)},
                 {"transpose_b", print_value(tb)},
                 {"alpha", print_value(alpha)}});
}
inline Entry transposed(const GradientContext& c, const Entry& a) {
  return c.make("SwapAxis", {a}, {{"dim1", "-1"}, {"dim2", "-2"}});
}
inline Entry add(const GradientContext& c, const Entry& a, const Entry& b) {
  return c.make("elemwise_add", {a, b});
}
inline Entry scaled(const GradientContext& c, const Entry& a, double factor) {
  return c.make("_mul_scalar", {a}, {{"scalar", print_value(factor)}});
}
// One triangle with the diagonal (halved, where asked), zeros elsewhere.
inline Entry triangle(const GradientContext& c, const Entry& a, bool lower,
                      bool half_diagonal = false) {
  return c.make("_matrix_triangle", {a},
                {{"lower", print_value(lower)}, {"half_diagonal", print_value(half_diagonal)}});
}
// alpha op(a)^-1 b, or alpha b op(a)^-1.
inline Entry solved(const GradientContext& c, const Entry& a, const Entry& b, bool right,
                    bool transpose, bool lower = true, double alpha = 1) {
  return c.make("_linalg_trsm", {a, b},
                {{"rightside", print_value(right)},
                 {"transpose", print_value(transpose)},
                 {"lower", print_value(lower)},
                 {"alpha", print_value(alpha)}});
}

}  // namespace gemel::matrix
