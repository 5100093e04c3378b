// Changes of the colours of an image, one after another in one pass over its memory.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "simd/color_loops.h"

namespace gemel::kernels {

struct ColorChange {
  enum class Kind {
    scale,       // every value times the factor, plus the shift of its colour
    contrast,    // the distance to the image's mean gray times the factor
    saturation,  // the distance to the pixel's gray times the factor
    hue          // turned by as many circles as the factor says
  };
  Kind kind;
  float factor = 1;
  std::array<float, 3> shift{};
};

// Up to this many pixels are worked on at a time.
constexpr int64_t color_strip = 1024;
// Of `count` pixels from pixel `first` on: fills the planes from an image, or uses what is in them.
using ColorPlanes = std::array<float*, 3>;
using ColorStrip = std::function<void(int64_t first, int64_t count, const ColorPlanes& planes)>;

// Each value is limited after each change. Gray images (one channel) have one plane, no saturation
// and no hue. `load` may run more than once for a strip, `store` runs once, after it; several
// threads call both for strips of their own.
void change_colors(std::vector<ColorChange> changes, int64_t pixels, int64_t channels,
                   simd::ColorLimits limits, const ColorStrip& load, const ColorStrip& store);

}  // namespace gemel::kernels
