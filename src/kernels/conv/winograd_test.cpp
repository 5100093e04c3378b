// Winograd's method against the plain loops in float64, on sizes that fit nothing.
#include "kernels/conv/winograd.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "kernels/conv/testing.h"
#include "kernels/testing.h"

namespace gemel::kernels {
namespace {

using testing::error_of, testing::noise;

struct Sizes {
  int64_t batch, in_channels, out_channels, height, width, kernel, pad_y, pad_x;
};
void PrintTo(const Sizes& s, std::ostream* out) {
  *out << s.batch << "x" << s.in_channels << "x" << s.height << "x" << s.width << " to "
       << s.out_channels << ", kernel " << s.kernel << ", pad " << s.pad_y << "," << s.pad_x;
}

ConvolutionGeometry geometry_of(const Sizes& s) {
  ConvolutionGeometry g;
  g.batch = s.batch;
  g.in_channels = s.in_channels;
  g.out_channels = s.out_channels;
  const int64_t in[2] = {s.height, s.width}, pad[2] = {s.pad_y, s.pad_x};
  for (int a = 0; a < 2; ++a) {
    g.in[a + 1] = in[a];
    g.kernel[a + 1] = s.kernel;
    g.pad[a + 1] = pad[a];
    g.out[a + 1] = in[a] + 2 * pad[a] - s.kernel + 1;
  }
  return g;
}

struct Problem {
  ConvolutionGeometry g;
  std::vector<float> data, weight, bias, dy;
  explicit Problem(const Sizes& sizes) : g(geometry_of(sizes)) {
    data = noise(g.batch * g.in_channels * g.in_size(), 1);
    weight = noise(g.out_channels * g.in_channels * g.kernel_size(), 2);
    bias = noise(g.out_channels, 3);
    dy = noise(g.batch * g.out_channels * g.out_size(), 4);
  }
  size_t size_of(ConvolutionPass pass) const {
    return pass == ConvolutionPass::forward ? dy.size()
           : pass == ConvolutionPass::data  ? data.size()
                                            : weight.size();
  }
  template <typename T>
  std::vector<T> plain(ConvolutionPass pass, DType dtype) const {
    return testing::plain_pass<T>(pass, dtype, g, data, weight, bias, dy);
  }
  bool winograd(ConvolutionPass pass, int threads, std::vector<float>& out) const {
    const WinogradSchedule s = winograd_schedule(g, pass, {.threads = threads});
    std::vector<float> scratch(winograd_workspace(s) / sizeof(float), NAN);
    out.assign(size_of(pass), NAN);
    switch (pass) {
      case ConvolutionPass::forward:
        return winograd_convolution(s, data.data(), weight.data(), {.bias = bias.data()},
                                    out.data(), scratch.data());
      case ConvolutionPass::data:
        return winograd_convolution(s, dy.data(), weight.data(), {}, out.data(), scratch.data());
      case ConvolutionPass::weight:
        return winograd_weight_gradient(s, data.data(), dy.data(), out.data(), scratch.data());
    }
    return false;
  }
};

class WinogradConvolution : public ::testing::TestWithParam<Sizes> {};

TEST_P(WinogradConvolution, IsWithinTheStrictBoundOfDirectSums) {
  const Problem problem(GetParam());
  ASSERT_TRUE(winograd_applies(problem.g));
  for (ConvolutionPass pass : testing::every_pass) {
    const auto exact = problem.plain<double>(pass, DType::float64);
    const double direct = error_of(problem.plain<float>(pass, DType::float32), exact);
    std::vector<float> got;
    ASSERT_TRUE(problem.winograd(pass, 1, got));
    // Sums of very few terms are exact to a rounding, which no transform reaches.
    EXPECT_LE(error_of(got, exact), 4 * std::max(direct, 2e-7)) << static_cast<int>(pass);
  }
}

TEST_P(WinogradConvolution, GivesTheSameBitsForAnyNumberOfThreads) {
  const Problem problem(GetParam());
  for (ConvolutionPass pass : testing::every_pass) {
    std::vector<float> one, several;
    ASSERT_TRUE(problem.winograd(pass, 1, one));
    for (int threads : {2, 3, 8}) {
      ASSERT_TRUE(problem.winograd(pass, threads, several));
      EXPECT_EQ(one, several) << threads << " threads, pass " << static_cast<int>(pass);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, WinogradConvolution,
    ::testing::Values(Sizes{1, 16, 16, 8, 8, 3, 1, 1}, Sizes{2, 17, 33, 13, 7, 3, 1, 1},
                      Sizes{3, 24, 40, 9, 11, 3, 0, 2}, Sizes{1, 3, 5, 4, 5, 3, 0, 0},
                      Sizes{1, 300, 48, 6, 6, 3, 1, 1}, Sizes{1, 80, 16, 9, 6, 3, 1, 2},
                      Sizes{2, 48, 16, 57, 30, 3, 1, 0}, Sizes{2, 16, 32, 14, 14, 5, 2, 2},
                      Sizes{1, 19, 70, 9, 12, 5, 4, 0}, Sizes{4, 8, 8, 28, 28, 5, 2, 2},
                      Sizes{1, 1, 1, 3, 3, 3, 0, 0},
                      // The gradient of the weight in 2, 4 and 8 slices.
                      Sizes{9, 18, 35, 53, 50, 3, 1, 1}, Sizes{17, 17, 20, 57, 51, 3, 1, 1},
                      Sizes{9, 16, 19, 29, 27, 5, 2, 2}, Sizes{3, 130, 70, 57, 49, 3, 1, 1}));

// Blocked arrays: batch, group of 16 channels, row, column, 16; unused lanes are `filler`.
std::vector<float> blocked(const std::vector<float>& plain, int64_t batch, int64_t channels,
                           int64_t area, float filler) {
  const int64_t groups = (channels + 15) / 16;
  std::vector<float> result(batch * groups * area * 16, filler);
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < area; ++i)
        result[((n * groups + c / 16) * area + i) * 16 + c % 16] =
            plain[(n * channels + c) * area + i];
  return result;
}

TEST_P(WinogradConvolution, GivesTheSameBitsInBlockedLayoutsAndFromAPreparedWeight) {
  const Problem problem(GetParam());
  const ConvolutionGeometry& g = problem.g;
  for (ConvolutionPass pass : {ConvolutionPass::forward, ConvolutionPass::data}) {
    const bool turned = pass == ConvolutionPass::data;
    std::vector<float> plain;
    ASSERT_TRUE(problem.winograd(pass, 1, plain));
    const auto& in = turned ? problem.dy : problem.data;
    const int64_t in_area = turned ? g.out_size() : g.in_size(),
                  out_area = g.in_size() + g.out_size() - in_area;
    const int64_t in_channels = turned ? g.out_channels : g.in_channels;
    const int64_t out_channels = turned ? g.in_channels : g.out_channels;
    const auto blocked_in = blocked(in, g.batch, in_channels, in_area, NAN);
    const auto blocked_out = blocked(plain, g.batch, out_channels, out_area, 0);
    for (int form = 1; form < 8; ++form) {
      const WinogradSchedule s = winograd_schedule(g, pass,
                                                   {.threads = 1 + form % 3,
                                                    .prepared = (form & 1) != 0,
                                                    .blocked_in = (form & 2) != 0,
                                                    .blocked_out = (form & 4) != 0});
      std::vector<float> prepared(winograd_prepared_size(s));
      winograd_prepare_weight(s, problem.weight.data(), prepared.data());
      std::vector<float> scratch(winograd_workspace(s) / sizeof(float), NAN);
      std::vector<float> out(s.blocked_out ? blocked_out.size() : plain.size(), NAN);
      ASSERT_TRUE(winograd_convolution(s, s.blocked_in ? blocked_in.data() : in.data(),
                                       s.prepared ? prepared.data() : problem.weight.data(),
                                       {.bias = turned ? nullptr : problem.bias.data()}, out.data(),
                                       scratch.data()));
      EXPECT_EQ(out, s.blocked_out ? blocked_out : plain) << "form " << form;
    }
  }
}

TEST_P(WinogradConvolution, AddsAResidualInEitherLayout) {
  const Problem problem(GetParam());
  const ConvolutionGeometry& g = problem.g;
  std::vector<float> plain;
  ASSERT_TRUE(problem.winograd(ConvolutionPass::forward, 1, plain));
  const std::vector<float> residual = noise(static_cast<int64_t>(plain.size()), 9);
  std::vector<float> expected(plain.size());
  for (size_t i = 0; i < plain.size(); ++i) expected[i] = std::max(plain[i] + residual[i], 0.0f);
  for (bool blocks : {false, true}) {
    const auto as = [&](const std::vector<float>& values) {
      return blocks ? blocked(values, g.batch, g.out_channels, g.out_size(), 0) : values;
    };
    const std::vector<float> added = as(residual);
    const WinogradSchedule s =
        winograd_schedule(g, ConvolutionPass::forward, {.blocked_out = blocks});
    std::vector<float> scratch(winograd_workspace(s) / sizeof(float), NAN);
    std::vector<float> out(added.size(), NAN);
    ASSERT_TRUE(
        winograd_convolution(s, problem.data.data(), problem.weight.data(),
                             {.bias = problem.bias.data(), .residual = added.data(), .relu = true},
                             out.data(), scratch.data()));
    EXPECT_EQ(out, as(expected)) << (blocks ? "blocked" : "plain");
  }
}

TEST(WinogradConvolution, AppliesReluAndBiasAsItWrites) {
  const Problem problem({2, 16, 20, 10, 9, 3, 1, 1});
  const WinogradSchedule s = winograd_schedule(problem.g, ConvolutionPass::forward, {});
  std::vector<float> scratch(winograd_workspace(s) / sizeof(float)), plain(problem.dy.size()),
      fused(plain);
  ASSERT_TRUE(winograd_convolution(s, problem.data.data(), problem.weight.data(),
                                   {.bias = problem.bias.data()}, plain.data(), scratch.data()));
  ASSERT_TRUE(winograd_convolution(s, problem.data.data(), problem.weight.data(),
                                   {.bias = problem.bias.data(), .relu = true}, fused.data(),
                                   scratch.data()));
  int64_t clipped = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(fused[i], std::max(plain[i], 0.0f));
    clipped += plain[i] < 0;
  }
  EXPECT_GT(clipped, 0);
}

TEST(WinogradConvolution, TellsOfValuesThatItCannotCarry) {
  for (float bad : {NAN, INFINITY, -INFINITY, 2e38f}) {
    Problem in_data({1, 16, 16, 8, 8, 3, 1, 1}), in_weight(in_data), in_head(in_data);
    in_data.data[77] = in_weight.weight[500] = in_head.dy[1000] = bad;
    std::vector<float> out;
    EXPECT_FALSE(in_data.winograd(ConvolutionPass::forward, 1, out));
    EXPECT_FALSE(in_data.winograd(ConvolutionPass::weight, 2, out));
    EXPECT_FALSE(in_weight.winograd(ConvolutionPass::forward, 2, out));
    EXPECT_FALSE(in_weight.winograd(ConvolutionPass::data, 1, out));
    EXPECT_FALSE(in_head.winograd(ConvolutionPass::data, 2, out));
    EXPECT_FALSE(in_head.winograd(ConvolutionPass::weight, 1, out));
  }
}

TEST(WinogradConvolution, AppliesToStrideOneKernelsOfThreeAndFiveOnly) {
  const ConvolutionGeometry g = geometry_of({1, 16, 16, 9, 9, 3, 1, 1});
  EXPECT_TRUE(winograd_applies(g));
  const auto refused = [&](auto change) {
    ConvolutionGeometry other = g;
    change(other);
    return !winograd_applies(other);
  };
  EXPECT_TRUE(refused([](auto& o) { o.stride[2] = 2; }));
  EXPECT_TRUE(refused([](auto& o) { o.dilate[1] = 2; }));
  EXPECT_TRUE(refused([](auto& o) { o.groups = 2; }));
  EXPECT_TRUE(refused([](auto& o) { o.axes = 3; }));
  EXPECT_TRUE(refused([](auto& o) { o.batch = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.kernel[1] = 5; }));
  EXPECT_TRUE(refused([](auto& o) { o.kernel[1] = o.kernel[2] = 7; }));
  EXPECT_TRUE(refused([](auto& o) { o.pad[1] = 3; }));
}

TEST(WinogradSchedule, NoThreadHasMuchMoreTilesThanAnother) {
  for (auto [batch, channels, size] :
       {std::array<int64_t, 3>{16, 256, 14}, {32, 160, 14}, {32, 112, 14}, {16, 64, 56}})
    for (int threads : {2, 3, 4}) {
      ConvolutionGeometry g;
      g.batch = batch, g.in_channels = g.out_channels = channels;
      for (int a : {1, 2}) g.in[a] = g.out[a] = size, g.kernel[a] = 3, g.pad[a] = 1;
      for (auto pass : {ConvolutionPass::forward, ConvolutionPass::data}) {
        const WinogradSchedule s = winograd_schedule(g, pass, {.threads = threads});
        if (s.block_count() < threads) continue;  // they share the blocks
        const int64_t rounds = (s.block_count() + threads - 1) / threads;
        const auto most = static_cast<double>(std::min(rounds * s.block, s.tile_count()));
        EXPECT_LE(most, 1.15 * static_cast<double>(s.tile_count()) / threads)
            << channels << " channels, " << threads << " threads, blocks of " << s.block;
      }
    }
}

}  // namespace
}  // namespace gemel::kernels
