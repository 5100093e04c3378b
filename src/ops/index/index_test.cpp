#include <gtest/gtest.h>

#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;
using testing::call;

const Array matrix({2, 2}, {1, 2, 3, 4});

TEST(Index, TakeModes) {
  const auto rows = [](std::vector<double> at, const char* mode) {
    const int64_t n = static_cast<int64_t>(at.size());
    return call("take", {matrix, Array({n}, at)}, {{"mode", mode}})[0].values();
  };
  EXPECT_EQ(rows({-1, 5, 0.7}, "clip"), (std::vector<double>{1, 2, 3, 4, 1, 2}));
  EXPECT_EQ(rows({-1, 5, 0}, "wrap"), (std::vector<double>{3, 4, 3, 4, 1, 2}));
  EXPECT_EQ(rows({1, 0}, "raise"), (std::vector<double>{3, 4, 1, 2}));
  EXPECT_THROW(rows({-1}, "raise"), Error);
  EXPECT_EQ(call("take", {matrix, Array({1}, {1})}, {{"axis", "1"}})[0].values(),
            (std::vector<double>{2, 4}));
  EXPECT_EQ(call("take", {matrix, Array({0}, std::vector<double>{})})[0].shape, (Shape{0, 2}));
}

TEST(Index, ScatterAddIsExactForHalves) {
  const std::vector<double> ones(3000, 1);
  const auto sums = call("_backward_take", {Array({3000, 1}, ones, DType::float16),
                                            Array({3000}, std::vector<double>(3000, 0)),
                                            Array({1, 1}, {0}, DType::float16)})[0]
                        .values();
  EXPECT_EQ(sums[0], 3000);
}

TEST(Index, PickOneHotAndFriends) {
  EXPECT_EQ(call("pick", {matrix, Array({2}, {-1, 5})})[0].values(), (std::vector<double>{1, 4}));
  EXPECT_EQ(call("pick", {matrix, Array({2}, {-3, 3})}, {{"mode", "wrap"}})[0].values(),
            (std::vector<double>{2, 4}));
  EXPECT_EQ(call("pick", {matrix, Array({2, 1}, {1, 0})})[0].values(), (std::vector<double>{2, 3}));
  EXPECT_EQ(call("one_hot", {Array({4}, {-1, 0, 2, 3})},
                 {{"depth", "3"}, {"on_value", "5"}, {"off_value", "-1"}})[0]
                .values(),
            (std::vector<double>{-1, -1, -1, 5, -1, -1, -1, -1, 5, -1, -1, -1}));
  EXPECT_EQ(call("batch_take", {matrix, Array({2}, {1, 0}, DType::int32)})[0].values(),
            (std::vector<double>{2, 3}));
  EXPECT_EQ(call("gather_nd", {matrix, Array({2, 2}, {-1, 0, 0, 1})})[0].values(),
            (std::vector<double>{3, 2}));
  EXPECT_EQ(call("scatter_nd", {Array({2}, {1, 2}), Array({2, 2}, {0, 0, 1, 1})},
                 {{"shape", "(2, 2)"}})[0]
                .values(),
            (std::vector<double>{0, 2, 0, 0}));
}

}  // namespace
}  // namespace gemel
