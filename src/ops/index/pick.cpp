// One element of each row by index (pick, batch_take), and the reverse (one_hot).
#include <cstring>

#include "kernels/parallel.h"
#include "op/registry.h"
#include "ops/dtype_choices.h"
#include "ops/index/indices.h"

namespace gemel {

namespace {

struct PickParameters : Parameters {
  std::optional<int> axis = -1;
  bool keepdims = false;
  IndexMode mode = IndexMode::clip;
  static void declare(Fields<PickParameters>& f) {
    f.field("axis", &PickParameters::axis)
        .fallback("-1")
        .doc("Axis along which one element is picked.");
    f.field("keepdims", &PickParameters::keepdims)
        .fallback("0")
        .doc("Keep the axis with length 1.");
    f.choice("mode", &PickParameters::mode, {{"clip", IndexMode::clip}, {"wrap", IndexMode::wrap}})
        .fallback("clip")
        .doc("Indices out of range: moved to the nearest end, or counted round.");
  }
};
struct OneHotParameters : Parameters {
  int depth = 1;
  double on_value = 1, off_value = 0;
  DType dtype = DType::float32;
  static void declare(Fields<OneHotParameters>& f) {
    f.field("depth", &OneHotParameters::depth)
        .doc("Length of the new last axis.")
        .range(0, 2147483647);
    f.field("on_value", &OneHotParameters::on_value).fallback("1").doc("Value at the index.");
    f.field("off_value", &OneHotParameters::off_value).fallback("0").doc("Value elsewhere.");
    f.choice("dtype", &OneHotParameters::dtype, dtype_choices(DTypeSet::numbers))
        .fallback("float32")
        .doc("Type of the result.");
  }
};

int pick_axis(const PickParameters& p, int ndim) {
  GEMEL_CHECK(p.axis.has_value(), "[pick] expected an axis, got None");
  return normalize_axis(*p.axis, ndim, "pick");
}

Shape without(const Shape& shape, int axis, bool keep) {
  Shape result;
  for (int i = 0; i < shape.ndim(); ++i) {
    if (i != axis)
      result.push_back(shape[i]);
    else if (keep)
      result.push_back(1);
  }
  if (result.ndim() == 0) result.push_back(1);
  return result;
}

void check_index_shape(ShapeContext& context, int position, const Shape& data, int axis) {
  const bool kept = context.in[position].ndim() == data.ndim() && data.ndim() > 1;
  context.set_in(position, without(data, axis, kept));
}

void pick_shape(ShapeContext& context) {
  const auto& p = context.params<PickParameters>();
  if (context.in[0].ndim() < 0) return;
  const int axis = pick_axis(p, context.in[0].ndim());
  check_index_shape(context, 1, context.in[0], axis);
  context.set_out(0, without(context.in[0], axis, p.keepdims));
}

// f(element of data, element of the picked array) for each picked element.
template <typename F>
void for_picked(const Shape& data, const Tensor& index, const PickParameters& p, const F& f) {
  const int axis = pick_axis(p, data.ndim());
  const int64_t length = data[axis], inner = data.size(axis + 1, data.ndim());
  const std::vector<int64_t> at = read_indices(index, length, p.mode, "pick");
  kernels::parallel_for(static_cast<int64_t>(at.size()), 4, [&](int64_t k) {
    f((k / inner * length + at[static_cast<size_t>(k)]) * inner + k % inner, k);
  });
}

void pick_kernel(const OpCall& call) {
  const int64_t width = size_of(call.in[0].dtype);
  for_picked(call.in[0].shape, call.in[1], call.params<PickParameters>(),
             [&](int64_t from, int64_t to) {
               std::memcpy(call.out[0].address + to * width, call.in[0].address + from * width,
                           static_cast<size_t>(width));
             });
}

void pick_backward_kernel(const OpCall& call) {
  const Tensor& out = call.out[0];
  const int64_t width = size_of(out.dtype);
  if (out.bytes()) std::memset(out.address, 0, static_cast<size_t>(out.bytes()));
  for_picked(out.shape, call.in[1], call.params<PickParameters>(), [&](int64_t to, int64_t from) {
    std::memcpy(out.address + to * width, call.in[0].address + from * width,
                static_cast<size_t>(width));
  });
}

void batch_take_kernel(const OpCall& call) {
  PickParameters p;
  const int64_t width = size_of(call.in[0].dtype);
  for_picked(call.in[0].shape, call.in[1], p, [&](int64_t from, int64_t to) {
    std::memcpy(call.out[0].address + to * width, call.in[0].address + from * width,
                static_cast<size_t>(width));
  });
}

void write_one_hot(const Tensor& indices, const Tensor& out, const OneHotParameters& p) {
  const int64_t depth = p.depth, width = size_of(out.dtype);
  const auto load = simd::load_function<int64_t>(indices.dtype);
  const auto store = simd::store_function<double>(out.dtype);
  alignas(8) std::byte on[8], off[8];
  store(&p.on_value, on, 1);
  store(&p.off_value, off, 1);
  kernels::parallel_for(indices.size(), depth, [&](int64_t i) {
    int64_t at;
    load(indices.address + i * size_of(indices.dtype), &at, 1);
    std::byte* row = out.address + i * depth * width;
    for (int64_t k = 0; k < depth; ++k)
      std::memcpy(row + k * width, k == at ? on : off, static_cast<size_t>(width));
  });
}

void one_hot_kernel(const OpCall& call) {
  write_one_hot(call.in[0], call.out[0], call.params<OneHotParameters>());
}

void onehot_encode_kernel(const OpCall& call) {
  OneHotParameters p;
  p.depth = static_cast<int>(call.out[0].shape[1]);
  write_one_hot(call.in[0], call.out[0], p);
}

void first_type_is_output(TypeContext& context) {
  context.set_out(0, context.in[0]);
  context.set_in(0, context.out[0]);
}

}  // namespace

GEMEL_OPERATORS(pick) {
  op<PickParameters>("pick")
      .alias({"choose_element_0index"})
      .doc("One element of each row by index.")
      .inputs({"data", "index"})
      .shape(pick_shape)
      .type(first_type_is_output)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{
            c.make("_backward_pick", {c.dy(), c.in(1), c.in(0)}, c.node.parameters, 0), Entry{}};
      })
      .implement("gather", pick_kernel)
      .sample({.shapes = {{3, 4}, {3}}, .ranges = {{-1, 1}, {0, 3.9}}})
      .sample({.shapes = {{2, 3, 4}, {2, 1, 4}},
               .attributes = {{"axis", "1"}, {"keepdims", "1"}, {"mode", "wrap"}},
               .ranges = {{-1, 1}, {-5, 5}}});
  op<PickParameters>("_backward_pick")
      .doc("Gradient of pick.")
      .inputs({"head", "index", "data"})
      .shape_only({2})
      .shape([](ShapeContext& c) {
        c.set_out(0, c.in[2]);
        c.set_in(2, c.out[0]);
        if (c.in[2].ndim() >= 0)
          c.set_in(0, without(c.in[2], pick_axis(c.params<PickParameters>(), c.in[2].ndim()),
                              c.params<PickParameters>().keepdims));
      })
      .type(first_type_is_output)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("pick", {c.dy(), c.in(1)}, c.node.parameters, 0), Entry{},
                                  Entry{}};
      })
      .implement("scatter", pick_backward_kernel)
      .sample({.shapes = {{3}, {3}, {3, 4}}, .ranges = {{-1, 1}, {0, 3.9}, {0, 1}}});
  op("batch_take")
      .doc("One element of each row of a matrix by index.")
      .inputs({"a", "indices"})
      .shape([](ShapeContext& c) {
        const Shape& a = c.in[0];
        if (a.ndim() < 0) return;
        GEMEL_CHECK(a.ndim() == 2, "[batch_take] expected a matrix, got {}", a);
        c.set_in(1, Shape{a[0]});
        c.set_out(0, Shape{a[0]});
      })
      .type([](TypeContext& c) {
        first_type_is_output(c);
        c.set_in(1, DType::int32);
      })
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_backward_pick", {c.dy(), c.in(1), c.in(0)},
                                         std::make_shared<PickParameters>(), 0),
                                  Entry{}};
      })
      .implement("gather", batch_take_kernel)
      .sample({.shapes = {{3, 4}, {3}}, .ranges = {{-1, 1}, {0, 3.9}}});
  op<OneHotParameters>("one_hot")
      .doc("A row for each index, on_value at the index; all off_value where it is out of range.")
      .inputs({"indices"})
      .shape([](ShapeContext& c) {
        if (c.in[0].ndim() < 0) return;
        Shape result = c.in[0];
        result.push_back(c.params<OneHotParameters>().depth);
        c.set_out(0, result);
      })
      .type([](TypeContext& c) { c.set_out(0, c.params<OneHotParameters>().dtype); })
      .no_gradient()
      .implement("rows", one_hot_kernel)
      .sample({.shapes = {{2, 3}},
               .attributes = {{"depth", "4"}, {"on_value", "2"}, {"off_value", "-1"}},
               .low = -1,
               .high = 4.9});
  op("_onehot_encode")
      .doc("A row for each index, 1 at the index; the second input says shape and type only.")
      .inputs({"lhs", "rhs"})
      .shape([](ShapeContext& c) {
        GEMEL_CHECK(c.in[1].ndim() < 0 || c.in[1].ndim() == 2,
                    "[{}] expected a result of 2 axes, got {}", c.op.name(), c.in[1]);
        c.set_out(0, c.in[1]);
        if (c.in[1].ndim() == 2) c.set_in(0, Shape{c.in[1][0]});
      })
      .type([](TypeContext& c) { c.set_out(0, c.in[1]); })
      .shape_only({1})
      .no_gradient()
      .implement("rows", onehot_encode_kernel)
      .sample({.shapes = {{3}, {3, 4}}, .ranges = {{-1, 4.9}, {0, 1}}});
}

}  // namespace gemel
