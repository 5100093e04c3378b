// topk, sort and argsort.
#include <cstring>

#include "kernels/sort.h"
#include "op/registry.h"
#include "ops/dtype_choices.h"
#include "simd/convert.h"

namespace gemel {

namespace {

enum class TopKResult { both, indices, mask, value };

// What all three are made of; sort and argsort are topk of the whole axis.
struct OrderParameters : Parameters {
  std::optional<int> axis = -1;
  int k = 1;
  bool is_ascend = false;
  TopKResult ret_typ = TopKResult::indices;
  DType dtype = DType::float32;
};
struct TopKParameters : OrderParameters {
  using P = TopKParameters;
  static void declare(Fields<P>& f) {
    f.field("axis", static_cast<std::optional<int> P::*>(&P::axis))
        .fallback("-1")
        .doc("The axis; None for the flattened array.");
    f.field("k", static_cast<int P::*>(&P::k))
        .fallback("1")
        .doc("How many elements of each row; all when below 1.");
    f.choice("ret_typ", static_cast<TopKResult P::*>(&P::ret_typ),
             {{"both", TopKResult::both},
              {"indices", TopKResult::indices},
              {"mask", TopKResult::mask},
              {"value", TopKResult::value}})
        .fallback("indices")
        .doc("What to return; mask is 1 where an element is among them.");
    f.field("is_ascend", static_cast<bool P::*>(&P::is_ascend))
        .fallback("0")
        .doc("The smallest instead of the largest.");
    f.choice("dtype", static_cast<DType P::*>(&P::dtype), dtype_choices(DTypeSet::index_results))
        .fallback("float32")
        .doc("Type of the indices.");
  }
};
struct SortParameters : OrderParameters {
  using P = SortParameters;
  SortParameters() { k = 0, is_ascend = true, ret_typ = TopKResult::value; }
  static void declare(Fields<P>& f) {
    f.field("axis", static_cast<std::optional<int> P::*>(&P::axis))
        .fallback("-1")
        .doc("The axis; None for the flattened array.");
    f.field("is_ascend", static_cast<bool P::*>(&P::is_ascend))
        .fallback("1")
        .doc("Smallest first.");
  }
};
struct ArgSortParameters : OrderParameters {
  using P = ArgSortParameters;
  ArgSortParameters() { k = 0, is_ascend = true; }
  static void declare(Fields<P>& f) {
    f.field("axis", static_cast<std::optional<int> P::*>(&P::axis))
        .fallback("-1")
        .doc("The axis; None for the flattened array.");
    f.field("is_ascend", static_cast<bool P::*>(&P::is_ascend))
        .fallback("1")
        .doc("Smallest first.");
    f.choice("dtype", static_cast<DType P::*>(&P::dtype), dtype_choices(DTypeSet::index_results))
        .fallback("float32")
        .doc("Type of the indices.");
  }
};

// The array as it is ordered: flattened when there is no axis.
struct View {
  Tensor tensor;
  int axis;
  int64_t k, inner;
  View(const Tensor& t, const OrderParameters& p, std::string_view who) : tensor(t) {
    if (!p.axis) tensor.shape = Shape{t.size()};
    axis = p.axis ? normalize_axis(*p.axis, t.shape.ndim(), who) : 0;
    k = p.k < 1 ? tensor.shape[axis] : std::min<int64_t>(p.k, tensor.shape[axis]);
    inner = tensor.shape.size(axis + 1, tensor.shape.ndim());
  }
};

void order_shape(ShapeContext& context) {
  const auto& p = context.params<OrderParameters>();
  const Shape& in = context.in[0];
  if (!in.known()) return;
  Shape result = in;
  if (!p.axis) result = Shape{in.size()};
  const int axis = p.axis ? normalize_axis(*p.axis, in.ndim(), context.op.name()) : 0;
  GEMEL_CHECK(p.k <= result[axis], "[{}] expected k of at most {}, got {}", context.op.name(),
              result[axis], p.k);
  if (p.ret_typ == TopKResult::mask)
    result = in;
  else if (p.k > 0)
    result[axis] = p.k;
  for (size_t i = 0; i < context.out.size(); ++i) context.set_out(static_cast<int>(i), result);
}

void order_type(TypeContext& context) {
  const auto& p = context.params<OrderParameters>();
  const bool indices_only = p.ret_typ == TopKResult::indices;
  context.set_out(0, indices_only ? p.dtype : context.in[0]);
  if (!indices_only) context.set_in(0, context.out[0]);
  if (context.out.size() > 1) context.set_out(1, p.dtype);
}

void order_kernel(const OpCall& call) {
  const auto& p = call.params<OrderParameters>();
  const View view(call.in[0], p, call.op.name());
  const int64_t length = view.tensor.shape[view.axis], inner = view.inner,
                width = size_of(view.tensor.dtype);
  const Tensor& first = call.out[0];
  const Tensor& places = call.out.back();
  const auto store_place = simd::store_function<int64_t>(places.dtype);
  const auto store_first = simd::store_function<int64_t>(first.dtype);
  const bool mask = p.ret_typ == TopKResult::mask,
             values = p.ret_typ == TopKResult::value || p.ret_typ == TopKResult::both;
  const bool indices = p.ret_typ == TopKResult::indices || p.ret_typ == TopKResult::both;
  if (p.ret_typ == TopKResult::value && view.k == length &&
      kernels::sort_rows(view.tensor, view.axis, p.is_ascend, first))
    return;
  if (mask && first.bytes()) std::memset(first.address, 0, static_cast<size_t>(first.bytes()));
  kernels::order_rows(view.tensor, view.axis, view.k, p.is_ascend,
                      [&](int64_t outer, int64_t column, std::span<const int64_t> order) {
                        for (int64_t i = 0; i < view.k; ++i) {
                          const int64_t at = order[static_cast<size_t>(i)], one = 1;
                          const int64_t from = (outer * length + at) * inner + column,
                                        to = (outer * view.k + i) * inner + column;
                          if (mask)
                            store_first(&one, first.address + from * size_of(first.dtype), 1);
                          if (values)
                            std::memcpy(first.address + to * width,
                                        view.tensor.address + from * width,
                                        static_cast<size_t>(width));
                          if (indices)
                            store_place(&at, places.address + to * size_of(places.dtype), 1);
                        }
                      });
}

// Calls f(place among the ordered values, place in the array) for the k first of each row.
template <typename F>
void for_ordered(const OpCall& call, const Tensor& array, F&& f) {
  const auto& p = call.params<OrderParameters>();
  const View view(array, p, call.op.name());
  const int64_t length = view.tensor.shape[view.axis], inner = view.inner;
  kernels::order_rows(view.tensor, view.axis, view.k, p.is_ascend,
                      [&](int64_t outer, int64_t column, std::span<const int64_t> order) {
                        for (int64_t i = 0; i < view.k; ++i)
                          f((outer * view.k + i) * inner + column,
                            (outer * length + order[static_cast<size_t>(i)]) * inner + column);
                      });
}

// Inputs: the gradient of the values, and the array that was ordered.
void order_backward_kernel(const OpCall& call) {
  const Tensor &values = call.in[0], &out = call.out[0];
  const int64_t width = size_of(out.dtype);
  if (out.bytes()) std::memset(out.address, 0, static_cast<size_t>(out.bytes()));
  for_ordered(call, call.in[1], [&](int64_t value, int64_t at) {
    std::memcpy(out.address + at * width, values.address + value * width,
                static_cast<size_t>(width));
  });
}

// Inputs: what to take from, the array that says the order, and (for its shape) the values.
void order_take_kernel(const OpCall& call) {
  const Tensor &from = call.in[0], &out = call.out[0];
  const int64_t width = size_of(out.dtype);
  for_ordered(call, call.in[1], [&](int64_t value, int64_t at) {
    std::memcpy(out.address + value * width, from.address + at * width, static_cast<size_t>(width));
  });
}

std::vector<Entry> order_gradient(const GradientContext& c) {
  const auto& p = c.params<OrderParameters>();
  if (p.ret_typ == TopKResult::indices || p.ret_typ == TopKResult::mask) return {Entry{}};
  auto own = std::make_shared<TopKParameters>();
  static_cast<OrderParameters&>(*own) = p;
  own->ret_typ = TopKResult::value;
  return {c.make("_backward_topk", {c.dy(0), c.in(0)}, std::move(own), 0)};
}

int topk_outputs(const TopKParameters& p) { return p.ret_typ == TopKResult::both ? 2 : 1; }
// 1.9.1 always computes the indices beside the values.
int topk_stored_outputs(const TopKParameters& p) {
  return p.ret_typ == TopKResult::both || p.ret_typ == TopKResult::value ? 2 : 1;
}

}  // namespace

GEMEL_OPERATORS(ordering) {
  op<TopKParameters>("topk")
      .doc("The k largest elements of each row: their values, indices or a mask.")
      .inputs({"data"})
      .outputs<TopKParameters>(topk_outputs)
      .file_outputs(&topk_stored_outputs)
      .shape(order_shape)
      .type(order_type)
      .gradient(order_gradient)
      .implement("sort", order_kernel)
      .sample({.shapes = {{3, 5}}, .attributes = {{"k", "2"}, {"ret_typ", "value"}}})
      .sample({.shapes = {{3, 5}}, .attributes = {{"k", "2"}, {"ret_typ", "both"}, {"axis", "0"}}})
      .sample(
          {.shapes = {{3, 5}}, .attributes = {{"k", "2"}, {"ret_typ", "mask"}, {"is_ascend", "1"}}})
      .sample({.shapes = {{3, 5}}, .attributes = {{"k", "4"}, {"axis", "None"}}});
  op<TopKParameters>("_backward_topk")
      .doc("Gradient of topk and sort: values put back where they came from.")
      .inputs({"head", "data"})
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[1]);
        c.set_in(1, c.out[0]);
      })
      .type([](TypeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(0, c.out[0]);
      })
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{
            c.make("_backward_topk_values", {c.dy(), c.in(1), c.in(0)}, c.node.parameters, 0),
            Entry{}};
      })
      .implement("sort", order_backward_kernel)
      .sample({.shapes = {{3, 2}, {3, 5}}, .attributes = {{"k", "2"}, {"ret_typ", "value"}}});
  op<TopKParameters>("_backward_topk_values")
      .doc("The elements of the first array that topk would take of the second.")
      .inputs({"data", "order", "like"})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[2]); })
      .type([](TypeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(0, c.out[0]);
      })
      .shape_only({2})
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_backward_topk", {c.dy(), c.in(1)}, c.node.parameters, 0),
                                  Entry{}, Entry{}};
      })
      .implement("sort", order_take_kernel);
  op<SortParameters>("sort")
      .doc("The elements of each row in order.")
      .inputs({"data"})
      .file_outputs(2)
      .shape(order_shape)
      .type(order_type)
      .gradient(order_gradient)
      .implement("sort", order_kernel)
      .sample({.shapes = {{3, 5}}, .attributes = {{"axis", "-1"}}})
      .sample({.shapes = {{3, 5}}, .attributes = {{"axis", "0"}, {"is_ascend", "0"}}});
  op<ArgSortParameters>("argsort")
      .doc("The positions of the elements of each row in order.")
      .inputs({"data"})
      .shape(order_shape)
      .type(order_type)
      .no_gradient()
      .implement("sort", order_kernel)
      .sample({.shapes = {{3, 5}}})
      .sample({.shapes = {{3, 5}}, .attributes = {{"axis", "0"}, {"dtype", "int32"}}});
}

}  // namespace gemel
