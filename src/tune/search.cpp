#include "tune/search.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "tune/compare.h"

namespace gemel::tune {
namespace {

// Of the budget, kept for the last comparison with the defaults.
constexpr double last_part = 0.15;
// Another implementation has to save this much of the time of the calls that it serves.
constexpr double kernel_gain = 0.97;
// Calls that take less of the whole than this are not worth a trial.
constexpr double small_share = 0.002;

// The time of all calls of one signature, by implementation.
struct CallTimes {
  std::vector<std::string> names;  // the default's first
  std::vector<double> seconds;     // beside `names`; 0: not run yet
};

class Search {
 public:
  Search(Subject& subject, const SearchOptions& options)
      : subject_(subject), options_(options), started_(subject.now()) {}

  Report run() {
    defaults_ = subject_.prepare({});
    defaults_->run();  // the first run is no measure: memory is new, caches are cold
    report_.default_seconds = report_.tuned_seconds = defaults_->run();
    for (const Knob& knob : options_.knobs)
      if (knob.name == "fpmath") try_values(knob);  // decides which implementations there are
    try_kernels();
    for (const Knob& knob : options_.knobs)
      if (knob.name != "fpmath") try_values(knob);
    confirm();
    report_.elapsed = subject_.now() - started_;
    return std::move(report_);
  }

 private:
  double left() const { return started_ + (1 - last_part) * options_.budget - subject_.now(); }
  Trial& best() { return best_ ? *best_ : *defaults_; }

  void add_row(Row row) {
    report_.rows.push_back(std::move(row));
    if (options_.progress) options_.progress(report_.rows.back());
  }

  // Whether `choices` beat the best so far, and then are it.
  bool try_choices(const std::string& what, const Choices& choices) {
    if (left() <= 0) return false;
    Row row{.what = what};
    std::unique_ptr<Trial> trial;
    try {
      trial = subject_.prepare(choices);
      trial->run();
      const Comparison result =
          compare(best(), *trial, {.seconds = std::min(left() / 4, options_.budget / 10)});
      row.seconds = result.second;
      row.before = result.first;
      row.taken = result.second_is_faster;
    } catch (const Error& error) {
      row.problem = error.what();
    }
    const bool taken = row.taken;
    if (taken) {
      best_ = std::move(trial);
      report_.choices = choices;
    }
    add_row(std::move(row));
    return taken;
  }

  void try_values(const Knob& knob) {
    for (const std::string& value : knob.values) {
      Choices choices = report_.choices;
      choices.settings[knob.name] = value;
      try_choices(knob.name + "=" + value, choices);
    }
  }

  // Every call runs each of its implementations in some trial: as many trials as the most
  // implementations of one call, whatever the number of calls.
  void try_kernels() {
    if (left() <= 0) return;
    std::map<std::string, CallTimes> calls;
    double total = 0;
    size_t most = 0;
    for (const Trial::Step& step : best().run_by_steps()) {
      total += step.seconds;
      if (step.alternatives.empty()) continue;
      CallTimes& call = calls[step.signature];
      if (call.names.empty()) {
        call.names = step.alternatives;
        call.names.insert(call.names.begin(), step.implementation);
        call.seconds.resize(call.names.size());
      }
      call.seconds[0] += step.seconds;
    }
    std::erase_if(calls,
                  [&](const auto& call) { return call.second.seconds[0] < small_share * total; });
    for (const auto& [signature, call] : calls) most = std::max(most, call.names.size());
    measure(calls, best());
    for (size_t k = 1; k < most && left() > 0; ++k) {
      Choices choices = report_.choices;
      for (const auto& [signature, call] : calls)
        if (k < call.names.size()) choices.kernels[signature] = call.names[k];
      Row row{.what = fmt::format("implementations {} of {}", k, most - 1)};
      try {
        const std::unique_ptr<Trial> trial = subject_.prepare(choices);
        row.seconds = trial->run();
        row.before = best().run();
        measure(calls, *trial);
      } catch (const Error& error) {
        row.problem = error.what();
      }
      add_row(std::move(row));
    }
    pick(calls);
  }

  // Twice, the smaller; once where that is long.
  void measure(std::map<std::string, CallTimes>& calls, Trial& trial) {
    for (int repeat = 0; repeat < 3 && (repeat == 0 || left() > 0); ++repeat) {
      std::map<std::pair<std::string, std::string>, double> sums;
      double total = 0;
      for (const Trial::Step& step : trial.run_by_steps()) {
        sums[{step.signature, step.implementation}] += step.seconds;
        total += step.seconds;
      }
      for (auto& [signature, call] : calls)
        for (size_t i = 0; i < call.names.size(); ++i)
          if (const auto found = sums.find({signature, call.names[i]}); found != sums.end())
            call.seconds[i] =
                call.seconds[i] > 0 ? std::min(call.seconds[i], found->second) : found->second;
      if (total > 3 * report_.default_seconds) return;
    }
  }

  void pick(const std::map<std::string, CallTimes>& calls) {
    Choices choices = report_.choices;
    std::vector<std::pair<double, std::string>> savings;
    for (const auto& [signature, call] : calls) {
      size_t fastest = 0;
      for (size_t i = 1; i < call.names.size(); ++i)
        if (call.seconds[i] > 0 && call.seconds[i] < call.seconds[fastest]) fastest = i;
      if (call.seconds[fastest] >= kernel_gain * call.seconds[0]) continue;
      choices.kernels[signature] = call.names[fastest];
      savings.emplace_back(call.seconds[0] - call.seconds[fastest], signature);
    }
    if (savings.empty()) return;
    if (try_choices(fmt::format("{} calls by another implementation", savings.size()), choices))
      return;
    // Together they did not pay; the one that saves most may.
    if (savings.size() < 2) return;
    const std::string& signature = std::max_element(savings.begin(), savings.end())->second;
    Choices one = report_.choices;
    one.kernels[signature] = choices.kernels[signature];
    try_choices("1 call by another implementation", one);
  }

  void confirm() {
    if (!best_) {
      report_.tuned_seconds = report_.default_seconds;
      return;
    }
    const double rest = started_ + options_.budget - subject_.now();
    const Comparison result =
        compare(*defaults_, *best_, {.least = 4, .most = 25, .seconds = std::max(rest, 0.0)});
    report_.default_seconds = result.first;
    report_.tuned_seconds = result.second;
    if (!result.second_is_faster) {
      report_.choices = {};
      report_.tuned_seconds = result.first;
    }
    add_row({.what = "all that was taken, against the defaults",
             .seconds = result.second,
             .before = result.first,
             .taken = result.second_is_faster});
  }

  Subject& subject_;
  const SearchOptions& options_;
  const double started_;
  std::unique_ptr<Trial> defaults_, best_;
  Report report_;
};

}  // namespace

Trial::~Trial() = default;
Subject::~Subject() = default;

Report search(Subject& subject, const SearchOptions& options) {
  return Search(subject, options).run();
}

}  // namespace gemel::tune
