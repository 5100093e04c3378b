// Blocked arrays: batch, channels / 16 rounded up, space, 16 channels. Channels that fill up the
// last block are zeros.
#pragma once
#include <cstdint>

namespace gemel::kernels {

inline constexpr int64_t block_channels = 16;
inline int64_t channel_blocks(int64_t channels) {
  return (channels + block_channels - 1) / block_channels;
}

// `area` is the number of elements of one channel.
void to_blocked(int64_t batch, int64_t channels, int64_t area, const float* plain, float* blocked);
void from_blocked(int64_t batch, int64_t channels, int64_t area, const float* blocked,
                  float* plain);

}  // namespace gemel::kernels
