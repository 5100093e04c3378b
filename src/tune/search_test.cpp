#include "tune/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"

namespace gemel::tune {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::IsEmpty;

// A graph that runs in the head: three calls whose implementations take given times, and settings
// that multiply the whole. Every run is disturbed by up to `noise` of itself; time is counted.
class Imagined : public Subject {
 public:
  struct Call {
    std::string signature;
    std::vector<std::pair<std::string, double>> implementations;  // the default first
  };
  std::vector<Call> calls;
  std::map<std::pair<std::string, std::string>, double> factors;  // of (setting, value)
  double noise = 0, preparation = 0.1;
  std::string refused;  // a value that cannot be served
  int prepared = 0;

  std::unique_ptr<Trial> prepare(const Choices& choices) override {
    for (const auto& [name, value] : choices.settings)
      if (value == refused) fail(ErrorKind::Input, "no {}", value);
    ++prepared;
    clock_ += preparation;
    return std::make_unique<Run>(*this, choices);
  }
  double now() override { return clock_; }

 private:
  struct Run : Trial {
    Run(Imagined& of, Choices given) : imagined(of), choices(std::move(given)) {}
    double run() override {
      double sum = 0;
      for (const Step& step : run_by_steps()) sum += step.seconds;
      return sum;
    }
    std::vector<Step> run_by_steps() override {
      double factor = 1;
      for (const auto& choice : choices.settings)
        if (const auto found = imagined.factors.find(choice); found != imagined.factors.end())
          factor *= found->second;
      std::vector<Step> steps;
      for (const Call& call : imagined.calls) {
        const std::string_view preferred = choices.kernel(call.signature);
        size_t chosen = 0;
        for (size_t i = 0; i < call.implementations.size(); ++i)
          if (call.implementations[i].first == preferred) chosen = i;
        Step step{call.signature, call.implementations[chosen].first, {}, 0};
        for (size_t i = 0; i < call.implementations.size(); ++i)
          if (i != chosen) step.alternatives.push_back(call.implementations[i].first);
        step.seconds = factor * call.implementations[chosen].second * (1 + imagined.disturbance());
        imagined.clock_ += step.seconds;
        steps.push_back(step);
      }
      return steps;
    }
    Imagined& imagined;
    Choices choices;
  };
  double disturbance() { return noise * static_cast<double>(generator_() % 1000) / 1000; }

  std::mt19937 generator_{1};
  double clock_ = 0;
};

Imagined imagined() {
  Imagined subject;
  subject.calls = {{"a", {{"first", 0.010}, {"second", 0.004}, {"third", 0.020}}},
                   {"b", {{"first", 0.010}, {"second", 0.030}, {"third", 0.005}}},
                   {"c", {{"only", 0.002}}}};
  subject.factors = {{{"omp_threads", "1"}, 1.5}, {{"fusion", "0"}, 0.9}};
  return subject;
}

const SearchOptions plenty{.budget = 60, .knobs = {{"omp_threads", {"1"}}, {"fusion", {"0"}}}};

TEST(Search, FindsTheFastestOfEverything) {
  Imagined subject = imagined();
  subject.noise = 0.05;
  const Report report = search(subject, plenty);
  EXPECT_EQ(report.choices.kernel("a"), "second");
  EXPECT_EQ(report.choices.kernel("b"), "third");
  EXPECT_EQ(report.choices.settings, (decltype(report.choices.settings){{"fusion", "0"}}));
  EXPECT_NEAR(report.gain(), 22 / (11 * 0.9), 0.15);
  EXPECT_LT(report.elapsed, 60);
  EXPECT_THAT(report.rows, Contains(Field(&Row::what, "omp_threads=1")));
}

TEST(Search, NoiseIsNotTakenForAGain) {
  for (const double gain : {1.0, 0.995, 1.01}) {
    Imagined subject = imagined();
    for (auto& call : subject.calls)
      for (auto& [name, seconds] : call.implementations) seconds = 0.01 * gain;
    subject.calls[0].implementations[0].second = 0.01;
    subject.factors = {{{"fusion", "0"}, gain}};
    subject.noise = 0.3;
    const Report report = search(subject, plenty);
    EXPECT_TRUE(report.choices.empty()) << record::to_text(report.choices);
    EXPECT_EQ(report.gain(), 1);
  }
}

TEST(Search, StaysWithTheDefaultsWhereTheyAreFastest) {
  Imagined subject = imagined();
  for (auto& call : subject.calls) call.implementations[0].second = 0.001;
  subject.factors[{"fusion", "0"}] = 1.2;
  const Report report = search(subject, plenty);
  EXPECT_TRUE(report.choices.empty());
  EXPECT_EQ(report.tuned_seconds, report.default_seconds);
}

TEST(Search, KeepsTheBudget) {
  for (const double budget : {0.5, 2.0, 10.0}) {
    Imagined subject = imagined();
    subject.preparation = 0.2;
    SearchOptions options = plenty;
    options.budget = budget;
    for (int i = 0; i < 200; ++i) options.knobs[0].values.push_back(std::to_string(i));
    const Report report = search(subject, options);
    EXPECT_LT(report.elapsed, budget + 1);
    EXPECT_GE(report.gain(), 1);
  }
}

TEST(Search, WhatCannotBeServedIsARow) {
  Imagined subject = imagined();
  subject.refused = "0";
  const Report report = search(subject, plenty);
  EXPECT_THAT(report.rows, Contains(Field(&Row::problem, "no 0")));
  EXPECT_EQ(report.choices.setting("fusion", "1"), "1");
  EXPECT_EQ(report.choices.kernel("a"), "second");
}

TEST(Search, PrecisionComesFirstAndKernelsAreFoundUnderIt) {
  Imagined subject = imagined();
  subject.factors[{"fpmath", "high"}] = 0.5;
  SearchOptions options = plenty;
  options.knobs.push_back({"fpmath", {"high"}});
  std::vector<std::string> order;
  options.progress = [&](const Row& row) { order.push_back(row.what); };
  const Report report = search(subject, options);
  EXPECT_EQ(order.at(0), "fpmath=high");
  EXPECT_EQ(order.size(), report.rows.size());
  EXPECT_EQ(report.choices.setting("fpmath", ""), "high");
  EXPECT_EQ(report.choices.kernel("b"), "third");
}

TEST(Search, ManyCallsCostNoMoreTrials) {
  Imagined few = imagined(), many = imagined();
  for (int i = 0; i < 50; ++i) {
    many.calls.push_back(many.calls[0]);
    many.calls.back().signature = fmt::format("a{}", i);
  }
  EXPECT_EQ(search(few, plenty).choices.kernels.size(), 2);
  EXPECT_EQ(search(many, plenty).choices.kernels.size(), 52);
  EXPECT_EQ(few.prepared, many.prepared);
}

TEST(Search, ProgressMayEndIt) {
  Imagined subject = imagined();
  SearchOptions options = plenty;
  options.progress = [](const Row&) { fail(ErrorKind::Cancelled, "enough"); };
  EXPECT_THROW(search(subject, options), Error);
}

}  // namespace
}  // namespace gemel::tune
