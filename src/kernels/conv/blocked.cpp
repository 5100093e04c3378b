#include "kernels/conv/blocked.h"

#include <algorithm>
#include <cstring>

#include "kernels/parallel.h"
#include "simd/winograd.h"

namespace gemel::kernels {
namespace {

// Calls f(strip, offset of the plain part, offset of the blocked part) for parts that stay in the
// first cache.
template <typename F>
void parts(int64_t batch, int64_t channels, int64_t area, F&& f) {
  constexpr int64_t part = 256;
  const int64_t blocks = channel_blocks(channels), pieces = (area + part - 1) / part;
  parallel_for(batch * blocks * pieces, part * block_channels, [&](int64_t i) {
    const int64_t n = i / pieces / blocks, b = i / pieces % blocks, first = i % pieces * part;
    const int64_t columns = std::min(part, area - first);
    const simd::WinogradStrip strip{
        std::min(block_channels, channels - b * block_channels), 1, columns, area, 0, 0};
    f(strip, (n * channels + b * block_channels) * area + first,
      ((n * blocks + b) * area + first) * block_channels);
  });
}

}  // namespace

void to_blocked(int64_t batch, int64_t channels, int64_t area, const float* plain, float* blocked) {
  parts(batch, channels, area, [&](const simd::WinogradStrip& s, int64_t from, int64_t to) {
    if (s.channels < block_channels)
      std::memset(blocked + to, 0, static_cast<size_t>(s.columns * block_channels) * sizeof(float));
    simd::winograd_gather(s, plain + from, blocked + to);
  });
}

void from_blocked(int64_t batch, int64_t channels, int64_t area, const float* blocked,
                  float* plain) {
  parts(batch, channels, area, [&](const simd::WinogradStrip& s, int64_t to, int64_t from) {
    simd::winograd_scatter(s, blocked + from, plain + to);
  });
}

}  // namespace gemel::kernels
