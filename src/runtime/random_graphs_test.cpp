// Random graphs give the same bits in every memory mode, with and without fusion, as one or as two
// tasks, and as a cached op.
#include "base/settings.h"
#include "runtime/cached_op.h"
#include "runtime/executor.h"
#include "runtime/random.h"
#include "runtime/random_graph.h"

namespace gemel::runtime {
namespace {

using namespace runtime::testing;

class SettingsScope {
 public:
  SettingsScope(const char* memory, bool fusion) {
    settings::set("memory_plan", memory);
    settings::set(&Settings::fusion, fusion);
  }
  ~SettingsScope() {
    settings::set("memory_plan", "both");
    settings::set(&Settings::fusion, true);
  }
};

using Bits = std::vector<std::vector<std::byte>>;

void append(Bits& bits, const std::vector<NDArray>& arrays) {
  for (const NDArray& array : arrays)
    if (array) bits.push_back(bytes_of(array));
}

// Everything a caller can see after one run: outputs, gradients, auxiliary states.
struct Runner {
  std::shared_ptr<Executor> executor;
  unsigned number;

  explicit Runner(const RandomGraph& graph, unsigned n, GradRequest request) : number(n) {
    executor = Executor::simple_bind(graph.symbol, {}, graph.shapes, {}, {}, request);
  }
  void prepare() const {
    std::mt19937 generator(number);
    const Bindings& bindings = executor->bindings();
    for (const NDArray& argument : bindings.arguments)
      random_array(argument.shape(), generator).copy_to(argument);
    for (const NDArray& gradient : bindings.gradients)
      if (gradient) random_array(gradient.shape(), generator).copy_to(gradient);
    for (const NDArray& state : bindings.auxiliary_states)
      random_array(state.shape(), generator, 0.5, 2).copy_to(state);
    seed(number);
  }
  std::vector<NDArray> head_gradients() const {
    std::mt19937 generator(number + 1);
    std::vector<NDArray> heads;
    for (const NDArray& output : executor->outputs())
      heads.push_back(random_array(output.shape(), generator));
    return heads;
  }
  Bits seen() const {
    Bits bits;
    append(bits, executor->outputs());
    append(bits, executor->bindings().gradients);
    append(bits, executor->bindings().auxiliary_states);
    return bits;
  }
  Bits inference() const {
    prepare();
    executor->forward(false);
    return seen();
  }
  Bits two_tasks(bool with_heads) const {
    prepare();
    executor->forward(true);
    executor->backward(with_heads ? head_gradients() : std::vector<NDArray>());
    return seen();
  }
  Bits one_task() const {
    prepare();
    executor->forward_backward();
    return seen();
  }
};

void expect_close(const Bits& a, const Bits& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].size(), b[i].size());
    for (size_t at = 0; at < a[i].size(); at += sizeof(float)) {
      float x, y;
      std::memcpy(&x, a[i].data() + at, sizeof x);
      std::memcpy(&y, b[i].data() + at, sizeof y);
      ASSERT_NEAR(x, y, 1e-5 * (1 + std::abs(x)));
    }
  }
}

constexpr unsigned graphs = 200;

TEST(RandomGraphs, SameBitsInEveryModeAndWithFusion) {
  for (unsigned number = 0; number < graphs; ++number) {
    const RandomGraph graph = make_random_graph(number);
    const GradRequest request = number % 3 == 0 ? GradRequest::add : GradRequest::write;
    SCOPED_TRACE(fmt::format("graph {}\n{}", number, debug_string(graph.symbol)));
    std::optional<Bits> inferences[2], ones, heads;  // inference with fusion folds BatchNorm
    for (const char* memory : {"naive", "inplace", "coshare", "both"})
      for (bool fusion : {false, true}) {
        SCOPED_TRACE(fmt::format("memory {}, fusion {}", memory, fusion));
        SettingsScope scope(memory, fusion);
        const Runner run(graph, number, request);
        const Bits after_inference = run.inference(), after_ones = run.two_tasks(false),
                   after_heads = run.two_tasks(true);
        std::optional<Bits>& inference = inferences[fusion];
        if (!inference) inference = after_inference;
        if (!ones) ones = after_ones, heads = after_heads;
        ASSERT_EQ(after_inference, *inference);
        ASSERT_EQ(after_ones, *ones);
        ASSERT_EQ(after_heads, *heads);
        ASSERT_EQ(run.one_task(), *ones);
        ASSERT_EQ(run.one_task(), *ones);
        ASSERT_EQ(run.inference(), *inference);  // after training, in a shared arena
      }
    expect_close(*inferences[false], *inferences[true]);
  }
}

TEST(RandomGraphs, CachedOpsAgreeWithExecutors) {
  for (unsigned number = 0; number < graphs; number += 2) {
    const RandomGraph graph = make_random_graph(number);
    SCOPED_TRACE(fmt::format("graph {}\n{}", number, debug_string(graph.symbol)));
    const Runner run(graph, number, GradRequest::write);
    const Bits expected = run.two_tasks(true);

    CachedOp cached(graph.symbol);
    run.prepare();
    const Bindings& bindings = run.executor->bindings();
    const auto is_auxiliary = graph.symbol.input_is_auxiliary();
    std::vector<NDArray> inputs, gradients, states;
    size_t argument = 0, state = 0;
    for (bool auxiliary : is_auxiliary) {
      if (auxiliary) {
        inputs.push_back(bindings.auxiliary_states[state++].copy());
        states.push_back(inputs.back());
        continue;
      }
      inputs.push_back(make_variable_array(bindings.arguments[argument++]));
      gradients.push_back(gradient_of(inputs.back()));
    }
    std::vector<NDArray> outputs;
    {
      Recording scope;
      outputs = cached(inputs);
    }
    runtime::backward(outputs, run.head_gradients(), false, true);
    Bits bits;
    append(bits, outputs);
    append(bits, gradients);
    append(bits, states);
    ASSERT_EQ(bits, expected);
  }
}

}  // namespace
}  // namespace gemel::runtime
