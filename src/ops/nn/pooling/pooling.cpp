#include <algorithm>
#include <vector>

#include "op/blocked_form.h"
#include "op/formula.h"
#include "op/registry.h"
#include "ops/floating_type.h"
#include "ops/nn/convolution/parameters.h"
#include "ops/nn/pooling/blocked.h"
#include "ops/nn/pooling/planes.h"
#include "ops/nn/pooling/window.h"

namespace gemel::pooling_op {
namespace {

enum class Convention { valid, full, same };

struct PoolingParameters : Parameters {
  Shape kernel;
  PoolType pool_type;
  bool global_pool, cudnn_off;
  Convention pooling_convention;
  Shape stride, pad;
  std::optional<int> p_value;
  std::optional<bool> count_include_pad;
  Layout layout;
  static void declare(Fields<PoolingParameters>& f) {
    using P = PoolingParameters;
    f.field("kernel", &P::kernel)
        .fallback("[]")
        .doc("Size of the window; not needed with global_pool.");
    f.choice("pool_type", &P::pool_type,
             {{"avg", PoolType::avg},
              {"lp", PoolType::lp},
              {"max", PoolType::max},
              {"sum", PoolType::sum}})
        .fallback("max")
        .doc("What becomes of a window's elements.");
    f.field("global_pool", &P::global_pool)
        .fallback("0")
        .doc("One window over all of space; kernel, stride and pad are ignored.");
    f.field("cudnn_off", &P::cudnn_off).fallback("0").doc("Accepted and ignored on CPUs.");
    f.choice("pooling_convention", &P::pooling_convention,
             {{"full", Convention::full}, {"same", Convention::same}, {"valid", Convention::valid}})
        .fallback("valid")
        .doc("How the output's size is rounded: down, up, or ceil(x / stride).");
    f.field("stride", &P::stride)
        .fallback("[]")
        .doc("Step of the window along each axis; 1 when empty.");
    f.field("pad", &P::pad).fallback("[]").doc("Padding on both sides; 0 when empty.");
    f.field("p_value", &P::p_value).fallback("None").doc("Power of lp pooling: 1, 2 or 3.");
    f.field("count_include_pad", &P::count_include_pad)
        .fallback("None")
        .doc("Whether avg counts padding; yes unless False.");
    f.choice("layout", &P::layout,
             {{"None", Layout::none},
              {"NCDHW", Layout::ncdhw},
              {"NCHW", Layout::nchw},
              {"NCW", Layout::ncw},
              {"NDHWC", Layout::ndhwc},
              {"NHWC", Layout::nhwc},
              {"NWC", Layout::nwc}})
        .fallback("None")
        .doc("Order of the axes; channels come second when None.");
  }
  bool channels_last() const {
    return layout == Layout::nwc || layout == Layout::nhwc || layout == Layout::ndhwc;
  }
};

using P = PoolingParameters;

int64_t output_size(const P& p, int axis, int64_t x, int64_t stride, int64_t pad) {
  if (p.pooling_convention == Convention::same) return (x + stride - 1) / stride;
  const int64_t room = x + 2 * pad - p.kernel[axis];
  return 1 + (p.pooling_convention == Convention::full ? room + stride - 1 : room) / stride;
}

void check(const P& p, const Shape& data, std::string_view who) {
  const int axes = data.ndim() - 2;
  GEMEL_CHECK(axes >= 1 && axes <= 3,
              "[{}] expected data of 3 to 5 axes (batch, channel, space), got {}", who, data);
  const int expected = p.layout == Layout::ncw || p.layout == Layout::nwc       ? 1
                       : p.layout == Layout::nchw || p.layout == Layout::nhwc   ? 2
                       : p.layout == Layout::ncdhw || p.layout == Layout::ndhwc ? 3
                                                                                : axes;
  GEMEL_CHECK(axes == expected, "[{}] expected data of {} axes for this layout, got {}", who,
              expected + 2, data);
  GEMEL_CHECK(p.pool_type != PoolType::lp || (p.p_value && *p.p_value >= 1 && *p.p_value <= 3),
              "[{}] expected p_value 1, 2 or 3 with pool_type 'lp', got {}", who,
              print_value(p.p_value));
  if (p.global_pool) return;
  GEMEL_CHECK(p.kernel.ndim() == axes, "[{}] expected a kernel of {} axes for data {}, got {}", who,
              axes, data, p.kernel);
  const Shape stride = per_axis(p.stride, axes, 1, "stride", who),
              pad = per_axis(p.pad, axes, 0, "pad", who);
  for (int i = 0; i < axes; ++i) {
    GEMEL_CHECK(p.kernel[i] > 0 && stride[i] > 0 && pad[i] >= 0,
                "[{}] expected positive kernel and stride and pad of at least 0, got kernel {}, "
                "stride {}, pad {}",
                who, p.kernel, stride, pad);
    GEMEL_CHECK(p.pooling_convention != Convention::same || pad[i] == 0,
                "[{}] expected no pad with pooling_convention 'same', which pads by itself, got {}",
                who, pad);
    GEMEL_CHECK(
        data[i + 2] < 0 || p.pooling_convention == Convention::same ||
            p.kernel[i] <= data[i + 2] + 2 * pad[i],
        "[{}] expected a kernel no larger than the padded data, got {} over {} along axis {}", who,
        p.kernel[i], data[i + 2] + 2 * pad[i], i + 2);
  }
}

// With the channels second, wherever they are.
Shape channels_second(const P& p, Shape s) {
  if (p.channels_last() && s.ndim() > 2) std::rotate(s.begin() + 1, s.end() - 1, s.end());
  return s;
}
Shape channels_back(const P& p, Shape s) {
  if (p.channels_last() && s.ndim() > 2) std::rotate(s.begin() + 1, s.begin() + 2, s.end());
  return s;
}

void pooling_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  const Shape data = channels_second(p, c.in[0]);
  if (data.ndim() < 0) return;
  check(p, data, c.op.name());
  Shape out = {data[0], data[1]};
  for (int i = 0; i < data.ndim() - 2; ++i) {
    const int64_t stride = p.stride.ndim() > 0 ? p.stride[i] : 1,
                  pad = p.pad.ndim() > 0 ? p.pad[i] : 0;
    out.push_back(p.global_pool     ? 1
                  : data[i + 2] < 0 ? -1
                                    : output_size(p, i, data[i + 2], stride, pad));
  }
  c.set_out(0, channels_back(p, out));
  Shape known = data;
  out = channels_second(p, c.out[0]);
  known[0] = out[0];
  known[1] = out[1];
  c.set_in(0, channels_back(p, known));
}

PoolingGeometry geometry(const P& p, const Shape& data, const Shape& out) {
  PoolingGeometry g;
  g.type = p.pool_type;
  g.power = p.p_value.value_or(2);
  g.include_pad = p.count_include_pad.value_or(true);
  g.planes = data[0] * data[1];
  const int axes = data.ndim() - 2;
  for (int i = 0; i < axes; ++i) {
    const int a = 3 - axes + i;
    g.in[a] = data[i + 2];
    g.out[a] = out[i + 2];
    g.kernel[a] = p.global_pool ? data[i + 2] : p.kernel[i];
    if (p.global_pool) continue;
    g.stride[a] = p.stride.ndim() > 0 ? p.stride[i] : 1;
    g.pad[a] = p.pad.ndim() > 0 ? p.pad[i] : 0;
    if (p.pooling_convention == Convention::same)
      g.pad[a] = std::max<int64_t>((g.out[a] - 1) * g.stride[a] + g.kernel[a] - g.in[a], 0) / 2;
  }
  if (p.pooling_convention == Convention::same) g.include_pad = false;
  return g;
}

PoolingGeometry geometry(const OpCall& c, const Tensor& data, const Tensor& out) {
  const auto& p = c.params<P>();
  return geometry(p, channels_second(p, data.shape), channels_second(p, out.shape));
}

// (batch, space, channel) <-> (batch, channel, space).
template <typename T>
void turn(const Shape& s, bool channels_last, const T* from, T* to) {
  const int64_t channels = channels_last ? s[s.ndim() - 1] : s[1];
  const int64_t space = s.size() / std::max<int64_t>(s[0] * channels, 1);
  const int64_t rows = channels_last ? space : channels, columns = channels_last ? channels : space;
  for (int64_t n = 0; n < s[0]; ++n)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t k = 0; k < columns; ++k)
        to[(n * columns + k) * rows + r] = from[(n * rows + r) * columns + k];
}

