// Random numbers of images.
#pragma once
#include "kernels/random.h"

namespace gemel::data {

// The random numbers of one image: they depend on the seed, the epoch and the image's place in it,
// on nothing else.
class ImageRandom {
 public:
  ImageRandom(uint64_t seed, uint64_t epoch, uint64_t place)
      : stream_(seed * 0x9E3779B97F4A7C15u + epoch, 0), place_(place) {}
  float uniform(float low, float high) { return low + (high - low) * kernels::unit_float(next()); }
  // An integer in [low, high].
  int64_t integer(int64_t low, int64_t high) {
    return low +
           static_cast<int64_t>(uint64_t{next()} * static_cast<uint64_t>(high - low + 1) >> 32);
  }
  bool coin() { return next() & 1; }
  float normal() {
    const uint32_t a = next();
    return kernels::normal_pair(a, next())[0];
  }

 private:
  uint32_t next() { return stream_.bits(place_, draw_++)[0]; }
  kernels::Philox stream_;
  uint64_t place_;
  uint32_t draw_ = 0;
};

}  // namespace gemel::data
