#include <gtest/gtest.h>

#include <set>

#include "ops/testing.h"

namespace gemel {
namespace {

using testing::Array;
using testing::call;

TEST(Random, UniformAndNormalHaveTheirMoments) {
  const RandomStream stream{42, 7};
  for (const char* dtype : {"float32", "float64", "float16"}) {
    const auto u =
        call("_random_uniform", {},
             {{"shape", "(40000,)"}, {"low", "2"}, {"high", "4"}, {"dtype", dtype}}, stream)[0]
            .values();
    const auto z =
        call("_random_normal", {},
             {{"shape", "(40000,)"}, {"loc", "1"}, {"scale", "3"}, {"dtype", dtype}}, stream)[0]
            .values();
    double mean_u = 0, mean_z = 0, square_z = 0;
    for (double v : u) {
      EXPECT_TRUE(v >= 2 && v <= 4) << v;
      mean_u += v / 40000;
    }
    for (double v : z) mean_z += v / 40000, square_z += (v - 1) * (v - 1) / 40000;
    EXPECT_NEAR(mean_u, 3, 0.015) << dtype;
    EXPECT_NEAR(mean_z, 1, 0.06) << dtype;
    EXPECT_NEAR(square_z, 9, 0.3) << dtype;
  }
}

TEST(Random, StreamsFollowSeedAndOffset) {
  const Attributes attributes{{"shape", "(8,)"}};
  const auto draw = [&](uint64_t seed, uint64_t offset) {
    return call("_random_uniform", {}, attributes, {seed, offset})[0].values();
  };
  EXPECT_EQ(draw(1, 0), draw(1, 0));
  EXPECT_NE(draw(1, 0), draw(2, 0));
  // Four float32 numbers share a counter value.
  const auto first = draw(1, 0), later = draw(1, 1);
  EXPECT_EQ(std::vector<double>(first.begin() + 4, first.end()),
            std::vector<double>(later.begin(), later.begin() + 4));
}

TEST(Random, CountCoversWhatIsDrawn) {
  const OpInfo& op = require_op("_random_uniform");
  const ParametersRef parameters = op.parse({{"shape", "(7,)"}, {"dtype", "float64"}});
  Array out({7}, DType::float64);
  const Tensor tensors[] = {out.tensor()};
  EXPECT_EQ(op.random_count(OpCall{op, *parameters, {}, tensors}), 4u);
}

TEST(Random, IntegersCoverTheRange) {
  const auto values =
      call("_random_randint", {}, {{"low", "-2"}, {"high", "3"}, {"shape", "(400,)"}}, {5, 0})[0];
  EXPECT_EQ(values.dtype, DType::int32);
  const auto all = values.values();
  EXPECT_EQ(std::set<double>(all.begin(), all.end()), (std::set<double>{-2, -1, 0, 1, 2}));
  EXPECT_THROW(call("_random_randint", {}, {{"low", "3"}, {"high", "3"}, {"shape", "(4,)"}}),
               Error);
}

TEST(Random, ShuffleMovesWholeRows) {
  std::vector<double> values;
  for (int i = 0; i < 50; ++i) values.insert(values.end(), {i * 2.0, i * 2.0 + 1});
  const auto shuffled = call("_shuffle", {Array({50, 2}, values)}, {}, {3, 0})[0].values();
  EXPECT_NE(shuffled, values);
  std::set<double> seen;
  for (size_t i = 0; i < shuffled.size(); i += 2) {
    EXPECT_EQ(shuffled[i + 1], shuffled[i] + 1);
    seen.insert(shuffled[i]);
  }
  EXPECT_EQ(seen.size(), 50u);
}

TEST(Random, SamplersByElement) {
  const auto values = call("_sample_uniform", {Array({2}, {0, 5}), Array({2}, {1, 6})},
                           {{"shape", "(3,)"}}, {9, 0})[0];
  EXPECT_EQ(values.shape, (Shape{2, 3}));
  for (int i = 0; i < 6; ++i)
    EXPECT_TRUE(values.values()[i] >= (i < 3 ? 0 : 5) && values.values()[i] < (i < 3 ? 1 : 6));
}

}  // namespace
}  // namespace gemel