// Calls f(addresses of inputs, address of the output) with channels second: on copies when they are
// last.
template <typename F>
void with_channels_second(const OpCall& c, F&& f) {
  const auto& p = c.params<P>();
  std::vector<const void*> in;
  if (!p.channels_last()) {
    for (const Tensor& t : c.in) in.push_back(t.address);
    return f(in, c.out[0].address);
  }
  dispatch_floating(c.out[0].dtype, c.op.name(), [&](auto type) {
    using T = typename decltype(type)::type;
    std::vector<std::vector<T>> copies;
    for (const Tensor& t : c.in) {
      copies.emplace_back(static_cast<size_t>(t.size()));
      turn(t.shape, true, t.data<T>(), copies.back().data());
    }
    for (const auto& copy : copies) in.push_back(copy.data());
    std::vector<T> out(static_cast<size_t>(c.out[0].size()));
    f(in, out.data());
    turn(channels_second(p, c.out[0].shape), false, out.data(), c.out[0].data<T>());
  });
}

template <auto pool>
void forward(const OpCall& c) {
  with_channels_second(c, [&](const std::vector<const void*>& in, void* out) {
    pool(c.out[0].dtype, geometry(c, c.in[0], c.out[0]), in[0], out);
  });
}
bool forward_by_planes(const OpCall& c) {
  return pooling_planes::forward_serves(c.out[0].dtype, geometry(c, c.in[0], c.out[0]));
}
// in: dy, data.
template <auto pool>
void backward(const OpCall& c) {
  with_channels_second(c, [&](const std::vector<const void*>& in, void* out) {
    pool(c.out[0].dtype, geometry(c, c.out[0], c.in[0]), in[0], in[1], out);
  });
}
bool backward_by_planes(const OpCall& c) {
  return pooling_planes::backward_serves(c.out[0].dtype, geometry(c, c.out[0], c.in[0]));
}
// in: a gradient in the shape of data, data. out: its elements where the maxima of data are.
void at_maxima(const OpCall& c) {
  with_channels_second(c, [&](const std::vector<const void*>& in, void* out) {
    pick_maxima(c.out[0].dtype, geometry(c, c.in[0], c.out[0]), in[0], in[1], out);
  });
}

