// Diagonals and triangles of matrices as vectors, and the way back.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/linalg/matrix.h"

namespace gemel::matrix {
namespace {

struct OffsetParameters : Parameters {
  int offset = 0;
  bool lower = true;
  static void declare(Fields<OffsetParameters>& f) {
    f.field("offset", &OffsetParameters::offset)
        .fallback("0")
        .doc("Which diagonal: above 0 over the main one, below 0 under it.");
  }
};
struct TrianParameters : OffsetParameters {
  static void declare(Fields<TrianParameters>& f) {
    Fields<OffsetParameters> base;
    OffsetParameters::declare(base);
    base.field("lower", &OffsetParameters::lower)
        .fallback("1")
        .doc("Which triangle, where the offset is 0; else its sign says so.");
    f.fields = std::move(base.fields);
  }
};

// The places (row, column) of a vector's elements in a matrix with n rows.
template <typename F>
void each_place(const OffsetParameters& p, bool triangle, int64_t n, const F& f) {
  const int64_t k = p.offset;
  if (!triangle) {
    for (int64_t i = std::max<int64_t>(0, -k); i < n && i + k < n; ++i) f(i, i + k);
    return;
  }
  // A lower triangle is read row by row, an upper one column by column.
  if (k < 0 || (k == 0 && p.lower)) {
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j <= i + k; ++j) f(i, j);
  } else {
    for (int64_t j = 0; j < n; ++j)
      for (int64_t i = 0; i <= j - k; ++i) f(i, j);
  }
}

int64_t place_count(const OffsetParameters& p, bool triangle, int64_t n) {
  int64_t count = 0;
  each_place(p, triangle, n, [&](int64_t, int64_t) { ++count; });
  return count;
}

template <bool triangle>
void extract_shape(ShapeContext& c) {
  check_matrices(c, 0, true);
  const Shape& in = c.in[0];
  if (in.ndim() < 0 || in[in.ndim() - 1] < 0) return;
  const auto& p = c.params<OffsetParameters>();
  const int64_t n = in[in.ndim() - 1];
  GEMEL_CHECK(std::abs(p.offset) < n, "[{}] offset: expected a diagonal of {} rows, got {}",
              c.op.name(), n, p.offset);
  Shape out;
  for (int i = 0; i + 2 < in.ndim(); ++i) out.push_back(in[i]);
  out.push_back(place_count(p, triangle, n));
  c.set_out(0, out);
}

template <bool triangle>
void make_shape(ShapeContext& c) {
  const Shape& in = c.in[0];
  if (in.ndim() < 0) return;
  const auto& p = c.params<OffsetParameters>();
  GEMEL_CHECK(in.ndim() >= 1, "[{}] expected at least 1 axis, got shape {}", c.op.name(), in);
  const int64_t count = in[in.ndim() - 1];
  if (count < 0) return;
  int64_t n = std::abs(p.offset);
  if (triangle) {
    int64_t side = 0;
    while (side * (side + 1) / 2 < count) ++side;
    GEMEL_CHECK(side * (side + 1) / 2 == count,
                "[{}] expected 1, 3, 6, 10... elements, which fill a triangle, got {}", c.op.name(),
                count);
    n += side;
  } else {
    n += count;
  }
  Shape out;
  for (int i = 0; i + 1 < in.ndim(); ++i) out.push_back(in[i]);
  out.push_back(n);
  out.push_back(n);
  c.set_out(0, out);
}

// Copies between vectors and matrices, whichever way.
template <bool triangle, bool extracts, typename T>
void move(const OpCall& c) {
  const auto& p = c.params<OffsetParameters>();
  const Tensor& matrices = c.in[0].shape.ndim() > c.out[0].shape.ndim() ? c.in[0] : c.out[0];
  const Batch b = batch_of(matrices.shape);
  const Tensor& vectors = extracts ? c.out[0] : c.in[0];
  const int64_t length = vectors.shape[vectors.shape.ndim() - 1];
  if (!extracts && c.out[0].size())
    std::memset(c.out[0].address, 0, static_cast<size_t>(c.out[0].bytes()));
  kernels::parallel_for(b.count, b.size(), [&](int64_t k) {
    T* matrix = matrices.data<T>() + k * b.size();
    T* vector = vectors.data<T>() + k * length;
    each_place(p, triangle, b.rows, [&](int64_t i, int64_t j) {
      if (extracts)
        *vector++ = matrix[i * b.columns + j];
      else
        matrix[i * b.columns + j] = *vector++;
    });
  });
}

template <bool triangle, bool extracts>
void declare(const char* name, const char* opposite, const char* doc, Sample first, Sample second) {
  using P = std::conditional_t<triangle, TrianParameters, OffsetParameters>;
  OpBuilder builder = op<P>(name);
  builder.alias({std::string(name).substr(1)})
      .doc(doc)
      .inputs({"A"})
      .shape(extracts ? extract_shape<triangle> : make_shape<triangle>)
      .type(real_type)
      .gradient([opposite](const GradientContext& c) {
        return std::vector<Entry>{c.make(opposite, {c.dy()}, c.node.parameters)};
      })
      .implement("loops",
                 [](const OpCall& c) {
                   if (c.in[0].dtype == DType::float64)
                     move<triangle, extracts, double>(c);
                   else
                     move<triangle, extracts, float>(c);
                 })
      .sample(std::move(first))
      .sample(std::move(second));
}

}  // namespace

