// UpSampling: larger images by repeating elements, or by a deconvolution with bilinear weights.
#include <algorithm>
#include <cstring>

#include "kernels/conv/direct.h"
#include "kernels/conv/patches.h"
#include "kernels/gemm/gemm.h"
#include "kernels/parallel.h"
#include "op/registry.h"
#include "ops/floating_type.h"
#include "ops/nn/convolution/parameters.h"

namespace gemel::up_sampling_op {
namespace {

enum class SampleType { bilinear, nearest };
enum class MultiInput { concat, sum };

struct UpSamplingParameters : Parameters {
  int scale, num_filter;
  SampleType sample_type;
  MultiInput multi_input_mode;
  int num_args;
  int64_t workspace;
  static void declare(Fields<UpSamplingParameters>& f) {
    using P = UpSamplingParameters;
    f.field("scale", &P::scale).range(1, 1000).doc("Factor of height and width.");
    f.field("num_filter", &P::num_filter).fallback("0").doc("Channels, for bilinear.");
    f.choice("sample_type", &P::sample_type,
             {{"bilinear", SampleType::bilinear}, {"nearest", SampleType::nearest}})
        .doc("Repeat elements, or weigh neighbours by the learnable input `weight`.");
    f.choice("multi_input_mode", &P::multi_input_mode,
             {{"concat", MultiInput::concat}, {"sum", MultiInput::sum}})
        .fallback("concat")
        .doc("What becomes of several inputs, for nearest.");
    f.field("num_args", &P::num_args).range(1, 1000).doc("Number of inputs.");
    f.field("workspace", &P::workspace).fallback("512").doc("Accepted and ignored.").type =
        "long (non-negative)";
  }
  bool bilinear() const { return sample_type == SampleType::bilinear; }
};
using P = UpSamplingParameters;

std::vector<std::string> input_names(const P& p) {
  if (p.bilinear()) return {"data", "weight"};
  if (p.num_args == 1) return {"data"};
  std::vector<std::string> names;
  for (int i = 0; i < p.num_args; ++i) names.push_back("arg" + std::to_string(i));
  return names;
}

// The deconvolution that enlarges by `scale`.
std::shared_ptr<DeconvolutionParameters> deconvolution(const P& p) {
  auto d = std::make_shared<DeconvolutionParameters>();
  const int64_t kernel = 2 * p.scale - p.scale % 2, pad = (p.scale) / 2;
  d->kernel = {kernel, kernel};
  d->stride = {p.scale, p.scale};
  d->pad = {pad, pad};
  d->dilate = d->adj = d->target_shape = Shape();
  d->num_filter = d->num_group = p.num_filter;
  d->workspace = p.workspace;
  d->no_bias = true;
  d->cudnn_tune = CudnnTune::none;
  d->cudnn_off = false;
  d->layout = Layout::none;
  return d;
}

void check_image(ShapeContext& c, int i) {
  GEMEL_CHECK(c.in[i].ndim() < 0 || c.in[i].ndim() == 4,
              "[{}] expected data of 4 axes (batch, channel, height, width), got {}", c.op.name(),
              c.in[i]);
}

void shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  check_image(c, 0);
  if (p.bilinear()) {
    const int64_t kernel = 2 * p.scale - p.scale % 2;
    GEMEL_CHECK(p.num_filter > 0, "[{}] expected a positive num_filter with bilinear, got {}",
                c.op.name(), p.num_filter);
    c.set_in(1, {p.num_filter, 1, kernel, kernel});
    if (c.in[0].ndim() < 0) return;
    c.set_in(0, {-1, p.num_filter, -1, -1});
  }
  const Shape& first = c.in[0];
  if (first.ndim() < 0) return;
  Shape out = {first[0], first[1], first[2] < 0 ? -1 : first[2] * p.scale,
               first[3] < 0 ? -1 : first[3] * p.scale};
  for (int i = 1; !p.bilinear() && i < p.num_args; ++i) {
    check_image(c, i);
    const Shape& other = c.in[i];
    if (other.ndim() < 0 || out[2] < 0 || out[3] < 0 || other[2] < 0 || other[3] < 0) return;
    GEMEL_CHECK(other[2] > 0 && other[3] > 0 && out[2] % other[2] == 0 && out[3] % other[3] == 0,
                "[{}] expected inputs whose height and width divide {} x {}, got {}", c.op.name(),
                out[2], out[3], other);
    if (p.multi_input_mode == MultiInput::sum)
      GEMEL_CHECK(other[1] == out[1], "[{}] expected {} channels as the first input, got {}",
                  c.op.name(), out[1], other);
    else
      out[1] += other[1];
  }
  c.set_out(0, out);
}

// Calls f(place in the large plane, place in the small one).
template <typename F>
void places(const Shape& large, const Shape& small, F&& f) {
  const int64_t tall = large[2] / std::max<int64_t>(small[2], 1),
                wide = large[3] / std::max<int64_t>(small[3], 1);
  for (int64_t h = 0; h < large[2]; ++h)
    for (int64_t w = 0; w < large[3]; ++w) f(h * large[3] + w, h / tall * small[3] + w / wide);
}

// Calls f(plane of the output, plane of the input) for every channel of input i.
template <typename F>
void planes(const P& p, std::span<const Tensor> inputs, size_t i, const Shape& out, F&& f) {
  int64_t first = 0;
  for (size_t k = 0; k < i && p.multi_input_mode == MultiInput::concat; ++k)
    first += inputs[k].shape[1];
  const int64_t channels = inputs[i].shape[1];
  kernels::parallel_for(out[0] * channels, out[2] * out[3] * 2, [&](int64_t at) {
    f((at / channels) * out[1] + first + at % channels, at);
  });
}

template <typename T>
void nearest(const OpCall& c) {
  const auto& p = c.params<P>();
  const Tensor& out = c.out[0];
  const int64_t large = out.shape[2] * out.shape[3];
  for (size_t i = 0; i < c.in.size(); ++i) {
    const bool adds = i > 0 && p.multi_input_mode == MultiInput::sum;
    const int64_t small = c.in[i].shape[2] * c.in[i].shape[3];
    planes(p, c.in, i, out.shape, [&](int64_t to, int64_t from) {
      T* y = out.data<T>() + to * large;
      const T* x = c.in[i].data<T>() + from * small;
      places(out.shape, c.in[i].shape,
             [&](int64_t a, int64_t b) { y[a] = adds ? static_cast<T>(y[a] + x[b]) : x[b]; });
    });
  }
}

// in: dy, then the inputs for their shapes.
template <typename T>
void nearest_backward(const OpCall& c) {
  const auto& p = c.params<P>();
  const Tensor& dy = c.in[0];
  const int64_t large = dy.shape[2] * dy.shape[3];
  for (size_t i = 0; i < c.out.size(); ++i) {
    const int64_t small = c.out[i].shape[2] * c.out[i].shape[3];
    planes(p, c.out, i, dy.shape, [&](int64_t from, int64_t to) {
      std::vector<compute_type<T>> sums(static_cast<size_t>(small));
      const T* head = dy.data<T>() + from * large;
      places(dy.shape, c.out[i].shape,
             [&](int64_t a, int64_t b) { sums[b] += static_cast<compute_type<T>>(head[a]); });
      T* dx = c.out[i].data<T>() + to * small;
      for (int64_t k = 0; k < small; ++k) dx[k] = static_cast<T>(sums[k]);
    });
  }
}

kernels::ConvolutionGeometry geometry(const OpCall& c) {
  return convolution_geometry(*deconvolution(c.params<P>()), c.out[0].shape, c.in[0].shape);
}

void forward(const OpCall& c) {
  if (c.params<P>().bilinear()) {
    if (kernels::blas_supports(c.out[0].dtype))
      kernels::patches_convolution_data(c.out[0].dtype, geometry(c), c.in[0].address,
                                        c.in[1].address, c.out[0].address, c.workspace);
    else
      kernels::direct_convolution_data(c.out[0].dtype, geometry(c), c.in[0].address,
                                       c.in[1].address, c.out[0].address);
    return;
  }
  dispatch_floating(c.out[0].dtype, c.op.name(),
                    [&](auto type) { nearest<typename decltype(type)::type>(c); });
}

std::vector<Entry> gradient(const GradientContext& c) {
  const auto& p = c.params<P>();
  if (p.bilinear()) {
    const auto d = deconvolution(p);
    return {c.make("_backward_Deconvolution_data", {c.dy(), c.in(1), c.in(0)}, d),
            c.make("_backward_Deconvolution_weight", {c.in(0), c.dy()}, d)};
  }
  std::vector<Entry> inputs = {c.dy()}, result;
  for (const Entry& in : c.node.inputs) inputs.push_back(in);
  const NodeRef node = c.make("_backward_UpSampling", inputs, c.node.parameters).node;
  for (int i = 0; i < p.num_args; ++i) result.push_back({node, i, 0});
  return result;
}

// The sums of nearest's gradient are linear: theirs is to repeat again.
std::vector<Entry> second_gradient(const GradientContext& c) {
  std::vector<Entry> heads;
  for (size_t i = 0; i < c.head.size(); ++i) heads.push_back(c.dy(static_cast<int>(i)));
  std::vector<Entry> result = {c.make("UpSampling", heads, c.node.parameters)};
  result.resize(c.node.inputs.size());
  return result;
}

}  // namespace

