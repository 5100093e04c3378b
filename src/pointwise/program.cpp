#include "pointwise/program.h"

#include <algorithm>

#include "pointwise/run.h"

namespace gemel::pointwise {

struct Tapes {
  Tape<float> float32;
  Tape<double> float64;
  Tape<int64_t> int64;
};

namespace {

DType compute_type(std::span<const Tensor> inputs, std::span<const Tensor> outputs) {
  bool floating = false;
  for (std::span<const Tensor> tensors : {inputs, outputs})
    for (const Tensor& t : tensors) {
      if (t.dtype == DType::float64) return DType::float64;
      floating |= is_floating(t.dtype);
    }
  return floating ? DType::float32 : DType::int64;
}

}  // namespace

Program::Program(std::vector<Expr> outputs) : outputs_(std::move(outputs)) {
  GEMEL_CHECK(!outputs_.empty(), "[pointwise] a program needs at least one output");
  for (const Expr& e : outputs_) {
    GEMEL_CHECK(e, "[pointwise] an output of the program is empty");
    input_count_ = std::max(input_count_, pointwise::input_count(e));
    scalar_count_ = std::max(scalar_count_, pointwise::scalar_count(e));
  }
  GEMEL_CHECK(input_count_ + output_count() <= max_registers,
              "[pointwise] expected at most {} inputs and outputs, got {}", max_registers,
              input_count_ + output_count());
  tapes_ = std::make_unique<const Tapes>(Tapes{make_tape<float>(outputs_, input_count_),
                                               make_tape<double>(outputs_, input_count_),
                                               make_tape<int64_t>(outputs_, input_count_)});
}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;

int Program::step_count() const { return static_cast<int>(tapes_->float32.steps.size()); }

void Program::run(std::span<const Tensor> inputs, std::span<const double> scalars,
                  std::span<const Tensor> outputs, DType compute) const {
  GEMEL_CHECK(static_cast<int>(inputs.size()) >= input_count_,
              "[pointwise] expected {} inputs, got {}", input_count_, inputs.size());
  GEMEL_CHECK(static_cast<int>(scalars.size()) >= scalar_count_,
              "[pointwise] expected {} scalars, got {}", scalar_count_, scalars.size());
  GEMEL_CHECK(outputs.size() == outputs_.size(), "[pointwise] expected {} outputs, got {}",
              outputs_.size(), outputs.size());
  inputs = inputs.first(static_cast<size_t>(input_count_));
  if (compute == DType::none) compute = compute_type(inputs, outputs);
  switch (compute) {
    case DType::float32: return run_tape(tapes_->float32, inputs, scalars, outputs);
    case DType::float64: return run_tape(tapes_->float64, inputs, scalars, outputs);
    case DType::int64: return run_tape(tapes_->int64, inputs, scalars, outputs);
    default: break;
  }
  fail(ErrorKind::Type, "[pointwise] expected float32, float64 or int64 to compute in, got {}",
       name_of(compute));
}

}  // namespace gemel::pointwise
