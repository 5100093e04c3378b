// Changes of the colours of an image in place.
#pragma once
#include "data/image_codec.h"

namespace gemel::data {

// The nearest value that a pixel can have.
uint8_t pixel_of(float value);
// Adds to hue (of 180), lightness and saturation (of 255).
void shift_hsl(Image& image, float dh, float ds, float dl);

}  // namespace gemel::data
