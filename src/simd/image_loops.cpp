#include "simd/image_loops.h"

#include <algorithm>
#include <cstring>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/image_loops.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// One pixel at a time: its pair's six bytes become three pairs of 16 bits.
void image_row_rgb(const uint8_t* source, const PixelPair* pairs, int16_t* out, size_t n) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<uint8_t, 16> d8;
  const hn::FixedTag<int16_t, 8> d16;
  const hn::FixedTag<int32_t, 4> d32;
  const hn::FixedTag<uint64_t, 2> d64;
  alignas(16) static constexpr uint8_t order[16] = {0, 128, 3, 128, 1,   128, 4,   128,
                                                    2, 128, 5, 128, 128, 128, 128, 128};
  const auto table = hn::Load(d8, order);
  const auto one = [&](const PixelPair& pair) {
    uint64_t bytes;
    std::memcpy(&bytes, source + 3 * pair.pixel, 8);
    int32_t weights;
    std::memcpy(&weights, &pair.first, 4);
    const auto values = hn::TableLookupBytesOr0(hn::BitCast(d8, hn::Set(d64, bytes)), table);
    const auto w = hn::BitCast(d16, hn::Set(d32, weights));
    auto odd = hn::Zero(d32);
    const auto even =
        hn::ReorderWidenMulAccumulate(d32, hn::BitCast(d16, values), w, hn::Zero(d32), odd);
    return hn::ShiftRight<4>(hn::RearrangeToOddPlusEven(even, odd));
  };
  // Each store's unused end is written over by the next; the last pixel is stored by itself.
  const hn::FixedTag<int16_t, 4> d16h;
  for (; i + 2 <= n; ++i) hn::StoreU(hn::DemoteTo(d16h, one(pairs[i])), d16h, out + 3 * i);
#endif
  for (; i < n; ++i)
    for (int c = 0; c < 3; ++c) {
      const uint8_t* at = source + 3 * pairs[i].pixel + c;
      out[3 * i + c] =
          static_cast<int16_t>((at[0] * pairs[i].first + at[3] * pairs[i].second) >> 4);
    }
}

void image_blend(const int16_t* a, const int16_t* b, int16_t first, int16_t second, uint8_t* out,
                 size_t n) {
  size_t i = 0;
  const hn::ScalableTag<int16_t> d;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  const size_t lanes = hn::Lanes(d);
  const auto wa = hn::Set(d, first), wb = hn::Set(d, second), two = hn::Set(d, int16_t{2});
  for (; i + lanes <= n; i += lanes) {
    const auto sum =
        hn::Add(hn::MulHigh(hn::LoadU(d, a + i), wa), hn::MulHigh(hn::LoadU(d, b + i), wb));
    hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<2>(hn::Add(sum, two))), d8, out + i);
  }
  for (; i < n; ++i) {
    const int sum = (a[i] * first >> 16) + (b[i] * second >> 16);
    out[i] = static_cast<uint8_t>(std::clamp((sum + 2) >> 2, 0, 255));
  }
}

void image_planes(const uint8_t* source, const float* scale, const float* shift, float* r, float* g,
                  float* b, size_t n) {
  size_t i = 0;
  const hn::ScalableTag<float> d;
  const hn::Rebind<int32_t, decltype(d)> d32;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  const size_t lanes = hn::Lanes(d);
  float* planes[3] = {r, g, b};
  for (; i + lanes <= n; i += lanes) {
    decltype(hn::Zero(d8)) c0, c1, c2;
    hn::LoadInterleaved3(d8, source + 3 * i, c0, c1, c2);
    const auto put = [&](int c, auto values) {
      const auto wide = hn::ConvertTo(d, hn::PromoteTo(d32, values));
      hn::StoreU(hn::Add(hn::Mul(wide, hn::Set(d, scale[c])), hn::Set(d, shift[c])), d,
                 planes[c] + i);
    };
    put(0, c0);
    put(1, c1);
    put(2, c2);
  }
  for (; i < n; ++i)
    for (int c = 0; c < 3; ++c)
      planes[c][i] = static_cast<float>(source[3 * i + c]) * scale[c] + shift[c];
}

