// Prepared kernel state of imperative calls, remembered by implementation, parameters, shapes and
// dtypes.
#pragma once
#include <memory>

#include "op/op_info.h"

namespace gemel::runtime {

// State that `implementation` prepared for calls like this one; made on first use. The least
// recently used entries go when there are many. Thread-safe; the state itself is used read-only.
std::shared_ptr<Prepared> prepared_for(const Implementation& implementation,
                                       const ParametersRef& parameters, const OpCall& call);

}  // namespace gemel::runtime
