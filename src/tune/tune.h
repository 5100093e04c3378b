// Tunes a bound graph: searches, keeps the result in the record, and runs the executor by it.
#pragma once
#include <optional>
#include <set>

#include "runtime/executor.h"
#include "tune/search.h"

namespace gemel::tune {

struct Options {
  double budget = 60;     // seconds
  bool training = false;  // forward and backward; else forward for inference
  // What else than speed may change: "memory" (more of it), "precision" (fpmath high), "fast"
  // (fpmath fast).
  std::set<std::string> allow;
  std::optional<std::string> record;  // the file; none: as the setting says, which may be none
  std::function<void(const Row&)> progress;
};

struct Result : Report {
  std::string key, record;  // where it was stored; empty: nowhere
};

// The graph runs on copies of what it would write, and random streams go on as if it had not run.
// Settings that were set otherwise than by default are kept. With the setting `determinism` nothing
// is tried. A choice of fpmath holds for this executor; the record keeps it for graphs that are
// bound under the same fpmath. Throws Error(Input) for options that do not exist, and for a graph
// whose nodes are placed on several devices.
GEMEL_EXPORT Result tune(runtime::Executor& executor, const Options& options);

}  // namespace gemel::tune
