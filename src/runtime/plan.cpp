#include "runtime/plan.h"

#include <chrono>

#include "engine/engine.h"
#include "engine/trace.h"
#include "kernels/parallel.h"
#include "record/key.h"
#include "runtime/call.h"
#include "runtime/hoisted_values.h"
#include "runtime/random.h"
#include "runtime/user_threads.h"

namespace gemel::runtime {
namespace {

// A stage that took less than this last time runs on the calling thread when its arrays are free:
// handing it to a worker would cost more than it hides.
constexpr int64_t inline_nanoseconds = 300'000;

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

RandomStream Plan::run(std::span<const NDArray> slots, int first, int last,
                       const Ref<Storage>& arena) {
  thread_local std::vector<engine::Tag*> tags;
  tags.clear();
  uint64_t random_total = 0;
  int64_t bytes = 0, expected = 0;
  bool random = false, small = true, user_code = false;
  for (int s = first; s < last; ++s) {
    const Stage& stage = *stages_[s];
    for (int slot : stage.read_slots) tags.push_back(&slots[slot].tag());
    random_total += stage.random_count;
    random |= stage.random;
    user_code |= stage.user_code;
    bytes += stage.bytes;
    const int64_t nanoseconds = stage.last_nanoseconds.load(std::memory_order_relaxed);
    if (nanoseconds < 0)
      small &= stage.bytes <= inline_bytes;
    else
      expected += nanoseconds;
  }
  small &= expected <= inline_nanoseconds;
  const size_t reads = tags.size();
  for (int s = first; s < last; ++s)
    for (int slot : stages_[s]->written_slots) tags.push_back(&slots[slot].tag());
  tags.push_back(&arena->tag());
  tags.push_back(turn_.get());
  if (random) tags.push_back(&generator_tag());
  const RandomStream stream = random ? take_stream(random_total) : RandomStream{};

  engine::TaskOptions options;
  options.reads = std::span(tags).first(reads);
  options.writes = std::span(tags).subspan(reads);
  options.name = first + 1 == last ? (first == 0 ? "forward" : "backward") : "forward_backward";
  options.small = small;
  const auto run_here = [&] {
    std::optional<kernels::SingleThread> alone;
    if (small) alone.emplace();
    run_stages(slots, first, last, *arena, stream);
  };
  if (!user_code && engine::try_inline(run_here, options)) return stream;
  options.bytes = bytes;
  auto run = [this, owned = std::vector<NDArray>(slots.begin(), slots.end()), first, last, arena,
              stream] { run_stages(owned, first, last, *arena, stream); };
  if (user_code)
    push_user_work(std::move(run), options);
  else
    engine::push(std::move(run), options);
  return stream;
}

void Plan::run_stages(std::span<const NDArray> slots, int first, int last, Storage& arena,
                      RandomStream random) {
  std::byte* base = arena.data();
  std::byte* hoisted = hoisted_ ? hoisted_->refresh(slots) : nullptr;
  const bool tracing = engine::tracing();
  const bool threaded = kernels::thread_count() > 1;
  // Patches are in the order of tensors, which is the order of steps and so of stages.
  const int first_step = stages_[first]->first_step;
  auto patch = patches_.begin();
  if (first > 0) {
    int tensor = 0;
    for (int s = 0; s < first_step; ++s)
      if (steps_[s].implementation) tensor += steps_[s].inputs + steps_[s].outputs;
    patch += tensor;  // one patch a tensor
  }
  std::optional<kernels::ThreadLimit> limit;
  if (kernels::thread_count() > threads_) limit.emplace(threads_);
  for (int s = first; s < last; ++s) {
    Stage& stage = *stages_[s];
    const int64_t start = now();
    for (int i = stage.first_step; i < stage.last_step; ++i) {
      Step& step = steps_[i];
      if (!step.implementation) continue;
      const int count = step.inputs + step.outputs;
      for (int t = 0; t < count; ++t, ++patch)
        tensors_[patch->tensor].address = (patch->slot >= 0 ? slots[patch->slot].data<std::byte>()
                                           : patch->slot == Patch::arena ? base
                                                                         : hoisted) +
                                          patch->offset;
      std::span<const Tensor> all(tensors_.data() + step.first_tensor, count);
      OpCall call{*step.op,  *step.parameters,   all.first(step.inputs), all.subspan(step.inputs),
                  training_, step.prepared.get()};
      if (step.workspace >= 0) call.workspace = base + step.workspace;
      call.random = {random.seed, random.offset + step.random_offset};
      const int64_t step_start = tracing ? engine::trace_now() : 0;
      const int64_t timed_start = step_times_ ? now() : 0;
      if (step.single_thread && threaded) {
        kernels::SingleThread alone;
        run_kernel(*step.implementation, call, step.name);
      } else {
        run_kernel(*step.implementation, call, step.name);
      }
      if (step_times_) (*step_times_)[static_cast<size_t>(i)] = now() - timed_start;
      if (tracing) {
        engine::TraceRecord record;
        if (!step.trace_name)
          step.trace_name = engine::intern_name(step.op->name() + " " + step.name);
        record.name = step.trace_name;
        record.part = true;
        record.started = record.ready = record.pushed = step_start;
        record.ended = engine::trace_now();
        engine::trace_add(std::move(record));
      }
    }
    random.offset += stage.random_count;
    stage.last_nanoseconds.store(now() - start, std::memory_order_relaxed);
  }
}

std::unordered_map<std::string, uint64_t> Plan::random_offsets() const {
  std::unordered_map<std::string, uint64_t> offsets;
  for (int i = stages_[0]->first_step; i < stages_[0]->last_step; ++i)
    if (steps_[i].op->random) offsets.emplace(steps_[i].name, steps_[i].random_offset);
  return offsets;
}

uint64_t Plan::draws(int first, int last) const {
  uint64_t count = 0;
  for (int s = first; s < last; ++s) count += stages_[s]->random_count;
  return count;
}

int64_t Plan::hoisted_bytes() const { return hoisted_ ? hoisted_->bytes() : 0; }

MemoryProblem Plan::internal_arrays() const {
  MemoryProblem arrays = problem_;
  for (MemoryProblem::Step& step : arrays.steps) step.workspace = 0;
  return arrays;
}

std::vector<std::pair<MemoryMode, int64_t>> Plan::planned_bytes_by_mode() const {
  const MemoryProblem arrays = internal_arrays();
  std::vector<std::pair<MemoryMode, int64_t>> rows;
  for (const MemoryMode mode :
       {MemoryMode::naive, MemoryMode::inplace, MemoryMode::coshare, MemoryMode::both})
    rows.emplace_back(mode, plan_memory(arrays, mode).bytes);
  return rows;
}

std::vector<std::pair<std::string, int64_t>> Plan::timeline(MemoryMode mode) const {
  const MemoryPlan memory = gemel::plan_memory(internal_arrays(), mode);
  std::vector<std::pair<std::string, int64_t>> rows;
  for (size_t i = 0; i < steps_.size(); ++i) rows.emplace_back(steps_[i].name, memory.live[i]);
  return rows;
}

std::vector<Plan::StepChoice> Plan::step_choices() const {
  std::vector<StepChoice> rows;
  for (const Step& step : steps_) {
    StepChoice& row = rows.emplace_back();
    if (!step.implementation) continue;
    const std::span<const Tensor> all(tensors_.data() + step.first_tensor,
                                      static_cast<size_t>(step.inputs + step.outputs));
    const auto inputs = static_cast<size_t>(step.inputs);
    const auto plain = step.op->name().find("convolution") == std::string::npos
                           ? prepared_from_.end()  // "conv+sum+relu" was "conv"
                           : prepared_from_.find(step.name.substr(0, step.name.find('+')));
    const OpCall call =
        plain == prepared_from_.end()
            ? OpCall{*step.op, *step.parameters, all.first(inputs), all.subspan(inputs), training_}
            : OpCall{*plain->second.op, *plain->second.parameters, plain->second.in,
                     plain->second.out, training_};
    row.signature = record::call_signature(call);
    row.implementation = step.implementation->name;
    for (const Implementation* other : call.op.alternatives(call))
      if (other->name != row.implementation) row.alternatives.push_back(other->name);
  }
  return rows;
}

std::string Plan::debug_string() const {
  std::string text;
  for (const Step& step : steps_) {
    text += fmt::format("{} {} [{}]", step.op->name(), step.name,
                        step.implementation ? step.implementation->name : "alias");
    if (step.implementation)
      for (int i = 0; i < step.outputs; ++i)
        text += fmt::format(" {}", tensors_[step.first_tensor + step.inputs + i].shape);
    text += '\n';
  }
  auto megabytes = [](int64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; };
  text += fmt::format("Total {} MB allocated\n", megabytes(planned_bytes(memory_mode_)));
  text += fmt::format("Total {} MB with workspace\n", megabytes(memory_.bytes));
  if (hoisted_)
    text += fmt::format("Total {} MB kept between runs, computed {} times\n",
                        megabytes(hoisted_->bytes()), hoisted_->computed());
  return text;
}

}  // namespace gemel::runtime
