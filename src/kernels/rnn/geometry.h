// The sizes of a stack of recurrent layers, and where each layer's parameters lie in the flat array
// that holds them all: first the weights of every layer and direction (input, hidden, projection),
// then their biases (input, hidden).
#pragma once
#include <cstdint>
#include <limits>

namespace gemel::kernels {

enum class RecurrentMode { gru, lstm, relu, tanh };

struct RecurrentGeometry {
  RecurrentMode mode = RecurrentMode::lstm;
  int64_t time = 0, batch = 0, input = 0, hidden = 0;
  int64_t projection = 0;  // size of the projected state; 0: none
  int layers = 1, directions = 1;
  bool uses_lengths = false;
  double dropout = 0;  // between layers
  double clip_low = -std::numeric_limits<double>::infinity();
  double clip_high = std::numeric_limits<double>::infinity();

  int gates() const { return mode == RecurrentMode::lstm ? 4 : mode == RecurrentMode::gru ? 3 : 1; }
  int64_t gate_size() const { return gates() * hidden; }
  int64_t state() const { return projection > 0 ? projection : hidden; }
  int64_t output() const { return state() * directions; }
  int64_t layer_input(int layer) const { return layer == 0 ? input : output(); }
  int64_t steps() const { return time * batch; }  // rows of the matrix of all steps

  // Elements of the weights of one direction of a layer.
  int64_t input_weight(int layer) const { return gate_size() * layer_input(layer); }
  int64_t hidden_weight() const { return gate_size() * state(); }
  int64_t projection_weight() const { return projection * hidden; }
  int64_t weights(int layer) const {
    return input_weight(layer) + hidden_weight() + projection_weight();
  }
  // Number of direction `d` of `layer` in the order of states and biases.
  int64_t place(int layer, int d) const { return static_cast<int64_t>(layer) * directions + d; }

  int64_t weight_offset(int layer, int d) const {
    int64_t offset = 0;
    for (int l = 0; l < layer; ++l) offset += directions * weights(l);
    return offset + d * weights(layer);
  }
  int64_t bias_offset(int layer, int d) const {
    return weight_offset(layers, 0) + place(layer, d) * 2 * gate_size();
  }
  int64_t parameter_count() const { return bias_offset(layers, 0); }
  // Elements of dropout's choices.
  int64_t choices() const { return dropout > 0 ? (layers - 1) * steps() * output() : 0; }
};

}  // namespace gemel::kernels
