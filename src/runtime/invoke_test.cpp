#include "runtime/invoke.h"

#include "runtime/test_operators.h"
#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace runtime::testing;

TEST(Invoke, ComputesFreshOutputs) {
  const NDArray a = make_array({2, 2}, {1, 2, 3, 4}), b = make_array({2, 2}, {10, 20, 30, 40});
  const NDArray sum = call("elemwise_add", {a, b});
  EXPECT_EQ(sum.shape(), Shape({2, 2}));
  EXPECT_THAT(values_of(sum), ElementsAre(11, 22, 33, 44));
  const auto parts = invoke("SliceChannel", std::vector{a}, {{"num_outputs", "2"}});
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_THAT(values_of(parts[1]), ElementsAre(2, 4));
}

TEST(Invoke, NeedsNoInputs) {
  const NDArray full = call("_full", {}, {{"shape", "(2, 3)"}, {"value", "7"}, {"dtype", "int32"}});
  EXPECT_EQ(full.dtype(), DType::int32);
  EXPECT_EQ(values_of(full), std::vector<double>(6, 7));
}

TEST(Invoke, ManyInputsNeedNoLimit) {
  std::vector<NDArray> in;
  for (int i = 0; i < 40; ++i) in.push_back(filled({1, 2}, i));
  const NDArray joined = call("Concat", in, {{"num_args", "40"}, {"dim", "0"}});
  ASSERT_EQ(joined.shape(), Shape({40, 2}));
  EXPECT_EQ(values_of(joined)[79], 39);
}

TEST(Invoke, WritesTheGivenOutput) {
  const NDArray a = filled({3}, 2), out = filled({3}, 0);
  const void* address = out.tensor().address;
  call_into("square", {a}, out);
  EXPECT_EQ(out.tensor().address, address);
  EXPECT_THAT(values_of(out), ElementsAre(4, 4, 4));
}

TEST(Invoke, ConvertsToTheTypeOfTheGivenOutput) {
  const NDArray a = make_array({3}, {1.5, -2.25, 1000}), half = filled({3}, 0, DType::float16);
  call_into("_mul_scalar", {a}, half, {{"scalar", "2"}});
  EXPECT_THAT(values_of(half), ElementsAre(3, -4.5, 2000));
  const NDArray whole = filled({3}, 0, DType::int32);
  call_into("_copy", {a}, whole);
  EXPECT_THAT(values_of(whole), ElementsAre(1, -2, 1000));
}

TEST(Invoke, WorksInPlace) {
  const NDArray a = make_array({4}, {1, 2, 3, 4}), b = make_array({4}, {10, 20, 30, 40});
  call_into("elemwise_add", {a, b}, a);
  EXPECT_THAT(values_of(a), ElementsAre(11, 22, 33, 44));
  call_into("elemwise_mul", {a, a}, a);
  EXPECT_THAT(values_of(a), ElementsAre(121, 484, 1089, 1936));
}

TEST(Invoke, OutputsThatOverlapInputsAreExact) {
  const NDArray all = make_array({6}, {1, 2, 3, 4, 5, 6});
  call_into("_plus_scalar", {all.slice(0, 5)}, all.slice(1, 6), {{"scalar", "10"}});
  EXPECT_THAT(values_of(all), ElementsAre(1, 11, 12, 13, 14, 15));
  call_into("_copy", {all.slice(1, 6)}, all.slice(0, 5));
  EXPECT_THAT(values_of(all), ElementsAre(11, 12, 13, 14, 15, 15));
  call_into("elemwise_add", {all.slice(0, 3), all.slice(3, 6)}, all.slice(0, 3));
  EXPECT_THAT(values_of(all), ElementsAre(25, 27, 28, 14, 15, 15));
}

TEST(Invoke, OperatorsThatCannotWorkInPlaceGetMemoryOfTheirOwn) {
  const NDArray square = make_array({2, 2}, {1, 2, 3, 4});
  call_into("transpose", {square}, square);
  EXPECT_THAT(values_of(square), ElementsAre(1, 3, 2, 4));
  call_into("dot", {square, square}, square);
  EXPECT_THAT(values_of(square), ElementsAre(7, 15, 10, 22));
  call_into("reverse", {square.reshape({4})}, square.reshape({4}), {{"axis", "0"}});
  EXPECT_THAT(values_of(square), ElementsAre(22, 10, 15, 7));
}

TEST(Invoke, MutatesWhatTheOperatorSays) {
  const NDArray weight = filled({2}, 1), gradient = filled({2}, 2), momentum = filled({2}, 0);
  call_into("sgd_mom_update", {weight, gradient, momentum}, weight,
            {{"lr", "0.5"}, {"momentum", "0.5"}});
  EXPECT_THAT(values_of(weight), ElementsAre(0, 0));
  EXPECT_THAT(values_of(momentum), ElementsAre(-1, -1));
}

