// Arrays in memory that another process can map: made here, handed over as a file descriptor.
#pragma once
#include "array/ndarray.h"
#include "base/export.h"

namespace gemel {

// Uninitialised memory of a descriptor of its own, on the device cpu_shared.
GEMEL_EXPORT NDArray make_shared_array(const Shape& shape, DType dtype);
// The descriptor of an array's memory; -1 when the array is not a whole one of those. It belongs to
// the array: whoever keeps it longer duplicates it.
GEMEL_EXPORT int shared_descriptor(const NDArray& array);
// The array behind a descriptor, which is closed here when this returns or throws. Throws
// Error(Environment) when it cannot be mapped, Error(Input) when it is smaller than the array.
GEMEL_EXPORT NDArray open_shared_array(int descriptor, const Shape& shape, DType dtype);

}  // namespace gemel
