#include "pointwise/run.h"

#ifdef GEMEL_WITH_OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <cstring>
#include <memory>

#include "pointwise/binding.h"
#include "simd/scalar_math.h"
#include "simd/stream_copy.h"

namespace gemel::pointwise {

namespace {

constexpr int64_t max_block = 256;  // elements; larger ones evict what was fetched ahead
constexpr int64_t min_block = 64;
constexpr int64_t cache_budget = 24 * 1024;  // bytes of registers in a block
constexpr int64_t stack_budget = 40 * 1024;
constexpr int64_t parallel_threshold = 256 * 1024;  // elements worth a second thread
constexpr int64_t prefetch_threshold = 128 * 1024;

// An array on the stack, or on the heap where it is unusually long.
template <typename V>
class Scratch {
 public:
  explicit Scratch(size_t size) {
    if (size > inline_size) many_ = std::make_unique_for_overwrite<V[]>(size);
  }
  V* data() const { return many_ ? many_.get() : few_; }
  V& operator[](size_t i) const { return data()[i]; }

 private:
  static constexpr size_t inline_size = 12;
  mutable V few_[inline_size];
  std::unique_ptr<V[]> many_;
};

template <typename T>
struct OutputBinding {
  std::byte* address;
  int64_t element_size;
  simd::Store<T> store;
  bool staged;  // written to a register first
};

template <typename T>
void stream_block(const T* from, void* to, size_t n) {
  simd::stream_copy(from, to, n * sizeof(T));
}
// Whether an output goes past the caches: it is large, and no input brings its lines there.
template <typename T>
bool streamed(const Tensor& output, std::span<const Tensor> inputs) {
  return output.dtype == simd::compute_dtype<T> && output.bytes() >= simd::streaming_bytes &&
         std::none_of(inputs.begin(), inputs.end(),
                      [&](const Tensor& t) { return t.address == output.address; });
}

template <typename T>
inline void execute(const Step<T>& step, T* const* reg, const T* uniforms, T* rounding, size_t n) {
  using Form = typename Step<T>::Form;
  switch (step.form) {
    case Form::unary:
      step.function.unary(reg[step.a], reg[step.out], n);
      break;
    case Form::binary:
      step.function.binary(reg[step.a], reg[step.b], reg[step.out], n);
      break;
    case Form::right_scalar:
    case Form::left_scalar:
      step.function.scalar(reg[step.a], uniforms[step.b], reg[step.out], n);
      break;
    case Form::scaled:
      step.function.scaled(reg[step.a], uniforms[step.b], reg[step.c], reg[step.out], n);
      break;
    case Form::ternary:
      step.function.ternary(reg[step.a], reg[step.b], reg[step.c], reg[step.out], n);
      break;
    case Form::round:
      step.store(reg[step.a], rounding, n);
      step.load(rounding, reg[step.out], n);
      break;
    case Form::copy:
      std::memmove(reg[step.out], reg[step.a], n * sizeof(T));
      break;
  }
}

template <typename T>
T to_compute(double value) {
  if constexpr (std::is_same_v<T, int64_t>)
    return simd::to_int64(value);
  else if constexpr (std::is_same_v<T, uint64_t>)
    return simd::to_uint64(value);
  else
    return static_cast<T>(value);
}

// The same primitives that run over blocks, so that a uniform has the bits it would have there.
template <typename T>
void evaluate_uniforms(const Tape<T>& tape, std::span<const double> scalars, T* out) {
  const simd::Primitives<T>& table = simd::primitives<T>();
  for (size_t i = 0; i < tape.uniforms.size(); ++i) {
    const Uniform& u = tape.uniforms[i];
    const T *a = &out[u.child[0]], *b = &out[u.child[1]], *c = &out[u.child[2]];
    const Primitive p = u.expr->primitive;
    switch (u.expr->kind) {
      case Kind::scalar:
        out[i] = to_compute<T>(scalars[static_cast<size_t>(u.expr->index)]);
        break;
      case Kind::round_to: {
        alignas(16) std::byte narrow[16];
        simd::store_function<T>(u.expr->dtype)(a, narrow, 1);
        simd::load_function<T>(u.expr->dtype)(narrow, &out[i], 1);
        break;
      }
      case Kind::apply:
        if (u.expr->child_count == 1)
          table.of_unary(p)(a, &out[i], 1);
        else if (u.expr->child_count == 2)
          table.of_binary(p)(a, b, &out[i], 1);
        else
          table.of_ternary(p)(a, b, c, &out[i], 1);
        break;
      default:
        out[i] = to_compute<T>(u.expr->value);
        break;
    }
  }
}

template <typename T>
struct Run {
  const Tape<T>& tape;
  const T* uniforms;
  const InputBinding<T>* inputs;
  const OutputBinding<T>* outputs;
  const Axes& axes;
  bool prefetch, streams;

