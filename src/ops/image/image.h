// What operators on images have in common: images are arrays (height, width, channels), several
// are (batch, height, width, channels).
#pragma once
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/image/colors.h"
#include "kernels/image/window_resize.h"
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

struct CropParameters : Parameters {
  int x, y, width, height;
  static void declare(Fields<CropParameters>& f) {
    f.field("x", &CropParameters::x).doc("Left edge of the part.");
    f.field("y", &CropParameters::y).doc("Upper edge of the part.");
    f.field("width", &CropParameters::width).doc("Width of the part.");
    f.field("height", &CropParameters::height).doc("Height of the part.");
  }
};

struct ResizeParameters : Parameters {
  Shape size;
  bool keep_ratio;
  int interp;
  static void declare(Fields<ResizeParameters>& f) {
    f.field("size", &ResizeParameters::size)
        .fallback("[]")
        .doc("Width and height, or one number for both.");
    f.field("keep_ratio", &ResizeParameters::keep_ratio)
        .fallback("0")
        .doc("Whether one number is the length of the shorter edge.");
    f.field("interp", &ResizeParameters::interp)
        .fallback("1")
        .doc(
            "0 nearest, 1 linear, 2 cubic, 3 averages of areas, 4 Lanczos, 5 linear without fixed "
            "point.");
  }
};

struct NormalizeParameters : Parameters {
  std::vector<double> mean, std;
  static void declare(Fields<NormalizeParameters>& f) {
    f.field("mean", &NormalizeParameters::mean)
        .fallback("[0,0,0,0]")
        .doc("One mean for all channels, or one for each.");
    f.field("std", &NormalizeParameters::std)
        .fallback("[1,1,1,1]")
        .doc("One standard deviation for all channels, or one for each.");
  }
  // Of channel c.
  static double of(const std::vector<double>& values, int64_t c) {
    return values[values.size() == 1 ? 0 : static_cast<size_t>(c)];
  }
};

// What the numbers given to _resized_image_part say of an image of this size; throws where that is
// no part of it.
kernels::ImageRegion part_of(const Tensor& numbers, int64_t height, int64_t width);

// Whether a random flip with this stream flips.
bool flips(const RandomStream& random);

// The changes of colour that an operator with these parameters makes to an image of so many
// channels; none: it is no operator on colours.
using ColorRule = std::vector<kernels::ColorChange> (*)(const Parameters& parameters,
                                                        const RandomStream& random,
                                                        int64_t channels);
ColorRule color_rule(const OpInfo& op);
// Planes of float of some pixels of an image of bytes with three channels.
void load_rgb(const uint8_t* image, int64_t first, int64_t count,
              const kernels::ColorPlanes& planes);

}  // namespace gemel::image
