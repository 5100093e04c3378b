// Reverse-mode differentiation of imperative calls. Calls made while recording, on arrays that lead
// back to a variable, become nodes of a tape; backward() builds their gradient as a graph (the same
// pass that symbols use) and runs it. State is per thread.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "array/ndarray.h"
#include "graph/symbol.h"
#include "op/op_info.h"
#include "runtime/grad_request.h"

namespace gemel::runtime {

GEMEL_EXPORT bool is_recording();
GEMEL_EXPORT bool is_training();
GEMEL_EXPORT bool set_recording(bool on);  // returns the previous state
GEMEL_EXPORT bool set_training(bool on);

// Makes `variable` a leaf whose gradient goes into `gradient`.
GEMEL_EXPORT void mark_variable(NDArray& variable, const NDArray& gradient, GradRequest request);
// The gradient array of a marked variable; empty when it has none.
GEMEL_EXPORT NDArray gradient_of(const NDArray& variable);
GEMEL_EXPORT void drop_history(NDArray& array);
// Whether backward() has written the variable's gradient since this was last set to false.
GEMEL_EXPORT bool is_gradient_fresh(const NDArray& variable);
GEMEL_EXPORT void set_gradient_fresh(const NDArray& variable, bool fresh);

// Adds the gradients of sum(heads * head_gradients) to the marked variables that the heads depend
// on. An empty head gradient means ones. Throws Error(Input) when a head was not recorded.
GEMEL_EXPORT void backward(std::span<const NDArray> heads, std::span<const NDArray> head_gradients,
                           bool retain_graph, bool training);
// Returns the gradients instead; with create_graph they are themselves recorded.
GEMEL_EXPORT std::vector<NDArray> gradients(std::span<const NDArray> heads,
                                            std::span<const NDArray> head_gradients,
                                            std::span<const NDArray> variables, bool retain_graph,
                                            bool create_graph, bool training);

// The recorded computation of an array: variables are var0..., constants null..., calls node_0...
// Throws Error(Input) when nothing was recorded, or a user's function.
GEMEL_EXPORT Symbol recorded_symbol(const NDArray& array);

// Records one node for work that is not a single operator (a cached graph, a user's function).
// `backward` gets the head gradients (empty: none flows) and, per input, the array to write into
// (empty: allocate one; the input needs no gradient where `wanted` is false). `last`: the graph is
// freed afterwards, so what the forward work kept may be written over.
using TapeFunction =
    std::function<void(std::span<const NDArray> head_gradients, std::span<NDArray> input_gradients,
                       const std::vector<bool>& wanted, bool last)>;
// `replay`, where given, does the forward work again as recorded calls, for gradients of gradients.
using ReplayFunction = std::function<std::vector<NDArray>(std::span<const NDArray> inputs)>;
GEMEL_EXPORT void record_function(const char* name, std::span<const NDArray> inputs,
                                  std::span<NDArray> outputs, TapeFunction backward,
                                  ReplayFunction replay = {});
// True when some input leads back to a variable (and recording is on).
GEMEL_EXPORT bool needs_record(std::span<const NDArray> inputs);
bool is_tracked(const NDArray& array);

// Used by invoke().
void record_call(const OpInfo& op, const ParametersRef& parameters, std::span<const NDArray> in,
                 std::span<NDArray> visible, std::span<const NDArray> all_outputs);

}  // namespace gemel::runtime
