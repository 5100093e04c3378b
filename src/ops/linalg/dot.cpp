// dot: the product over the last axis of lhs and the first of rhs. Both are seen as matrices.
#include "kernels/gemm/gemm.h"
#include "kernels/widen.h"
#include "op/registry.h"
#include "ops/linalg/storage_type.h"

namespace gemel::dot_op {
namespace {

struct DotParameters : Parameters {
  bool transpose_a, transpose_b;
  StorageType forward_stype;
  static void declare(Fields<DotParameters>& f) {
    f.field("transpose_a", &DotParameters::transpose_a)
        .fallback("0")
        .doc("Sum over the first axis of lhs instead of its last.");
    f.field("transpose_b", &DotParameters::transpose_b)
        .fallback("0")
        .doc("Sum over the last axis of rhs instead of its first.");
    declare_forward_stype(f, &DotParameters::forward_stype);
  }
};

// The gradient of dot with respect to one operand.
struct DotBackwardParameters : Parameters {
  bool transpose_a, transpose_b;
  int operand;  // 0: lhs, 1: rhs
  static void declare(Fields<DotBackwardParameters>& f) {
    f.field("transpose_a", &DotBackwardParameters::transpose_a).doc("As in dot.");
    f.field("transpose_b", &DotBackwardParameters::transpose_b).doc("As in dot.");
    f.field("operand", &DotBackwardParameters::operand).range(0, 1).doc("0 for lhs, 1 for rhs.");
  }
};

// The axis that is summed over: the first, or the last. For a vector both are the same.
int summed_axis(const Shape& shape, bool first) { return first ? 0 : shape.ndim() - 1; }

void append_rest(Shape& out, const Shape& shape, int without) {
  for (int i = 0; i < shape.ndim(); ++i)
    if (i != without) out.push_back(shape[i]);
}

void dot_shape(ShapeContext& c) {
  const auto& p = c.params<DotParameters>();
  check_forward_stype(p.forward_stype, c.op.name());
  const Shape &l = c.in[0], &r = c.in[1];
  GEMEL_CHECK(l.ndim() != 0 && r.ndim() != 0,
              "[{}] expected arrays of at least one axis, got {} and {}", c.op.name(), l, r);
  if (l.ndim() < 0 || r.ndim() < 0) return;
  GEMEL_CHECK(
      l.ndim() > 1 || r.ndim() > 1 || (!p.transpose_a && !p.transpose_b),
      "[{}] two vectors {} and {} cannot be transposed; leave transpose_a and transpose_b off",
      c.op.name(), l, r);
  const int a = summed_axis(l, p.transpose_a), b = summed_axis(r, !p.transpose_b);
  if (l[a] >= 0 && r[b] >= 0)
    GEMEL_CHECK(l[a] == r[b],
                "[{}] expected equal sizes of axis {} of lhs and axis {} of rhs, got {} and {} in "
                "{} and {}",
                c.op.name(), a, b, l[a], r[b], l, r);
  else if (l[a] >= 0) {
    Shape known = r;
    known[b] = l[a];
    c.set_in(1, known);
  } else if (r[b] >= 0) {
    Shape known = l;
    known[a] = r[b];
    c.set_in(0, known);
  }
  GEMEL_CHECK(l.ndim() + r.ndim() - 2 <= Shape::max_ndim,
              "[{}] expected a result of at most {} axes, got {} and {}", c.op.name(),
              Shape::max_ndim, l, r);
  Shape out;
  append_rest(out, l, a);
  append_rest(out, r, b);
  if (out.ndim() == 0) out.push_back(1);
  c.set_out(0, out);
}

kernels::Gemm dot_matrices(const Shape& l, const Shape& r, bool transpose_a, bool transpose_b) {
  const int64_t k = l[summed_axis(l, transpose_a)];
  const int a = summed_axis(l, transpose_a), b = summed_axis(r, !transpose_b);
  // A vector is a row on the left and a column on the right; transposing it changes nothing.
  const bool ta = transpose_a && l.ndim() > 1, tb = transpose_b && r.ndim() > 1;
  const int64_t m = l.size(0, a) * l.size(a + 1, l.ndim());
  const int64_t n = r.size(0, b) * r.size(b + 1, r.ndim());
  return kernels::Gemm::packed(ta, tb, m, n, k);
}

// One product of two of the call's inputs.
struct Product {
  kernels::Gemm gemm;
  int a, b;
};

Product forward_product(const OpCall& c) {
  const auto& p = c.params<DotParameters>();
  return {dot_matrices(c.in[0].shape, c.in[1].shape, p.transpose_a, p.transpose_b), 0, 1};
}

// in: head gradient, the other operand, the operand itself (for its shape only).
Product backward_product(const OpCall& c) {
  const auto& p = c.params<DotBackwardParameters>();
  const Shape &other = c.in[1].shape, &out = c.out[0].shape;
  const bool left = p.operand == 0;
  const kernels::Gemm g =
      dot_matrices(left ? out : other, left ? other : out, p.transpose_a, p.transpose_b);
  const bool ta = g.transpose_a, tb = g.transpose_b;
  using kernels::Gemm;
  if (left && !ta) return {Gemm::packed(false, !tb, g.m, g.k, g.n), 0, 1};
  if (left) return {Gemm::packed(tb, true, g.k, g.m, g.n), 1, 0};
  if (!tb) return {Gemm::packed(!ta, false, g.k, g.n, g.m), 1, 0};
  return {Gemm::packed(true, ta, g.n, g.k, g.m), 0, 1};
}

using ProductOf = Product (*)(const OpCall&);
using Kernel = void (*)(DType, const kernels::Gemm&, const void*, const void*, void*);

template <ProductOf product_of, Kernel kernel>
void run(const OpCall& c) {
  const Product product = product_of(c);
  kernel(c.out[0].dtype, product.gemm, c.in[static_cast<size_t>(product.a)].address,
         c.in[static_cast<size_t>(product.b)].address, c.out[0].address);
}

template <ProductOf product_of>
bool own_serves(const OpCall& c) {
  return kernels::own_supports(c.out[0].dtype, product_of(c).gemm);
}
template <ProductOf product_of>
bool bfloat16_serves(const OpCall& c) {
  return kernels::bfloat16_supports(c.out[0].dtype, product_of(c).gemm);
}
bool blas_serves(const OpCall& c) { return kernels::blas_supports(c.out[0].dtype); }

Attributes flags(bool a, bool b) {
  return {{"transpose_a", print_value(a)}, {"transpose_b", print_value(b)}};
}
Attributes flags(bool a, bool b, int operand) {
  Attributes attributes = flags(a, b);
  attributes["operand"] = print_value(operand);
  return attributes;
}

std::vector<Entry> dot_gradient(const GradientContext& c) {
  const auto& p = c.params<DotParameters>();
  const bool ta = p.transpose_a, tb = p.transpose_b;
  return {c.make("_backward_dot", {c.dy(), c.in(1), c.in(0)}, flags(ta, tb, 0)),
          c.make("_backward_dot", {c.dy(), c.in(0), c.in(1)}, flags(ta, tb, 1))};
}

// The gradient is linear in the head and in the other operand.
std::vector<Entry> dot_backward_gradient(const GradientContext& c) {
  const auto& p = c.params<DotBackwardParameters>();
  const bool ta = p.transpose_a, tb = p.transpose_b, left = p.operand == 0;
  const Entry head = c.dy(), other = c.in(1);
  Entry by_dy = left ? c.make("dot", {head, other}, flags(ta, tb))
                     : c.make("dot", {other, head}, flags(ta, tb));
  Entry by_other = c.make("_backward_dot", {c.in(0), head, other}, flags(ta, tb, 1 - p.operand));
  return {by_dy, by_other, Entry{}};
}

}  // namespace

GEMEL_OPERATORS(dot) {
  op<DotParameters>("dot")
      .doc(
          "Product of two arrays over the last axis of `lhs` and the first axis of `rhs`: the "
          "matrix "
          "product of matrices, the inner product of vectors (of shape (1,)). Arrays of more axes "
          "keep all axes that are not summed over, those of `lhs` first. `transpose_a` sums over "
          "the "
          "first axis of `lhs` and `transpose_b` over the last axis of `rhs` instead.")
      .inputs({"lhs", "rhs"})
      .shape(dot_shape)
      .gradient(dot_gradient)
      .operations([](const OpCall& c) {  // (m k)(k n)(m n) is (m k n) squared
        return 2 *
               std::sqrt(static_cast<double>(c.in[0].size()) * static_cast<double>(c.in[1].size()) *
                         static_cast<double>(c.out[0].size()));
      })
      .implement(kernels::widened())
      .implement("bfloat16", run<forward_product, kernels::bfloat16_gemm>,
                 bfloat16_serves<forward_product>)
      .implement("direct", run<forward_product, kernels::own_gemm>, own_serves<forward_product>)
      .implement("openblas", run<forward_product, kernels::blas_gemm>, blas_serves)
      .implement("reference", run<forward_product, kernels::reference_gemm>)
      .sample({.shapes = {{3, 4}, {4, 5}}})
      .sample({.shapes = {{4, 3}, {4, 5}}, .attributes = {{"transpose_a", "True"}}})
      .sample({.shapes = {{3, 4}, {5, 4}}, .attributes = {{"transpose_b", "True"}}})
      .sample({.shapes = {{4, 3}, {5, 4}},
               .attributes = {{"transpose_a", "True"}, {"transpose_b", "True"}}})
      .sample({.shapes = {{2, 3, 4}, {4, 2, 3}}})
      .sample({.shapes = {{5}, {5}}})
      .sample({.shapes = {{3, 5}, {5}}})
      .sample({.shapes = {{1, 1}, {1, 1}}});

  op<DotBackwardParameters>("_backward_dot")
      .doc("Gradient of dot with respect to one of its operands.")
      .inputs({"dy", "other", "like"})
      .shape_only({2})
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[2]);
        c.set_in(2, c.out[0]);
      })
      .gradient(dot_backward_gradient)
      .implement(kernels::widened())
      .implement("bfloat16", run<backward_product, kernels::bfloat16_gemm>,
                 bfloat16_serves<backward_product>)
      .implement("direct", run<backward_product, kernels::own_gemm>, own_serves<backward_product>)
      .implement("openblas", run<backward_product, kernels::blas_gemm>, blas_serves)
      .implement("reference", run<backward_product, kernels::reference_gemm>);
}

}  // namespace gemel::dot_op
