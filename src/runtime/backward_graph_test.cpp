// What training keeps of the forward pass: less than the symbol's own graph, with equal bits.
#include "runtime/backward_graph.h"

#include <cstring>

#include "base/settings.h"
#include "runtime/executor.h"
#include "runtime/testing.h"

namespace gemel::runtime {
namespace {

using namespace runtime::testing;

const Symbol x = Symbol::variable("x");

Symbol normalized(const std::string& name, const Symbol& data) {
  return node("BatchNorm", name, {data}, {{"fix_gamma", "False"}});
}
Symbol relu(const std::string& name, const Symbol& data) {
  return node("Activation", name, {data}, {{"act_type", "relu"}});
}
Symbol convolution(const std::string& name, const Symbol& data) {
  return node("Convolution", name, {data},
              {{"kernel", "(3, 3)"}, {"pad", "(1, 1)"}, {"num_filter", "4"}, {"no_bias", "True"}});
}
Symbol pooled(const std::string& name, const Symbol& data, Attributes attributes = {}) {
  attributes.insert({"kernel", "(3, 3)"});
  attributes.insert({"stride", "(2, 2)"});
  return node("Pooling", name, {data}, attributes);
}

// For x of this shape; 9 * 4 * 40 * 40 floats are more than is always kept.
const Shape shape = {9, 4, 40, 40};

class Recompute : public ::testing::Test {
 protected:
  void TearDown() override { settings::set(&Settings::recompute, "pointwise"); }

