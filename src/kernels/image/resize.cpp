#include "kernels/image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/image/taps.h"
#include "kernels/image/window_resize.h"
#include "kernels/parallel.h"

namespace gemel::kernels {

namespace {

template <typename T, typename W>
T rounded(W value) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    constexpr auto low = static_cast<double>(std::numeric_limits<T>::min());
    constexpr auto high = static_cast<double>(std::numeric_limits<T>::max());
    const double whole = std::nearbyint(static_cast<double>(value));
    return whole <= low    ? std::numeric_limits<T>::min()
           : whole >= high ? std::numeric_limits<T>::max()
                           : static_cast<T>(whole);
  } else {
    return static_cast<T>(value);
  }
}

// The two passes over an image: rows first, then columns of what they gave.
template <typename W>
struct Passes {
  const Taps &across, &down;
  ImageSize from_size, to_size;
  int64_t channels;

  // `column(y, i, first, row)` makes element i of row y from a column of rows of `row` elements.
  template <typename T, typename C, typename F>
  void run(const T* from, const std::vector<C>& across_weight, const F& column) const {
    const int64_t row = to_size.width * channels;
    std::vector<W> rows(static_cast<size_t>(from_size.height * row));
    parallel_for(from_size.height, row * 4, [&](int64_t y) {
      const T* source = from + y * from_size.width * channels;
      W* target = rows.data() + y * row;
      for (int64_t x = 0; x < to_size.width; ++x)
        for (int64_t c = 0; c < channels; ++c) {
          W sum = 0;
          for (int64_t k = across.begin[x]; k < across.begin[x + 1]; ++k)
            sum += static_cast<W>(source[across.source[k] * channels + c]) *
                   static_cast<W>(across_weight[k]);
          target[x * channels + c] = sum;
        }
    });
    parallel_for(to_size.height, row * 4, [&](int64_t y) {
      for (int64_t i = 0; i < row; ++i) column(y, i, rows.data() + i, row);
    });
  }
};

template <typename T>
void interpolate(const T* from, T* to, const Taps& across, const Taps& down, ImageSize from_size,
                 ImageSize to_size, int64_t channels) {
  using W = std::conditional_t<std::is_same_v<T, double>, double, float>;
  const Passes<W> passes{across, down, from_size, to_size, channels};
  passes.run(from, across.weight, [&](int64_t y, int64_t i, const W* column, int64_t row) {
    W sum = 0;
    for (int64_t k = down.begin[y]; k < down.begin[y + 1]; ++k)
      sum += column[down.source[k] * row] * static_cast<W>(down.weight[k]);
    to[y * row + i] = rounded<T>(sum);
  });
}

std::vector<int32_t> fixed_point(const std::vector<float>& weights, int bits) {
  std::vector<int32_t> result;
  const auto unit = static_cast<float>(1 << bits);
  for (float w : weights) result.push_back(static_cast<int32_t>(std::lrint(w * unit)));
  return result;
}

// `linear` drops bits between the products, as the vector code of OpenCV does.
void interpolate_fixed(const uint8_t* from, uint8_t* to, const Passes<int32_t>& passes,
                       Interpolation interpolation) {
  const bool linear =
      interpolation == Interpolation::linear || interpolation == Interpolation::area;
  const int bits = interpolation == Interpolation::linear_exact ? 8 : 11;
  const std::vector<int32_t> across = fixed_point(passes.across.weight, bits);
  const std::vector<int32_t> down = fixed_point(passes.down.weight, bits);
  const Taps& taps = passes.down;
  passes.run(from, across, [&](int64_t y, int64_t i, const int32_t* column, int64_t row) {
    int32_t sum = 0;
    for (int64_t k = taps.begin[y]; k < taps.begin[y + 1]; ++k) {
      const int32_t value = column[taps.source[k] * row];
      sum += linear ? (down[k] * (value >> 4)) >> 16 : down[k] * value;
    }
    sum = linear ? (sum + 2) >> 2 : (sum + (1 << (2 * bits - 1))) >> (2 * bits);
    to[y * row + i] = static_cast<uint8_t>(std::clamp(sum, 0, 255));
  });
}

// Half the size of a uint8 image: the sum of four pixels, halves rounded up.
void halve(const uint8_t* from, uint8_t* to, ImageSize size, int64_t channels) {
  const int64_t row = size.width * channels;
  parallel_for(size.height, row * 4, [&](int64_t y) {
    for (int64_t x = 0; x < size.width; ++x)
      for (int64_t c = 0; c < channels; ++c) {
        const uint8_t* at = from + 4 * y * row + 2 * x * channels + c;
        to[y * row + x * channels + c] = static_cast<uint8_t>(
            (at[0] + at[channels] + at[2 * row] + at[2 * row + channels] + 2) >> 2);
      }
  });
}

}  // namespace

void resize(const std::byte* from, ImageSize from_size, std::byte* to, ImageSize to_size,
            int64_t channels, DType dtype, Interpolation interpolation) {
  using enum Interpolation;
  const bool halves =
      from_size.height == 2 * to_size.height && from_size.width == 2 * to_size.width;
  if (from_size.height == to_size.height && from_size.width == to_size.width) {
    std::memcpy(to, from,
                static_cast<size_t>(to_size.height * to_size.width * channels * size_of(dtype)));
    return;
  }
  if (interpolation == linear && halves) interpolation = area;
  const bool averages = interpolation == area && from_size.height >= to_size.height &&
                        from_size.width >= to_size.width;
  const Taps across = taps_of(from_size.width, to_size.width, interpolation, averages);
  const Taps down = taps_of(from_size.height, to_size.height, interpolation, averages);
  dispatch(dtype, [&]<typename T>(Type<T>) {
    const auto* source = reinterpret_cast<const T*>(from);
    auto* target = reinterpret_cast<T*>(to);
    if constexpr (std::is_same_v<T, uint8_t>) {
      if (averages && halves) return halve(source, target, to_size, channels);
      if (interpolation == linear && (channels == 1 || channels == 3))
        return WindowResize{{0, 0, from_size.height, from_size.width},
                            to_size.height,
                            to_size.width,
                            {0, 0, to_size.height, to_size.width}}
            .run(source, {0, 0, from_size.height, from_size.width}, channels, target);
      if (!averages && interpolation != nearest)
        return interpolate_fixed(source, target, {across, down, from_size, to_size, channels},
                                 interpolation);
    }
    if (interpolation == nearest) {
      parallel_for(to_size.height, to_size.width * channels, [&](int64_t y) {
        const T* row = source + down.source[y] * from_size.width * channels;
        for (int64_t x = 0; x < to_size.width; ++x)
          std::copy_n(row + across.source[x] * channels, channels,
                      target + (y * to_size.width + x) * channels);
      });
      return;
    }
    interpolate(source, target, across, down, from_size, to_size, channels);
  });
}

}  // namespace gemel::kernels
