// Graph: a set of functions with fixed edges, prepared once and run any number of times without
// allocation. A Plan runs its inside this way; the engine sees only the task around it.
//
//   Graph graph;
//   int a = graph.add([] { ... }, {}, "a");
//   int b = graph.add([] { ... }, std::array{a}, "b");
//   graph.finish();
//   graph.run();   // inside a task that holds what the nodes touch
//
// Threading: nodes that no path joins may run at the same time, on the caller and on compute
// workers that are idle; with one worker, or no two such nodes, they run in the order of add().
// One run at a time. Errors: after the first exception no further node starts, and run() throws it
// when those already started are done.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/export.h"

namespace gemel::engine {

class GEMEL_EXPORT Graph {
 public:
  Graph();
  ~Graph();
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;

  // `after`: nodes added before, which must be done first (repeats allowed). `name` outlives the
  // graph and the trace. Returns the node's number, from 0.
  int add(std::function<void()> function, std::span<const int> after, const char* name);
  void finish();
  void run();

  int size() const;
  // How many nodes may run at once, at most: the largest number with the same longest path from a
  // source. After finish().
  int width() const;

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

}  // namespace gemel::engine
