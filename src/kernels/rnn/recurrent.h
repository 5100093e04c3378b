// A stack of recurrent layers over a batch of sequences, and its gradient: one product for the
// input part of all steps, then step by step one product with the state and one pass over the
// gates. T is float or double.
#pragma once
#include "kernels/random.h"
#include "kernels/rnn/geometry.h"

namespace gemel::kernels {

// Arrays as in 1.9.1: data (time, batch, input), out (time, batch, output), state (layers *
// directions, batch, state), cell the same with `hidden`. `lengths` has one entry for each of the
// batch, clipped to the time, or is null: behind a sequence's end the output is 0 and the state
// stays.
template <typename T>
struct RecurrentArrays {
  const T *data = nullptr, *parameters = nullptr, *state = nullptr, *cell = nullptr;
  const int64_t* lengths = nullptr;
  T *out = nullptr, *last_state = nullptr, *last_cell = nullptr;  // the last two may be null
  T* reserve = nullptr;  // recurrent_reserve elements: what the gradient needs of the forward pass
};

template <typename T>
struct RecurrentGradients {
  const T *dy = nullptr, *dlast_state = nullptr, *dlast_cell = nullptr;  // the last two may be null
  T *data = nullptr, *parameters = nullptr, *state = nullptr, *cell = nullptr;
  T* scratch = nullptr;  // recurrent_scratch elements
};

int64_t recurrent_reserve(const RecurrentGeometry& g);
int64_t recurrent_scratch(const RecurrentGeometry& g);

// `choices` draws the elements that dropout drops; unused when g.dropout is 0.
template <typename T>
void recurrent_forward(const RecurrentGeometry& g, const RecurrentArrays<T>& arrays,
                       const Philox& choices);
// `arrays` are those of the forward pass, with its reserve and its out.
template <typename T>
void recurrent_backward(const RecurrentGeometry& g, const RecurrentArrays<T>& arrays,
                        const RecurrentGradients<T>& gradients);

}  // namespace gemel::kernels
