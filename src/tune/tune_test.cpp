#include "tune/tune.h"

#include <filesystem>
#include <thread>

#include "base/settings.h"
#include "record/key.h"
#include "record/record.h"
#include "runtime/random.h"
#include "runtime/testing.h"

namespace gemel::tune {
namespace {

using namespace runtime::testing;
using runtime::Executor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

void copy_slowly(const OpCall& call, int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  std::copy_n(call.in[0].data<float>(), call.in[0].size(), call.out[0].data<float>());
}

GEMEL_OPERATORS(tune_test) {
  op("_test_tune_copy")
      .inputs({"data"})
      .shape(same_shape)
      .gradient([](const GradientContext& c) {
        return std::vector<Entry>{c.make("_test_tune_copy", {c.dy()})};
      })
      .implement("slow", [](const OpCall& call) { copy_slowly(call, 8); })
      .implement("quick", [](const OpCall& call) { copy_slowly(call, 1); })
      .implement("reference", [](const OpCall& call) { copy_slowly(call, 1); });
}

class TuneTest : public testing::Test {
 protected:
  TuneTest() {
    std::filesystem::remove(path_);
    settings::set(&Settings::record, path_);
    settings::set(&Settings::determinism, false);
  }
  ~TuneTest() override {
    settings::set(&Settings::record, before_);
    settings::set(&Settings::determinism, determinism_);
    std::filesystem::remove(path_);
  }
  static std::shared_ptr<Executor> bind(int64_t size = 4,
                                        GradRequest request = GradRequest::write) {
    const Symbol x = Symbol::variable("x"), w = Symbol::variable("w");
    const Symbol copy = node("_test_tune_copy", "c", {node("elemwise_mul", "m", {x, w})});
    return Executor::simple_bind(copy, {}, {{"x", {size}}}, {}, {}, request);
  }
  static const Options& quick_options() {
    static const Options options{.budget = 1.5};
    return options;
  }

  const std::string path_ =
      testing::TempDir() + "gemel_tune_" + std::to_string(getpid()) + ".sqlite";
  const std::string before_ = settings::get("record");
  const bool determinism_ = settings::current().determinism;
};

TEST_F(TuneTest, TheRecordChangesWhichImplementationRuns) {
  const auto first = bind();
  EXPECT_THAT(first->debug_string(), HasSubstr("[slow]"));
  Options training = quick_options();
  training.training = true;
  const Result result = tune(*first, training);
  EXPECT_GT(result.gain(), 2);
  EXPECT_EQ(result.record, path_);
  EXPECT_THAT(result.choices.kernels, SizeIs(1));  // one signature, forward and backward
  EXPECT_THAT(first->debug_string(), Not(HasSubstr("[slow]")));
  EXPECT_THAT(bind()->debug_string(), Not(HasSubstr("[slow]")));  // silently, from the file
  EXPECT_THAT(bind(5)->debug_string(), HasSubstr("[slow]"));      // other shapes are another graph
  settings::set(&Settings::determinism, true);
  EXPECT_THAT(bind()->debug_string(), HasSubstr("[slow]"));
}

TEST_F(TuneTest, InferenceAndTrainingAreTunedApart) {
  const auto executor = bind();
  tune(*executor, quick_options());
  EXPECT_TRUE(executor->choices(true).empty());
  EXPECT_FALSE(executor->choices(false).empty());
  const auto inference = bind(4, GradRequest::null);  // the same graph, without gradients
  EXPECT_THAT(inference->debug_string(), HasSubstr("[quick]"));
}

TEST_F(TuneTest, ArraysAndRandomStreamsAreAsBefore) {
  const auto executor = bind();
  const auto fill = [&](int i, double value) {
    filled({4}, value).copy_to(executor->bindings().arguments[i]);
  };
  fill(0, 2);
  fill(1, 3);
  executor->forward_backward();
  runtime::seed(7);
  const auto expected = runtime::take_stream(1);
  runtime::seed(7);
  Options training = quick_options();
  training.training = true;
  tune(*executor, training);
  EXPECT_EQ(runtime::take_stream(1).offset, expected.offset);
  EXPECT_THAT(values_of(executor->outputs()[0]), ElementsAre(6, 6, 6, 6));
  EXPECT_THAT(values_of(executor->bindings().gradients[0]), ElementsAre(3, 3, 3, 3));
  fill(0, 5);
  executor->forward_backward();  // planned anew, with the same arrays
  EXPECT_THAT(values_of(executor->outputs()[0]), ElementsAre(15, 15, 15, 15));
  EXPECT_THAT(values_of(executor->bindings().gradients[1]), ElementsAre(5, 5, 5, 5));
}

TEST_F(TuneTest, DeterminismFreezes) {
  const auto executor = bind();
  settings::set(&Settings::determinism, true);
  const Result result = tune(*executor, quick_options());
  EXPECT_TRUE(result.frozen);
  EXPECT_EQ(result.gain(), 1);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(TuneTest, WithoutARecordTheExecutorAloneIsTuned) {
  settings::set(&Settings::record, "off");
  const auto executor = bind();
  EXPECT_EQ(tune(*executor, quick_options()).record, "");
  EXPECT_FALSE(executor->choices(false).empty());
  EXPECT_TRUE(bind()->choices(false).empty());
}

TEST_F(TuneTest, RefusesWhatItCannotDo) {
  const auto executor = bind(4, GradRequest::null);
  const auto message = [&](const Options& options) {
    return message_of([&] { tune(*executor, options); });
  };
  EXPECT_THAT(message({.allow = {"speed"}}), HasSubstr("expected memory, precision or fast"));
  EXPECT_THAT(message({.budget = 0}), HasSubstr("budget"));
  EXPECT_THAT(message({.training = true}), HasSubstr("no argument wants a gradient"));
}

}  // namespace
}  // namespace gemel::tune
