// Bilinear sampling of images at the points of a grid, and the grids of affine maps and flows.
// Coordinates run from -1 to 1 over the image; what lies outside of it is 0.
#pragma once
#include "array/tensor.h"

namespace gemel {

// data (batch, channel, height, width), grid (batch, 2, rows, columns) with x first.
void sample_bilinear(const Tensor& data, const Tensor& grid, const Tensor& out);
void sample_bilinear_backward(const Tensor& dy, const Tensor& data, const Tensor& grid,
                              const Tensor& ddata, const Tensor& dgrid);

// theta: six numbers for each of the batch, the rows of a 2 x 3 matrix.
void affine_grid(const Tensor& theta, const Tensor& grid);
// The gradient of theta, which is also the map itself applied to a gradient of the grid.
void affine_grid_backward(const Tensor& dgrid, const Tensor& dtheta);

}  // namespace gemel
