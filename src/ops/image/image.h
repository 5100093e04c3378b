// What operators on images have in common: images are arrays (height, width, channels), several
// are (batch, height, width, channels).
#pragma once
#include <cmath>
#include <limits>
#include <type_traits>

#include "kernels/parallel.h"
#include "op/registry.h"

namespace gemel::image {

// One image, or with `several` also a batch.
inline void check_image(const ShapeContext& c, bool several) {
  const int axes = c.in[0].ndim();
  GEMEL_CHECK(axes < 0 || axes == 3 || (several && axes == 4),
              "[{}] expected an image (height, width, channels){}, got shape {}", c.op.name(),
              several ? " or images (N, height, width, channels)" : "", c.in[0]);
}

// 1.9.1 knows gray images and those of three colours.
inline void check_channels(const ShapeContext& c) {
  const Shape& in = c.in[0];
  const int64_t channels = in.ndim() > 0 ? in[in.ndim() - 1] : -1;
  GEMEL_CHECK(channels < 0 || channels == 1 || channels == 3,
              "[{}] expected 1 or 3 channels along the last axis, got shape {}", c.op.name(), in);
}

// The result is an image like the input.
inline void color_shape(ShapeContext& c) {
  check_image(c, false);
  check_channels(c);
  same_shape(c);
}

// A computed value as an element: integers are cut off and kept in range, as in 1.9.1.
template <typename T>
T saturate(float value) {
  if constexpr (std::is_integral_v<T>) {
    constexpr auto low = static_cast<float>(std::numeric_limits<T>::min());
    constexpr auto high = static_cast<float>(std::numeric_limits<T>::max());
    if (std::isnan(value)) return 0;
    return value <= low    ? std::numeric_limits<T>::min()
           : value >= high ? std::numeric_limits<T>::max()
                           : static_cast<T>(value);
  } else {
    return static_cast<T>(value);
  }
}

}  // namespace gemel::image
