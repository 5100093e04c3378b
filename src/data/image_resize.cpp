#include "data/image_resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/image/linear_rows.h"
#include "simd/image_loops.h"

namespace gemel::data {
namespace {

struct Place {
  int64_t first;  // pixel of the domain; the second is beside it
  float rest;     // weight of the second
};

Place place_of(int64_t i, int64_t size, int64_t full) {
  const double scale = 1 / (static_cast<double>(full) / static_cast<double>(size));
  const auto place = static_cast<float>((static_cast<double>(i) + 0.5) * scale - 0.5);
  auto first = static_cast<int64_t>(std::floor(place));
  float rest = place - static_cast<float>(first);
  if (first < 0) return {0, 0};
  if (first >= size - 1) return {size - 1, 0};
  return {first, rest};
}

int16_t fixed(float weight) { return static_cast<int16_t>(std::lrint(weight * 2048)); }

}  // namespace

void shorter_edge(int64_t edge, int64_t& height, int64_t& width) {
  const int64_t shorter = std::min(height, width);
  height = height == shorter ? edge : edge * height / shorter;
  width = width == shorter ? edge : edge * width / shorter;
}

Interpolation choose_interpolation(int method, ImageRandom& random, int64_t height, int64_t width,
                                   int64_t to_height, int64_t to_width) {
  if (method == 10) method = static_cast<int>(random.integer(0, 4));
  if (method == 9)
    method = to_height > height && to_width > width   ? 2
             : to_height < height && to_width < width ? 3
                                                      : 1;
  return static_cast<Interpolation>(method);
}

void check_interpolation(const std::string& who, int method) {
  GEMEL_CHECK((method >= 0 && method <= 4) || method == 9 || method == 10,
              "[{}] inter_method: expected 0 to 4, 9 or 10, got {}", who, method);
}

void copy_part(const Image& from, const Region& part, Image& to, int64_t top, int64_t left) {
  const int64_t channels = from.channels;
  for (int64_t y = 0; y < part.height; ++y)
    std::memcpy(to.row(top + y) + left * channels, from.row(part.top + y) + part.left * channels,
                static_cast<size_t>(part.width * channels));
}

void resize_image(const Image& from, int64_t height, int64_t width,
                  kernels::Interpolation interpolation, Image& to) {
  to.allocate(height, width, from.channels);
  kernels::resize(reinterpret_cast<const std::byte*>(from.pixels.data()), {from.height, from.width},
                  reinterpret_cast<std::byte*>(to.pixels.data()), {height, width}, from.channels,
                  DType::uint8, interpolation);
}

Region WindowResize::needed() const {
  const auto span = [](int64_t from, int64_t count, int64_t size, int64_t full, int64_t origin,
                       int64_t& begin, int64_t& length) {
    const int64_t first = place_of(from, size, full).first;
    const int64_t last = std::min(size - 1, place_of(from + count - 1, size, full).first + 1);
    begin = origin + first;
    length = last - first + 1;
  };
  Region result{};
  span(window.top, window.height, domain.height, full_height, domain.top, result.top,
       result.height);
  span(window.left, window.width, domain.width, full_width, domain.left, result.left, result.width);
  return result;
}

void WindowResize::run(const Image& from, Image& to) const {
  const int64_t channels = from.channels, row = window.width * channels;
  to.allocate(window.height, window.width, channels);
  std::vector<simd::PixelPair> pairs(static_cast<size_t>(window.width));
  for (int64_t x = 0; x < window.width; ++x) {
    const Place place = place_of(window.left + x, domain.width, full_width);
    // The last pixel has none beside it, and what lies there has no weight.
    pairs[mirror ? window.width - 1 - x : x] = {
        static_cast<int32_t>(domain.left + place.first - from.left), fixed(1 - place.rest),
        fixed(place.rest)};
  }
  kernels::LinearRows rows(pairs, from.width, channels);
  const auto row_at = [&](int64_t y) { return rows.row(y, from.row(domain.top + y - from.top)); };
  for (int64_t y = 0; y < window.height; ++y) {
    const Place place = place_of(window.top + y, domain.height, full_height);
    const int64_t second = std::min(place.first + 1, domain.height - 1);
    const int16_t* a = row_at(place.first);
    const int16_t* b = place.rest == 0 ? a : row_at(second);
    simd::blend_rows(a, b, fixed(1 - place.rest), fixed(place.rest), to.row(y),
                     static_cast<size_t>(row));
  }
}

void mirror_image(Image& image) {
  const int64_t channels = image.channels;
  for (int64_t y = 0; y < image.height; ++y) {
    uint8_t* row = image.row(y);
    for (int64_t a = 0, b = image.width - 1; a < b; ++a, --b)
      std::swap_ranges(row + a * channels, row + (a + 1) * channels, row + b * channels);
  }
}

}  // namespace gemel::data
