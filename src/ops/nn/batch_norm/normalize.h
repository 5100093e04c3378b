// Normalising the channels of an array seen as outer x channels x inner. Statistics and parameters
// are float, or double for double data.
#pragma once
#include "array/tensor.h"

namespace gemel {

struct ChannelGeometry {
  DType dtype;  // of the data
  int64_t outer = 1, channels = 1, inner = 1;
  double eps = 0;
  static ChannelGeometry along(DType dtype, const Shape& shape, int axis, double eps) {
    return {dtype, shape.size(0, axis), shape[axis], shape.size(axis + 1, shape.ndim()), eps};
  }
};

// Writes mean and 1 / sqrt(variance + eps) of each channel, then normalises as below with these.
void normalize_batch(const ChannelGeometry& g, const void* data, const void* gamma,
                     const void* beta, void* mean, void* inverse_deviation, void* out);
// 1 / sqrt(variance + eps) from given variances.
void inverse_deviations(const ChannelGeometry& g, const void* variance, void* inverse_deviation);
// (data - mean) * inverse_deviation * gamma + beta; a null gamma stands for ones. out may be data.
void normalize_channels(const ChannelGeometry& g, const void* data, const void* mean,
                        const void* inverse_deviation, const void* gamma, const void* beta,
                        void* out);
// With `moves`, mean and deviation depend on the data. A null gamma stands for ones, and its
// gradient is then 0. dx may be dy.
void normalize_channels_backward(const ChannelGeometry& g, bool moves, const void* dy,
                                 const void* data, const void* mean, const void* inverse_deviation,
                                 const void* gamma, void* dx, void* dgamma, void* dbeta);
// moving = momentum * moving + (1 - momentum) * current, for the mean and the variance behind the
// deviation.
void move_statistics(const ChannelGeometry& g, double momentum, const void* mean,
                     const void* inverse_deviation, void* moving_mean, void* moving_variance);

}  // namespace gemel
