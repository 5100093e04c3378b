// The search for the fastest way to run one graph, within a budget of seconds. It knows nothing of
// graphs: a Subject makes trials of choices, a Trial runs and says how long it took.
//
// The defaults are measured first, then one thing after the other is changed, each compared with
// the best so far in turns, so that a disturbed machine disturbs both; at the end the best is
// compared with the defaults once more. Whatever does not win beyond the noise is not chosen.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "record/choices.h"

namespace gemel::tune {

using record::Choices;

// One way of running the graph, ready to run.
class GEMEL_EXPORT Trial {
 public:
  virtual ~Trial();
  virtual double run() = 0;  // once; the seconds it took
  struct Step {
    std::string signature, implementation;
    std::vector<std::string> alternatives;
    double seconds;
  };
  virtual std::vector<Step> run_by_steps() = 0;
};

class GEMEL_EXPORT Subject {
 public:
  virtual ~Subject();
  // Throws where the choices cannot be served: they are then left alone.
  virtual std::unique_ptr<Trial> prepare(const Choices& choices) = 0;
  virtual double now() = 0;  // seconds, by the clock that the budget means
};

// A setting, and values worth a try besides the one in force.
struct Knob {
  std::string name;
  std::vector<std::string> values;
};

// One comparison: seconds of a run of `what`, and of the best before it, alternating.
struct Row {
  std::string what;
  double seconds = 0, before = 0;
  bool taken = false;
  std::string problem;  // why it could not be run; else empty
};

struct Report {
  double default_seconds = 0, tuned_seconds = 0;  // of one run: medians of the last comparison
  double elapsed = 0;
  Choices choices;  // empty: the defaults are the fastest
  std::vector<Row> rows;
  bool frozen = false;  // by the setting `determinism`: nothing was tried
  double gain() const { return tuned_seconds > 0 ? default_seconds / tuned_seconds : 1; }
};

struct SearchOptions {
  double budget = 60;  // seconds; a trial that has begun is finished
  std::vector<Knob> knobs;
  std::function<void(const Row&)> progress;  // may throw, which ends the search
};

GEMEL_EXPORT Report search(Subject& subject, const SearchOptions& options);

}  // namespace gemel::tune
