#include "pointwise/program.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include "pointwise/run.h"

namespace gemel::pointwise {

namespace {

// A tape that is made when it is first asked for: most programs meet one type of computation.
template <typename T>
class LazyTape {
 public:
  LazyTape() = default;
  ~LazyTape() { delete tape_.load(std::memory_order_relaxed); }
  const Tape<T>& get(const std::vector<Expr>& outputs, int inputs) const {
    const Tape<T>* tape = tape_.load(std::memory_order_acquire);
    return tape ? *tape : make(outputs, inputs);
  }

 private:
  const Tape<T>& make(const std::vector<Expr>& outputs, int inputs) const {
    auto made = std::make_unique<const Tape<T>>(make_tape<T>(outputs, inputs));
    const Tape<T>* expected = nullptr;
    if (!tape_.compare_exchange_strong(expected, made.get(), std::memory_order_acq_rel))
      return *expected;  // another thread was faster
    return *made.release();
  }

  mutable std::atomic<const Tape<T>*> tape_{nullptr};
};

}  // namespace

struct Tapes {
  LazyTape<float> float32;
  LazyTape<double> float64;
  LazyTape<int64_t> int64;
  LazyTape<uint64_t> uint64;
};

namespace {

DType choose_compute_type(std::span<const Tensor> inputs, std::span<const Tensor> outputs) {
  DType type = DType::none;
  for (std::span<const Tensor> tensors : {inputs, outputs})
    for (const Tensor& t : tensors) type = compute_type_with(type, t.dtype);
  return type;
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
  tapes_ = std::make_unique<const Tapes>();
  tapes_->float32.get(outputs_, input_count_);  // raises now what is too large
}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;

int Program::step_count() const {
  return static_cast<int>(tapes_->float32.get(outputs_, input_count_).steps.size());
}

void Program::run(std::span<const Tensor> inputs, std::span<const double> scalars,
                  std::span<const Tensor> outputs, DType compute) const {
  GEMEL_CHECK(static_cast<int>(inputs.size()) >= input_count_,
              "[pointwise] expected {} inputs, got {}", input_count_, inputs.size());
  GEMEL_CHECK(static_cast<int>(scalars.size()) >= scalar_count_,
              "[pointwise] expected {} scalars, got {}", scalar_count_, scalars.size());
  GEMEL_CHECK(outputs.size() == outputs_.size(), "[pointwise] expected {} outputs, got {}",
              outputs_.size(), outputs.size());
  inputs = inputs.first(static_cast<size_t>(input_count_));
  if (compute == DType::none) compute = choose_compute_type(inputs, outputs);
  switch (compute) {
    case DType::float32:
      return run_tape(tapes_->float32.get(outputs_, input_count_), inputs, scalars, outputs);
    case DType::float64:
      return run_tape(tapes_->float64.get(outputs_, input_count_), inputs, scalars, outputs);
    case DType::int64:
      return run_tape(tapes_->int64.get(outputs_, input_count_), inputs, scalars, outputs);
    case DType::uint64:
      return run_tape(tapes_->uint64.get(outputs_, input_count_), inputs, scalars, outputs);
    default:
      break;
  }
  fail(ErrorKind::Type,
       "[pointwise] expected float32, float64, int64 or uint64 to compute in, got {}",
       name_of(compute));
}

}  // namespace gemel::pointwise
