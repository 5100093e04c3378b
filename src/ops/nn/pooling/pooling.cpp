#include "op/registry.h"
#include "ops/floating_type.h"
#include "ops/nn/convolution/parameters.h"
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
        .doc("Order of the axes; channels must come second.");
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
  check_layout(p.layout, axes, who);
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

void pooling_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  const Shape data = c.in[0];
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
  c.set_out(0, out);
  Shape known = data;
  known[0] = c.out[0][0];
  known[1] = c.out[0][1];
  c.set_in(0, known);
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

std::vector<std::string> backward_inputs(const P& p) {
  if (p.pool_type == PoolType::lp) return {"dy", "data", "out"};
  return {"dy", "data"};
}

std::vector<Entry> pooling_gradient(const GradientContext& c) {
  std::vector<Entry> inputs = {c.dy(), c.in(0)};
  if (c.params<P>().pool_type == PoolType::lp) inputs.push_back(c.out(0));
  return {c.make("_backward_Pooling", inputs, c.node.parameters)};
}

// 1.9.1 has a hidden second output where oneDNN takes the call.
int stored_outputs(const P& p) {
  const bool channels_last =
      p.layout == Layout::nwc || p.layout == Layout::nhwc || p.layout == Layout::ndhwc;
  return p.pool_type == PoolType::max && p.kernel.ndim() > 0 && !channels_last ? 2 : 1;
}

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
      .implement("reference",
                 [](const OpCall& c) {
                   pool(c.out[0].dtype, geometry(c.params<P>(), c.in[0].shape, c.out[0].shape),
                        c.in[0].address, c.out[0].address);
                 })
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
      .inputs(&backward_inputs)
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .implement("reference", [](const OpCall& c) {
        pool_backward(c.out[0].dtype, geometry(c.params<P>(), c.out[0].shape, c.in[0].shape),
                      c.in[0].address, c.in[1].address, c.in.size() > 2 ? c.in[2].address : nullptr,
                      c.out[0].address);
      });
}

}  // namespace gemel::pooling_op
