// Diagonals of any two axes, and matrices with a given diagonal.
#include <algorithm>
#include <cstring>

#include "op/registry.h"

namespace gemel {

namespace {

struct DiagParameters : Parameters {
  int k = 0, axis1 = 0, axis2 = 1;
  static void declare(Fields<DiagParameters>& f) {
    f.field("k", &DiagParameters::k)
        .fallback("0")
        .doc("Which diagonal; positive ones are above the main one.");
    f.field("axis1", &DiagParameters::axis1).fallback("0").doc("Axis of the rows.");
    f.field("axis2", &DiagParameters::axis2).fallback("1").doc("Axis of the columns.");
  }
};

struct Axes {
  int row, column;
};
Axes axes_of(const DiagParameters& p, const Shape& in, std::string_view who) {
  const auto normal = [&](int axis) {
    const int found = axis < 0 ? axis + in.ndim() : axis;
    GEMEL_CHECK(found >= 0 && found < in.ndim(), "[{}] expected an axis of {} axes, got {}", who,
                in.ndim(), axis);
    return found;
  };
  const Axes axes{normal(p.axis1), normal(p.axis2)};
  GEMEL_CHECK(axes.row != axes.column,
              "[{}] expected two different axes of shape {}, got {} and {}", who, in, p.axis1,
              p.axis2);
  return axes;
}

Shape diag_shape(const DiagParameters& p, const Shape& in, std::string_view who) {
  GEMEL_CHECK(in.ndim() >= 1, "[{}] expected at least 1 axis, got shape {}", who, in);
  if (in.ndim() == 1) {
    const int64_t n = in[0] + std::abs(p.k);
    return Shape{n, n};
  }
  const Axes axes = axes_of(p, in, who);
  const int64_t rows = in[axes.row] + std::min(p.k, 0),
                columns = in[axes.column] - std::max(p.k, 0);
  GEMEL_CHECK(rows >= 0 && columns >= 0, "[{}] k: expected a diagonal of shape {}, got {}", who, in,
              p.k);
  Shape out;
  for (int i = 0; i < in.ndim(); ++i)
    if (i != axes.row && i != axes.column) out.push_back(in[i]);
  out.push_back(std::min(rows, columns));
  return out;
}

// f(place in `whole`, place in the diagonals) for every element of the diagonals of `whole`.
template <typename F>
void each_diagonal(const DiagParameters& p, const Shape& whole, const Axes& axes, const F& f) {
  int64_t stride[Shape::max_ndim];
  int64_t step = 1;
  for (int i = whole.ndim() - 1; i >= 0; --i) {
    stride[i] = step;
    step *= whole[i];
  }
  const int64_t rows = whole[axes.row] + std::min(p.k, 0),
                columns = whole[axes.column] - std::max(p.k, 0);
  const int64_t length = std::max<int64_t>(0, std::min(rows, columns));
  const int64_t first =
      std::max(-p.k, 0) * stride[axes.row] + std::max(p.k, 0) * stride[axes.column];
  int64_t count = 1;
  for (int i = 0; i < whole.ndim(); ++i)
    if (i != axes.row && i != axes.column) count *= whole[i];
  for (int64_t n = 0; n < count; ++n) {
    int64_t rest = n, base = first;
    for (int i = whole.ndim() - 1; i >= 0; --i) {
      if (i == axes.row || i == axes.column) continue;
      base += rest % whole[i] * stride[i];
      rest /= whole[i];
    }
    for (int64_t d = 0; d < length; ++d)
      f(base + d * (stride[axes.row] + stride[axes.column]), n * length + d);
  }
}

// Between an array and its diagonals, whichever way; the rest of the array becomes 0.
void move(const DiagParameters& p, const Tensor& from, const Tensor& to, bool extracts,
          std::string_view who) {
  const Shape& whole = extracts ? from.shape : to.shape;
  const Axes axes = axes_of(p, whole, who);
  const int64_t width = size_of(to.dtype);
  if (!extracts && to.size()) std::memset(to.address, 0, static_cast<size_t>(to.bytes()));
  each_diagonal(p, whole, axes, [&](int64_t in_whole, int64_t in_diagonals) {
    std::memcpy(to.address + (extracts ? in_diagonals : in_whole) * width,
                from.address + (extracts ? in_whole : in_diagonals) * width,
                static_cast<size_t>(width));
  });
}

// From one axis a matrix is made, whose axes are 0 and 1.
DiagParameters for_matrix(DiagParameters p, const Shape& in) {
  if (in.ndim() == 1) p.axis1 = 0, p.axis2 = 1;
  return p;
}

}  // namespace

GEMEL_OPERATORS(diag) {
  op<DiagParameters>("diag")
      .doc(
          "The k-th diagonal of two axes, as the last axis; of a vector, the matrix that has it as "
          "its k-th diagonal.")
      .inputs({"data"})
      .shape([](ShapeContext& c) {
        if (c.in[0].ndim() >= 0)
          c.set_out(0, diag_shape(c.params<DiagParameters>(), c.in[0], c.op.name()));
      })
      .type(same_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_backward_diag", {c.dy(), c.in(0)}, c.node.parameters)};
      })
      .implement("loops",
                 [](const OpCall& c) {
                   const Shape& in = c.in[0].shape;
                   move(for_matrix(c.params<DiagParameters>(), in), c.in[0], c.out[0],
                        in.ndim() > 1, c.op.name());
                 })
      .sample({.shapes = {{3, 4}}, .attributes = {{"k", "1"}}})
      .sample({.shapes = {{4}}, .attributes = {{"k", "-1"}}})
      .sample({.shapes = {{2, 3, 4}}, .attributes = {{"axis1", "-1"}, {"axis2", "1"}}});
  op<DiagParameters>("_backward_diag")
      .doc("Gradient of diag: the head gradient where the elements came from, zeros elsewhere.")
      .inputs({"dy", "data"})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .type(same_type)
      .shape_only({1})
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("diag", {c.dy()}, c.node.parameters), Entry{}};
      })
      .implement("loops", [](const OpCall& c) {
        const Shape& in = c.in[1].shape;
        move(for_matrix(c.params<DiagParameters>(), in), c.in[0], c.out[0], in.ndim() == 1,
             c.op.name());
      });
}

}  // namespace gemel
