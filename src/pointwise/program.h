// A compiled program: one or more expressions over the same inputs, run as a tape of vector
// primitives over blocks that fit the first-level cache, so a chain of any length is one pass over
// memory. Its values are bit for bit those of running the operators one by one (a NaN
// stays NaN, its payload is not kept).
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "array/tensor.h"
#include "pointwise/expr.h"

namespace gemel::pointwise {

struct Tapes;  // the tape for each type of computation

// The type of computation of tensors of which one has type `next` and the others give `so_far`
// (none: no others).
constexpr DType compute_type_with(DType so_far, DType next) {
  if (so_far == DType::float64 || next == DType::float64) return DType::float64;
  if (so_far == DType::float32 || is_floating(next)) return DType::float32;
  return so_far == DType::uint64 || next == DType::uint64 ? DType::uint64 : DType::int64;
}

class GEMEL_EXPORT Program {
 public:
  // Throws Error(Input) without an output or with more than about 200 inputs and live values.
  explicit Program(std::vector<Expr> outputs);
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  ~Program();

  // All outputs have one shape and are contiguous; each input has that shape or broadcasts to it
  // (NumPy's rules) and may have strides. An output may be an input: same address, shape and dtype.
  // `scalars` are the operator's run-time parameters. Values are computed in `compute` (float32,
  // float64, int64 or uint64); by default in float64 if any tensor is, else in float32 if any is
  // floating, else in uint64 if any tensor is, else in int64. Large arrays are split over OpenMP's
  // threads; the bits do not depend on how. Allocates nothing but for very large programs. Any
  // number of threads may run one Program.
  void run(std::span<const Tensor> inputs, std::span<const double> scalars,
           std::span<const Tensor> outputs, DType compute = DType::none) const;

  int input_count() const { return input_count_; }
  int scalar_count() const { return scalar_count_; }
  int output_count() const { return static_cast<int>(outputs_.size()); }
  const std::vector<Expr>& outputs() const { return outputs_; }
  // Vector passes over a block: how long the tape is, after peephole pairs were joined.
  int step_count() const;

 private:
  std::vector<Expr> outputs_;
  int input_count_ = 0;
  int scalar_count_ = 0;
  std::unique_ptr<const Tapes> tapes_;
};

}  // namespace gemel::pointwise
