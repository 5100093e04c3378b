#include "tune/tune.h"

#include <chrono>

#include "base/settings.h"
#include "kernels/parallel.h"
#include "record/key.h"
#include "record/record.h"
#include "runtime/plan.h"
#include "runtime/random.h"

namespace gemel::tune {
namespace {

using runtime::Bindings;
using runtime::Executor;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class ExecutorTrial : public Trial {
 public:
  ExecutorTrial(const Executor& original, const Bindings& bindings, bool training,
                const Choices& choices)
      : executor_(original.symbol(), bindings, original.device(), {}, nullptr, &choices),
        training_(training) {}

  double run() override {
    const double start = seconds_now();
    push_and_wait();
    return seconds_now() - start;
  }

  std::vector<Step> run_by_steps() override {
    runtime::Plan& plan = executor_.plan(training_);
    const auto choices = plan.step_choices();
    std::vector<int64_t> nanoseconds(choices.size());
    plan.time_steps(&nanoseconds);
    push_and_wait();
    plan.time_steps(nullptr);
    std::vector<Step> steps;
    for (size_t i = 0; i < choices.size(); ++i)
      steps.push_back({choices[i].signature, choices[i].implementation, choices[i].alternatives,
                       1e-9 * static_cast<double>(nanoseconds[i])});
    return steps;
  }

 private:
  void push_and_wait() {
    const runtime::RepeatedStream own(RandomStream{});
    if (training_)
      executor_.forward_backward();
    else
      executor_.forward(false);
    for (const NDArray& output : executor_.outputs()) output.wait_to_read();
    if (training_)
      for (const NDArray& gradient : executor_.bindings().gradients)
        if (gradient) gradient.wait_to_read();
  }

  Executor executor_;
  bool training_;
};

class ExecutorSubject : public Subject {
 public:
  ExecutorSubject(const Executor& executor, bool training)
      : executor_(executor), training_(training), bindings_(executor.bindings()) {
    const auto copy = [](NDArray& array) {
      if (array) array = array.copy();
    };
    for (NDArray& array : bindings_.arguments) copy(array);
    for (NDArray& array : bindings_.gradients) copy(array);
    for (NDArray& array : bindings_.auxiliary_states) copy(array);
  }
  std::unique_ptr<Trial> prepare(const Choices& choices) override {
    return std::make_unique<ExecutorTrial>(executor_, bindings_, training_, choices);
  }
  double now() override { return seconds_now(); }

 private:
  const Executor& executor_;
  bool training_;
  Bindings bindings_;
};

bool is_default(std::string_view name) {
  for (const settings::Description& row : settings::all())
    if (row.name == name) return row.source == "default";
  return false;
}

// What is worth a try: not what the user has set.
std::vector<Knob> knobs_for(const Options& options) {
  std::vector<Knob> knobs;
  const auto add = [&](std::string name, std::vector<std::string> values) {
    if (!values.empty() && is_default(name)) knobs.push_back({std::move(name), std::move(values)});
  };
  std::vector<std::string> precisions;
  if (options.allow.contains("precision")) precisions.emplace_back("high");
  if (options.allow.contains("fast")) precisions.emplace_back("fast");
  add("fpmath", precisions);
  // The number of threads was found, not set, unless the variable says otherwise; fewer of them is
  // a choice in both cases.
  std::vector<std::string> threads;
  for (int count = kernels::thread_count() / 2; count >= 1; count /= 2)
    threads.push_back(std::to_string(count));
  if (!threads.empty()) knobs.push_back({"omp_threads", threads});
  add("fusion", {settings::current().fusion ? "0" : "1"});
  if (!options.training) add("blocked_layouts", {settings::current().blocked_layouts ? "0" : "1"});
  if (options.allow.contains("memory")) {
    if (options.training) add("recompute", {"off"});
    add("memory_plan", {"inplace", "naive"});
  }
  return knobs;
}

void check(const Executor& executor, const Options& options) {
  for (const std::string& name : options.allow)
    GEMEL_CHECK(name == "memory" || name == "precision" || name == "fast",
                "[tune] allow: expected memory, precision or fast, got '{}'", name);
  GEMEL_CHECK(options.budget > 0, "[tune] expected a budget of seconds above 0, got {}",
              options.budget);
  bool differentiated = false;
  for (const NDArray& gradient : executor.bindings().gradients) differentiated |= bool(gradient);
  GEMEL_CHECK(
      !options.training || differentiated,
      "[tune] training was asked for, but no argument wants a gradient; bind with grad_req");
  for (const NDArray& array : executor.bindings().arguments)
    GEMEL_CHECK(array.device() == executor.device(),
                "[tune] expected a graph on one device, got arguments on {} and {}",
                to_string(executor.device()), to_string(array.device()));
}

}  // namespace

Result tune(Executor& executor, const Options& options) {
  check(executor, options);
  Result result;
  if (settings::current().determinism) {
    result.frozen = true;
    return result;
  }
  ExecutorSubject subject(executor, options.training);
  static_cast<Report&>(result) =
      search(subject,
             {.budget = options.budget, .knobs = knobs_for(options), .progress = options.progress});
  executor.set_choices(options.training, result.choices);
  std::vector<std::pair<std::string, std::string>> bound_under;
  Choices kept = result.choices;
  if (const auto fpmath = kept.settings.find("fpmath"); fpmath != kept.settings.end()) {
    bound_under.emplace_back(*fpmath);
    kept.settings.erase(fpmath);
  }
  result.key = executor.key(options.training, bound_under);
  if (options.record)
    result.record = *options.record;
  else if (settings::current().record != "off")
    result.record = record::default_path();
  if (!result.record.empty())
    record::store(result.record, {result.key, record::machine(), kept, result.default_seconds,
                                  result.tuned_seconds});
  return result;
}

}  // namespace gemel::tune
