// Distributions whose draws take any number of random bits. Each element of an array owns a stream
// of its own, so it is the same whoever computes it and however many bits the others took.
#pragma once
#include "kernels/random.h"

namespace gemel::kernels {

// The bits of element `index` of a stream.
class ElementStream {
 public:
  ElementStream(const Philox& stream, uint64_t index) : stream_(stream), index_(index) {}

  uint64_t bits64() {
    if (used_ == 2) {
      block_ = stream_.bits(index_, draws_++);
      used_ = 0;
    }
    const int i = used_++;
    return uint64_t{block_[static_cast<size_t>(2 * i + 1)]} << 32 |
           block_[static_cast<size_t>(2 * i)];
  }
  double uniform() { return unit_double(bits64()); }                     // [0, 1)
  double positive_uniform() { return unit_double(bits64()) + 0x1p-53; }  // (0, 1]
  double normal() {
    const uint64_t a = bits64();
    return normal_pair(a, bits64())[0];
  }

 private:
  const Philox& stream_;
  uint64_t index_;
  uint32_t draws_ = 0;
  int used_ = 2;
  PhiloxBlock block_{};
};

double draw_exponential(ElementStream& stream, double rate);
// Marsaglia and Tsang 2000.
double draw_gamma(ElementStream& stream, double shape, double scale);
// Multiplication of uniforms below 10, transformed rejection (Hoermann 1993) from there.
double draw_poisson(ElementStream& stream, double mean);
// The number of failures before `count` successes of probability `success`.
double draw_negative_binomial(ElementStream& stream, double count, double success);
// A Poisson number whose mean is gamma distributed with mean `mean` and variance dispersion *
// mean^2.
double draw_generalized_negative_binomial(ElementStream& stream, double mean, double dispersion);

}  // namespace gemel::kernels
