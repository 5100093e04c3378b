// The inside of a Program: expressions as a list of steps over numbered registers. A register is a
// block of values: [0, inputs) are the inputs, then the outputs, then work registers.
#pragma once
#include <cstdint>
#include <vector>

#include "pointwise/expr.h"
#include "simd/convert.h"
#include "simd/primitives.h"

namespace gemel::pointwise {

inline constexpr int max_registers = 224;

// A value that is the same for every element; computed once per run.
struct Uniform {
  Expr expr;          // a scalar, a constant, or a primitive or rounding of earlier uniforms
  int child[3] = {};  // indices of earlier uniforms
};

template <typename T>
struct Step {
  enum class Form : uint8_t {
    unary,
    binary,
    right_scalar,
    left_scalar,
    scaled,
    ternary,
    round,
    copy
  };
  union Function {
    typename simd::Primitives<T>::Unary unary;
    typename simd::Primitives<T>::Binary binary;
    typename simd::Primitives<T>::BinaryScalar scalar;
    typename simd::Primitives<T>::Scaled scaled;
    typename simd::Primitives<T>::Ternary ternary;
  };
  Form form = Form::copy;
  int16_t a = 0, b = 0, c = 0,
          out = 0;  // registers; b is a uniform's index in the scalar and scaled forms
  Function function = {};
  simd::Store<T> store = nullptr;  // round: to the narrow type and back
  simd::Load<T> load = nullptr;
};

struct Fill {  // a work register or output that holds one uniform throughout
  int16_t uniform;
  int16_t out;
};

template <typename T>
struct Tape {
  int inputs = 0;
  int outputs = 0;
  int registers = 0;
  bool rounds = false;  // some step needs the rounding buffer
  std::vector<Uniform> uniforms;
  std::vector<Fill> fills;
  std::vector<Step<T>> steps;
  // For each output, the inputs that are read after the step that writes it: an output that shares
  // memory with one of those is written to a buffer first.
  std::vector<std::vector<int16_t>> read_later;
};

template <typename T>
Tape<T> make_tape(const std::vector<Expr>& outputs, int inputs);

}  // namespace gemel::pointwise
