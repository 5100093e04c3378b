#include "simd/depthwise.h"

#include <algorithm>

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simd/depthwise.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace gemel::simd::HWY_NAMESPACE {
namespace depthwise {
namespace hn = hwy::HWY_NAMESPACE;

// Masked loads that touch no byte beyond the mask: rows end, and planes begin, at any place.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using M = hn::Mask<D>;
constexpr D d{};
constexpr int64_t lanes = hn::MaxLanes(D());

// Lanes of a vector at column `at` whose columns are in [0, width).
HWY_INLINE M inside(int64_t at, int64_t width) {
  const auto before = static_cast<size_t>(std::clamp<int64_t>(-at, 0, lanes));
  const auto end = static_cast<size_t>(std::clamp<int64_t>(width - at, 0, lanes));
  return hn::AndNot(hn::FirstN(d, before), hn::FirstN(d, end));
}

// What the columns of a kernel meet of one row, for a vector of outputs from column `first` on.
template <int kernel, int stride>
class Taps;

template <int kernel>
class Taps<kernel, 1> {
 public:
  Taps(int64_t first, int64_t pad, int64_t width) : first_(first - pad) {
    for (int k = 0; k < kernel; ++k) masks_[k] = inside(first_ + k, width);
  }
  HWY_INLINE void load(const float* row, V (&taps)[kernel]) const {
#pragma GCC unroll 5
    for (int k = 0; k < kernel; ++k) taps[k] = hn::MaskedLoad(masks_[k], d, row + first_ + k);
  }

 private:
  int64_t first_;
  M masks_[kernel];
};

template <int kernel>
class Taps<kernel, 2> {
 public:
  Taps(int64_t first, int64_t pad, int64_t width) : first_(2 * first - pad) {
    for (int k = 0; k < pairs; ++k)
      for (int half = 0; half < 2; ++half)
        masks_[k][half] = inside(first_ + 2 * k + half * lanes, width);
  }
  HWY_INLINE void load(const float* row, V (&taps)[kernel]) const {
#pragma GCC unroll 3
    for (int k = 0; k < pairs; ++k) {
      const float* from = row + first_ + 2 * k;
      const V low = hn::MaskedLoad(masks_[k][0], d, from);
      const V high = hn::MaskedLoad(masks_[k][1], d, from + lanes);
      taps[2 * k] = hn::ConcatEven(d, high, low);
      if (2 * k + 1 < kernel) taps[2 * k + 1] = hn::ConcatOdd(d, high, low);
    }
  }

 private:
  static constexpr int pairs = (kernel + 1) / 2;
  int64_t first_;
  M masks_[pairs][2];
};

// The weight of one plane, each element in all lanes: registers, where there are enough.
template <int kernel>
struct Weight {
  V of[kernel][kernel];
  explicit HWY_INLINE Weight(const float* weight) {
#pragma GCC unroll 5
    for (int k = 0; k < kernel; ++k)
#pragma GCC unroll 5
      for (int j = 0; j < kernel; ++j) of[k][j] = hn::Set(d, weight[k * kernel + j]);
  }
};

// `rows` rows of outputs from row `y` on, at one vector of columns.
template <int kernel, int stride, int rows>
HWY_INLINE void forward_rows(const DepthwisePlane& p, const Taps<kernel, stride>& taps, M valid,
                             const float* x, const Weight<kernel>& weight, V bias, int64_t y,
                             float* out) {
  V sum[rows];
#pragma GCC unroll 4
  for (int b = 0; b < rows; ++b) sum[b] = bias;
  const int64_t top = y * stride - p.pad[0];
#pragma GCC unroll 9
  for (int r = 0; r < (rows - 1) * stride + kernel; ++r) {
    if (top + r < 0 || top + r >= p.in[0]) continue;
    V row[kernel];
    taps.load(x + (top + r) * p.in[1], row);
#pragma GCC unroll 4
    for (int b = 0; b < rows; ++b) {
      const int k = r - b * stride;
      if (k < 0 || k >= kernel) continue;
#pragma GCC unroll 5
      for (int j = 0; j < kernel; ++j) sum[b] = hn::MulAdd(row[j], weight.of[k][j], sum[b]);
    }
  }
#pragma GCC unroll 4
  for (int b = 0; b < rows; ++b) hn::BlendedStore(sum[b], valid, d, out + (y + b) * p.out[1]);
}

// A vector of columns from `i` on, of the output rows [top, end).
template <int kernel, int stride>
HWY_INLINE void forward_columns(const DepthwisePlane& p, const Taps<kernel, stride>& taps, M valid,
                                const float* x, const float* weights, V bias, int64_t top,
                                int64_t end, float* out) {
  constexpr int rows = stride == 1 ? 4 : 2;
  const Weight<kernel> weight(weights);
  int64_t y = top;
  for (; y + rows <= end; y += rows)
    forward_rows<kernel, stride, rows>(p, taps, valid, x, weight, bias, y, out);
  if (rows > 2 && end - y == 3)
    forward_rows<kernel, stride, 3>(p, taps, valid, x, weight, bias, y, out);
  else if (rows > 2 && end - y == 2)
    forward_rows<kernel, stride, 2>(p, taps, valid, x, weight, bias, y, out);
  else if (end - y == 1)
    forward_rows<kernel, stride, 1>(p, taps, valid, x, weight, bias, y, out);
}

template <int kernel, int stride>
void forward_of(const DepthwisePlane& p, int64_t planes, const float* x, const float* weight,
                const float* bias, float* out) {
  const auto start = [&](int64_t n) HWY_ATTR { return bias ? hn::Set(d, bias[n]) : hn::Zero(d); };
  const int64_t in_size = p.in[0] * p.in[1], out_size = p.out[0] * p.out[1];
  if (p.out[1] <= lanes) {
    const Taps<kernel, stride> taps(0, p.pad[1], p.in[1]);
    const M valid = inside(0, p.out[1]);
    for (int64_t n = 0; n < planes; ++n)
      forward_columns(p, taps, valid, x + n * in_size, weight + n * kernel * kernel, start(n), 0,
                      p.out[0], out + n * out_size);
    return;
  }
  constexpr int64_t block = 32 / stride;  // rows that pass by before the next columns
  for (int64_t n = 0; n < planes; ++n)
    for (int64_t top = 0; top < p.out[0]; top += block)
      for (int64_t i = 0; i < p.out[1]; i += lanes)
        forward_columns(p, Taps<kernel, stride>(i, p.pad[1], p.in[1]), inside(i, p.out[1]),
                        x + n * in_size, weight + n * kernel * kernel, start(n), top,
                        std::min(p.out[0], top + block), out + n * out_size + i);
}

void forward(const DepthwisePlane& p, int64_t planes, const float* x, const float* weight,
             const float* bias, float* out) {
  const auto run = p.kernel == 3 ? (p.stride == 1 ? forward_of<3, 1> : forward_of<3, 2>)
                                 : (p.stride == 1 ? forward_of<5, 1> : forward_of<5, 2>);
  run(p, planes, x, weight, bias, out);
}

// Input columns 2 u - pad and 2 u + 1 - pad, for a vector of u, meet windows u - j through the even
// and the odd elements 2 j, 2 j + 1 of the kernel.
template <int kernel>
void gradient_of(const DepthwisePlane& p, const float* dy, const float* weight, float* dx) {
  constexpr int windows = (kernel + 1) / 2;
  for (int64_t u = 0; 2 * u - p.pad[1] < p.in[1]; u += lanes) {
    M masks[windows];
    for (int j = 0; j < windows; ++j) masks[j] = inside(u - j, p.out[1]);
    const int64_t at = 2 * u - p.pad[1];
    const M low = inside(at, p.in[1]), high = inside(at + lanes, p.in[1]);
    for (int64_t y = 0; y < p.in[0]; ++y) {
      V even = hn::Zero(d), odd = even;
      const int64_t t = y + p.pad[0];
      for (int64_t k = t % 2; k < kernel; k += 2) {
        const int64_t row = (t - k) / 2;
        if (t < k || row >= p.out[0]) continue;
        const float* from = dy + row * p.out[1] + u;
        const float* w = weight + k * kernel;
#pragma GCC unroll 3
        for (int j = 0; j < windows; ++j) {
          const V head = hn::MaskedLoad(masks[j], d, from - j);
          even = hn::MulAdd(head, hn::Set(d, w[2 * j]), even);
          if (2 * j + 1 < kernel) odd = hn::MulAdd(head, hn::Set(d, w[2 * j + 1]), odd);
        }
      }
      HWY_ALIGN float pairs[2 * lanes];
      hn::StoreInterleaved2(even, odd, d, pairs);
      float* to = dx + y * p.in[1] + at;
      hn::BlendedStore(hn::Load(d, pairs), low, d, to);
      hn::BlendedStore(hn::Load(d, pairs + lanes), high, d, to + lanes);
    }
  }
}

void gradient(const DepthwisePlane& p, const float* dy, const float* weight, float* dx) {
  (p.kernel == 3 ? gradient_of<3> : gradient_of<5>)(p, dy, weight, dx);
}

// What `rows` rows of outputs from row `y` on add to the sums.
template <int kernel, int stride, int rows>
HWY_INLINE void weight_rows(const DepthwisePlane& p, const Taps<kernel, stride>& taps, M valid,
                            const float* x, const float* dy, int64_t y, V (&sum)[kernel][kernel]) {
  V head[rows];
#pragma GCC unroll 4
  for (int b = 0; b < rows; ++b) head[b] = hn::MaskedLoad(valid, d, dy + (y + b) * p.out[1]);
  const int64_t top = y * stride - p.pad[0];
#pragma GCC unroll 9
  for (int r = 0; r < (rows - 1) * stride + kernel; ++r) {
    if (top + r < 0 || top + r >= p.in[0]) continue;
    V row[kernel];
    taps.load(x + (top + r) * p.in[1], row);
#pragma GCC unroll 4
    for (int b = 0; b < rows; ++b) {
      const int k = r - b * stride;
      if (k < 0 || k >= kernel) continue;
#pragma GCC unroll 5
      for (int j = 0; j < kernel; ++j) sum[k][j] = hn::MulAdd(row[j], head[b], sum[k][j]);
    }
  }
}

// What rows [top, end) at a vector of columns add to the sums, a vector for each element.
template <int kernel, int stride>
void weight_columns(const DepthwisePlane& p, const Taps<kernel, stride>& columns, M valid,
                    const float* x, const float* dy, int64_t top, int64_t end, float* sums) {
  const Taps<kernel, stride> taps = columns;
  V sum[kernel][kernel];
#pragma GCC unroll 5
  for (int k = 0; k < kernel; ++k)
#pragma GCC unroll 5
    for (int j = 0; j < kernel; ++j) sum[k][j] = hn::Load(d, sums + (k * kernel + j) * lanes);
  constexpr int rows = kernel == 3 ? 2 : 1;
  int64_t y = top;
  for (; y + rows <= end; y += rows)
    weight_rows<kernel, stride, rows>(p, taps, valid, x, dy, y, sum);
  if (rows == 2 && y < end) weight_rows<kernel, stride, 1>(p, taps, valid, x, dy, y, sum);
#pragma GCC unroll 5
  for (int k = 0; k < kernel; ++k)
#pragma GCC unroll 5
    for (int j = 0; j < kernel; ++j) hn::Store(sum[k][j], d, sums + (k * kernel + j) * lanes);
}

template <int kernel, int stride>
void weight_of(const DepthwisePlane& p, int64_t images, const float* x, int64_t x_image,
               const float* dy, int64_t dy_image, float* dweight) {
  HWY_ALIGN float sums[kernel * kernel * lanes] = {};
  if (p.out[1] <= lanes) {
    const Taps<kernel, stride> taps(0, p.pad[1], p.in[1]);
    const M valid = inside(0, p.out[1]);
    for (int64_t n = 0; n < images; ++n)
      weight_columns(p, taps, valid, x + n * x_image, dy + n * dy_image, 0, p.out[0], sums);
  } else {
    constexpr int64_t block = 16;
    for (int64_t n = 0; n < images; ++n, x += x_image, dy += dy_image)
      for (int64_t top = 0; top < p.out[0]; top += block)
        for (int64_t i = 0; i < p.out[1]; i += lanes)
          weight_columns(p, Taps<kernel, stride>(i, p.pad[1], p.in[1]), inside(i, p.out[1]), x,
                         dy + i, top, std::min(p.out[0], top + block), sums);
  }
  for (int k = 0; k < kernel * kernel; ++k)
    dweight[k] = hn::GetLane(hn::SumOfLanes(d, hn::Load(d, sums + k * lanes)));
}

void weight(const DepthwisePlane& p, int64_t images, const float* x, int64_t x_image,
            const float* dy, int64_t dy_image, float* dweight) {
  const auto run = p.kernel == 3 ? (p.stride == 1 ? weight_of<3, 1> : weight_of<3, 2>)
                                 : (p.stride == 1 ? weight_of<5, 1> : weight_of<5, 2>);
  run(p, images, x, x_image, dy, dy_image, dweight);
}

DepthwiseLoops table() { return {forward, gradient, weight}; }
#else
DepthwiseLoops table() { return {}; }
#endif

}  // namespace depthwise

DepthwiseLoops depthwise_loops_table() { return depthwise::table(); }

}  // namespace gemel::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gemel::simd {

HWY_EXPORT(depthwise_loops_table);

const DepthwiseLoops& depthwise_loops() {
  static const DepthwiseLoops table = HWY_DYNAMIC_DISPATCH(depthwise_loops_table)();
  return table;
}

bool depthwise_serves(const DepthwisePlane& p) {
  return depthwise_loops().forward && (p.kernel == 3 || p.kernel == 5) &&
         (p.stride == 1 || p.stride == 2);
}

}  // namespace gemel::simd
#endif
