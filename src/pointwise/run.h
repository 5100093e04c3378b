// Runs a tape over tensors.
#pragma once
#include <span>

#include "array/tensor.h"
#include "pointwise/tape.h"

namespace gemel::pointwise {

template <typename T>
void run_tape(const Tape<T>& tape, std::span<const Tensor> inputs, std::span<const double> scalars,
              std::span<const Tensor> outputs);

}  // namespace gemel::pointwise
