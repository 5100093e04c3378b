// Imperative operator calls: infer, allocate, choose a kernel, push. Records on the autograd tape.
#pragma once
#include <span>
#include <vector>

#include "array/ndarray.h"
#include "op/registry.h"

namespace gemel::runtime {

// Calls `op` on `in`. `out` has one element per visible output: an array with storage is written
// (shape and dtype must fit), an empty one is allocated on the device of the first input (or
// `device` where there are no inputs). Inputs that the operator mutates are written.
// Shape and type errors are thrown here; errors of the kernel reach the readers of the outputs.
GEMEL_EXPORT void invoke(const OpInfo& op, const ParametersRef& parameters,
                         std::span<const NDArray> in, std::span<NDArray> out, Device device = {});

// Convenience: text parameters, fresh outputs.
GEMEL_EXPORT std::vector<NDArray> invoke(std::string_view op_name, std::span<const NDArray> in,
                                         const Attributes& attributes = {}, Device device = {});

// Runs the operator's last implementation, the plain reference, and waits.
GEMEL_EXPORT std::vector<NDArray> invoke_reference(std::string_view op_name,
                                                   std::span<const NDArray> in,
                                                   const Attributes& attributes);

// Parsed parameters of `op` for these attributes, remembered per thread.
GEMEL_EXPORT ParametersRef cached_parameters(const OpInfo& op, const Attributes& attributes);

}  // namespace gemel::runtime