void image_mix(const float* matrix, const float* offset, const float* scale, const float* shift,
               float* r, float* g, float* b, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  float* planes[3] = {r, g, b};
  size_t i = 0;
  const auto low = hn::Zero(d), high = hn::Set(d, 255.0f);
  for (; i + lanes <= n; i += lanes) {
    const auto x = hn::LoadU(d, r + i), y = hn::LoadU(d, g + i), z = hn::LoadU(d, b + i);
    for (int c = 0; c < 3; ++c) {
      const float* m = matrix + 3 * c;
      const auto sum = hn::Add(hn::Add(hn::Mul(x, hn::Set(d, m[0])), hn::Mul(y, hn::Set(d, m[1]))),
                               hn::Add(hn::Mul(z, hn::Set(d, m[2])), hn::Set(d, offset[c])));
      const auto value = hn::Min(hn::Max(sum, low), high);
      hn::StoreU(hn::Add(hn::Mul(value, hn::Set(d, scale[c])), hn::Set(d, shift[c])), d,
                 planes[c] + i);
    }
  }
  for (; i < n; ++i) {
    const float x = r[i], y = g[i], z = b[i];
    for (int c = 0; c < 3; ++c) {
      const float* m = matrix + 3 * c;
      const float sum = (x * m[0] + y * m[1]) + (z * m[2] + offset[c]);
      planes[c][i] = std::clamp(sum, 0.0f, 255.0f) * scale[c] + shift[c];
    }
  }
}

void image_reverse(const uint8_t* from, uint8_t* to, size_t n) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<uint8_t, 16> d;
  const auto order = hn::Sub(hn::Set(d, uint8_t{15}), hn::Iota(d, 0));
  for (; i + 16 <= n; i += 16) {
    auto c0 = hn::Zero(d), c1 = c0, c2 = c0;
    hn::LoadInterleaved3(d, from + 3 * i, c0, c1, c2);
    hn::StoreInterleaved3(hn::TableLookupBytes(c0, order), hn::TableLookupBytes(c1, order),
                          hn::TableLookupBytes(c2, order), d, to + 3 * (n - 16 - i));
  }
#endif
  for (; i < n; ++i) std::memcpy(to + 3 * (n - 1 - i), from + 3 * i, 3);
}

void image_normalize(const float* from, float mean, float deviation, float* to, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::Div(hn::Sub(hn::LoadU(d, from + i), hn::Set(d, mean)), hn::Set(d, deviation)), d,
               to + i);
  for (; i < n; ++i) to[i] = (from[i] - mean) / deviation;
}

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {
HWY_EXPORT(image_row_rgb);
HWY_EXPORT(image_blend);
HWY_EXPORT(image_planes);
HWY_EXPORT(image_mix);
HWY_EXPORT(image_reverse);
HWY_EXPORT(image_normalize);

void resize_row_rgb(const uint8_t* source, const PixelPair* pairs, int16_t* out, size_t n) {
  HWY_DYNAMIC_DISPATCH(image_row_rgb)(source, pairs, out, n);
}

void resize_row_gray(const uint8_t* source, const PixelPair* pairs, int16_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const uint8_t* at = source + pairs[i].pixel;
    out[i] = static_cast<int16_t>((at[0] * pairs[i].first + at[1] * pairs[i].second) >> 4);
  }
}

void blend_rows(const int16_t* a, const int16_t* b, int16_t first, int16_t second, uint8_t* out,
                size_t n) {
  HWY_DYNAMIC_DISPATCH(image_blend)(a, b, first, second, out, n);
}

void planes_of_rgb(const uint8_t* source, const float* scale, const float* shift, float* r,
                   float* g, float* b, size_t n) {
  HWY_DYNAMIC_DISPATCH(image_planes)(source, scale, shift, r, g, b, n);
}

void reverse_rgb(const uint8_t* from, uint8_t* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(image_reverse)(from, to, n);
}

void normalize_plane(const float* from, float mean, float deviation, float* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(image_normalize)(from, mean, deviation, to, n);
}

void mix_planes(const float* matrix, const float* offset, const float* scale, const float* shift,
                float* r, float* g, float* b, size_t n) {
  HWY_DYNAMIC_DISPATCH(image_mix)(matrix, offset, scale, shift, r, g, b, n);
}

}  // namespace gemel::simd
#endif  // HWY_ONCE
