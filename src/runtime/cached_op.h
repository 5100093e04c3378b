// CachedOp: a symbol called like a function on arrays (Gluon's hybridized blocks). Plans are made
// per set of input shapes and dtypes and kept; a recorded call becomes one node of the tape.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "array/ndarray.h"
#include "graph/symbol.h"

namespace gemel::runtime {

class GEMEL_EXPORT CachedOp {
 public:
  explicit CachedOp(Symbol symbol, const Attributes& flags = {});
  ~CachedOp();
  // Inputs in list_inputs() order; auxiliary states are written when training. Throws Error(Input).
  std::vector<NDArray> operator()(std::span<const NDArray> inputs);
  const Symbol& symbol() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace gemel::runtime