GEMEL_OPERATORS(linalg_diagonal) {
  declare<false, true>("_linalg_extractdiag", "_linalg_makediag",
                       "One diagonal of each matrix as a vector.", {.shapes = {{2, 3, 3}}},
                       {.shapes = {{4, 4}}, .attributes = {{"offset", "-1"}}});
  declare<false, false>("_linalg_makediag", "_linalg_extractdiag",
                        "Matrices with the vectors on one diagonal, zeros elsewhere.",
                        {.shapes = {{2, 3}}}, {.shapes = {{3}}, .attributes = {{"offset", "1"}}});
  declare<true, true>("_linalg_extracttrian", "_linalg_maketrian",
                      "One triangle of each matrix as a vector: a lower one row by row, an upper "
                      "one column by column.",
                      {.shapes = {{2, 3, 3}}, .attributes = {{"lower", "False"}}},
                      {.shapes = {{4, 4}}, .attributes = {{"offset", "-1"}}});
  declare<true, false>("_linalg_maketrian", "_linalg_extracttrian",
                       "Matrices with the vectors in one triangle, zeros elsewhere.",
                       {.shapes = {{2, 6}}, .attributes = {{"lower", "False"}}},
                       {.shapes = {{3}}, .attributes = {{"offset", "-1"}}});

  op("_linalg_sumlogdiag")
      .alias({"linalg_sumlogdiag"})
      .doc("The sum of the logarithms of each matrix's diagonal.")
      .inputs({"A"})
      .shape([](ShapeContext& c) {
        check_matrices(c, 0, true);
        if (c.in[0].ndim() < 0) return;
        Shape result;
        for (int i = 0; i + 2 < c.in[0].ndim(); ++i) result.push_back(c.in[0][i]);
        c.set_out(0, result.ndim() ? result : Shape{1});
      })
      .type(real_type)
      .gradient([](const GradientContext& c) {
        const Entry diagonal = c.make("_linalg_extractdiag", {c.in(0)});
        const Entry sum = c.make("sum", {diagonal}, {{"axis", "-1"}, {"keepdims", "True"}});
        const Entry head = c.make("_reshape_as", {c.dy(), sum});
        return std::vector<Entry>{
            c.make("_linalg_makediag", {c.make("broadcast_div", {head, diagonal})})};
      })
      .implement("loops",
                 [](const OpCall& c) {
                   const Batch b = batch_of(c.in[0].shape);
                   for (int64_t k = 0; k < b.count; ++k) {
                     double sum = 0;
                     for (int64_t i = 0; i < b.rows; ++i) {
                       const int64_t place = k * b.size() + i * (b.rows + 1);
                       sum += std::log(c.in[0].dtype == DType::float64
                                           ? c.in[0].data<double>()[place]
                                           : static_cast<double>(c.in[0].data<float>()[place]));
                     }
                     if (c.out[0].dtype == DType::float64)
                       c.out[0].data<double>()[k] = sum;
                     else
                       c.out[0].data<float>()[k] = static_cast<float>(sum);
                   }
                 })
      .sample({.shapes = {{2, 3, 3}}, .low = 0.5, .high = 2})
      .sample({.shapes = {{4, 4}}, .low = 0.5, .high = 2});
}

}  // namespace gemel::matrix
