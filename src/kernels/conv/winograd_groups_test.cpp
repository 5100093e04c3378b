#include "kernels/conv/winograd_groups.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/conv/testing.h"
#include "kernels/parallel.h"
#include "kernels/testing.h"

namespace gemel::kernels {
namespace {

using testing::error_of, testing::noise;

struct Sizes {
  int64_t batch, groups, in, out, height, width, pad_y, pad_x;  // channels: of one group
};
void PrintTo(const Sizes& s, std::ostream* out) {
  *out << s.batch << "x" << s.groups << "*" << s.in << "x" << s.height << "x" << s.width << " to "
       << s.out << ", pad " << s.pad_y << "," << s.pad_x;
}

ConvolutionGeometry geometry_of(const Sizes& s) {
  ConvolutionGeometry g;
  g.batch = s.batch, g.groups = s.groups;
  g.in_channels = s.groups * s.in, g.out_channels = s.groups * s.out;
  const int64_t in[2] = {s.height, s.width}, pad[2] = {s.pad_y, s.pad_x};
  for (int a = 0; a < 2; ++a) {
    g.in[a + 1] = in[a], g.kernel[a + 1] = 3, g.pad[a + 1] = pad[a];
    g.out[a + 1] = in[a] + 2 * pad[a] - 2;
  }
  return g;
}

struct Problem {
  ConvolutionGeometry g;
  std::vector<float> data, weight, bias, dy;
  explicit Problem(const Sizes& s) : g(geometry_of(s)) {
    data = noise(g.batch * g.in_channels * g.in_size(), 1);
    weight = noise(g.out_channels * g.group_in() * 9, 2);
    bias = noise(g.out_channels, 3);
    dy = noise(g.batch * g.out_channels * g.out_size(), 4);
  }
  // By our kernels, by plain float32 loops, and exactly.
  bool ours(ConvolutionPass pass, std::vector<float>& result) const {
    switch (pass) {
      case ConvolutionPass::forward:
        result.assign(dy.size(), 9);
        return winograd_groups_convolution(g, data.data(), weight.data(), bias.data(),
                                           result.data());
      case ConvolutionPass::data:
        result.assign(data.size(), 9);
        return winograd_groups_data(g, dy.data(), weight.data(), result.data());
      case ConvolutionPass::weight:
        result.assign(weight.size(), 9);
        return winograd_groups_weight(g, data.data(), dy.data(), result.data());
    }
    return false;
  }
  template <typename T>
  std::vector<T> direct(ConvolutionPass pass, DType dtype) const {
    return testing::plain_pass<T>(pass, dtype, g, data, weight, bias, dy);
  }
};

class WinogradGroups : public ::testing::TestWithParam<Sizes> {};

TEST_P(WinogradGroups, AreWithinTheErrorOfStrictPrecision) {
  const Problem problem(GetParam());
  if (!winograd_groups_serves(problem.g)) GTEST_SKIP() << "no vectors of sixteen";
  for (ConvolutionPass pass : testing::every_pass) {
    std::vector<float> result;
    ASSERT_TRUE(problem.ours(pass, result));
    const auto exact = problem.direct<double>(pass, DType::float64);
    const double plain = error_of(problem.direct<float>(pass, DType::float32), exact);
    EXPECT_LE(error_of(result, exact), 4 * plain + 1e-7) << static_cast<int>(pass);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, WinogradGroups,
    ::testing::Values(Sizes{4, 3, 4, 4, 14, 14, 1, 1}, Sizes{1, 2, 8, 8, 28, 28, 1, 1},
                      Sizes{5, 2, 16, 16, 7, 7, 1, 1}, Sizes{2, 2, 32, 32, 9, 56, 1, 1},
                      Sizes{3, 2, 5, 11, 13, 17, 0, 2}, Sizes{2, 2, 4, 17, 5, 66, 2, 1}));

// Sums of so few products that direct ones hardly round.
TEST(WinogradGroups, OfFewProductsAreNear) {
  for (const Sizes& sizes : {Sizes{1, 3, 20, 6, 3, 3, 2, 0}, Sizes{9, 2, 3, 2, 3, 4, 0, 0},
                             Sizes{1, 2, 1, 1, 1, 1, 1, 1}}) {
    const Problem problem(sizes);
    if (!winograd_groups_serves(problem.g)) GTEST_SKIP() << "no vectors of sixteen";
    for (ConvolutionPass pass : testing::every_pass) {
      std::vector<float> result;
      ASSERT_TRUE(problem.ours(pass, result));
      EXPECT_LE(error_of(result, problem.direct<double>(pass, DType::float64)), 2e-6);
    }
  }
}

TEST(WinogradGroups, AreTheSameWithAnyNumberOfThreads) {
  const Problem problem({2, 6, 8, 8, 20, 21, 1, 1});
  if (!winograd_groups_serves(problem.g)) GTEST_SKIP() << "no vectors of sixteen";
  for (ConvolutionPass pass : testing::every_pass) {
    std::vector<float> alone, together;
    {
      const SingleThread single;
      problem.ours(pass, alone);
    }
    problem.ours(pass, together);
    EXPECT_EQ(alone, together);
  }
}

TEST(WinogradGroups, LeaveWhatIsNotFiniteToOthers) {
  for (const float value :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(), 1e35f}) {
    Problem problem({2, 2, 4, 4, 10, 10, 1, 1});
    if (!winograd_groups_serves(problem.g)) GTEST_SKIP() << "no vectors of sixteen";
    problem.data[777] = problem.dy[777] = value;
    for (ConvolutionPass pass : testing::every_pass) {
      std::vector<float> result;
      EXPECT_FALSE(problem.ours(pass, result)) << value;
    }
  }
}

TEST(WinogradGroups, ServeWhatTheySay) {
  ConvolutionGeometry g = geometry_of({2, 4, 8, 8, 14, 14, 1, 1});
  const bool here = winograd_groups_serves(g);
  g.stride[1] = 2;
  EXPECT_FALSE(winograd_groups_serves(g));
  g = geometry_of({2, 4, 8, 8, 14, 14, 1, 1});
  g.dilate[2] = 2;
  EXPECT_FALSE(winograd_groups_serves(g));
  g = geometry_of({2, 1, 8, 8, 14, 14, 1, 1});
  EXPECT_FALSE(winograd_groups_serves(g));
  g = geometry_of({2, 4, 65, 8, 14, 14, 1, 1});
  EXPECT_FALSE(winograd_groups_serves(g));
  EXPECT_EQ(here, winograd_groups_serves(geometry_of({1, 2, 3, 4, 5, 6, 0, 2})));
  // 14 x 14 outputs have 16 tiles of 16 elements, one vector.
  EXPECT_DOUBLE_EQ(
      winograd_groups_fill(geometry_of({1, 4, 8, 8, 14, 14, 1, 1}), ConvolutionPass::forward),
      196.0 / 256);
  EXPECT_DOUBLE_EQ(
      winograd_groups_fill(geometry_of({1, 4, 8, 8, 14, 14, 0, 0}), ConvolutionPass::data),
      196.0 / 256);
}

}  // namespace
}  // namespace gemel::kernels
