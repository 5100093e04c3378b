// One direction of one recurrent layer. Matrices are row-major; `Matrix` names rows that lie
// `stride` elements apart. T is float or double.
#pragma once
#include <cstdint>

#include "kernels/rnn/geometry.h"

namespace gemel::kernels {

template <typename T>
struct Matrix {
  T* data = nullptr;
  int64_t stride = 0;
  T* row(int64_t i) const { return data + i * stride; }
};

template <typename T>
struct DirectionWeights {
  T *input = nullptr, *hidden = nullptr, *projection = nullptr, *input_bias = nullptr,
    *hidden_bias = nullptr;
};

// What the forward pass leaves for the gradient; steps are rows of (time * batch, ...).
template <typename T>
struct DirectionReserve {
  T* gates = nullptr;        // after their functions
  T* extra = nullptr;        // lstm: the cells; gru: the hidden part of the new state
  T* unprojected = nullptr;  // the state before projection
  T* previous = nullptr;     // with lengths: the state before each step
};
// Elements of one direction's reserve.
int64_t direction_reserve_size(const RecurrentGeometry& g);
template <typename T>
DirectionReserve<T> direction_reserve(const RecurrentGeometry& g, T* memory);

template <typename T>
struct Direction {
  const RecurrentGeometry& g;
  int64_t inputs = 0;                         // columns of x
  bool reversed = false;                      // from the last step to the first
  Matrix<const T> x;                          // (time * batch, inputs)
  Matrix<T> y;                                // (time * batch, state)
  const T *state = nullptr, *cell = nullptr;  // before the first step
  const int64_t* lengths = nullptr;
  DirectionWeights<const T> weights;
  DirectionReserve<T> reserve;

  // Row of the first sample at the k-th step taken.
  int64_t row(int64_t k) const { return (reversed ? g.time - 1 - k : k) * g.batch; }
  Matrix<const T> previous_state(int64_t k) const;
  const T* previous_cell(int64_t k) const;
  bool active(int64_t row) const { return !lengths || row / g.batch < lengths[row % g.batch]; }

  // `last_state` and `last_cell` may be null. `scratch` holds direction_forward_scratch elements.
  void forward(T* last_state, T* last_cell, T* scratch) const;
};
int64_t direction_forward_scratch(const RecurrentGeometry& g);

template <typename T>
struct DirectionGradients {
  Matrix<const T> dy;  // (time * batch, state)
  // In: the gradients of the last state and cell; out: those of the first.
  T *state = nullptr, *cell = nullptr;
  Matrix<T> dx;
  bool adds_to_dx = false;
  DirectionWeights<T> weights;
};
// `scratch` holds direction_backward_scratch elements.
template <typename T>
void backward(const Direction<T>& direction, const DirectionGradients<T>& gradients, T* scratch);
int64_t direction_backward_scratch(const RecurrentGeometry& g);

}  // namespace gemel::kernels
