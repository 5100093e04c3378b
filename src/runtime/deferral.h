// Deferred imperative calls. A pointwise call on many elements is held back for a while, so that a
// chain of them becomes one pass over memory. Held calls of a thread are pushed before anything can
// tell the difference: when somebody asks for the tag of memory that they use (any other call,
// view, wait, export or push; on any thread), before backward, at the end of a record scope, when
// everything is waited for and when the thread ends. Results that no handle refers to by then are
// never written. Shapes and types were checked at the call. The bits are those of calls that are
// not held back, also where an input is poisoned.
#pragma once
#include <span>

#include "array/ndarray.h"
#include "op/op_info.h"

namespace gemel::runtime {

// Whether a call with these inputs, given outputs (empty: to be made) and inferred shapes and types
// of all outputs may be held back. `out` may be shorter.
bool may_defer(const OpInfo& op, std::span<const NDArray> in, std::span<const NDArray> out,
               std::span<const Shape> shapes);
// Holds the call back. `out`: made with Storage::promise, or the caller's.
void defer_call(const OpInfo& op, const ParametersRef& parameters, std::span<const NDArray> in,
                std::span<const NDArray> out);
// Pushes what this thread holds back.
GEMEL_EXPORT void push_deferred();

}  // namespace gemel::runtime
