// What tests of convolution kernels compare with.
#pragma once
#include <vector>

#include "kernels/conv/direct.h"

namespace gemel::kernels::testing {

constexpr ConvolutionPass every_pass[] = {ConvolutionPass::forward, ConvolutionPass::data,
                                          ConvolutionPass::weight};

// One pass by plain loops in type T, which `dtype` names.
template <typename T>
std::vector<T> plain_pass(ConvolutionPass pass, DType dtype, const ConvolutionGeometry& g,
                          const std::vector<float>& data, const std::vector<float>& weight,
                          const std::vector<float>& bias, const std::vector<float>& dy) {
  const auto as = [](const std::vector<float>& v) { return std::vector<T>(v.begin(), v.end()); };
  const auto x = as(data), w = as(weight), b = as(bias), head = as(dy);
  std::vector<T> result(pass == ConvolutionPass::forward ? dy.size()
                        : pass == ConvolutionPass::data  ? data.size()
                                                         : weight.size());
  if (pass == ConvolutionPass::forward)
    direct_convolution(dtype, g, x.data(), w.data(), b.data(), result.data());
  else if (pass == ConvolutionPass::data)
    direct_convolution_data(dtype, g, head.data(), w.data(), result.data());
  else
    direct_convolution_weight(dtype, g, x.data(), head.data(), result.data());
  return result;
}

}  // namespace gemel::kernels::testing
