// Moves elements between two strided layouts: the one kernel under transpose, slice, reverse, tile,
// repeat, concatenation and their gradients.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "base/shape.h"

namespace gemel::kernels {

// One axis of the walk: its length and the distance, in elements, between neighbours on both sides.
// A distance of 0 in `from` repeats elements; negative ones walk backwards.
struct CopyAxis {
  int64_t size, from, to;
};

// Copies every element of the walk; `width` is the size of an element in bytes (1, 2, 4 or 8). The
// memory on both sides must not overlap.
void strided_copy(std::span<const CopyAxis> axes, const std::byte* from, std::byte* to,
                  int64_t width);

// Sets every element of a strided array (the distances in `to`) to the element at `value`.
void strided_fill(std::span<const CopyAxis> axes, const std::byte* value, std::byte* to,
                  int64_t width);

}  // namespace gemel::kernels
