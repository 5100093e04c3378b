// Imperative calls with sparse arrays. The operator computes on dense values; its result is stored
// as 1.9.1's operator would. Only the rows that a row_sparse gradient stores are updated by
// optimizers.
#pragma once
#include <span>

#include "c_api/objects.h"

namespace gemel::c_api {

// An array of the call is sparse, or the operator is about nothing else.
bool is_sparse_call(void* creator, int num_inputs, void* const* inputs, int num_outputs,
                    void* const* outputs);
// As MXImperativeInvoke: `*outputs` is null or the caller's list of `*num_outputs`.
void invoke_sparse(void* creator, std::span<void* const> inputs, int* num_outputs, void*** outputs,
                   Attributes attributes);

}  // namespace gemel::c_api
