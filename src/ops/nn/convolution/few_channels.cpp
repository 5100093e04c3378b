#include "ops/nn/convolution/few_channels.h"

#include "kernels/conv/depthwise.h"
#include "kernels/conv/direct.h"
#include "kernels/conv/shifted.h"

namespace gemel::convolution_op {
namespace {

using kernels::ConvolutionPass;
using Geometry = kernels::ConvolutionGeometry;

struct Kernels {
  void (*forward)(const Geometry&, const float*, const float*, const float*, float*);
  void (*data)(const Geometry&, const float*, const float*, float*);
  void (*weight)(const Geometry&, const float*, const float*, float*);
};

void run(const Kernels& k, const Geometry& g, ConvolutionPass pass, const OpCall& c) {
  const bool has_bias = !c.params<ConvolutionParameters>().no_bias;
  const auto in = [&](int i) { return c.in[i].data<const float>(); };
  float* const out = c.out[0].data<float>();
  switch (pass) {
    case ConvolutionPass::forward:
      return k.forward(g, in(0), in(1), has_bias ? in(2) : nullptr, out);
    case ConvolutionPass::data:
      return k.data(g, in(0), in(1), out);
    case ConvolutionPass::weight:
      k.weight(g, in(1), in(0), out);
      if (has_bias) kernels::convolution_bias(DType::float32, g, c.in[0].address, c.out[1].address);
  }
}

// Where they were measured to be faster than a library, whose layouts have 16 channels.
bool depthwise_pays(const Geometry& g, ConvolutionPass pass) {
  constexpr int64_t small = 64;  // outputs of a plane: sums across vectors cost more than the rest
  return kernels::depthwise_serves(g) && (pass != ConvolutionPass::weight || g.out_size() >= small);
}
// Groups that do not fill the library's blocks.
bool small_groups(const Geometry& g) {
  constexpr int64_t block = 16;
  return g.groups > 1 && g.group_in() > 1 && (g.group_in() % block || g.group_out() % block);
}
bool shifted_pays(const Geometry& g, ConvolutionPass) {
  constexpr int64_t few = 4, most = 32;
  const int64_t in = g.group_in(), out = g.group_out();
  if (in == 1) return !kernels::depthwise_serves(g);
  if (g.groups > 1 && in <= few && out <= few) return true;
  const bool near = std::max({g.stride[0], g.stride[1], g.stride[2]}) <= 2;
  return small_groups(g) && near && in <= most && out <= most;
}

template <bool (*pays)(const Geometry&, ConvolutionPass)>
Implementation implementation(std::string name, const Kernels& kernels,
                              ConvolutionGeometryOf geometry, ConvolutionPass pass) {
  return {.name = std::move(name),
          .kernel = [=](const OpCall& c) { run(kernels, geometry(c), pass, c); },
          .when =
              [=](const OpCall& c) {
                if (c.out[0].dtype != DType::float32) return false;
                const Geometry g = geometry(c);
                return g.batch > 0 && g.in_channels > 0 && g.out_channels > 0 && g.in_size() > 0 &&
                       g.out_size() > 0 && pays(g, pass);
              },
          .prepare = {},
          .workspace = {},
          .small = false};
}

}  // namespace

bool preparing_pays(const Geometry& g) {
  return !small_groups(g) && !(g.groups == 1 && g.in_channels == 1);
}

Implementation depthwise(ConvolutionGeometryOf geometry, ConvolutionPass pass) {
  return implementation<depthwise_pays>(
      "depthwise",
      {kernels::depthwise_convolution, kernels::depthwise_convolution_data,
       kernels::depthwise_convolution_weight},
      geometry, pass);
}

Implementation shifted(ConvolutionGeometryOf geometry, ConvolutionPass pass) {
  return implementation<shifted_pays>(
      "shifted",
      {kernels::shifted_convolution, kernels::shifted_convolution_data,
       kernels::shifted_convolution_weight},
      geometry, pass);
}

}  // namespace gemel::convolution_op