GEMEL_OPERATORS(up_sampling) {
  OpBuilder builder = op<P>("UpSampling");
  builder
      .doc(
          "Enlarges images (batch, channel, height, width) by `scale`. 'nearest' repeats elements; "
          "several inputs are enlarged to one size and joined along the channels, or added. "
          "'bilinear' is a deconvolution of each channel with the input `weight`.")
      .inputs(&input_names)
      .shape(shape)
      .type(floating_type)
      .gradient(gradient)
      .implement({.name = "reference",
                  .kernel = forward,
                  .workspace =
                      [](const OpCall& c) {
                        return c.params<P>().bilinear()
                                   ? geometry(c).patches_size() * size_of(c.out[0].dtype)
                                   : int64_t{0};
                      }})
      .sample({.shapes = {{2, 3, 2, 4}},
               .attributes = {{"scale", "2"}, {"sample_type", "nearest"}, {"num_args", "1"}}})
      .sample({.shapes = {{1, 2, 2, 3}, {1, 1, 4, 6}},
               .attributes = {{"scale", "2"}, {"sample_type", "nearest"}, {"num_args", "2"}}})
      .sample({.shapes = {{1, 2, 2, 3}, {1, 2, 4, 6}},
               .attributes = {{"scale", "2"},
                              {"sample_type", "nearest"},
                              {"num_args", "2"},
                              {"multi_input_mode", "sum"}}})
      .sample({.shapes = {{1, 2, 3, 4}, {2, 1, 4, 4}},
               .attributes = {{"scale", "2"},
                              {"sample_type", "bilinear"},
                              {"num_filter", "2"},
                              {"num_args", "2"}}})
      .info()
      .variadic = "num_args";
  builder.info().auxiliary_attributes = {{"weight", {{"__init__", "[\"bilinear\", {}]"}}}};

  op<P>("_backward_UpSampling")
      .doc("Gradient of UpSampling with nearest.")
      .inputs<P>([](const P& p) {
        std::vector<std::string> names = {"dy"};
        for (int i = 0; i < p.num_args; ++i) names.push_back("data" + std::to_string(i));
        return names;
      })
      .outputs<P>([](const P& p) { return p.num_args; })
      .shape_only_from(1)
      .shape([](ShapeContext& c) {
        for (size_t i = 0; i < c.out.size(); ++i) c.set_out(static_cast<int>(i), c.in[i + 1]);
      })
      .gradient(second_gradient)
      .implement("reference", [](const OpCall& c) {
        dispatch_floating(c.out[0].dtype, c.op.name(),
                          [&](auto type) { nearest_backward<typename decltype(type)::type>(c); });
      });
}

}  // namespace gemel::up_sampling_op