  struct Outcome {
    std::vector<std::vector<double>> values;  // outputs, then gradients, then auxiliary states
    int64_t bytes;
  };
  static Outcome run(const Symbol& symbol, const char* recompute) {
    settings::set(&Settings::recompute, recompute);
    const auto executor =
        Executor::simple_bind(symbol, {}, {{"x", shape}}, {}, {}, GradRequest::write);
    int64_t k = 0;
    for (const auto* arrays :
         {&executor->bindings().arguments, &executor->bindings().auxiliary_states})
      for (const NDArray& array : *arrays) {
        std::vector<double> values(static_cast<size_t>(array.shape().size()));
        // Few different values: the maxima of many windows occur more than once.
        for (double& value : values) value = static_cast<double>(++k * 7 % 11 - 4) / 4;
        make_array(array.shape(), values, array.dtype()).copy_to(array);
      }
    executor->forward_backward();
    Outcome outcome{{}, 0};
    for (const auto* arrays : {&executor->outputs(), &executor->bindings().gradients,
                               &executor->bindings().auxiliary_states})
      for (const NDArray& array : *arrays) outcome.values.push_back(values_of(array));
    for (const auto& [mode, bytes] : executor->memory_plan())
      if (mode == MemoryMode::both) outcome.bytes = bytes;
    return outcome;
  }
  // Bytes without and with it; the bits are equal.
  static std::pair<int64_t, int64_t> compare(const Symbol& symbol) {
    const Outcome off = run(symbol, "off"), on = run(symbol, "pointwise");
    EXPECT_EQ(off.values.size(), on.values.size());
    for (size_t i = 0; i < off.values.size(); ++i)
      EXPECT_EQ(std::memcmp(off.values[i].data(), on.values[i].data(),
                            off.values[i].size() * sizeof(double)),
                0)
          << "array " << i;
    return {off.bytes, on.bytes};
  }
  static size_t kept(const Symbol& symbol, const char* recompute) {
    settings::set(&Settings::recompute, recompute);
    BackwardOptions options;
    const std::vector<NodeRef> variables = symbol.input_nodes();
    options.known[variables[0].get()] = {shape, DType::float32};
    return make_backward_graph(symbol, variables, options).saved.size();
  }
};

TEST_F(Recompute, NormalisedAndActivatedValuesAreNotKept) {
  Symbol y = x;
  for (const char* name : {"a", "b", "c", "d"})
    y = relu(std::string("r") + name,
             normalized(std::string("n") + name, convolution(std::string("c") + name, y)));
  const auto [off, on] = compare(convolution("last", y));
  EXPECT_LT(static_cast<double>(on), 0.75 * static_cast<double>(off));
}

TEST_F(Recompute, OfAChainOfSumsEveryOtherOneIsKept) {
  Symbol y = convolution("first", x);
  for (const char* name : {"a", "b", "c", "d", "e", "f"})
    y = relu(
        std::string("r") + name,
        node("elemwise_add", std::string("s") + name,
             {y, normalized(std::string("n") + name, convolution(std::string("c") + name, y))}));
  const Symbol whole = convolution("last", y);
  compare(whole);
  EXPECT_EQ(kept(whole, "off") - kept(whole, "pointwise"), 3u);
}

TEST_F(Recompute, ABudgetIsMetByRunningConvolutionsAgain) {
  Symbol y = x;
  for (int i = 0; i < 16; ++i)
    y = relu("r" + std::to_string(i), convolution("c" + std::to_string(i), y));
  const Symbol whole = convolution("last", y);
  const auto executor =
      Executor::simple_bind(whole, {}, {{"x", shape}}, {}, {}, GradRequest::write);
  const auto planned = [&] { return executor->memory_plan().back().second; };
  const int64_t before = planned();
  EXPECT_EQ(executor->fit_memory(2 * before), 0);
  const double work = executor->fit_memory(before * 3 / 4);
  EXPECT_GT(work, 0.1);
  EXPECT_LE(work, 1);
  EXPECT_LE(planned(), before * 3 / 4);
  EXPECT_THROW(executor->fit_memory(1000), Error);
  EXPECT_LE(planned(), before * 3 / 4);  // as it was
}

TEST_F(Recompute, MirroringRepeatsALittle) {
  Symbol y = x;
  for (int i = 0; i < 16; ++i)
    y = relu("r" + std::to_string(i), convolution("c" + std::to_string(i), y));
  const Outcome plain = run(convolution("last", y), "pointwise");
  const Outcome mirrored = run(convolution("last", y), "mirror");
  EXPECT_LT(mirrored.bytes, plain.bytes);
  EXPECT_EQ(mirrored.values, plain.values);
}

TEST_F(Recompute, JoinedValuesAreJoinedAgain) {
  const Symbol a = relu("ra", convolution("ca", x)), b = relu("rb", convolution("cb", x));
  const Symbol joined = node("Concat", "j", {a, b}, {{"dim", "1"}});
  const Symbol whole =
      node("Convolution", "last", {joined}, {{"kernel", "(1, 1)"}, {"num_filter", "1"}});
  compare(whole);
  EXPECT_EQ(kept(whole, "off") - kept(whole, "pointwise"), 1u);
}

TEST_F(Recompute, MaxPoolingKeepsPlacesAndComesBeforeTheActivation) {
  const auto [off, on] = compare(convolution("last", pooled("p", relu("r", convolution("c", x)))));
  EXPECT_LT(static_cast<double>(on), 0.8 * static_cast<double>(off));
  for (const Attributes& attributes :
       {Attributes{{"pooling_convention", "full"}}, Attributes{{"pad", "(1, 1)"}},
        Attributes{{"pad", "(1, 1)"}, {"stride", "(3, 3)"}}, Attributes{{"pool_type", "avg"}},
        Attributes{{"pooling_convention", "same"}}, Attributes{{"kernel", "(16, 16)"}}})
    compare(convolution("last", pooled("p", relu("r", convolution("c", x)), attributes)));
}

TEST_F(Recompute, AnActivationThatOthersReadStaysBeforeThePooling) {
  const Symbol r = relu("r", convolution("c", x));
  compare(Symbol::group({convolution("last", pooled("p", r)), r}));
  compare(pooled("p", node("Activation", "t", {convolution("c", x)}, {{"act_type", "tanh"}})));
}

TEST_F(Recompute, AMonitorSeesTheNodesOfTheSymbol) {
  settings::set(&Settings::recompute, "pointwise");
  const auto executor = Executor::simple_bind(pooled("p", relu("r", convolution("c", x))), {},
                                              {{"x", shape}}, {}, {}, GradRequest::write);
  executor->set_monitored(true);
  executor->forward_backward();
  std::vector<std::string> names;
  for (const auto& [entry, array] : executor->monitored()) names.push_back(entry.node->name);
  EXPECT_EQ(names, (std::vector<std::string>{"c", "r", "p"}));
  EXPECT_EQ(executor->monitored()[1].second.shape(), shape);
}

}  // namespace
}  // namespace gemel::runtime
