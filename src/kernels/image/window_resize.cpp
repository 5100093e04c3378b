#include "kernels/image/window_resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/image/linear_rows.h"
#include "kernels/parallel.h"
#include "simd/image_loops.h"

namespace gemel::kernels {
namespace {

struct Place {
  int64_t first;  // pixel of the domain; the second is beside it
  float rest;     // weight of the second
};

// Of pixel i of an axis of `size` pixels that gets `full`; what lies outside is the last pixel.
Place place_of(int64_t i, int64_t size, int64_t full) {
  const double scale = 1 / (static_cast<double>(full) / static_cast<double>(size));
  const auto place = static_cast<float>((static_cast<double>(i) + 0.5) * scale - 0.5);
  auto first = static_cast<int64_t>(std::floor(place));
  const float rest = place - static_cast<float>(first);
  if (first < 0) return {0, 0};
  if (first >= size - 1) return {size - 1, 0};
  return {first, rest};
}

int16_t fixed(float weight) { return static_cast<int16_t>(std::lrint(weight * 2048)); }

}  // namespace

ImageRegion WindowResize::needed() const {
  const auto span = [](int64_t from, int64_t count, int64_t size, int64_t full, int64_t origin,
                       int64_t& begin, int64_t& length) {
    const int64_t first = place_of(from, size, full).first;
    const int64_t last = std::min(size - 1, place_of(from + count - 1, size, full).first + 1);
    begin = origin + first;
    length = last - first + 1;
  };
  ImageRegion result{};
  span(window.top, window.height, domain.height, full_height, domain.top, result.top,
       result.height);
  span(window.left, window.width, domain.width, full_width, domain.left, result.left, result.width);
  return result;
}

void WindowResize::run(const uint8_t* from, const ImageRegion& held, int64_t channels,
                       uint8_t* to) const {
  constexpr int64_t band = 32;  // rows that one thread makes; most rows of the source serve two
  const int64_t row = window.width * channels, from_row = held.width * channels;
  const ImageRegion part = needed();
  std::vector<simd::PixelPair> pairs(static_cast<size_t>(window.width));
  for (int64_t x = 0; x < window.width; ++x) {
    const Place place = place_of(window.left + x, domain.width, full_width);
    // The last pixel has none beside it, and what lies there has no weight.
    pairs[static_cast<size_t>(mirror ? window.width - 1 - x : x)] = {
        static_cast<int32_t>(domain.left + place.first - part.left), fixed(1 - place.rest),
        fixed(place.rest)};
  }
  const uint8_t* const first_row = from + (part.left - held.left) * channels;
  parallel_for((window.height + band - 1) / band, 4 * band * row, [&](int64_t index) {
    LinearRows rows(pairs, part.width, channels);
    const auto row_at = [&](int64_t y) {
      return rows.row(y, first_row + (domain.top + y - held.top) * from_row);
    };
    for (int64_t y = index * band; y < std::min(window.height, (index + 1) * band); ++y) {
      const Place place = place_of(window.top + y, domain.height, full_height);
      const int16_t second = fixed(place.rest);
      const int16_t* a = row_at(place.first);
      const int16_t* b = second == 0 ? a : row_at(place.first + 1);
      simd::blend_rows(a, b, fixed(1 - place.rest), second,
                       to + (upside_down ? window.height - 1 - y : y) * row,
                       static_cast<size_t>(row));
    }
  });
}

}  // namespace gemel::kernels
