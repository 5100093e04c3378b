// CachedOp: a symbol called like a function on arrays (Gluon's hybridized blocks). Plans are made
// per set of input shapes and dtypes and kept; a recorded call becomes one node of the tape.
// Forward and backward pass are stages of one plan. A recorded call holds its arena until the
// backward pass that frees the graph; calls that wait for none share one arena, whatever the
// shapes.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "array/ndarray.h"
#include "graph/symbol.h"

namespace gemel::runtime {

struct MemoryUse;

class GEMEL_EXPORT CachedOp {
 public:
  explicit CachedOp(Symbol symbol, const Attributes& flags = {});
  ~CachedOp();
  // Inputs in list_inputs() order; auxiliary states are written when training. Throws Error(Input).
  std::vector<NDArray> operator()(std::span<const NDArray> inputs);
  const Symbol& symbol() const;
  // Of the plan made last, as Executor::memory_uses(): forward and, where gradients were recorded,
  // backward steps. Throws before the first call.
  std::pair<std::vector<MemoryUse>, std::vector<std::string>> memory_uses() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace gemel::runtime
