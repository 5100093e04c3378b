#include "data/image_colors.h"

#include <algorithm>
#include <cmath>

namespace gemel::data {

uint8_t pixel_of(float value) {
  return static_cast<uint8_t>(std::lrint(std::clamp(value, 0.0f, 255.0f)));
}

void shift_hsl(Image& image, float dh, float ds, float dl) {
  if (image.channels != 3 || (dh == 0 && ds == 0 && dl == 0)) return;
  for (size_t i = 0; i + 2 < image.pixels.size(); i += 3) {
    uint8_t* p = image.pixels.data() + i;
    const float r = p[0] / 255.0f, g = p[1] / 255.0f, b = p[2] / 255.0f;
    const float high = std::max({r, g, b}), low = std::min({r, g, b}), spread = high - low;
    float l = (high + low) / 2, h = 0, s = 0;
    if (spread > 0) {
      s = l < 0.5f ? spread / (high + low) : spread / (2 - high - low);
      h = high == r ? (g - b) / spread : high == g ? 2 + (b - r) / spread : 4 + (r - g) / spread;
    }
    h = std::clamp((h < 0 ? h + 6 : h) * 30 + dh, 0.0f, 180.0f) / 30;
    l = std::clamp(l + dl / 255, 0.0f, 1.0f);
    s = std::clamp(s + ds / 255, 0.0f, 1.0f);
    const float chroma = (1 - std::abs(2 * l - 1)) * s, base = l - chroma / 2;
    for (int c = 0; c < 3; ++c) {  // red at hue 0, green at 2, blue at 4
      float distance = std::abs(std::fmod(h - 2.0f * static_cast<float>(c) + 9, 6.0f) - 3);
      p[c] = pixel_of((base + chroma * std::clamp(2 - distance, 0.0f, 1.0f)) * 255);
    }
  }
}

}  // namespace gemel::data
