// One pass over memory for the steps of optimizers that are used most, float32; chosen once for the
// CPU at hand. The bits are those of the formulas (update_formulas-inl.h) as expressions.
#pragma once
#include <cstddef>

namespace gemel::simd {

enum class UpdateFormula { none, sgd, momentum, nesterov, adam, rmsprop };

// in: weight, gradient, states; out: where the new weight and states go, which may be their places
// in `in`; scalars: those of the formula. Elements are independent of each other.
using UpdateLoop = void (*)(const float* const* in, float* const* out, const float* scalars,
                            size_t n);

// `limited`: with the limit of the gradient. Null for `none`. Safe from any thread.
UpdateLoop update_loop(UpdateFormula formula, bool limited);

}  // namespace gemel::simd