  // Registers that need memory of their own.
  int64_t buffers() const {
    int64_t count = tape.registers - tape.inputs - tape.outputs + (tape.rounds ? 1 : 0);
    for (int i = 0; i < tape.inputs; ++i) count += inputs[i].mode != InputBinding<T>::Mode::direct;
    for (int i = 0; i < tape.outputs; ++i) count += outputs[i].staged;
    return count;
  }
  int64_t block() const {
    const int64_t fit = cache_budget / (std::max<int64_t>(buffers(), 1) * int64_t{sizeof(T)});
    return std::clamp(fit / min_block * min_block, min_block, max_block);
  }

  void operator()(int64_t begin, int64_t end) const {
    const int64_t block =
        std::min(this->block(), (end - begin + min_block - 1) / min_block * min_block);
    const int64_t bytes = buffers() * block * int64_t{sizeof(T)};
    if (bytes <= stack_budget) {
      alignas(64) std::byte memory[stack_budget];
      over_blocks(begin, end, block, reinterpret_cast<T*>(memory));
    } else {
      auto memory = std::make_unique_for_overwrite<std::byte[]>(static_cast<size_t>(bytes) + 64);
      const auto address = (reinterpret_cast<uintptr_t>(memory.get()) + 63) & ~uintptr_t{63};
      over_blocks(begin, end, block, reinterpret_cast<T*>(address));
    }
  }

  void over_blocks(int64_t begin, int64_t end, int64_t block, T* memory) const {
    using Mode = typename InputBinding<T>::Mode;
    T* reg[max_registers];
    T* own[max_registers];  // the memory of inputs and outputs that have some
    auto take = [&memory, block] { return std::exchange(memory, memory + block); };
    const int first_work = tape.inputs + tape.outputs;
    for (int i = 0; i < tape.inputs; ++i) {
      if (inputs[i].mode == Mode::direct) continue;
      reg[i] = own[i] = take();
      if (inputs[i].mode != Mode::one) continue;
      T value;
      inputs[i].load(inputs[i].address, &value, 1);
      std::fill_n(own[i], block, value);
    }
    for (int o = 0; o < tape.outputs; ++o)
      if (outputs[o].staged) reg[tape.inputs + o] = take();
    for (int r = first_work; r < tape.registers; ++r) reg[r] = take();
    T* const rounding = tape.rounds ? take() : nullptr;
    for (const Fill& fill : tape.fills) std::fill_n(reg[fill.out], block, uniforms[fill.uniform]);

    for (int64_t at = begin; at < end; at += block) {
      const int64_t n = std::min(block, end - at);
      const size_t count = static_cast<size_t>(n);
      for (int i = 0; i < tape.inputs; ++i) {
        const InputBinding<T>& input = inputs[i];
        const std::byte* from = input.address + at * input.element_size;
        if (input.mode == Mode::direct)
          reg[i] = reinterpret_cast<T*>(const_cast<std::byte*>(from));
        else if (input.mode == Mode::convert)
          input.load(from, reg[i], count);
        else if (input.mode == Mode::broadcast)
          reg[i] = const_cast<T*>(walk(input, axes, at, n, own[i]));
      }
      for (int o = 0; o < tape.outputs; ++o)
        if (!outputs[o].staged)
          reg[tape.inputs + o] = reinterpret_cast<T*>(outputs[o].address) + at;
      int next = 0;  // the input whose next block is fetched while a step computes
      for (const Step<T>& step : tape.steps) {
        execute(step, reg, uniforms, rounding, count);
        if (prefetch) next = fetch_ahead(next, at + block, end, block);
      }
      for (int o = 0; o < tape.outputs; ++o)
        if (outputs[o].staged)
          outputs[o].store(reg[tape.inputs + o], outputs[o].address + at * outputs[o].element_size,
                           count);
    }
    if (streams) simd::finish_streams();
  }

  int fetch_ahead(int next, int64_t at, int64_t end, int64_t block) const {
    using Mode = typename InputBinding<T>::Mode;
    while (next < tape.inputs && inputs[next].mode != Mode::direct &&
           inputs[next].mode != Mode::convert)
      ++next;
    if (next >= tape.inputs) return next;
    const InputBinding<T>& input = inputs[next];
    const std::byte* from = input.address + at * input.element_size;
    const int64_t bytes = std::min(block, end - at) * input.element_size;
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(from + i);
    return next + 1;
  }
};

template <typename F>
void parallel(int64_t n, const F& f) {
#ifdef GEMEL_WITH_OPENMP
  const int threads = n > parallel_threshold && !omp_in_parallel() ? omp_get_max_threads() : 1;
  if (threads > 1) {
    const int64_t share = ((n + threads - 1) / threads + max_block - 1) / max_block * max_block;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int i = 0; i < threads; ++i)
      if (share * i < n) f(share * i, std::min(n, share * (i + 1)));
    return;
  }
#endif
  f(int64_t{0}, n);
}

}  // namespace

