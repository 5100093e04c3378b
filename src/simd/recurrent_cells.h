// The elementwise part of one step of a recurrent layer, for one row of `n` units, chosen once for
// the CPU at hand. Gates of one row lie n elements apart. T is float or double.
#pragma once
#include <cstddef>

namespace gemel::simd {

template <typename T>
struct RecurrentCells {
  // gates: i, f, g, o before their functions, after them on return. c = f c_prev + i g, limited to
  // [low, high]; h = o tanh(c). c may be c_prev.
  void (*lstm)(const T* c_prev, T* gates, T* c, T* h, T low, T high, size_t n);
  // From the results of `lstm`: dgates before the functions; dc, the gradient of c that comes from
  // later steps, becomes that of c_prev. Nothing flows where c was limited.
  void (*lstm_backward)(const T* c_prev, const T* gates, const T* c, const T* dh, T* dc, T* dgates,
                        T low, T high, size_t n);
  // gates: r, z, n from the input, with their functions on return; hidden: the same from h_prev.
  // r = sigmoid, z = sigmoid, n = tanh(input + r hidden); h = (1 - z) n + z h_prev.
  void (*gru)(const T* h_prev, T* gates, const T* hidden, T* h, size_t n);
  // hidden_new: the third part of `hidden`. dh becomes the gradient of h_prev along z.
  void (*gru_backward)(const T* h_prev, const T* gates, const T* hidden_new, T* dh, T* dgates,
                       T* dhidden, size_t n);
  void (*tanh)(const T* gates, T* h, size_t n);
  void (*tanh_backward)(const T* h, const T* dh, T* dgates, size_t n);
  void (*relu)(const T* gates, T* h, size_t n);
  void (*relu_backward)(const T* h, const T* dh, T* dgates, size_t n);
};

// Safe from any thread.
template <typename T>
const RecurrentCells<T>& recurrent_cells();
template <>
const RecurrentCells<float>& recurrent_cells<float>();
template <>
const RecurrentCells<double>& recurrent_cells<double>();

}  // namespace gemel::simd
