#include "kernels/rnn/layer.h"

#include <algorithm>
#include <cstring>

#include "kernels/gemm/gemm.h"
#include "kernels/parallel.h"
#include "simd/packed_product.h"
#include "simd/recurrent_cells.h"

namespace gemel::kernels {
namespace {

template <typename T>
constexpr DType dtype_of = std::is_same_v<T, float> ? DType::float32 : DType::float64;

// C (m x n) = op(A) op(B) + beta C.
template <typename T>
void product(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, Matrix<const T> a,
             Matrix<const T> b, Matrix<T> c, float beta) {
  gemm(dtype_of<T>, {transpose_a, transpose_b, m, n, k, beta, a.stride, b.stride, c.stride}, a.data,
       b.data, c.data);
}

template <typename T>
void copy(const T* from, int64_t count, T* to) {
  std::copy_n(from, count, to);
}

// Up to this many rows the product of one step reads weights that were laid out once: laying them
// out again at every step, as a product on its own does, would cost more than the product.
constexpr int64_t most_direct_rows = 128;

template <typename T>
bool is_direct(const RecurrentGeometry& g) {
  return std::is_same_v<T, float> && g.batch <= most_direct_rows && simd::product_tile().rows > 0;
}

// One matrix laid out as the right operand of many products, and room for their left operands.
template <typename T>
struct PackedWeights {
  int64_t k = 0, n = 0;
  T *left = nullptr, *right = nullptr;

  // Panels of B (k x n), or of the transpose of B (n x k).
  void pack(const T* b, bool transposed) const {
    if constexpr (std::is_same_v<T, float>) {
      const int64_t panel = simd::product_tile().columns;
      parallel_for((n + panel - 1) / panel, k * panel, [&](int64_t at) {
        const int64_t first = at * panel, count = std::min(panel, n - first);
        simd::pack_right(k, count,
                         transposed ? simd::StridedMatrix{b + first * k, 1, k}
                                    : simd::StridedMatrix{b + first, n, 1},
                         right + first * k);
      });
    }
  }

