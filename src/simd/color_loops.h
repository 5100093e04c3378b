// Loops over planes of colours, one float for each pixel, in place.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gemel::simd {

// What a value is turned into after each change: with `whole`, cut off to a whole number of
// [low, high].
struct ColorLimits {
  bool whole = false;
  float low = 0, high = 0;
};

// v = v * scale + shift.
void scale_plane(float* v, float scale, float shift, ColorLimits limits, size_t n);

// Each colour's distance to the pixel's gray times the factor.
void saturate_planes(float* r, float* g, float* b, float factor, ColorLimits limits, size_t n);

// The hue of values of 0 to 255 by `turn` circles.
void turn_hue(float* r, float* g, float* b, float turn, ColorLimits limits, size_t n);

// Exact for whole numbers whose sum is below 2^24.
float sum_plane(const float* v, size_t n);

// Whole numbers of 0 to 255 as pixels of three bytes.
void rgb_of_planes(const float* r, const float* g, const float* b, uint8_t* to, size_t n);

}  // namespace gemel::simd
