// Softmax along one axis of an array seen as outer x count x inner, and its gradient. All floating
// types; halves are computed in float.
#pragma once
#include <cstdint>

#include "array/tensor.h"

namespace gemel::kernels {

enum class SoftmaxKind { softmax, log_softmax, softmin };

struct Softmax {
  SoftmaxKind kind = SoftmaxKind::softmax;
  int64_t outer = 1, count = 1, inner = 1;
  double temperature = 1;
  // Elements of each row that take part, the others become 0; null: all.
  const Tensor* lengths = nullptr;

  static Softmax along(SoftmaxKind kind, const Shape& shape, int axis) {
    return {kind, shape.size(0, axis), shape[axis], shape.size(axis + 1, shape.ndim())};
  }
};

// data and out may be the same memory when their types are.
void softmax(const Softmax& s, const Tensor& data, const Tensor& out);
// The gradient of data from the gradient of the output and the output; dx may be dy.
void softmax_backward(const Softmax& s, const Tensor& dy, const Tensor& y, const Tensor& dx);

}  // namespace gemel::kernels
