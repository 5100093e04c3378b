#include "kernels/rnn/recurrent.h"

#include <algorithm>

#include "kernels/parallel.h"
#include "kernels/rnn/layer.h"

namespace gemel::kernels {
namespace {

// Where the parts of the reserve lie: for each layer its directions' own, and for all layers but
// the last its output, and with dropout the factors and the output after them.
struct ReserveLayout {
  const RecurrentGeometry& g;
  int64_t own, outputs;
  explicit ReserveLayout(const RecurrentGeometry& geometry)
      : g(geometry),
        own(direction_reserve_size(g)),
        outputs((g.steps() * g.output() + 15) / 16 * 16) {}
  int64_t parts() const { return g.dropout > 0 ? 3 : 1; }
  int64_t layer() const { return g.directions * own + parts() * outputs; }
  int64_t size() const { return g.layers * layer() - parts() * outputs; }
  int64_t direction(int l, int d) const { return l * layer() + d * own; }
  int64_t output(int l) const { return l * layer() + g.directions * own; }
  int64_t factors(int l) const { return output(l) + outputs; }
  int64_t dropped(int l) const { return factors(l) + outputs; }
};

template <typename T>
DirectionWeights<T> weights_of(const RecurrentGeometry& g, T* parameters, int l, int d) {
  T* weights = parameters + g.weight_offset(l, d);
  T* biases = parameters + g.bias_offset(l, d);
  return {weights, weights + g.input_weight(l), weights + g.input_weight(l) + g.hidden_weight(),
          biases, biases + g.gate_size()};
}

template <typename T>
T* layer_output(const ReserveLayout& at, const RecurrentArrays<T>& arrays, int l) {
  return l + 1 < at.g.layers ? arrays.reserve + at.output(l) : arrays.out;
}

template <typename T>
Direction<T> direction_of(const ReserveLayout& at, const RecurrentArrays<T>& arrays, int l, int d) {
  const RecurrentGeometry& g = at.g;
  const T* x = l == 0          ? arrays.data
               : g.dropout > 0 ? arrays.reserve + at.dropped(l - 1)
                               : arrays.reserve + at.output(l - 1);
  Direction<T> direction{.g = g};
  direction.inputs = g.layer_input(l);
  direction.reversed = d == 1;
  direction.x = {x, direction.inputs};
  direction.y = {layer_output(at, arrays, l) + d * g.state(), g.output()};
  direction.state = arrays.state + g.place(l, d) * g.batch * g.state();
  if (arrays.cell) direction.cell = arrays.cell + g.place(l, d) * g.batch * g.hidden;
  direction.lengths = arrays.lengths;
  direction.weights = weights_of(g, arrays.parameters, l, d);
  direction.reserve = direction_reserve(g, arrays.reserve + at.direction(l, d));
  return direction;
}

// factors[i] = 0 with probability p, else 1 / (1 - p); to = from * factors. Four choices from each
// counter value.
template <typename T>
void drop(const RecurrentGeometry& g, const Philox& choices, int64_t first, const T* from,
          T* factors, T* to) {
  const auto limit = static_cast<uint64_t>(g.dropout * 0x1p32);
  const T kept = g.dropout < 1 ? static_cast<T>(1 / (1 - g.dropout)) : T(0);
  const int64_t count = g.steps() * g.output();
  parallel_for((count + 1023) / 1024, 1024 * 4, [&](int64_t block) {
    const int64_t begin = block * 1024, end = std::min(count, begin + 1024);
    const int64_t shift = (first + begin) % 4;  // of the first word in its counter value
    uint32_t words[1024 + 8];
    choices.words(static_cast<uint64_t>((first + begin) / 4),
                  static_cast<size_t>((shift + end - begin + 3) / 4), words);
    for (int64_t i = begin; i < end; ++i) {
      factors[i] = words[shift + i - begin] >= limit ? kept : T(0);
      to[i] = from[i] * factors[i];
    }
  });
}

struct ScratchLayout {
  int64_t own, inner, state, cell;
  explicit ScratchLayout(const RecurrentGeometry& g)
      : own(direction_backward_scratch(g)),
        inner(g.layers > 1 ? g.steps() * g.output() : 0),
        state(g.batch * g.state()),
        cell(g.batch * g.hidden) {}
  int64_t size() const { return own + 2 * inner + state + cell; }
};

}  // namespace

int64_t recurrent_reserve(const RecurrentGeometry& g) {
  // The forward pass takes its scratch behind the reserve proper.
  return ReserveLayout(g).size() + direction_forward_scratch(g);
}
int64_t recurrent_scratch(const RecurrentGeometry& g) { return ScratchLayout(g).size(); }

template <typename T>
void recurrent_forward(const RecurrentGeometry& g, const RecurrentArrays<T>& arrays,
                       const Philox& choices) {
  const ReserveLayout at(g);
  for (int l = 0; l < g.layers; ++l) {
    for (int d = 0; d < g.directions; ++d) {
      const auto last = [&](T* states, int64_t width) {
        return states ? states + g.place(l, d) * g.batch * width : nullptr;
      };
      direction_of(at, arrays, l, d)
          .forward(last(arrays.last_state, g.state()), last(arrays.last_cell, g.hidden),
                   arrays.reserve + at.size());
    }
    if (l + 1 < g.layers && g.dropout > 0)
      drop(g, choices, l * g.steps() * g.output(), arrays.reserve + at.output(l),
           arrays.reserve + at.factors(l), arrays.reserve + at.dropped(l));
  }
}

template <typename T>
void recurrent_backward(const RecurrentGeometry& g, const RecurrentArrays<T>& arrays,
                        const RecurrentGradients<T>& gradients) {
  const ReserveLayout at(g);
  const ScratchLayout scratch(g);
  T* own = gradients.scratch;
  T* inner[2] = {own + scratch.own, own + scratch.own + scratch.inner};
  T* spare_cell = own + scratch.own + 2 * scratch.inner + scratch.state;
  const T* dy = gradients.dy;
  for (int l = g.layers; l-- > 0;) {
    T* dx = l == 0 ? gradients.data : inner[l % 2];
    for (int d = 0; d < g.directions; ++d) {
      const int64_t place = g.place(l, d);
      DirectionGradients<T> to;
      to.dy = {dy + d * g.state(), g.output()};
      to.state = gradients.state + place * scratch.state;
      to.cell = gradients.cell ? gradients.cell + place * scratch.cell : spare_cell;
      const auto start = [&](const T* given, int64_t count, T* target) {
        if (given)
          std::copy_n(given + place * count, count, target);
        else
          std::fill_n(target, count, T(0));
      };
      start(gradients.dlast_state, scratch.state, to.state);
      start(gradients.dlast_cell, scratch.cell, to.cell);
      to.dx = {dx, g.layer_input(l)};
      to.adds_to_dx = d > 0;
      to.weights = weights_of(g, gradients.parameters, l, d);
      backward(direction_of(at, arrays, l, d), to, own);
    }
    if (l > 0 && g.dropout > 0) {
      const T* factors = arrays.reserve + at.factors(l - 1);
      for (int64_t i = 0; i < g.steps() * g.output(); ++i) dx[i] *= factors[i];
    }
    dy = dx;
  }
}

#define GEMEL_INSTANTIATE(T)                                                               \
  template void recurrent_forward<T>(const RecurrentGeometry&, const RecurrentArrays<T>&,  \
                                     const Philox&);                                       \
  template void recurrent_backward<T>(const RecurrentGeometry&, const RecurrentArrays<T>&, \
                                      const RecurrentGradients<T>&);
GEMEL_INSTANTIATE(float)
GEMEL_INSTANTIATE(double)
#undef GEMEL_INSTANTIATE

}  // namespace gemel::kernels
