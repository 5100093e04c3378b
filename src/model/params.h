// `.params` and `.nd` files: lists and dictionaries of arrays, byte for byte as MXNet 1.9.1 writes
// them. Every version that it reads is read. Files are checked before memory is taken: damaged ones
// give Error(Input) that names file and position. A file is replaced as a whole or not at all.
//
// `np_shape` false: version 2, in which a shape without axes means "no array"; a scalar is written
// as shape (1,). True: version 3, in which it is a scalar. Version 3 is read only when it is true.
#pragma once
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "array/ndarray.h"
#include "array/sparse.h"
#include "base/export.h"

namespace gemel {

struct NamedArrays {
  std::vector<NDArray> arrays;
  std::vector<std::string> names;        // none (a list) or one for each array (a dictionary)
  std::map<size_t, SparseArray> sparse;  // by position; there `arrays` has none
};

// Waits for the arrays; throws what made one fail before anything is written.
GEMEL_EXPORT void save_arrays(const std::string& path, const NamedArrays& arrays,
                              bool np_shape = false);
GEMEL_EXPORT NamedArrays load_arrays(const std::string& path, bool np_shape = false);
GEMEL_EXPORT NamedArrays load_arrays_from_bytes(std::span<const std::byte> bytes,
                                                bool np_shape = false);

// One array without the header of a list: what MXNet's arrays are pickled as.
GEMEL_EXPORT std::string array_to_bytes(const NDArray& array, bool np_shape = false);
GEMEL_EXPORT std::string array_to_bytes(const SparseArray& array);
GEMEL_EXPORT SparseArray sparse_from_bytes(std::span<const std::byte> bytes);
GEMEL_EXPORT NDArray array_from_bytes(std::span<const std::byte> bytes, bool np_shape = false);

}  // namespace gemel
