// Kernels of size 1 as products, against plain loops in float64.
#include "kernels/conv/one_by_one.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/conv/direct.h"
#include "kernels/testing.h"

namespace gemel::kernels {
namespace {

using testing::noise;

struct Sizes {
  int64_t batch, in_channels, out_channels, height, width, stride;
};
void PrintTo(const Sizes& s, std::ostream* out) {
  *out << s.batch << "x" << s.in_channels << "x" << s.height << "x" << s.width << " to "
       << s.out_channels << ", stride " << s.stride;
}

ConvolutionGeometry geometry_of(const Sizes& s) {
  ConvolutionGeometry g;
  g.batch = s.batch, g.in_channels = s.in_channels, g.out_channels = s.out_channels;
  g.in[1] = s.height, g.in[2] = s.width;
  for (int a : {1, 2}) {
    g.stride[a] = s.stride;
    g.out[a] = (g.in[a] - 1) / s.stride + 1;
  }
  return g;
}

class OneByOne : public ::testing::TestWithParam<Sizes> {};

TEST_P(OneByOne, EveryPassIsThatOfPlainLoops) {
  const ConvolutionGeometry g = geometry_of(GetParam());
  if (!one_by_one_serves(g, ConvolutionPass::weight)) GTEST_SKIP() << "needs AVX2";
  const auto data = noise(g.batch * g.in_channels * g.in_size(), 1);
  const auto weight = noise(g.out_channels * g.in_channels, 2), bias = noise(g.out_channels, 3);
  const auto dy = noise(g.batch * g.out_channels * g.out_size(), 4);
  const auto wide = [](const std::vector<float>& v) {
    return std::vector<double>(v.begin(), v.end());
  };
  const auto compare = [&](ConvolutionPass pass, size_t size, double terms, auto exact, auto ours) {
    std::vector<double> expected(size);
    exact(expected.data());
    std::vector<float> one;
    for (int threads : {1, 2, 3, 12}) {
      std::vector<float> found(size, NAN);
      std::vector<float> scratch(one_by_one_workspace(g, pass, threads) / sizeof(float), NAN);
      ours(found.data(), scratch.data(), threads);
      if (threads == 1) one = found;
      EXPECT_EQ(one, found) << threads << " threads";
    }
    for (size_t i = 0; i < size; ++i)
      ASSERT_NEAR(one[i], expected[i], 2e-6 * terms) << static_cast<int>(pass) << " at " << i;
  };
  compare(
      ConvolutionPass::forward, dy.size(), static_cast<double>(g.in_channels),
      [&](double* to) {
        direct_convolution(DType::float64, g, wide(data).data(), wide(weight).data(),
                           wide(bias).data(), to);
      },
      [&](float* to, float* scratch, int threads) {
        one_by_one_convolution(g, data.data(), weight.data(), bias.data(), to, scratch, threads);
      });
  compare(
      ConvolutionPass::data, data.size(), static_cast<double>(g.out_channels),
      [&](double* to) {
        direct_convolution_data(DType::float64, g, wide(dy).data(), wide(weight).data(), to);
      },
      [&](float* to, float* scratch, int threads) {
        one_by_one_data(g, dy.data(), weight.data(), to, scratch, threads);
      });
  compare(
      ConvolutionPass::weight, weight.size(), static_cast<double>(g.batch * g.out_size()),
      [&](double* to) {
        direct_convolution_weight(DType::float64, g, wide(data).data(), wide(dy).data(), to);
      },
      [&](float* to, float* scratch, int threads) {
        one_by_one_weight(g, data.data(), dy.data(), to, scratch, threads);
      });
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, OneByOne,
    ::testing::Values(Sizes{1, 16, 16, 5, 5, 1}, Sizes{3, 17, 31, 7, 7, 1},
                      Sizes{2, 64, 65, 16, 19, 1}, Sizes{9, 40, 24, 1, 1, 1},
                      Sizes{2, 600, 20, 14, 14, 1}, Sizes{2, 33, 50, 14, 13, 2},
                      Sizes{1, 24, 530, 28, 28, 2}, Sizes{5, 16, 16, 7, 9, 3},
                      // The gradient of the weight in 2, 4 and 8 slices.
                      Sizes{4, 35, 61, 23, 27, 1}, Sizes{13, 50, 37, 19, 17, 1},
                      Sizes{20, 18, 29, 40, 21, 2}, Sizes{9, 29, 47, 31, 29, 1}));

TEST(OneByOne, LeavesOtherConvolutionsToOthers) {
  ConvolutionGeometry g = geometry_of({2, 32, 32, 7, 7, 1});
  g.pad[1] = 1;
  EXPECT_FALSE(one_by_one_serves(g, ConvolutionPass::forward));
  g = geometry_of({2, 32, 32, 7, 7, 1});
  g.groups = 2;
  EXPECT_FALSE(one_by_one_serves(g, ConvolutionPass::data));
  g = geometry_of({1, 512, 512, 7, 7, 1});
  EXPECT_FALSE(one_by_one_serves(g, ConvolutionPass::forward)) << "the weight is most of the work";
  g = geometry_of({0, 32, 32, 7, 7, 1});
  EXPECT_FALSE(one_by_one_serves(g, ConvolutionPass::weight));
}

}  // namespace
}  // namespace gemel::kernels
