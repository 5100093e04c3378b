// One step of an optimizer for any number of weights, as one task.
#pragma once
#include <span>

#include "array/ndarray.h"
#include "op/registry.h"

namespace gemel::runtime {

// Calls an operator that updates its first input, once for each element of `parameters`: input i
// of call k is in[k * inputs + i]. The same bits, errors and effects as so many invoke() whose
// output is their first input, in this order; but where all of them work element by element, they
// are one task, whose bytes the threads share evenly.
GEMEL_EXPORT void update_each(const OpInfo& op, std::span<const ParametersRef> parameters,
                              std::span<const NDArray> in);

}  // namespace gemel::runtime
