// batch_dot: one matrix product for each element of the leading axes.
#include "kernels/gemm/gemm.h"
#include "kernels/parallel.h"
#include "kernels/widen.h"
#include "op/registry.h"
#include "ops/linalg/storage_type.h"

namespace gemel::batch_dot_op {
namespace {

struct BatchDotParameters : Parameters {
  bool transpose_a, transpose_b;
  StorageType forward_stype;
  static void declare(Fields<BatchDotParameters>& f) {
    f.field("transpose_a", &BatchDotParameters::transpose_a)
        .fallback("0")
        .doc("Transpose every matrix of lhs.");
    f.field("transpose_b", &BatchDotParameters::transpose_b)
        .fallback("0")
        .doc("Transpose every matrix of rhs.");
    declare_forward_stype(f, &BatchDotParameters::forward_stype);
  }
};

// Equal batch axes, then (m, k) and (k, n) once transposed.
void batch_dot_shape(ShapeContext& c) {
  const auto& p = c.params<BatchDotParameters>();
  check_forward_stype(p.forward_stype, c.op.name());
  const Shape l = c.in[0], r = c.in[1];
  if (l.ndim() < 0 || r.ndim() < 0) return;
  GEMEL_CHECK(l.ndim() == r.ndim() && l.ndim() >= 3,
              "[{}] expected two arrays of the same number of axes, at least 3, got {} and {}",
              c.op.name(), l, r);
  const int d = l.ndim();
  Shape known_l = l, known_r = r, out = l;
  for (int i = 0; i < d - 2; ++i) {
    const int64_t size = l[i] >= 0 ? l[i] : r[i];
    GEMEL_CHECK(r[i] < 0 || r[i] == size, "[{}] expected equal batch axes, got {} and {}",
                c.op.name(), l, r);
    known_l[i] = known_r[i] = out[i] = size;
  }
  const int m = p.transpose_a ? d - 1 : d - 2, ka = p.transpose_a ? d - 2 : d - 1;
  const int n = p.transpose_b ? d - 2 : d - 1, kb = p.transpose_b ? d - 1 : d - 2;
  const int64_t k = l[ka] >= 0 ? l[ka] : r[kb];
  GEMEL_CHECK(r[kb] < 0 || r[kb] == k,
              "[{}] expected axis {} of lhs to be as long as axis {} of rhs, got {} and {}",
              c.op.name(), ka, kb, l, r);
  known_l[ka] = known_r[kb] = k;
  out[d - 2] = l[m];
  out[d - 1] = r[n];
  c.set_in(0, known_l);
  c.set_in(1, known_r);
  c.set_out(0, out);
}

// The product of one pair of matrices.
kernels::Gemm one_product(const OpCall& c) {
  const auto& p = c.params<BatchDotParameters>();
  const Shape &l = c.in[0].shape, &out = c.out[0].shape;
  const int d = l.ndim();
  return kernels::Gemm::packed(p.transpose_a, p.transpose_b, out[d - 2], out[d - 1],
                               p.transpose_a ? l[d - 2] : l[d - 1]);
}

using Kernel = void (*)(DType, const kernels::Gemm&, const void*, const void*, void*);

template <Kernel kernel>
void run(const OpCall& c) {
  const kernels::Gemm g = one_product(c);
  const DType dtype = c.out[0].dtype;
  const int64_t item = size_of(dtype);
  const std::byte *a = c.in[0].address, *b = c.in[1].address;
  std::byte* to = c.out[0].address;
  // Many small products are spread over the threads; few large ones are threaded inside.
  const auto one = [&](int64_t i) {
    kernel(dtype, g, a + i * g.m * g.k * item, b + i * g.k * g.n * item, to + i * g.m * g.n * item);
  };
  const Shape& l = c.in[0].shape;
  const int64_t count = l.size(0, l.ndim() - 2);
  if (count >= kernels::thread_count() && g.m * g.n * g.k < (1 << 20))
    kernels::parallel_for(count, g.m * g.n * g.k, one);
  else
    for (int64_t i = 0; i < count; ++i) one(i);
}

Attributes flags(bool a, bool b) {
  return {{"transpose_a", print_value(a)}, {"transpose_b", print_value(b)}};
}

std::vector<Entry> batch_dot_gradient(const GradientContext& c) {
  const auto& p = c.params<BatchDotParameters>();
  const bool ta = p.transpose_a, tb = p.transpose_b;
  const Entry dy = c.dy(), l = c.in(0), r = c.in(1);
  return {ta ? c.make("batch_dot", {r, dy}, flags(tb, true))
             : c.make("batch_dot", {dy, r}, flags(false, !tb)),
          tb ? c.make("batch_dot", {dy, l}, flags(true, ta))
             : c.make("batch_dot", {l, dy}, flags(!ta, false))};
}

}  // namespace

GEMEL_OPERATORS(batch_dot) {
  op<BatchDotParameters>("batch_dot")
      .doc(
          "Matrix products of two batches: arrays of shape (..., m, k) and (..., k, n) give "
          "(..., m, n). `transpose_a` and `transpose_b` transpose the matrices first.")
      .inputs({"lhs", "rhs"})
      .shape(batch_dot_shape)
      .gradient(batch_dot_gradient)
      .operations([](const OpCall& c) {
        const Shape& left = c.in[0].shape;
        const int summed = left.ndim() - (c.params<BatchDotParameters>().transpose_a ? 2 : 1);
        return 2.0 * static_cast<double>(c.out[0].size()) * static_cast<double>(left[summed]);
      })
      .implement(kernels::widened())
      .implement("bfloat16", run<kernels::bfloat16_gemm>,
                 [](const OpCall& c) {
                   return kernels::bfloat16_supports(c.out[0].dtype, one_product(c));
                 })
      .implement(
          "direct", run<kernels::own_gemm>,
          [](const OpCall& c) { return kernels::own_supports(c.out[0].dtype, one_product(c)); })
      .implement("openblas", run<kernels::blas_gemm>,
                 [](const OpCall& c) { return kernels::blas_supports(c.out[0].dtype); })
      .implement("reference", run<kernels::reference_gemm>)
      .sample({.shapes = {{2, 3, 4}, {2, 4, 5}}})
      .sample({.shapes = {{2, 4, 3}, {2, 4, 5}}, .attributes = {{"transpose_a", "True"}}})
      .sample({.shapes = {{2, 3, 4}, {2, 5, 4}}, .attributes = {{"transpose_b", "True"}}})
      .sample({.shapes = {{2, 4, 3}, {2, 5, 4}},
               .attributes = {{"transpose_a", "True"}, {"transpose_b", "True"}}})
      .sample({.shapes = {{2, 3, 1, 2}, {2, 3, 2, 1}}});
}

}  // namespace gemel::batch_dot_op
