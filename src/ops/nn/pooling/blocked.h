// Pooling of blocked arrays (op/blocked_form.h) over two axes: maxima, averages and sums.
#pragma once
#include "ops/nn/pooling/window.h"

namespace gemel {

// `planes` of the geometry are blocks of 16 channels.
void pool_blocked(const PoolingGeometry& g, const float* data, float* out);

}  // namespace gemel
