// Rows by index: take, Embedding, and the gradient that adds rows back.
#include "kernels/gather.h"
#include "op/registry.h"
#include "ops/dtype_choices.h"
#include "ops/index/indices.h"

namespace gemel {

namespace {

struct TakeParameters : Parameters {
  int axis = 0;
  IndexMode mode = IndexMode::clip;
  static void declare(Fields<TakeParameters>& f) {
    f.field("axis", &TakeParameters::axis).fallback("0").doc("Axis that the indices count along.");
    f.choice("mode", &TakeParameters::mode,
             {{"clip", IndexMode::clip}, {"raise", IndexMode::raise}, {"wrap", IndexMode::wrap}})
        .fallback("clip")
        .doc("Indices out of range: moved to the nearest end, an error, or counted round.");
  }
};
struct EmbeddingParameters : Parameters {
  int input_dim = 1, output_dim = 1;
  DType dtype = DType::float32;
  bool sparse_grad = false;
  static void declare(Fields<EmbeddingParameters>& f) {
    f.field("input_dim", &EmbeddingParameters::input_dim)
        .doc("Number of rows of the weight.")
        .range(1, 2147483647);
    f.field("output_dim", &EmbeddingParameters::output_dim)
        .doc("Length of a row.")
        .range(1, 2147483647);
    f.choice("dtype", &EmbeddingParameters::dtype, dtype_choices(DTypeSet::numbers))
        .fallback("float32")
        .doc("Type of the weight.");
    f.field("sparse_grad", &EmbeddingParameters::sparse_grad)
        .fallback("0")
        .doc("Accepted; the gradient is dense.");
  }
};

Shape take_shape(const Shape& a, const Shape& indices, int axis) {
  Shape result;
  for (int i = 0; i < axis; ++i) result.push_back(a[i]);
  for (int64_t n : indices) result.push_back(n);
  for (int i = axis + 1; i < a.ndim(); ++i) result.push_back(a[i]);
  return result;
}

// The three sizes around the axis of `a`.
struct Around {
  int64_t outer, length, row;
  Around(const Shape& a, int axis)
      : outer(a.size(0, axis)), length(a[axis]), row(a.size(axis + 1, a.ndim())) {}
};

void take_kernel(const OpCall& call) {
  const auto& p = call.params<TakeParameters>();
  const Tensor& a = call.in[0];
  const Around s(a.shape, normalize_axis(p.axis, a.shape.ndim(), "take"));
  check_axis(call.in[1], s.length, "take");
  if (p.mode == IndexMode::raise) read_indices(call.in[1], s.length, p.mode, "take");  // checks
  kernels::gather_rows(a, call.in[1], p.mode == IndexMode::wrap, s.outer, s.length, s.row,
                       call.out[0]);
}

void take_backward_kernel(const OpCall& call) {
  const auto& p = call.params<TakeParameters>();
  const Tensor& out = call.out[0];
  const Around s(out.shape, normalize_axis(p.axis, out.shape.ndim(), "take"));
  kernels::scatter_add_rows(call.in[0], read_indices(call.in[1], s.length, p.mode, "take"), s.outer,
                            s.length, s.row, out);
}

void embedding_kernel(const OpCall& call) {
  const Tensor& weight = call.in[1];
  check_axis(call.in[0], weight.shape[0], "Embedding");
  kernels::gather_rows(weight, call.in[0], false, 1, weight.shape[0], weight.shape[1], call.out[0]);
}

}  // namespace

GEMEL_OPERATORS(take) {
  op<TakeParameters>("take")
      .doc("Elements of an axis by index.")
      .inputs({"a", "indices"})
      .shape([](ShapeContext& c) {
        if (c.in[0].ndim() < 0 || c.in[1].ndim() < 0) return;
        const int axis = normalize_axis(c.params<TakeParameters>().axis, c.in[0].ndim(), "take");
        c.set_out(0, take_shape(c.in[0], c.in[1], axis));
      })
      .type([](TypeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(0, c.out[0]);
      })
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{
            c.make("_backward_take", {c.dy(), c.in(1), c.in(0)}, c.node.parameters, 0), Entry{}};
      })
      .implement("gather", take_kernel)
      .sample({.shapes = {{5, 3}, {2, 2}}, .ranges = {{-1, 1}, {0, 4.9}}})
      .sample({.shapes = {{3, 4}, {3}},
               .attributes = {{"axis", "-1"}, {"mode", "wrap"}},
               .ranges = {{-1, 1}, {-4, 7}}});
  op<TakeParameters>("_backward_take")
      .doc("Gradient of take: rows added where they were taken from.")
      .inputs({"head", "indices", "a"})
      .shape_only({2})
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[2]);
        c.set_in(2, c.out[0]);
      })
      .type([](TypeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(0, c.out[0]);
      })
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("take", {c.dy(), c.in(1)}, c.node.parameters, 0), Entry{},
                                  Entry{}};
      })
      .implement("scatter", take_backward_kernel)
      .sample({.shapes = {{3, 2}, {3}, {4, 2}}, .ranges = {{-1, 1}, {0, 3.9}, {0, 1}}});
  op<EmbeddingParameters>("Embedding")
      .doc("Rows of the weight by index; indices out of range take the nearest row.")
      .inputs({"data", "weight"})
      .shape([](ShapeContext& c) {
        const auto& p = c.params<EmbeddingParameters>();
        c.set_in(1, Shape{p.input_dim, p.output_dim});
        if (c.in[0].ndim() < 0) return;
        Shape result = c.in[0];
        result.push_back(p.output_dim);
        c.set_out(0, result);
      })
      .type([](TypeContext& c) {
        if (c.in[1] == DType::none)
          c.set_in(1, c.out[0] == DType::none ? c.params<EmbeddingParameters>().dtype : c.out[0]);
        c.set_out(0, c.in[1]);
      })
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{Entry{}, c.make("_backward_take", {c.dy(), c.in(0), c.in(1)},
                                                  std::make_shared<TakeParameters>(), 0)};
      })
      .implement("gather", embedding_kernel)
      .sample({.shapes = {{2, 3}, {5, 4}},
               .attributes = {{"input_dim", "5"}, {"output_dim", "4"}},
               .ranges = {{0, 4.9}, {-1, 1}}});
}

}  // namespace gemel
