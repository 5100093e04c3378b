// Elements by tuples of indices: gather_nd, and its reverse scatter_nd.
#include <cstring>

#include "kernels/gather.h"
#include "op/registry.h"
#include "ops/index/indices.h"

namespace gemel {

namespace {

struct ScatterParameters : Parameters {
  Shape shape;
  static void declare(Fields<ScatterParameters>& f) {
    f.field("shape", &ScatterParameters::shape).doc("Shape of the result.");
  }
};

// Flat row numbers in an array of `shape` for indices (M, ...): the first M axes are indexed.
// Negative indices count from the end (before fractions are dropped, as in 1.9.1).
std::vector<int64_t> flat_rows(const Tensor& indices, const Shape& shape, std::string_view who) {
  const int count = static_cast<int>(indices.shape[0]);
  const int64_t n = count ? indices.size() / count : 0;
  std::vector<double> all(static_cast<size_t>(indices.size()));
  std::vector<int64_t> rows(static_cast<size_t>(n), 0);
  simd::load_function<double>(indices.dtype)(indices.address, all.data(), all.size());
  for (int m = 0; m < count; ++m) {
    const int64_t length = shape[m];
    for (int64_t k = 0; k < n; ++k) {
      const double given = all[static_cast<size_t>(m * n + k)];
      const auto i = static_cast<int64_t>(given < 0 ? given + static_cast<double>(length) : given);
      if (!(given >= -static_cast<double>(length)) || i >= length)
        fail(ErrorKind::Index, "[{}] index {} is out of range for axis {} of length {}", who, given,
             m, length);
      rows[static_cast<size_t>(k)] = rows[static_cast<size_t>(k)] * length + i;
    }
  }
  return rows;
}

int indexed_axes(const Shape& indices, int ndim, std::string_view who) {
  GEMEL_CHECK(indices.ndim() > 1 && indices[0] <= ndim,
              "[{}] expected indices (M, N, ...) with M at most {}, got {}", who, ndim, indices);
  return static_cast<int>(indices[0]);
}

Shape gathered_shape(const Shape& data, const Shape& indices, std::string_view who) {
  const int m = indexed_axes(indices, data.ndim(), who);
  Shape result;
  for (int i = 1; i < indices.ndim(); ++i) result.push_back(indices[i]);
  for (int i = m; i < data.ndim(); ++i) result.push_back(data[i]);
  return result;
}

int64_t row_size(const Shape& shape, const Tensor& indices) {
  return shape.size(static_cast<int>(indices.shape[0]), shape.ndim());
}

void gather_kernel(const OpCall& call) {
  const Tensor& data = call.in[0];
  std::vector<int64_t> rows = flat_rows(call.in[1], data.shape, "gather_nd");
  const int64_t row = row_size(data.shape, call.in[1]);
  const Tensor index(rows.data(), Shape{static_cast<int64_t>(rows.size())}, DType::int64);
  kernels::gather_rows(data, index, false, 1, row ? data.size() / row : 0, row, call.out[0]);
}

// Of several writes to one place the last stays.
void scatter_kernel(const OpCall& call) {
  const Tensor& out = call.out[0];
  if (out.bytes()) std::memset(out.address, 0, static_cast<size_t>(out.bytes()));
  const int64_t bytes = row_size(out.shape, call.in[1]) * size_of(out.dtype);
  const std::vector<int64_t> rows = flat_rows(call.in[1], out.shape, "scatter_nd");
  for (size_t k = 0; k < rows.size(); ++k)
    std::memcpy(out.address + rows[k] * bytes, call.in[0].address + static_cast<int64_t>(k) * bytes,
                static_cast<size_t>(bytes));
}

// The first input with rows replaced.
void scatter_set_kernel(const OpCall& call) {
  const Tensor &lhs = call.in[0], &rhs = call.in[1], &out = call.out[0];
  const int64_t bytes = row_size(out.shape, call.in[2]) * size_of(out.dtype);
  const std::vector<int64_t> rows = flat_rows(call.in[2], out.shape, "_scatter_set_nd");
  if (out.address != lhs.address)
    std::memcpy(out.address, lhs.address, static_cast<size_t>(out.bytes()));
  for (size_t k = 0; k < rows.size(); ++k)
    std::memcpy(out.address + rows[k] * bytes, rhs.address + static_cast<int64_t>(k) * bytes,
                static_cast<size_t>(bytes));
}

void scatter_add_kernel(const OpCall& call) {
  const Tensor& out = call.out[0];
  const int64_t row = row_size(out.shape, call.in[1]);
  kernels::scatter_add_rows(call.in[0], flat_rows(call.in[1], out.shape, "gather_nd"), 1,
                            row ? out.size() / row : 0, row, out);
}

void data_type(TypeContext& context) {
  context.set_out(0, context.in[0]);
  context.set_in(0, context.out[0]);
}

}  // namespace

GEMEL_OPERATORS(gather_nd) {
  op("gather_nd")
      .doc("Elements, or parts, at tuples of indices: indices[:, k] is one tuple.")
      .inputs({"data", "indices"})
      .shape([](ShapeContext& c) {
        if (c.in[0].ndim() >= 0 && c.in[1].known())
          c.set_out(0, gathered_shape(c.in[0], c.in[1], "gather_nd"));
      })
      .type(data_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_backward_gather_nd", {c.dy(), c.in(1), c.in(0)}),
                                  Entry{}};
      })
      .implement("gather", gather_kernel)
      .sample({.shapes = {{3, 4}, {2, 5}}, .ranges = {{-1, 1}, {0, 2}}})
      .sample({.shapes = {{3, 4}, {1, 5}}, .ranges = {{-1, 1}, {0, 3}}});
  op("_backward_gather_nd")
      .doc("Gradient of gather_nd: parts added where they were taken from.")
      .inputs({"head", "indices", "data"})
      .shape_only({2})
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[2]);
        c.set_in(2, c.out[0]);
      })
      .type(data_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("gather_nd", {c.dy(), c.in(1)}), Entry{}, Entry{}};
      })
      .implement("scatter", scatter_add_kernel)
      .sample({.shapes = {{5}, {2, 5}, {3, 4}}, .ranges = {{-1, 1}, {0, 2.9}, {0, 1}}});
  op<ScatterParameters>("scatter_nd")
      .doc("Zeros with elements, or parts, written at tuples of indices.")
      .inputs({"data", "indices"})
      .shape([](ShapeContext& c) {
        const Shape& shape = c.params<ScatterParameters>().shape;
        c.set_out(0, shape);
        if (c.in[1].known()) c.set_in(0, gathered_shape(shape, c.in[1], "scatter_nd"));
      })
      .type(data_type)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("gather_nd", {c.dy(), c.in(1)}), Entry{}};
      })
      .implement("scatter", scatter_kernel)
      .sample({.shapes = {{3}, {2, 3}},
               .attributes = {{"shape", "(3, 4)"}},
               .ranges = {{-1, 1}, {0, 2.9}}})
      .sample({.shapes = {{1, 4}, {1, 1}},
               .attributes = {{"shape", "(3, 4)"}},
               .ranges = {{-1, 1}, {0, 2.9}}});
  op<ScatterParameters>("_scatter_set_nd")
      .doc("The first array with elements, or parts, replaced at tuples of indices.")
      .inputs({"lhs", "rhs", "indices"})
      .shape([](ShapeContext& c) {
        c.set_in(0, c.params<ScatterParameters>().shape);
        c.set_out(0, c.in[0]);
        if (c.in[0].known() && c.in[2].known())
          c.set_in(1, gathered_shape(c.in[0], c.in[2], "_scatter_set_nd"));
      })
      .type([](TypeContext& c) {
        data_type(c);
        c.set_in(1, c.in[0]);
      })
      .implement("scatter", scatter_set_kernel)
      .inplace({{0, 0}})
      .sample({.shapes = {{3, 4}, {3}, {2, 3}},
               .attributes = {{"shape", "(3, 4)"}},
               .ranges = {{-1, 1}, {-1, 1}, {0, 2.9}}})
      .sample({.shapes = {{3, 4}, {2, 4}, {1, 2}},
               .attributes = {{"shape", "(3, 4)"}},
               .ranges = {{-1, 1}, {-1, 1}, {0, 2.9}}});
}

}  // namespace gemel