std::vector<Entry> pooling_gradient(const GradientContext& c) {
  return {c.make("_backward_Pooling", {c.dy(), c.in(0)}, c.node.parameters)};
}

// lp in terms of sums.
std::vector<Entry> lp_formula(const GradientContext& c, const std::vector<Entry>& in) {
  auto p = std::make_shared<P>(c.params<P>());
  p->pool_type = PoolType::sum;
  const double power = p->p_value.value_or(2);
  const Entry powers = c.make("_power_scalar", {in[0]}, Attributes{{"scalar", print_value(power)}});
  return {c.make("_power_scalar", {c.make("Pooling", {powers}, p)},
                 Attributes{{"scalar", print_value(1 / power)}})};
}

// The gradient is linear in dy; only lp's depends on data smoothly.
std::vector<Entry> second_gradient(const GradientContext& c) {
  switch (c.params<P>().pool_type) {
    case PoolType::max:
      return {c.make("_backward_Pooling_maxima", {c.dy(), c.in(1)}, c.node.parameters), Entry{}};
    case PoolType::lp: {
      static const Gradient rule = gradient_of(differentiated(lp_formula, 1, 1));
      return rule(c);
    }
    default:
      return {c.make("Pooling", {c.dy()}, c.node.parameters), Entry{}};
  }
}

