// Arrays of indices of any dtype, and what to do with those out of range.
#pragma once
#include <algorithm>
#include <string_view>
#include <vector>

#include "array/tensor.h"
#include "simd/convert.h"

namespace gemel {

enum class IndexMode { clip, wrap, raise };

inline void check_axis(const Tensor& indices, int64_t length, std::string_view who) {
  if (length == 0 && indices.size() > 0)
    fail(ErrorKind::Index, "[{}] cannot take elements of an empty axis", who);
}

// Every index as a valid position of an axis of `length` (fractions are dropped). `raise` throws
// Error(Index); so does any index into an empty axis.
inline std::vector<int64_t> read_indices(const Tensor& indices, int64_t length, IndexMode mode,
                                         std::string_view who) {
  std::vector<int64_t> result(static_cast<size_t>(indices.size()));
  simd::load_function<int64_t>(indices.dtype)(indices.address, result.data(), result.size());
  check_axis(indices, length, who);
  for (int64_t& i : result) {
    if (i >= 0 && i < length) continue;
    if (mode == IndexMode::clip)
      i = std::clamp<int64_t>(i, 0, length - 1);
    else if (mode == IndexMode::wrap)
      i = (i % length + length) % length;
    else
      fail(ErrorKind::Index, "[{}] index {} is out of range, expected 0 to {}", who, i, length - 1);
  }
  return result;
}

}  // namespace gemel
