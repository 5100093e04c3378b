#include "kernels/conv/depthwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/conv/direct.h"
#include "kernels/parallel.h"
#include "kernels/testing.h"

namespace gemel::kernels {
namespace {

using testing::numbers;

ConvolutionGeometry geometry(int64_t channels, int64_t side, int64_t kernel, int64_t stride,
                             int64_t pad) {
  ConvolutionGeometry g;
  g.batch = 2, g.groups = g.in_channels = g.out_channels = channels;
  for (int a : {1, 2}) {
    g.in[a] = side + 3 * (a - 1);
    g.kernel[a] = kernel, g.stride[a] = stride, g.pad[a] = pad;
    g.out[a] = (g.in[a] + 2 * pad - kernel) / stride + 1;
  }
  return g;
}

void expect_near(const std::vector<float>& got, const std::vector<float>& expected,
                 double tolerance) {
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], tolerance) << i;
}

TEST(DepthwiseConvolution, EqualsTheReference) {
  for (int64_t side : {5, 7, 14, 16, 31, 33, 50})
    for (int64_t kernel : {3, 5})
      for (int64_t stride : {1, 2})
        for (int64_t pad = 0; pad < kernel; ++pad) {
          const ConvolutionGeometry g = geometry(11, side, kernel, stride, pad);
          if (!depthwise_serves(g)) GTEST_SKIP() << "no masked vectors";
          SCOPED_TRACE(side * 1000 + kernel * 100 + stride * 10 + pad);
          // Just as large as they must be: a sanitizer sees what is read behind them.
          const auto x = numbers(2 * 11 * g.in_size(), 1), w = numbers(11 * g.kernel_size(), 2),
                     bias = numbers(11, 3), dy = numbers(2 * 11 * g.out_size(), 4);
          std::vector<float> out(dy.size(), 9), expected(dy.size());
          depthwise_convolution(g, x.data(), w.data(), bias.data(), out.data());
          direct_convolution(DType::float32, g, x.data(), w.data(), bias.data(), expected.data());
          expect_near(out, expected, 1e-5);
          std::vector<float> dx(x.size(), 9), expected_dx(x.size());
          depthwise_convolution_data(g, dy.data(), w.data(), dx.data());
          direct_convolution_data(DType::float32, g, dy.data(), w.data(), expected_dx.data());
          expect_near(dx, expected_dx, 1e-5);
          std::vector<float> dw(w.size(), 9), expected_dw(w.size());
          depthwise_convolution_weight(g, x.data(), dy.data(), dw.data());
          direct_convolution_weight(DType::float32, g, x.data(), dy.data(), expected_dw.data());
          expect_near(dw, expected_dw, 1e-3);
        }
}

TEST(DepthwiseConvolution, IsTheSameWithAnyNumberOfThreads) {
  const ConvolutionGeometry g = geometry(40, 40, 3, 1, 1);
  if (!depthwise_serves(g)) GTEST_SKIP() << "no masked vectors";
  const auto x = numbers(80 * g.in_size(), 1), w = numbers(40 * 9, 2),
             dy = numbers(80 * g.out_size(), 3);
  const auto all = [&] {
    std::vector<float> out(dy.size()), dx(x.size()), dw(w.size());
    depthwise_convolution(g, x.data(), w.data(), nullptr, out.data());
    depthwise_convolution_data(g, dy.data(), w.data(), dx.data());
    depthwise_convolution_weight(g, x.data(), dy.data(), dw.data());
    out.insert(out.end(), dx.begin(), dx.end());
    out.insert(out.end(), dw.begin(), dw.end());
    return out;
  };
  const std::vector<float> many = all();
  const SingleThread alone;
  EXPECT_EQ(many, all());
}

TEST(DepthwiseConvolution, LeavesOthersAlone) {
  ConvolutionGeometry g = geometry(4, 9, 3, 1, 1);
  g.dilate[1] = 2;
  EXPECT_FALSE(depthwise_serves(g));
  EXPECT_FALSE(depthwise_serves(geometry(4, 9, 4, 1, 1)));
  EXPECT_FALSE(depthwise_serves(geometry(4, 9, 3, 3, 1)));
  g = geometry(4, 9, 3, 1, 1);
  g.out_channels = 8;
  EXPECT_FALSE(depthwise_serves(g));
}

}  // namespace
}  // namespace gemel::kernels
