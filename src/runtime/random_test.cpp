#include "runtime/random.h"

#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using namespace runtime::testing;

std::vector<double> draw(const char* shape = "(100,)") {
  return values_of(call("_random_normal", {}, {{"shape", shape}}));
}

TEST(RuntimeRandom, SeedRepeatsTheSequence) {
  seed(7);
  const auto first = draw(), second = draw();
  EXPECT_NE(first, second);
  seed(7);
  EXPECT_EQ(draw(), first);
  EXPECT_EQ(draw(), second);
  seed(8);
  EXPECT_NE(draw(), first);
}

TEST(RuntimeRandom, TheOrderOfCallsDecidesNotTheOrderOfRuns) {
  seed(3);
  const NDArray large = call("_random_uniform", {}, {{"shape", "(200000,)"}});
  const NDArray small = call("_random_uniform", {}, {{"shape", "(10,)"}});
  const auto small_values = values_of(small), large_values = values_of(large);
  seed(3);
  EXPECT_EQ(values_of(call("_random_uniform", {}, {{"shape", "(200000,)"}})), large_values);
  EXPECT_EQ(values_of(call("_random_uniform", {}, {{"shape", "(10,)"}})), small_values);
}

TEST(RuntimeRandom, StreamsDoNotOverlap) {
  seed(1);
  const RandomStream a = take_stream(10), b = take_stream(5), c = take_stream(1);
  EXPECT_EQ(a.offset, 0u);
  EXPECT_GE(b.offset, a.offset + 10);
  EXPECT_GE(c.offset, b.offset + 5);
  EXPECT_EQ(c.seed, 1u);
}

TEST(RuntimeRandom, DropoutFollowsTheSeedAndTheMode) {
  const NDArray x = filled({1000}, 1);
  EXPECT_EQ(values_of(call("Dropout", {x}, {{"p", "0.5"}})), values_of(x));
  Recording scope;
  seed(11);
  const auto first = values_of(call("Dropout", {x}, {{"p", "0.5"}}));
  EXPECT_NE(first, values_of(call("Dropout", {x}, {{"p", "0.5"}})));
  seed(11);
  EXPECT_EQ(values_of(call("Dropout", {x}, {{"p", "0.5"}})), first);
}

}  // namespace
}  // namespace gemel::runtime