  // C (m x n) += A B; the panels are shared out among the threads.
  void add_product(int64_t m, Matrix<const T> a, Matrix<T> c) const {
    if constexpr (std::is_same_v<T, float>) {
      simd::pack_left(m, k, {a.data, a.stride, 1}, left);
      const int64_t panel = simd::product_tile().columns;
      parallel_for((n + panel - 1) / panel, m * k * panel / 8, [&](int64_t at) {
        const int64_t first = at * panel;
        T* to = c.data + first;
        simd::packed_product({m, std::min(panel, n - first), k, left, right + first * k, to,
                              c.stride, to, c.stride});
      });
    }
  }
};

// Elementary steps of one unit's gates.
constexpr int64_t gate_cost = 40;

template <typename F>
void each_sample(const RecurrentGeometry& g, F&& f) {
  parallel_for(g.batch, g.hidden * gate_cost, f);
}

template <typename T>
void column_sums(int64_t rows, int64_t columns, const T* from, T* to) {
  sum_rows(dtype_of<T>, rows, columns, from, to);
}

// Takes pieces of a block of memory, or counts what they would need.
template <typename T>
struct Pieces {
  T* memory;
  int64_t used = 0;
  T* take(int64_t count) {
    T* piece = memory ? memory + used : nullptr;
    used += (count + 15) / 16 * 16;
    return piece;
  }
};

template <typename T>
DirectionReserve<T> divide(const RecurrentGeometry& g, Pieces<T>& pieces) {
  DirectionReserve<T> r;
  r.gates = pieces.take(g.steps() * g.gate_size());
  if (g.gates() > 1) r.extra = pieces.take(g.steps() * g.hidden);
  if (g.projection > 0) r.unprojected = pieces.take(g.steps() * g.hidden);
  if (g.uses_lengths) r.previous = pieces.take(g.steps() * g.state());
  return r;
}

// The hidden weights, laid out if that pays.
template <typename T>
PackedWeights<T> take_weights(const RecurrentGeometry& g, Pieces<T>& pieces, int64_t k, int64_t n) {
  if (!is_direct<T>(g)) return {};
  return {k, n, pieces.take(simd::packed_left_size(g.batch, k)),
          pieces.take(simd::packed_right_size(k, n))};
}

template <typename T>
struct ForwardScratch {
  T* hidden;                 // gru: the hidden part of the gates
  T* bias;                   // of the input part of the gates
  PackedWeights<T> weights;  // the hidden weights with a column for each gate
  ForwardScratch(const RecurrentGeometry& g, Pieces<T>& pieces)
      : hidden(g.mode == RecurrentMode::gru ? pieces.take(g.batch * g.gate_size()) : nullptr),
        bias(pieces.take(g.gate_size())),
        weights(take_weights(g, pieces, g.state(), g.gate_size())) {}
};

template <typename T>
struct BackwardScratch {
  T *gates, *hidden_gates, *heads, *unprojected, *all_heads;
  PackedWeights<T> weights;
  BackwardScratch(const RecurrentGeometry& g, Pieces<T>& pieces) {
    gates = pieces.take(g.steps() * g.gate_size());
    hidden_gates = g.mode == RecurrentMode::gru ? pieces.take(g.steps() * g.gate_size()) : gates;
    heads = pieces.take(g.batch * g.state());
    unprojected = g.projection > 0 ? pieces.take(g.batch * g.hidden) : heads;
    all_heads = g.projection > 0 ? pieces.take(g.steps() * g.state()) : nullptr;
    weights = take_weights(g, pieces, g.gate_size(), g.state());
  }
};

template <typename T>
struct Limits {
  T low, high;
  explicit Limits(const RecurrentGeometry& g)
      : low(static_cast<T>(g.clip_low)), high(static_cast<T>(g.clip_high)) {}
};

}  // namespace

int64_t direction_reserve_size(const RecurrentGeometry& g) {
  Pieces<float> pieces{nullptr};
  divide(g, pieces);
  return pieces.used;
}
template <typename T>
DirectionReserve<T> direction_reserve(const RecurrentGeometry& g, T* memory) {
  Pieces<T> pieces{memory};
  return divide(g, pieces);
}

int64_t direction_forward_scratch(const RecurrentGeometry& g) {
  Pieces<float> pieces{nullptr};
  ForwardScratch<float>(g, pieces);
  return pieces.used;
}
int64_t direction_backward_scratch(const RecurrentGeometry& g) {
  Pieces<float> pieces{nullptr};
  BackwardScratch<float>(g, pieces);
  return pieces.used;
}

template <typename T>
Matrix<const T> Direction<T>::previous_state(int64_t k) const {
  if (lengths) return {reserve.previous + row(k) * g.state(), g.state()};
  if (k == 0) return {state, g.state()};
  return {y.row(row(k - 1)), y.stride};
}

template <typename T>
const T* Direction<T>::previous_cell(int64_t k) const {
  return k == 0 ? cell : reserve.extra + row(k - 1) * g.hidden;
}

template <typename T>
void Direction<T>::forward(T* last_state, T* last_cell, T* scratch) const {
  Pieces<T> pieces{scratch};
  const ForwardScratch<T> own(g, pieces);
  const auto& cells = simd::recurrent_cells<T>();
  const Limits<T> limits(g);
  const int64_t wide = g.gate_size(), units = g.hidden, states = g.state();
  const auto n = static_cast<size_t>(units);
  const bool gru = g.mode == RecurrentMode::gru;
  // The input part of the gates of all steps at once, with the biases.
  T* gates = reserve.gates;
  for (int64_t j = 0; j < wide; ++j)
    own.bias[j] = weights.input_bias[j] + (gru ? T(0) : weights.hidden_bias[j]);
  gemm_with_bias(dtype_of<T>, {false, true, g.steps(), wide, inputs, 0, x.stride, inputs, wide},
                 x.data, weights.input, own.bias, gates);
  const bool packed = own.weights.right != nullptr;
  if (packed) own.weights.pack(weights.hidden, true);
  if (lengths) copy(state, g.batch * states, reserve.previous + row(0) * states);
  for (int64_t k = 0; k < g.time; ++k) {
    const int64_t first = row(k);
    const Matrix<const T> previous = previous_state(k);
    const Matrix<T> step = {gates + first * wide, wide};
    const Matrix<T> h = g.projection > 0 ? Matrix<T>{reserve.unprojected + first * units, units}
                                         : Matrix<T>{y.row(first), y.stride};
    if (gru)
      for (int64_t i = 0; i < g.batch; ++i) copy(weights.hidden_bias, wide, own.hidden + i * wide);
    const Matrix<T> recurrent = gru ? Matrix<T>{own.hidden, wide} : step;
    if (packed)
      own.weights.add_product(g.batch, previous, recurrent);
    else
      product<T>(false, true, g.batch, wide, states, previous, {weights.hidden, states}, recurrent,
                 1);
    T* extra = reserve.extra + first * units;
    const T* cell_before = g.mode == RecurrentMode::lstm ? previous_cell(k) : nullptr;
    each_sample(g, [&](int64_t i) {
      switch (g.mode) {
        case RecurrentMode::lstm:
          cells.lstm(cell_before + i * units, step.row(i), extra + i * units, h.row(i), limits.low,
                     limits.high, n);
          break;
        case RecurrentMode::gru:
          cells.gru(previous.row(i), step.row(i), own.hidden + i * wide, h.row(i), n);
          copy(own.hidden + i * wide + 2 * units, units, extra + i * units);
          break;
        case RecurrentMode::tanh:
          cells.tanh(step.row(i), h.row(i), n);
          break;
        case RecurrentMode::relu:
          cells.relu(step.row(i), h.row(i), n);
          break;
      }
    });
    if (g.projection > 0)
      product<T>(false, true, g.batch, states, units, {h.data, h.stride},
                 {weights.projection, units}, {y.row(first), y.stride}, 0);
    if (!lengths) continue;
    T* next = k + 1 < g.time ? reserve.previous + row(k + 1) * states : last_state;
    for (int64_t i = 0; i < g.batch; ++i) {
      const bool runs = active(first + i);
      if (next) copy(runs ? y.row(first + i) : previous.row(i), states, next + i * states);
      if (runs) continue;
      std::fill_n(y.row(first + i), states, T(0));
      if (g.mode == RecurrentMode::lstm) copy(cell_before + i * units, units, extra + i * units);
    }
  }
  const int64_t end = row(g.time - 1);
  for (int64_t i = 0; i < g.batch; ++i) {
    if (last_state && !lengths) copy(y.row(end + i), states, last_state + i * states);
    if (last_cell) copy(reserve.extra + (end + i) * units, units, last_cell + i * units);
  }
}

namespace {

// The gradient of the weights that meet the state: a product over all steps, of which the first
// one taken has the initial state.
template <typename T>
void hidden_weight_gradient(const Direction<T>& direction, const T* dgates, T* to) {
  const RecurrentGeometry& g = direction.g;
  const int64_t wide = g.gate_size(), states = g.state();
  const Matrix<T> target = {to, states};
  if (direction.lengths)
    return product<T>(true, false, wide, states, g.steps(), {dgates, wide},
                      {direction.reserve.previous, states}, target, 0);
  const int64_t first = direction.row(0), others = g.steps() - g.batch;
  product<T>(true, false, wide, states, g.batch, {dgates + first * wide, wide},
             {direction.state, states}, target, 0);
  if (others == 0) return;
  const int64_t later = direction.reversed ? 0 : g.batch,
                earlier = direction.reversed ? g.batch : 0;
  product<T>(true, false, wide, states, others, {dgates + later * wide, wide},
             {direction.y.row(earlier), direction.y.stride}, target, 1);
}

}  // namespace

template <typename T>
void backward(const Direction<T>& direction, const DirectionGradients<T>& gradients, T* scratch) {
  const RecurrentGeometry& g = direction.g;
  Pieces<T> pieces{scratch};
  const BackwardScratch<T> own(g, pieces);
  const auto& cells = simd::recurrent_cells<T>();
  const Limits<T> limits(g);
  const int64_t wide = g.gate_size(), units = g.hidden, states = g.state();
  const auto n = static_cast<size_t>(units);
  const auto& reserve = direction.reserve;
  const auto& weights = direction.weights;
  T* carry = gradients.state;
  const bool packed = own.weights.right != nullptr;
  if (packed) own.weights.pack(weights.hidden, false);
  for (int64_t k = g.time; k-- > 0;) {
    const int64_t first = direction.row(k);
    T* heads = g.projection > 0 ? own.all_heads + first * states : own.heads;
    for (int64_t i = 0; i < g.batch; ++i) {
      T* head = heads + i * states;
      if (direction.active(first + i)) {
        const T* dy = gradients.dy.row(first + i);
        for (int64_t j = 0; j < states; ++j) head[j] = dy[j] + carry[i * states + j];
        std::fill_n(carry + i * states, states, T(0));
      } else {
        std::fill_n(head, states, T(0));
      }
    }
    if (g.projection > 0)
      product<T>(false, false, g.batch, units, states, {heads, states}, {weights.projection, units},
                 {own.unprojected, units}, 0);
    const Matrix<const T> previous = direction.previous_state(k);
    each_sample(g, [&](int64_t i) {
      const int64_t r = first + i;
      T *dgates = own.gates + r * wide, *dhidden = own.hidden_gates + r * wide;
      if (!direction.active(r)) {
        std::fill_n(dgates, wide, T(0));
        std::fill_n(dhidden, wide, T(0));
        return;
      }
      const T *gates = reserve.gates + r * wide, *extra = reserve.extra + r * units;
      T* dh = own.unprojected + i * units;
      switch (g.mode) {
        case RecurrentMode::lstm:
          cells.lstm_backward(direction.previous_cell(k) + i * units, gates, extra, dh,
                              gradients.cell + i * units, dgates, limits.low, limits.high, n);
          break;
        case RecurrentMode::gru:
          cells.gru_backward(previous.row(i), gates, extra, dh, dgates, dhidden, n);
          copy(dh, units, carry + i * states);
          break;
        case RecurrentMode::tanh:
          cells.tanh_backward(direction.y.row(r), dh, dgates, n);
          break;
        case RecurrentMode::relu:
          cells.relu_backward(direction.y.row(r), dh, dgates, n);
          break;
      }
    });
    const Matrix<const T> dgates = {own.hidden_gates + first * wide, wide};
    if (packed)
      own.weights.add_product(g.batch, dgates, {carry, states});
    else
      product<T>(false, false, g.batch, states, wide, dgates, {weights.hidden, states},
                 {carry, states}, 1);
  }
  const auto& to = gradients.weights;
  product<T>(true, false, wide, direction.inputs, g.steps(), {own.gates, wide}, direction.x,
             {to.input, direction.inputs}, 0);
  hidden_weight_gradient(direction, own.hidden_gates, to.hidden);
  column_sums(g.steps(), wide, own.gates, to.input_bias);
  if (own.hidden_gates == own.gates)
    copy(to.input_bias, wide, to.hidden_bias);
  else
    column_sums(g.steps(), wide, own.hidden_gates, to.hidden_bias);
  if (g.projection > 0)
    product<T>(true, false, states, units, g.steps(), {own.all_heads, states},
               {reserve.unprojected, units}, {to.projection, units}, 0);
  if (gradients.dx.data)
    product<T>(false, false, g.steps(), direction.inputs, wide, {own.gates, wide},
               {weights.input, direction.inputs}, gradients.dx, gradients.adds_to_dx ? 1 : 0);
}

#define GEMEL_INSTANTIATE(T)                                                       \
  template DirectionReserve<T> direction_reserve<T>(const RecurrentGeometry&, T*); \
  template struct Direction<T>;                                                    \
  template void backward<T>(const Direction<T>&, const DirectionGradients<T>&, T*);
GEMEL_INSTANTIATE(float)
GEMEL_INSTANTIATE(double)
#undef GEMEL_INSTANTIATE

}  // namespace gemel::kernels
