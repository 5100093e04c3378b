// Products and systems with triangular matrices, and the triangle of a matrix.
#include <cstring>

#include "ops/linalg/matrix.h"

namespace gemel::matrix {

void copy_in(const OpCall& c) {
  const Tensor &from = c.in[c.in.size() - 1], &to = c.out[0];
  if (from.address != to.address && from.size())
    std::memcpy(to.address, from.address, static_cast<size_t>(from.bytes()));
}

namespace {

struct TriangularParameters : Parameters {
  bool transpose = false, rightside = false, lower = true;
  double alpha = 1;
  static void declare(Fields<TriangularParameters>& f) {
    using P = TriangularParameters;
    f.field("transpose", &P::transpose).fallback("0").doc("A is taken transposed.");
    f.field("rightside", &P::rightside).fallback("0").doc("A stands to the right of B.");
    f.field("lower", &P::lower)
        .fallback("1")
        .doc("The lower triangle of A is read, else the upper.");
    f.field("alpha", &P::alpha).fallback("1").doc("Factor of the result.");
  }
  kernels::Triangular how() const { return {rightside, transpose, lower}; }
};

void triangular_shape(ShapeContext& c) {
  check_matrices(c, 0, true);
  check_matrices(c, 1, false);
  c.set_out(0, c.in[1]);
  c.set_in(1, c.out[0]);
  const Shape &a = c.in[0], &b = c.in[1];
  if (a.ndim() < 0 || b.ndim() < 0) return;
  const int d = b.ndim();
  bool fits = a.ndim() == d;
  for (int i = 0; fits && i < d - 2; ++i) fits = a[i] == b[i];
  fits = fits && a[d - 1] == b[c.params<TriangularParameters>().rightside ? d - 1 : d - 2];
  GEMEL_CHECK(fits, "[{}] expected B to fit the matrices A {}, got {}", c.op.name(), a, b);
}

template <auto function>
void triangular_kernel(const OpCall& c, const kernels::LinearAlgebra& algebra) {
  copy_in(c);
  const auto& p = c.params<TriangularParameters>();
  const Batch a = batch_of(c.in[0].shape), b = batch_of(c.out[0].shape);
  if (b.count * b.size() == 0) return;
  each(b.count, b.size() * a.rows, [&](int64_t i) {
    (algebra.*function)(c.out[0].dtype, p.how(), b.rows, b.columns, p.alpha,
                        at(c.in[0], i, a.size()), at(c.out[0], i, b.size()));
  });
}

Attributes attributes_of(const TriangularParameters& p, bool transpose, double alpha) {
  return {{"transpose", print_value(transpose)},
          {"rightside", print_value(p.rightside)},
          {"lower", print_value(p.lower)},
          {"alpha", print_value(alpha)}};
}

// Y = alpha op(A) B: dB = alpha op(A)' dY, d op(A) = alpha dY B'.
std::vector<Entry> trmm_gradient(const GradientContext& c) {
  const auto& p = c.params<TriangularParameters>();
  const Entry a = c.in(0), b = c.in(1), dy = c.dy();
  const Entry db = c.make("_linalg_trmm", {a, dy}, attributes_of(p, !p.transpose, p.alpha));
  const Entry da = p.rightside == p.transpose
                       ? product(c, dy, b, p.transpose, !p.transpose, p.alpha)
                       : product(c, b, dy, !p.transpose, p.transpose, p.alpha);
  return {triangle(c, da, p.lower), db};
}

// Y = alpha op(A)^-1 B: G = op(A)'^-1 dY, dB = alpha G, d op(A) = -G Y'.
std::vector<Entry> trsm_gradient(const GradientContext& c) {
  const auto& p = c.params<TriangularParameters>();
  const Entry a = c.in(0), y = c.out(0);
  const Entry g = c.make("_linalg_trsm", {a, c.dy()}, attributes_of(p, !p.transpose, 1));
  const Entry da = p.rightside == p.transpose ? product(c, g, y, p.transpose, !p.transpose, -1)
                                              : product(c, y, g, !p.transpose, p.transpose, -1);
  return {triangle(c, da, p.lower), p.alpha == 1 ? g : scaled(c, g, p.alpha)};
}

void declare(const char* name, const char* doc, Gradient gradient, bool solves) {
  OpBuilder builder = op<TriangularParameters>(name);
  builder.alias({std::string(name).substr(1)})
      .doc(doc)
      .inputs({"A", "B"})
      .shape(triangular_shape)
      .type(real_type)
      .gradient(std::move(gradient))
      .inplace({{1, 0}});
  if (solves)
    implement(builder, triangular_kernel<&kernels::LinearAlgebra::triangular_solve>);
  else
    implement(builder, triangular_kernel<&kernels::LinearAlgebra::triangular_multiply>);
  for (const char* transpose : {"False", "True"})
    for (const char* right : {"False", "True"})
      builder.sample({.shapes = {{2, 3, 3}, *right == 'T' ? Shape{2, 4, 3} : Shape{2, 3, 4}},
                      .attributes = {{"transpose", transpose},
                                     {"rightside", right},
                                     {"lower", *transpose == *right ? "True" : "False"},
                                     {"alpha", "2"}},
                      .ranges = {{1, 2}, {-1, 1}}});
}

struct TriangleParameters : Parameters {
  bool lower = true, half_diagonal = false;
  static void declare(Fields<TriangleParameters>& f) {
    f.field("lower", &TriangleParameters::lower).fallback("1").doc("Which triangle.");
    f.field("half_diagonal", &TriangleParameters::half_diagonal)
        .fallback("0")
        .doc("Whether the diagonal is halved.");
  }
};

template <typename T>
void triangle_rows(const TriangleParameters& p, const Batch& b, const T* in, T* out) {
  for (int64_t row = 0; row < b.count * b.rows; ++row) {
    const int64_t i = row % b.rows;
    for (int64_t j = 0; j < b.columns; ++j) {
      const T x = in[row * b.columns + j];
      const bool kept = p.lower ? j <= i : j >= i;
      out[row * b.columns + j] = !kept ? T(0) : i == j && p.half_diagonal ? x / 2 : x;
    }
  }
}

}  // namespace

GEMEL_OPERATORS(linalg_triangular) {
  declare("_linalg_trmm",
          "alpha op(A) B, or alpha B op(A), for triangular A; op transposes or not.", trmm_gradient,
          false);
  declare("_linalg_trsm",
          "alpha op(A)^-1 B, or alpha B op(A)^-1, for triangular A; op transposes or not.",
          trsm_gradient, true);
  OpBuilder triangle = op<TriangleParameters>("_matrix_triangle");
  triangle.doc("One triangle of each matrix with its diagonal, zeros elsewhere.")
      .inputs({"A"})
      .shape(same_shape)
      .type(real_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_matrix_triangle", {c.dy()}, c.node.parameters)};
      })
      .inplace({{0, 0}})
      .implement("loops", [](const OpCall& c) {
        const auto& p = c.params<TriangleParameters>();
        const Batch b = batch_of(c.in[0].shape);
        if (c.in[0].dtype == DType::float64)
          triangle_rows(p, b, c.in[0].data<double>(), c.out[0].data<double>());
        else
          triangle_rows(p, b, c.in[0].data<float>(), c.out[0].data<float>());
      });
  triangle.info().hidden = true;
}

}  // namespace gemel::matrix
