// The few operator calls that the runtime itself makes, without looking up names each time.
#pragma once
#include "array/ndarray.h"

namespace gemel::runtime {

// New arrays of the shape, dtype and device of `array`, without history.
NDArray ones_like(const NDArray& array);
NDArray zeros_like(const NDArray& array);
// Into an array of equal shape; a different dtype is converted to.
void fill_with_ones(const NDArray& target);
void copy_into(const NDArray& source, const NDArray& target);
void add_into(const NDArray& source, const NDArray& target);

}  // namespace gemel::runtime
