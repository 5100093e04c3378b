#include "kernels/conv/shifted.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/conv/direct.h"
#include "kernels/parallel.h"
#include "kernels/testing.h"

namespace gemel::kernels {
namespace {

using testing::numbers;

struct Sizes {
  int64_t groups, group_in, group_out, side, kernel, stride, dilate, pad;
};

ConvolutionGeometry geometry(const Sizes& s) {
  ConvolutionGeometry g;
  g.batch = 3, g.groups = s.groups;
  g.in_channels = s.groups * s.group_in, g.out_channels = s.groups * s.group_out;
  for (int a : {1, 2}) {
    g.in[a] = s.side + a;
    g.kernel[a] = s.kernel, g.stride[a] = s.stride, g.dilate[a] = s.dilate, g.pad[a] = s.pad;
    g.out[a] = (g.in[a] + 2 * s.pad - (s.kernel - 1) * s.dilate - 1) / s.stride + 1;
  }
  return g;
}

void expect_near(const std::vector<float>& got, const std::vector<float>& expected, int64_t terms) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], expected[i], 2e-6 * static_cast<double>(terms + 10)) << i;
}

struct Arrays {
  std::vector<float> data, weight, bias, dy;
  explicit Arrays(const ConvolutionGeometry& g)
      : data(numbers(g.batch * g.in_channels * g.in_size(), 1)),
        weight(numbers(g.out_channels * g.group_in() * g.kernel_size(), 2)),
        bias(numbers(g.out_channels, 3)),
        dy(numbers(g.batch * g.out_channels * g.out_size(), 4)) {}
};

void compare(const ConvolutionGeometry& g) {
  const Arrays a(g);
  std::vector<float> got(a.dy.size(), 9), expected(a.dy.size());
  shifted_convolution(g, a.data.data(), a.weight.data(), a.bias.data(), got.data());
  direct_convolution(DType::float32, g, a.data.data(), a.weight.data(), a.bias.data(),
                     expected.data());
  expect_near(got, expected, g.group_in() * g.kernel_size());
  shifted_convolution(g, a.data.data(), a.weight.data(), nullptr, got.data());
  direct_convolution(DType::float32, g, a.data.data(), a.weight.data(), nullptr, expected.data());
  expect_near(got, expected, g.group_in() * g.kernel_size());

  std::vector<float> dx(a.data.size(), 9), expected_dx(a.data.size());
  shifted_convolution_data(g, a.dy.data(), a.weight.data(), dx.data());
  direct_convolution_data(DType::float32, g, a.dy.data(), a.weight.data(), expected_dx.data());
  expect_near(dx, expected_dx, g.group_out() * g.kernel_size());

  std::vector<float> dw(a.weight.size(), 9), expected_dw(a.weight.size());
  shifted_convolution_weight(g, a.data.data(), a.dy.data(), dw.data());
  direct_convolution_weight(DType::float32, g, a.data.data(), a.dy.data(), expected_dw.data());
  expect_near(dw, expected_dw, g.batch * g.out_size());
}

TEST(ShiftedConvolution, EqualsTheReference) {
  for (const Sizes& s : std::vector<Sizes>{{5, 1, 1, 7, 3, 1, 1, 1},
                                           {3, 1, 1, 23, 3, 2, 1, 1},
                                           {2, 1, 1, 40, 5, 1, 1, 2},
                                           {20, 1, 1, 13, 5, 2, 1, 2},
                                           {3, 1, 3, 9, 3, 2, 1, 0},
                                           {4, 4, 4, 14, 3, 1, 1, 1},
                                           {2, 8, 8, 28, 3, 2, 1, 1},
                                           {2, 5, 3, 71, 3, 2, 1, 1},
                                           {2, 2, 5, 66, 5, 2, 1, 2},
                                           {3, 5, 7, 11, 3, 1, 2, 1},
                                           {2, 6, 13, 10, 4, 3, 1, 2},
                                           {2, 3, 2, 15, 3, 2, 3, 4},
                                           {1, 3, 17, 35, 11, 4, 1, 0},
                                           {1, 1, 20, 28, 5, 1, 1, 0},
                                           {1, 32, 32, 6, 1, 1, 1, 0},
                                           {2, 4, 9, 9, 1, 2, 1, 0},
                                           {2, 2, 2, 5, 2, 3, 1, 0},
                                           {2, 3, 3, 4, 3, 1, 1, 3}}) {
    SCOPED_TRACE(s.side);
    compare(geometry(s));
  }
}

TEST(ShiftedConvolution, OneAndThreeAxes) {
  ConvolutionGeometry line;
  line.axes = 1, line.batch = 2, line.groups = 2, line.in_channels = 4, line.out_channels = 6;
  line.in[2] = 31, line.kernel[2] = 4, line.stride[2] = 2, line.pad[2] = 1, line.out[2] = 15;
  compare(line);
  ConvolutionGeometry solid;
  solid.axes = 3, solid.batch = 2, solid.groups = 3, solid.in_channels = 6, solid.out_channels = 3;
  const int64_t in[3] = {5, 6, 9}, kernel[3] = {2, 3, 3}, stride[3] = {1, 2, 1}, pad[3] = {1, 0, 1};
  for (int a = 0; a < 3; ++a) {
    solid.in[a] = in[a], solid.kernel[a] = kernel[a], solid.stride[a] = stride[a];
    solid.pad[a] = pad[a];
    solid.out[a] = (in[a] + 2 * pad[a] - kernel[a]) / stride[a] + 1;
  }
  compare(solid);
}

TEST(ShiftedConvolution, IsTheSameWithAnyNumberOfThreads) {
  const ConvolutionGeometry g = geometry({8, 8, 8, 30, 3, 1, 1, 1});
  const Arrays a(g);
  const auto all = [&] {
    std::vector<float> out(a.dy.size()), dx(a.data.size()), dw(a.weight.size());
    shifted_convolution(g, a.data.data(), a.weight.data(), nullptr, out.data());
    shifted_convolution_data(g, a.dy.data(), a.weight.data(), dx.data());
    shifted_convolution_weight(g, a.data.data(), a.dy.data(), dw.data());
    out.insert(out.end(), dx.begin(), dx.end());
    out.insert(out.end(), dw.begin(), dw.end());
    return out;
  };
  const std::vector<float> many = all();
  const SingleThread alone;
  const std::vector<float> one = all();
  for (size_t i = 0; i < many.size(); ++i) ASSERT_EQ(many[i], one[i]) << i;
}

}  // namespace
}  // namespace gemel::kernels
