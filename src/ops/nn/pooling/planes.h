// The functions of window.h by vectors, for types that are computed in float.
#pragma once
#include "ops/nn/pooling/window.h"

namespace gemel::pooling_planes {

// Whether they serve the forward pass, and the backward pass; lp has neither.
bool forward_serves(DType dtype, const PoolingGeometry& g);
bool backward_serves(DType dtype, const PoolingGeometry& g);

void pool(DType dtype, const PoolingGeometry& g, const void* data, void* out);
void pool_backward(DType dtype, const PoolingGeometry& g, const void* dy, const void* data,
                   void* dx);
void pool_with_places(DType dtype, const PoolingGeometry& g, const void* data, void* out,
                      uint8_t* places);
void pool_backward_to_places(DType dtype, const PoolingGeometry& g, const void* dy,
                             const uint8_t* places, void* dx);

}  // namespace gemel::pooling_planes
