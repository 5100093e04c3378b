#include "ops/nn/convolution/one_by_one.h"

#include "kernels/conv/direct.h"
#include "kernels/fpmath.h"
#include "kernels/parallel.h"
#include "simd/bfloat16_product.h"

namespace gemel::convolution_op {
namespace {

using kernels::ConvolutionPass;

struct PreparedThreads : Prepared {
  int count = kernels::thread_count();  // that the workspace is for
};

int threads_of(const OpCall& c) {
  return c.prepared ? static_cast<const PreparedThreads*>(c.prepared)->count
                    : kernels::thread_count();
}

void run(const kernels::ConvolutionGeometry& g, ConvolutionPass pass, bool rounded,
         const OpCall& c) {
  const bool has_bias = !c.params<ConvolutionParameters>().no_bias;
  const auto in = [&](int i) { return c.in[i].data<const float>(); };
  float* const out = c.out[0].data<float>();
  float* const scratch = reinterpret_cast<float*>(c.workspace);
  switch (pass) {
    case ConvolutionPass::forward:
      kernels::one_by_one_convolution(g, in(0), in(1), has_bias ? in(2) : nullptr, out, scratch,
                                      threads_of(c), rounded);
      return;
    case ConvolutionPass::data:
      kernels::one_by_one_data(g, in(0), in(1), out, scratch, threads_of(c), rounded);
      return;
    case ConvolutionPass::weight:
      kernels::one_by_one_weight(g, in(1), in(0), out, scratch, threads_of(c), rounded);
      if (has_bias) kernels::convolution_bias(DType::float32, g, c.in[0].address, c.out[1].address);
  }
}

}  // namespace

Implementation one_by_one(ConvolutionGeometryOf geometry, ConvolutionPass pass, bool rounded) {
  return {.name = rounded ? "one_by_one_bfloat16" : "one_by_one",
          .kernel = [=](const OpCall& c) { run(geometry(c), pass, rounded, c); },
          .when =
              [=](const OpCall& c) {
                if (rounded &&
                    (kernels::fpmath() != kernels::Fpmath::fast || !simd::has_bfloat16_product()))
                  return false;
                return c.out[0].dtype == DType::float32 &&
                       kernels::one_by_one_serves(geometry(c), pass);
              },
          .prepare = [](const OpCall&) { return std::make_unique<PreparedThreads>(); },
          .workspace =
              [=](const OpCall& c) {
                return kernels::one_by_one_workspace(geometry(c), pass, threads_of(c));
              },
          .small = false};
}

}  // namespace gemel::convolution_op