// Training keeps the places of the maxima, a byte each, in place of the data. A function before it
// that keeps maxima comes after it: there are fewer elements, and its output is no longer kept.
std::vector<Entry> training_form(const TrainingContext& c) {
  const auto& p = c.params<P>();
  int64_t places = 1;
  for (const int64_t size : p.kernel) places *= size;
  if (p.pool_type != PoolType::max || p.global_pool || p.channels_last() || p.kernel.ndim() < 1 ||
      places > no_place)
    return {};
  bool full = true;  // no window lies in the padding alone
  for (int i = 0; i < p.kernel.ndim(); ++i)
    full = full && p.kernel[i] >=
                       (p.stride.ndim() > 0 ? p.stride[i] : 1) + (p.pad.ndim() > 0 ? p.pad[i] : 0);
  full = full && p.pooling_convention != Convention::same;
  const Entry in = c.in(0);
  const auto* before = static_cast<const OpInfo*>(in.node->op);
  const bool later = full && before && before->keeps_maxima &&
                     before->keeps_maxima(*in.node->parameters) && c.readers(in) == 1;
  const auto like = [](const Node& node, const Operator& op, Entry input) {
    const NodeRef made = make_node(op, node.name, {std::move(input)}, node.parameters);
    made->attributes = node.attributes;
    return Entry{made, 0, 0};
  };
  const Entry pooled = like(c.node, require_op("_max_pooling"), later ? in.node->inputs[0] : in);
  return {later ? like(*in.node, *before, pooled) : pooled};
}

namespace with_places {
void shape(ShapeContext& c) {
  pooling_shape(c);
  c.set_out(1, c.out[0]);
}
void type(TypeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  c.set_out(1, DType::uint8);
}
template <auto pool>
void forward(const OpCall& c) {
  pool(c.out[0].dtype, geometry(c, c.in[0], c.out[0]), c.in[0].address, c.out[0].address,
       c.out[1].data<uint8_t>());
}
std::vector<Entry> gradient(const GradientContext& c) {
  return {c.make("_backward_max_pooling", {c.dy(0), c.out(1), c.in(0)}, c.node.parameters)};
}
// in: dy, places, data, of which only the shape matters.
template <auto pool>
void backward(const OpCall& c) {
  pool(c.out[0].dtype, geometry(c, c.out[0], c.in[0]), c.in[0].address, c.in[1].data<uint8_t>(),
       c.out[0].address);
}
}  // namespace with_places

// Blocked arrays: two axes of space, 16 channels last.
namespace in_blocks {
Shape without_block(Shape s) {
  return s.ndim() == 5 ? Shape({s[0], s[1], s[2], s[3]}) : Shape::unknown();
}
void shape(ShapeContext& c) {
  Shape in = without_block(c.in[0]), out = Shape::unknown();
  ShapeContext plain{c.op, c.parameters, {&in, 1}, {&out, 1}};
  pooling_shape(plain);
  if (out.ndim() == 4) c.set_out(0, {out[0], out[1], out[2], out[3], layout_block});
}
void forward(const OpCall& c) {
  pool_blocked(geometry(c.params<P>(), without_block(c.in[0].shape), without_block(c.out[0].shape)),
               c.in[0].data<const float>(), c.out[0].data<float>());
}
bool exists(const BlockedNode& n) {
  const auto& p = static_cast<const P&>(*n.node.parameters);
  return n.dtype == DType::float32 && n.in[0].ndim() == 4 && !p.channels_last() &&
         p.pool_type != PoolType::lp;
}
Entry make(const BlockedContext& c) {
  const NodeRef node =
      make_node(require_op("_blocked_pooling"), c.node.name, {c.blocked(0)}, c.node.parameters);
  node->attributes = c.node.attributes;
  return {node, 0, 0};
}
}  // namespace in_blocks

