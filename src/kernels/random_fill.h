// Arrays of random numbers. Element i depends only on the stream and on i: neither threads nor
// splitting an array changes it. A float32 (or half) element takes one 32-bit word, so four of them
// share a counter value; wider elements take two words.
#pragma once
#include "array/tensor.h"
#include "kernels/random.h"

namespace gemel::kernels {

// low + (high - low) * [0, 1) and loc + scale * N(0, 1), in any floating dtype.
void fill_uniform(const Philox& stream, double low, double high, const Tensor& out);
void fill_normal(const Philox& stream, double loc, double scale, const Tensor& out);
// Integers of [low, high), in any integer dtype.
void fill_integers(const Philox& stream, int64_t low, int64_t high, const Tensor& out);

// How many counter values the fills above use for `size` elements of any dtype.
inline uint64_t random_counters(int64_t size) { return static_cast<uint64_t>((size + 1) / 2); }

}  // namespace gemel::kernels
