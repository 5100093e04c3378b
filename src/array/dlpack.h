// Arrays lent to other libraries and borrowed from them, without a copy, by DLPack.
//
// Lent: the other side sees memory, not tags, so an export waits for every task on the array. What
// is pushed later does not know of the other side's reads and writes: whoever lends and goes on
// computing waits on its own. The memory lives until the other side calls the deleter.
//
// Borrowed: the array's memory is the other side's; its deleter runs once, on whichever thread
// drops the last view of it or finishes the last task on it.
#pragma once
#include "array/dlpack_abi.h"
#include "array/ndarray.h"
#include "base/export.h"

namespace gemel::dlpack {

// The caller owns the result and ends it by its deleter. `read_only` waits for writers only, and
// says so in the flags of the versioned form.
GEMEL_EXPORT DLManagedTensor* lend(const NDArray& array, bool read_only);
GEMEL_EXPORT DLManagedTensorVersioned* lend_versioned(const NDArray& array, bool read_only,
                                                      bool is_copied);

// Takes the tensor over: its deleter runs also when this throws. A tensor that is not row-major or
// not aligned to its elements is copied, and so is a read-only one. Throws Error(Type) for element
// types that no array has and Error(Input) for other devices or a newer major version.
GEMEL_EXPORT NDArray borrow(DLManagedTensor* managed);
GEMEL_EXPORT NDArray borrow(DLManagedTensorVersioned* managed);

// The same without owning: false where borrowing would copy.
GEMEL_EXPORT bool borrows_in_place(const DLTensor& tensor, uint64_t flags = 0);

}  // namespace gemel::dlpack