// 1.9.1 has a hidden second output where oneDNN takes the call.
int stored_outputs(const P& p) {
  return p.pool_type == PoolType::max && p.kernel.ndim() > 0 && !p.channels_last() ? 2 : 1;
}

struct PoolingV1Parameters : PoolingParameters {
  static void declare(Fields<PoolingV1Parameters>& f) {
    using V = PoolingV1Parameters;
    f.field("kernel", static_cast<Shape V::*>(&P::kernel))
        .fallback("[]")
        .doc("Size of the window; not needed with global_pool.");
    f.choice("pool_type", static_cast<PoolType V::*>(&P::pool_type),
             {{"avg", PoolType::avg}, {"max", PoolType::max}, {"sum", PoolType::sum}})
        .fallback("max")
        .doc("What becomes of a window's elements.");
    f.field("global_pool", static_cast<bool V::*>(&P::global_pool))
        .fallback("0")
        .doc("One window over all of space.");
    f.choice("pooling_convention", static_cast<Convention V::*>(&P::pooling_convention),
             {{"full", Convention::full}, {"valid", Convention::valid}})
        .fallback("valid")
        .doc("How the output's size is rounded: down or up.");
    f.field("stride", static_cast<Shape V::*>(&P::stride))
        .fallback("[]")
        .doc("Step of the window along each axis; 1 when empty.");
    f.field("pad", static_cast<Shape V::*>(&P::pad))
        .fallback("[]")
        .doc("Padding on both sides; 0 when empty.");
  }
  PoolingV1Parameters() {
    cudnn_off = false;
    layout = Layout::none;
  }
};

}  // namespace

