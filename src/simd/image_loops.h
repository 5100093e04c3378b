// Loops over rows of images with 8 bits a value.
#pragma once
#include <cstddef>
#include <cstdint>

namespace gemel::simd {

// Which two pixels beside each other a pixel of a resized row is made of: (first * source[pixel] +
// second * source[pixel + 1]) / 2048.
struct PixelPair {
  int32_t pixel;
  int16_t first, second;
};

// Row `out` of n pixels of 3 channels, sixteenths of OpenCV's fixed point: sum / 16. Reads 8 bytes
// from each pair's first pixel on, whatever the second weighs.
void resize_row_rgb(const uint8_t* source, const PixelPair* pairs, int16_t* out, size_t n);

// The same for one channel; reads 2 bytes from each pair's first pixel on.
void resize_row_gray(const uint8_t* source, const PixelPair* pairs, int16_t* out, size_t n);

// out[i] = (first * a[i] + second * b[i]) rounded as OpenCV's linear interpolation does.
void blend_rows(const int16_t* a, const int16_t* b, int16_t first, int16_t second, uint8_t* out,
                size_t n);

// Pixels of 3 channels to planes: plane c gets pixel * scale[c] + shift[c].
void planes_of_rgb(const uint8_t* source, const float* scale, const float* shift, float* r,
                   float* g, float* b, size_t n);

// Row `to` of n pixels of 3 channels gets those of `from` from the last to the first; the two do
// not overlap.
void reverse_rgb(const uint8_t* from, uint8_t* to, size_t n);

// to[i] = (from[i] - mean) / deviation; the two may be one.
void normalize_plane(const float* from, float mean, float deviation, float* to, size_t n);

// Planes in place: colour c becomes matrix[c] . (r, g, b) + offset[c] in [0, 255], then * scale[c]
// + shift[c].
void mix_planes(const float* matrix, const float* offset, const float* scale, const float* shift,
                float* r, float* g, float* b, size_t n);

}  // namespace gemel::simd