template <typename T>
void run_tape(const Tape<T>& tape, std::span<const Tensor> inputs, std::span<const double> scalars,
              std::span<const Tensor> outputs) {
  using Mode = typename InputBinding<T>::Mode;
  constexpr DType native = simd::compute_dtype<T>;
  const Shape& shape = outputs[0].shape;
  const int64_t n = shape.size();
  bool plain = true;  // every tensor has the output's shape and the type of computation
  for (const Tensor& t : outputs) {
    GEMEL_CHECK(t.shape == shape && t.contiguous(),
                "[pointwise] expected contiguous outputs of one shape {}, got {}", shape, t.shape);
    plain &= t.dtype == native;
  }
  for (const Tensor& t : inputs) plain &= t.dtype == native && t.contiguous() && t.shape == shape;
  if (n == 0 && plain) return;

  const Scratch<T> uniforms(tape.uniforms.size());
  evaluate_uniforms(tape, scalars, uniforms.data());

  const bool streams = std::any_of(outputs.begin(), outputs.end(),
                                   [&](const Tensor& t) { return streamed<T>(t, inputs); });
  if (plain && !streams && tape.steps.size() == 1 && tape.fills.empty() && !tape.rounds) {
    parallel(n, [&](int64_t begin, int64_t end) {
      T* reg[max_registers];
      for (size_t i = 0; i < inputs.size(); ++i) reg[i] = inputs[i].template data<T>() + begin;
      for (size_t i = 0; i < outputs.size(); ++i)
        reg[inputs.size() + i] = outputs[i].template data<T>() + begin;
      execute<T>(tape.steps[0], reg, uniforms.data(), nullptr, static_cast<size_t>(end - begin));
    });
    return;
  }

  const Scratch<InputBinding<T>> bound_inputs(inputs.size());
  const Scratch<OutputBinding<T>> bound_outputs(outputs.size());
  const Scratch<Shape*> strides(inputs.size());
  size_t broadcasts = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& t = inputs[i];
    InputBinding<T>& b = bound_inputs[i];
    b.address = t.address;
    b.element_size = size_of(t.dtype);
    b.same_type = t.dtype == native;
    b.load = simd::load_function<T>(t.dtype);
    if (t.contiguous() && t.shape == shape) {
      b.mode = b.same_type ? Mode::direct : Mode::convert;
      continue;
    }
    b.stride = broadcast_strides(t, shape, static_cast<int>(i));
    b.mode = t.shape.size() == 1 ? Mode::one : Mode::broadcast;
    if (b.mode == Mode::one) continue;
    b.strided_load = simd::strided_load_function<T>(t.dtype);
    strides[broadcasts++] = &b.stride;
  }
  if (n == 0) return;
  Axes axes;
  if (broadcasts > 0) axes = merge_axes(shape, std::span<Shape*>(strides.data(), broadcasts));
  for (size_t o = 0; o < outputs.size(); ++o) {
    OutputBinding<T>& b = bound_outputs[o];
    b.address = outputs[o].address;
    b.element_size = size_of(outputs[o].dtype);
    b.store = simd::store_function<T>(outputs[o].dtype);
    b.staged = outputs[o].dtype != native;
    for (int16_t i : tape.read_later[o])
      b.staged |= inputs[static_cast<size_t>(i)].address == b.address;
    for (const Fill& fill : tape.fills) b.staged |= fill.out == tape.inputs + static_cast<int>(o);
    if (streamed<T>(outputs[o], inputs)) {
      b.store = stream_block<T>;
      b.staged = true;
    }
  }
  const Run<T> run{tape,
                   uniforms.data(),
                   bound_inputs.data(),
                   bound_outputs.data(),
                   axes,
                   n >= prefetch_threshold,
                   streams};
  parallel(n, run);
}

template void run_tape(const Tape<float>&, std::span<const Tensor>, std::span<const double>,
                       std::span<const Tensor>);
template void run_tape(const Tape<double>&, std::span<const Tensor>, std::span<const double>,
                       std::span<const Tensor>);
template void run_tape(const Tape<int64_t>&, std::span<const Tensor>, std::span<const double>,
                       std::span<const Tensor>);
template void run_tape(const Tape<uint64_t>&, std::span<const Tensor>, std::span<const double>,
                       std::span<const Tensor>);

}  // namespace gemel::pointwise