GEMEL_OPERATORS(pooling) {
  op<P>("Pooling")
      .doc(
          "Pooling over windows of one to three spatial axes of data (batch, channel, space...). "
          "'valid' gives floor((x + 2*pad - kernel) / stride) + 1 elements along an axis, 'full' "
          "rounds up, "
          "'same' gives ceil(x / stride). 'lp' is (sum x^p)^(1/p).")
      .inputs({"data"})
      .outputs({"output"}, 1)
      .file_outputs(&stored_outputs)
      .shape(pooling_shape)
      .type(floating_type)
      .gradient(pooling_gradient)
      .per_sample({0})
      .training_form(training_form)
      .implement("planes", forward<pooling_planes::pool>, forward_by_planes)
      .implement("reference", forward<pool>)
      .sample({.shapes = {{2, 6, 5, 3}},
               .attributes = {{"kernel", "(2, 3)"}, {"stride", "(2, 1)"}, {"layout", "NHWC"}}})
      .sample(
          {.shapes = {{2, 3, 6, 6}}, .attributes = {{"kernel", "(2, 2)"}, {"stride", "(2, 2)"}}})
      .sample({.shapes = {{1, 2, 5, 6}},
               .attributes = {{"kernel", "(3, 2)"},
                              {"stride", "(2, 3)"},
                              {"pad", "(1, 1)"},
                              {"pool_type", "avg"}}})
      .sample({.shapes = {{1, 2, 5, 6}},
               .attributes = {{"kernel", "(3, 2)"},
                              {"stride", "(2, 3)"},
                              {"pad", "(1, 1)"},
                              {"pool_type", "avg"},
                              {"count_include_pad", "False"}}})
      .sample({.shapes = {{1, 2, 7, 8}},
               .attributes = {{"kernel", "(3, 3)"},
                              {"stride", "(2, 2)"},
                              {"pooling_convention", "full"}}})
      .sample(
          {.shapes = {{1, 2, 5, 6}}, .attributes = {{"kernel", "(3, 2)"}, {"pool_type", "sum"}}})
      .sample({.shapes = {{1, 2, 5, 6}},
               .attributes = {{"kernel", "(3, 2)"}, {"pool_type", "lp"}, {"p_value", "2"}},
               .low = 0.5,
               .high = 2})
      .sample(
          {.shapes = {{2, 3, 4, 5}}, .attributes = {{"global_pool", "True"}, {"pool_type", "avg"}}})
      .sample({.shapes = {{2, 3, 7}}, .attributes = {{"kernel", "(3,)"}, {"stride", "(2,)"}}})
      .sample({.shapes = {{1, 2, 4, 5, 3}},
               .attributes = {{"kernel", "(2, 2, 2)"}, {"pool_type", "avg"}}});

  op<P>("_backward_Pooling")
      .doc("Gradient of Pooling.")
      .inputs({"dy", "data"})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .gradient(second_gradient)
      .implement("planes", backward<pooling_planes::pool_backward>, backward_by_planes)
      .implement("reference", backward<pool_backward>);

  op<P>("_blocked_pooling")
      .doc("Pooling of a blocked array.")
      .inputs({"data"})
      .shape(in_blocks::shape)
      .per_sample({0})
      .implement("reference", in_blocks::forward)
      .info()
      .hidden = true;
  set_blocked_form("Pooling",
                   {.exists = in_blocks::exists, .gains = true, .make = in_blocks::make});

  OpBuilder places = op<P>("_max_pooling");
  places.doc("Maxima of windows, and where in each window they are.")
      .inputs({"data"})
      .outputs({"output", "places"}, 1)
      .shape(with_places::shape)
      .type(with_places::type)
      .gradient(with_places::gradient)
      .implement("planes", with_places::forward<pooling_planes::pool_with_places>,
                 forward_by_planes)
      .implement("reference", with_places::forward<pool_with_places>)
      .info()
      .hidden = true;

  op<P>("_backward_max_pooling")
      .doc("Gradient of _max_pooling.")
      .inputs({"dy", "places", "data"})
      .shape_only({2})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[2]); })
      .type([](TypeContext& c) {
        c.set_out(0, c.in[0]);
        c.set_in(0, c.out[0]);
        c.set_in(1, DType::uint8);
        c.set_in(2, c.in[0]);
      })
      .implement("planes", with_places::backward<pooling_planes::pool_backward_to_places>,
                 backward_by_planes)
      .implement("reference", with_places::backward<pool_backward_to_places>);

  op<P>("_backward_Pooling_maxima")
      .doc("The elements of `values` where the windows of data have their maxima.")
      .inputs({"values", "data"})
      .shape([](ShapeContext& c) {
        c.set_in(0, c.in[1]);
        pooling_shape(c);
      })
      .gradient([](const GradientContext& c) -> std::vector<Entry> {
        return {c.make("_backward_Pooling", {c.dy(), c.in(1)}, c.node.parameters), Entry{}};
      })
      .implement("reference", at_maxima);

  op<PoolingV1Parameters>("Pooling_v1")
      .doc("Pooling as the first version had it: max, avg or sum over windows.")
      .inputs({"data"})
      .shape(pooling_shape)
      .type(floating_type)
      .gradient(pooling_gradient)
      .implement("planes", forward<pooling_planes::pool>, forward_by_planes)
      .implement("reference", forward<pool>)
      .sample(
          {.shapes = {{1, 2, 5, 6}}, .attributes = {{"kernel", "(3, 2)"}, {"stride", "(2, 2)"}}})
      .sample(
          {.shapes = {{1, 2, 5, 6}}, .attributes = {{"kernel", "(2, 2)"}, {"pool_type", "avg"}}});
}

}  // namespace gemel::pooling_op
