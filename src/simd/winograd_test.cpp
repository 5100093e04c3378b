#include "simd/winograd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace gemel::simd {
namespace {

constexpr int64_t lanes = winograd_channels, points = winograd_points;

struct Squares {
  int64_t side;
  std::vector<float> values;  // count x side x side x 16
  Squares(int64_t side, int64_t count) : side(side), values(count * side * side * lanes) {}
  WinogradWindows windows() { return {values.data(), side * lanes, lanes, side * side * lanes}; }
  float& at(int64_t i, int64_t y, int64_t x, int64_t lane) {
    return values[((i * side + y) * side + x) * lanes + lane];
  }
};

void fill(Squares& s, int seed) {
  for (size_t i = 0; i < s.values.size(); ++i)
    s.values[i] = static_cast<float>((i * 37 + seed) % 101) / 50 - 1;
}

struct Case {
  int64_t kernel;
  WinogradSquare kernel_square, output_square;
};
class Winograd : public ::testing::TestWithParam<Case> {};

constexpr int64_t count = 3;

std::vector<float> spectrum(WinogradSquare square, Squares& s) {
  std::vector<float> result(points * count * lanes);
  winograd_to_points(square, s.windows(), count, {result.data(), count * lanes, lanes});
  return result;
}

TEST_P(Winograd, ProductsAtThePointsAreAConvolution) {
  const auto [k, kernel_square, output_square] = GetParam();
  const int64_t m = 7 - k;
  Squares input(6, count), kernel(k, count), output(m, count);
  fill(input, 1);
  fill(kernel, 2);
  std::vector<float> product = spectrum(WinogradSquare::input, input);
  const std::vector<float> weights = spectrum(kernel_square, kernel);
  for (size_t i = 0; i < product.size(); ++i) product[i] *= weights[i];
  std::vector<float> bias(lanes);
  for (int64_t l = 0; l < lanes; ++l) bias[l] = static_cast<float>(l) - 8;
  for (bool relu : {false, true}) {
    ASSERT_TRUE(winograd_from_points(output_square, {product.data(), count * lanes, lanes}, count,
                                     output.windows(), {.bias = bias.data(), .relu = relu}));
    for (int64_t i = 0; i < count; ++i)
      for (int64_t y = 0; y < m; ++y)
        for (int64_t x = 0; x < m; ++x)
          for (int64_t l = 0; l < lanes; ++l) {
            double sum = bias[l];
            for (int64_t v = 0; v < k; ++v)
              for (int64_t u = 0; u < k; ++u)
                sum += static_cast<double>(input.at(i, y + v, x + u, l)) * kernel.at(i, v, u, l);
            ASSERT_NEAR(output.at(i, y, x, l), relu ? std::max(sum, 0.0) : sum, 2e-5);
          }
  }
}

TEST_P(Winograd, ProductsOfInputAndHeadAreTheKernelsGradient) {
  const auto [k, kernel_square, output_square] = GetParam();
  const int64_t m = 7 - k;
  Squares input(6, count), head(m, count), gradient(k, count);
  fill(input, 3);
  fill(head, 4);
  std::vector<float> product = spectrum(WinogradSquare::input, input);
  const std::vector<float> heads = spectrum(output_square, head);
  for (size_t i = 0; i < product.size(); ++i) product[i] *= heads[i];
  ASSERT_TRUE(winograd_from_points(kernel_square, {product.data(), count * lanes, lanes}, count,
                                   gradient.windows()));
  for (int64_t i = 0; i < count; ++i)
    for (int64_t v = 0; v < k; ++v)
      for (int64_t u = 0; u < k; ++u)
        for (int64_t l = 0; l < lanes; ++l) {
          double sum = 0;
          for (int64_t y = 0; y < m; ++y)
            for (int64_t x = 0; x < m; ++x)
              sum += static_cast<double>(input.at(i, y + v, x + u, l)) * head.at(i, y, x, l);
          ASSERT_NEAR(gradient.at(i, v, u, l), sum, 2e-5);
        }
}

// What lets a whole convolution be checked by its results alone.
TEST_P(Winograd, AnyElementThatIsNotFiniteOrTooLargeShows) {
  const auto [k, kernel_square, output_square] = GetParam();
  Squares kernel(k, count), output(7 - k, count);
  fill(kernel, 5);
  const std::vector<float> weights = spectrum(kernel_square, kernel);
  for (float bad : {INFINITY, -INFINITY, std::numeric_limits<float>::quiet_NaN(), 3e38f, 1e33f})
    for (int64_t place = 0; place < 36; ++place) {
      Squares input(6, count);
      fill(input, 6);
      input.at(1, place / 6, place % 6, place % lanes) = bad;
      std::vector<float> product = spectrum(WinogradSquare::input, input);
      for (size_t i = 0; i < product.size(); ++i) product[i] *= weights[i];
      EXPECT_FALSE(winograd_from_points(output_square, {product.data(), count * lanes, lanes},
                                        count, output.windows()))
          << bad << " at " << place;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, Winograd,
    ::testing::Values(Case{3, WinogradSquare::kernel3, WinogradSquare::output4},
                      Case{5, WinogradSquare::kernel5, WinogradSquare::output2}));

}  // namespace
}  // namespace gemel::simd
