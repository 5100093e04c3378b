// Matrix products of batches: _linalg_gemm, _linalg_gemm2 and _linalg_syrk.
#include "kernels/gemm/gemm.h"

#include "ops/linalg/matrix.h"
#include "pointwise/program.h"

namespace gemel::matrix {
namespace {

using pointwise::input;
using pointwise::scalar;

struct GemmParameters : Parameters {
  bool transpose_a = false, transpose_b = false;
  double alpha = 1, beta = 1;
  int axis = -2;
  template <typename P>
  static void declare_all(Fields<P>& f, bool adds) {
    f.field("transpose_a", static_cast<bool P::*>(&P::transpose_a))
        .fallback("0")
        .doc("Transpose every matrix of A.");
    f.field("transpose_b", static_cast<bool P::*>(&P::transpose_b))
        .fallback("0")
        .doc("Transpose every matrix of B.");
    f.field("alpha", static_cast<double P::*>(&P::alpha)).fallback("1").doc("Factor of A B.");
    if (adds) f.field("beta", static_cast<double P::*>(&P::beta)).fallback("1").doc("Factor of C.");
    f.field("axis", static_cast<int P::*>(&P::axis))
        .fallback("-2")
        .doc("The axis of the rows; the columns are in the last one.");
  }
  static void declare(Fields<GemmParameters>& f) { declare_all(f, true); }
};
struct ProductParameters : GemmParameters {
  static void declare(Fields<ProductParameters>& f) { declare_all(f, false); }
};

int row_axis(const ShapeContext& c, int ndim) {
  const int axis = c.params<GemmParameters>().axis, found = axis < 0 ? axis + ndim : axis;
  GEMEL_CHECK(found >= 0 && found < ndim - 1,
              "[{}] axis: expected one of {} axes before the last, got {}", c.op.name(), ndim,
              axis);
  return found;
}

void gemm_shape(ShapeContext& c) {
  const auto& p = c.params<GemmParameters>();
  const Shape a = c.in[0], b = c.in[1];
  if (a.ndim() < 0 || b.ndim() < 0) return;
  const int d = a.ndim();
  GEMEL_CHECK(d == b.ndim() && d >= 2,
              "[{}] expected arrays with the same number of axes, at least 2, got {} and {}",
              c.op.name(), a, b);
  const int row = row_axis(c, d), column = d - 1;
  const int k_of_a = p.transpose_a ? row : column, k_of_b = p.transpose_b ? column : row;
  GEMEL_CHECK(a[k_of_a] == b[k_of_b],
              "[{}] expected axis {} of A to be as long as axis {} of B, got {} and {}",
              c.op.name(), k_of_a, k_of_b, a, b);
  Shape result = a;
  for (int i = 0; i < d; ++i)
    GEMEL_CHECK(i == row || i == column || a[i] == b[i],
                "[{}] expected equal axes beside the matrices, got {} and {}", c.op.name(), a, b);
  result[row] = a[p.transpose_a ? column : row];
  result[column] = b[p.transpose_b ? row : column];
  c.set_out(0, result);
  if (c.in.size() > 2) c.set_in(2, result);
}

template <bool library>
void gemm_kernel(const OpCall& c) {
  const auto& p = c.params<GemmParameters>();
  const Shape &a = c.in[0].shape, &out = c.out[0].shape;
  const int d = out.ndim(), row = p.axis < 0 ? p.axis + d : p.axis;
  const int64_t outer = out.size(0, row), inner = out.size(row + 1, d - 1);
  kernels::Gemm g;
  g.transpose_a = p.transpose_a;
  g.transpose_b = p.transpose_b;
  g.m = out[row];
  g.n = out[d - 1];
  g.k = p.transpose_a ? a[row] : a[d - 1];
  const auto stride = [&](const Tensor& t) { return inner * t.shape[d - 1]; };
  g.a_stride = stride(c.in[0]);
  g.b_stride = stride(c.in[1]);
  g.c_stride = stride(c.out[0]);
  const auto begin = [&](const Tensor& t, int64_t i) {
    const int64_t element = (i / inner * t.shape[row] * inner + i % inner) * t.shape[d - 1];
    return t.address + element * size_of(t.dtype);
  };
  each(outer * inner, g.m * g.n * g.k, [&](int64_t i) {
    (library ? kernels::gemm : kernels::reference_gemm)(c.out[0].dtype, g, begin(c.in[0], i),
                                                        begin(c.in[1], i), begin(c.out[0], i));
  });
  static const pointwise::Program scale({scalar(0) * input(0)});
  static const pointwise::Program combine({scalar(0) * input(0) + scalar(1) * input(1)});
  const double factors[] = {p.alpha, p.beta};
  if (c.in.size() > 2) {
    const Tensor in[] = {c.out[0], c.in[2]};
    combine.run(in, factors, c.out);
  } else if (p.alpha != 1) {
    scale.run(c.out, std::span(factors, 1), c.out);
  }
}

std::vector<Entry> gemm_gradient(const GradientContext& c) {
  const auto& p = c.params<GemmParameters>();
  const bool ta = p.transpose_a, tb = p.transpose_b;
  const auto make = [&](const Entry& l, const Entry& r, bool tl, bool tr) {
    return c.make("_linalg_gemm2", {l, r},
                  {{"transpose_a", print_value(tl)},
                   {"transpose_b", print_value(tr)},
                   {"alpha", print_value(p.alpha)},
                   {"axis", print_value(p.axis)}});
  };
  const Entry a = c.in(0), b = c.in(1), dy = c.dy();
  std::vector<Entry> gradients{ta ? make(b, dy, tb, true) : make(dy, b, false, !tb),
                               tb ? make(dy, a, true, ta) : make(a, dy, !ta, false)};
  if (c.node.inputs.size() > 2) gradients.push_back(scaled(c, dy, p.beta));
  return gradients;
}

struct SyrkParameters : Parameters {
  bool transpose = false;
  double alpha = 1;
  static void declare(Fields<SyrkParameters>& f) {
    f.field("transpose", &SyrkParameters::transpose).fallback("0").doc("A' A instead of A A'.");
    f.field("alpha", &SyrkParameters::alpha).fallback("1").doc("Factor of the product.");
  }
};

void syrk_shape(ShapeContext& c) {
  check_matrices(c, 0, false);
  const Shape& a = c.in[0];
  if (a.ndim() < 0) return;
  Shape result = a;
  const int d = a.ndim();
  result[d - 1] = result[d - 2] = a[c.params<SyrkParameters>().transpose ? d - 1 : d - 2];
  c.set_out(0, result);
}

template <bool library>
void syrk_kernel(const OpCall& c) {
  const auto& p = c.params<SyrkParameters>();
  const Batch a = batch_of(c.in[0].shape), out = batch_of(c.out[0].shape);
  const auto g = kernels::Gemm::packed(p.transpose, !p.transpose, out.rows, out.rows,
                                       p.transpose ? a.rows : a.columns);
  each(a.count, out.size() * g.k, [&](int64_t i) {
    const std::byte* matrix = at(c.in[0], i, a.size());
    (library ? kernels::gemm : kernels::reference_gemm)(c.out[0].dtype, g, matrix, matrix,
                                                        at(c.out[0], i, out.size()));
  });
  static const pointwise::Program scale({scalar(0) * input(0)});
  if (p.alpha != 1) scale.run(c.out, std::span(&p.alpha, 1), c.out);
}

}  // namespace

GEMEL_OPERATORS(linalg_gemm) {
  op<GemmParameters>("_linalg_gemm")
      .alias({"linalg_gemm"})
      .doc("alpha A B + beta C for each matrix of the batches.")
      .inputs({"A", "B", "C"})
      .shape(gemm_shape)
      .type(real_type)
      .gradient(gemm_gradient)
      .implement("gemm", gemm_kernel<true>)
      .implement("reference", gemm_kernel<false>)
      .sample({.shapes = {{2, 3, 4}, {2, 4, 5}, {2, 3, 5}},
               .attributes = {{"alpha", "2"}, {"beta", "-0.5"}}})
      .sample({.shapes = {{4, 3}, {5, 4}, {3, 5}},
               .attributes = {{"transpose_a", "True"}, {"transpose_b", "True"}}})
      .sample({.shapes = {{3, 2, 4}, {4, 2, 5}, {3, 2, 5}}, .attributes = {{"axis", "0"}}});
  op<ProductParameters>("_linalg_gemm2")
      .alias({"linalg_gemm2"})
      .doc("alpha A B for each matrix of the batches.")
      .inputs({"A", "B"})
      .shape(gemm_shape)
      .type(real_type)
      .gradient(gemm_gradient)
      .implement("gemm", gemm_kernel<true>)
      .implement("reference", gemm_kernel<false>)
      .sample({.shapes = {{2, 3, 4}, {2, 4, 5}}, .attributes = {{"alpha", "2"}}})
      .sample({.shapes = {{4, 3}, {4, 5}}, .attributes = {{"transpose_a", "True"}}})
      .sample({.shapes = {{3, 2, 4}, {5, 2, 4}},
               .attributes = {{"axis", "0"}, {"transpose_b", "True"}}});
  op<SyrkParameters>("_linalg_syrk")
      .alias({"linalg_syrk"})
      .doc("alpha A A' for each matrix, or alpha A' A.")
      .inputs({"A"})
      .shape(syrk_shape)
      .type(real_type)
      .gradient([](const GradientContext& c) {
        const auto& p = c.params<SyrkParameters>();
        const Entry both = add(c, c.dy(), transposed(c, c.dy()));
        return std::vector<Entry>{p.transpose ? product(c, c.in(0), both, false, false, p.alpha)
                                              : product(c, both, c.in(0), false, false, p.alpha)};
      })
      .implement("gemm", syrk_kernel<true>)
      .implement("reference", syrk_kernel<false>)
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"alpha", "2"}}})
      .sample({.shapes = {{3, 4}}, .attributes = {{"transpose", "True"}}});
}

}  // namespace gemel::matrix