TEST(Invoke, ReadersSeeWritesInOrder) {
  const NDArray x = filled({300000}, 0);  // too large to run on this thread
  for (int i = 0; i < 20; ++i) call_into("_plus_scalar", {x}, x, {{"scalar", "1"}});
  const NDArray before = call("_copy", {x});
  call_into("_mul_scalar", {x}, x, {{"scalar", "0"}});
  EXPECT_EQ(values_of(before)[299999], 20);
  EXPECT_EQ(values_of(x)[0], 0);
}

TEST(Invoke, ReferenceAgrees) {
  std::mt19937 generator(1);
  const NDArray a = random_array({5, 7}, generator), b = random_array({7, 3}, generator);
  const std::vector<double> fast = values_of(call("dot", {a, b}));
  const std::vector<double> plain = values_of(invoke_reference("dot", std::vector{a, b}, {})[0]);
  ASSERT_EQ(fast.size(), plain.size());
  for (size_t i = 0; i < fast.size(); ++i) EXPECT_NEAR(fast[i], plain[i], 1e-5);
}

TEST(Invoke, CollectsCallsInABulk) {
  const NDArray x = filled({4}, 1);
  NDArray squares;
  {
    engine::Bulk bulk(16);
    for (int i = 0; i < 10; ++i) call_into("_plus_scalar", {x}, x, {{"scalar", "1"}});
    squares = call("square", {x});
    EXPECT_THAT(values_of(x), ElementsAre(11, 11, 11, 11));  // a wait ends the bulk
    call_into("_mul_scalar", {x}, x, {{"scalar", "2"}});
  }
  EXPECT_THAT(values_of(squares), ElementsAre(121, 121, 121, 121));
  EXPECT_THAT(values_of(x), ElementsAre(22, 22, 22, 22));
}

TEST(Invoke, ErrorsNameTheOperator) {
  const NDArray a = filled({2, 3}, 1), b = filled({4}, 1);
  EXPECT_THAT(message_of([&] { call("elemwise_add", {a, b}); }), HasSubstr("[elemwise_add]"));
  EXPECT_THAT(message_of([&] { call("dot", {a, b}); }), HasSubstr("[dot]"));
  EXPECT_THAT(message_of([&] { call("square", {NDArray()}); }),
              HasSubstr("[square] input 0 is an empty array"));
  EXPECT_THAT(message_of([&] { call("elemwise_ad", {a, a}); }), HasSubstr("elemwise_add"));
  EXPECT_THAT(message_of([&] {
                call("_mul_scalar", {a}, {{"scalr", "2"}});
              }),
              HasSubstr("_mul_scalar"));
  EXPECT_THAT(message_of([&] { call_into("square", {a}, b); }),
              HasSubstr("[square] out: expected an array of shape (2,3), got (4,)"));
}

TEST(Invoke, ParametersAreParsedOnce) {
  const OpInfo& op = require_op("_mul_scalar");
  const ParametersRef first = cached_parameters(op, {{"scalar", "2.5"}});
  EXPECT_EQ(cached_parameters(op, {{"scalar", "2.5"}}), first);
  EXPECT_NE(cached_parameters(op, {{"scalar", "2.6"}}), first);
}

TEST(PreparedCache, StateIsMadeOncePerParametersShapesAndMode) {
  const auto run = [](const Shape& shape, const char* level) {
    return values_of(call("_test_runtime_prepared", {filled(shape, 0)}, {{"level", level}}))[0];
  };
  const double first = run({2}, "0");
  const int made = preparations();
  EXPECT_EQ(run({2}, "0"), first);
  EXPECT_EQ(preparations(), made);
  EXPECT_NE(run({3}, "0"), first);
  EXPECT_NE(run({2, 1}, "0"), first);
  EXPECT_NE(run({2}, "1"), first);
  EXPECT_EQ(preparations(), made + 3);
  {
    Recording scope;
    EXPECT_NE(run({2}, "0"), first);
  }
  EXPECT_EQ(run({2}, "0"), first);
}

TEST(PreparedCache, ForgetsTheOldest) {
  const auto run = [](int size) {
    return values_of(call("_test_runtime_prepared", {filled({size}, 0)}))[0];
  };
  const double first = run(1);
  for (int size = 2; size < 1100; ++size) run(size);
  EXPECT_NE(run(1), first);
}

}  // namespace
}  // namespace gemel::runtime
