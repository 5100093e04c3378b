#include "runtime/held_calls.h"

#include <cstring>

#include "engine/engine.h"
#include "kernels/parallel.h"
#include "runtime/call.h"

namespace gemel::runtime {
namespace {

using pointwise::Definition;
using pointwise::Expr;

const Definition& definition_of(const OpInfo& op, const Parameters& parameters) {
  const auto* definition = static_cast<const Definition*>(op.pointwise.get());
  while (definition->choose) definition = &definition->choose(parameters);
  return *definition;
}

}  // namespace

int HeldCalls::find(const Storage& storage) const {
  for (size_t i = memories_.size(); i-- > 0;)
    if (memories_[i].storage.get() == &storage) return static_cast<int>(i);
  return -1;
}

bool HeldCalls::same_view(int view, const NDArray& array) const {
  const NDArray& known = views_[view];
  return known.storage() == array.storage() && known.offset() == array.offset() &&
         known.dtype() == array.dtype() && known.shape() == array.shape();
}

bool HeldCalls::accepts(const HeldCall& call) const {
  if (!(call.out[0].shape() == shape_) || call.compute != compute_ ||
      call.out[0].device() != device_)
    return false;
  if (calls_.size() == most_calls || views_.size() + call.in.size() > most_views ||
      values_.size() + call.out.size() > most_values)
    return false;
  for (const NDArray& in : call.in) {
    const int memory = find(*in.storage());
    if (memory < 0 || memories_[memory].value < 0) continue;
    if (in.offset() != 0 || !(in.shape() == shape_) ||
        in.dtype() != values_[memories_[memory].value].dtype)
      return false;
  }
  for (const NDArray& out : call.out) {
    const int memory = find(*out.storage());
    if (memory < 0) continue;
    if (memories_[memory].value >= 0 && out.dtype() != values_[memories_[memory].value].dtype)
      return false;
    for (size_t view = 0; view < views_.size(); ++view)
      if (memory_of_view_[view] == memory && !same_view(static_cast<int>(view), out)) return false;
  }
  return true;
}

const Storage* HeldCalls::used_elsewhere(const HeldCall& call) const {
  for (const NDArray& in : call.in) {
    const Storage& storage = *in.storage();
    if (storage.held() >= Storage::held_writer && find(storage) < 0) return &storage;
  }
  for (const NDArray& out : call.out) {
    const Storage& storage = *out.storage();
    if (!storage.held()) continue;
    const int memory = find(storage);
    if (storage.held() != (memory < 0 ? 0 : memories_[memory].held)) return &storage;
  }
  return nullptr;
}

void HeldCalls::hold(Memory& memory, uint32_t use) {
  memory.held += use;
  memory.storage->hold(use);
}

int HeldCalls::memory_of(const NDArray& array, bool promised) {
  const int known = find(*array.storage());
  if (known >= 0) return known;
  memories_.push_back({array.storage(), promised});
  return static_cast<int>(memories_.size()) - 1;
}

int HeldCalls::operand(const NDArray& array) {
  const int memory = memory_of(array, false);
  if (memories_[memory].value >= 0) return memories_[memory].value;
  for (size_t view = 0; view < views_.size(); ++view)
    if (same_view(static_cast<int>(view), array)) return ~static_cast<int>(view);
  if (!memories_[memory].held) hold(memories_[memory], Storage::held_reader);
  views_.push_back(array);
  views_.back().set_history(nullptr);
  memory_of_view_.push_back(memory);
  return ~(static_cast<int>(views_.size()) - 1);
}

void HeldCalls::add(const HeldCall& call) {
  const Definition& definition = definition_of(call.op, *call.parameters);
  calls_.push_back({&call.op, &definition, call.parameters, static_cast<int>(operands_.size()),
                    static_cast<int>(call.in.size()), static_cast<int>(values_.size()),
                    static_cast<int>(call.out.size())});
  for (const NDArray& in : call.in) operands_.push_back(operand(in));
  for (const NDArray& out : call.out) {
    const int index = memory_of(out, !out.storage()->provided());
    Memory& memory = memories_[index];
    if (memory.held < Storage::held_writer) hold(memory, Storage::held_writer);
    memory.written = true;
    memory.value = static_cast<int>(values_.size());
    values_.push_back({index, out.dtype()});
  }
  if (definition.scalar_count || definition.dynamic)
    for (double value : definition.scalars(*call.parameters)) scalars_.push_back(value);
}

void HeldCalls::let_go() {
  for (const Memory& memory : memories_) memory.storage->let_go(memory.held);
}

bool HeldCalls::provide() {
  bool seen = false;
  for (Memory& memory : memories_) {
    if (!memory.written) continue;
    // The one reference is this group's own: nobody else can come to have another.
    memory.live = !memory.promised || memory.storage->use_count() > 1;
    seen |= memory.live;
    if (!memory.promised || !memory.live) continue;
    try {
      memory.storage->provide();
    } catch (const Error&) {
      complete_ = false;  // whoever reads it gets the error
    }
  }
  return seen;
}

std::string HeldCalls::key() const {
  std::string key;
  const auto append = [&key](auto value) {
    key.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  append(compute_);
  for (const Call& call : calls_) {
    append(call.definition);
    append(call.op);
    for (int i = 0; i < call.operands; ++i)
      append(static_cast<int16_t>(operands_[call.first_operand + i]));
    for (int i = 0; i < call.values; ++i) append(values_[call.first_value + i].dtype);
    if (!call.definition->dynamic) continue;
    key += static_cast<const pointwise::PointwiseParameters&>(*call.parameters).value;
    key += '\0';
  }
  for (const Memory& memory : memories_)
    if (memory.written) append(static_cast<int16_t>(memory.live ? memory.value : -1));
  return key;
}

FusedProgram HeldCalls::compile() const {
  std::vector<Expr> raw, rounded;  // by value
  int scalars = 0;
  std::string name;
  for (const Call& call : calls_) {
    std::vector<Expr> arguments, constants;
    for (int i = 0; i < call.operands; ++i) {
      const int operand = operands_[call.first_operand + i];
      arguments.push_back(operand < 0 ? pointwise::input(~operand) : rounded[operand]);
    }
    const size_t own = call.definition->scalars(*call.parameters).size();
    for (size_t i = 0; i < own; ++i) constants.push_back(pointwise::scalar(scalars++));
    const std::vector<Expr> values = call.definition->value(*call.parameters);
    for (int i = 0; i < call.values; ++i) {
      raw.push_back(pointwise::substitute(values[i], arguments, constants));
      // What is stored and loaded again between calls keeps the bits that storing leaves.
      rounded.push_back(pointwise::round_to(values_[call.first_value + i].dtype, raw.back()));
    }
    name += (name.empty() ? "" : "+") + call.op->name();
  }
  std::vector<Expr> outputs;
  for (const Memory& memory : memories_)
    if (memory.written && memory.live) outputs.push_back(raw[memory.value]);
  return {std::make_shared<const pointwise::Program>(std::move(outputs)),
          engine::intern_name(name)};
}

Tensor HeldCalls::memory_tensor(int index, DType dtype) {
  Memory& memory = memories_[index];
  if (memory.live || !memory.promised)
    return Tensor(memory.storage->data(), shape_, dtype, device_);
  if (!memory.scratch) memory.scratch = NDArray(shape_, dtype, device_);
  return memory.scratch.tensor();
}

void HeldCalls::run_whole(const pointwise::Program& program) {
  Tensor inputs[most_views], outputs[most_values];
  size_t in = 0, out = 0;
  for (const NDArray& view : views_) inputs[in++] = view.tensor();
  for (size_t i = 0; i < memories_.size(); ++i)
    if (memories_[i].written && memories_[i].live)
      outputs[out++] = memory_tensor(static_cast<int>(i), values_[memories_[i].value].dtype);
  program.run(std::span(inputs, in), scalars_, std::span(outputs, out), compute_);
}

void HeldCalls::run_call(size_t index) {
  const Call& call = calls_[index];
  std::vector<Tensor> tensors;
  for (int i = 0; i < call.operands; ++i) {
    const int operand = operands_[call.first_operand + i];
    tensors.push_back(operand < 0 ? views_[~operand].tensor()
                                  : memory_tensor(values_[operand].memory, values_[operand].dtype));
  }
  for (int i = 0; i < call.values; ++i) {
    const Value& value = values_[call.first_value + i];
    tensors.push_back(memory_tensor(value.memory, value.dtype));
  }
  const std::span<const Tensor> all = tensors;
  const OpCall one{*call.op, *call.parameters, all.first(call.operands),
                   all.subspan(call.operands)};
  run_kernel(call.op->choose(one), one, {});
}

void HeldCalls::push(const std::shared_ptr<HeldCalls>& calls, const FusedProgram* fused) {
  HeldCalls& self = *calls;
  std::vector<engine::Tag*> tags;  // of each call: what it reads, then what it writes
  for (const Call& call : self.calls_) {
    for (int i = 0; i < call.operands; ++i) {
      const int operand = self.operands_[call.first_operand + i];
      const int memory =
          operand < 0 ? self.memory_of_view_[~operand] : self.values_[operand].memory;
      tags.push_back(&self.memories_[memory].storage->bare_tag());
    }
    for (int i = 0; i < call.values; ++i)
      tags.push_back(
          &self.memories_[self.values_[call.first_value + i].memory].storage->bare_tag());
  }
  engine::TaskOptions options;
  options.name = fused ? fused->name : "held calls";
  for (const NDArray& view : self.views_) options.bytes += view.bytes();
  for (const Memory& memory : self.memories_)
    if (memory.written && memory.live) options.bytes += memory.storage->bytes();

  if (fused && self.complete_ && options.bytes <= inline_tape_bytes) {
    std::vector<engine::Tag*> reads, writes;
    for (const Memory& memory : self.memories_)
      (memory.written ? writes : reads).push_back(&memory.storage->bare_tag());
    engine::TaskOptions here = options;
    here.reads = reads;
    here.writes = writes;
    here.small = true;
    const auto run = [&] {
      kernels::SingleThread alone;
      self.run_whole(*fused->program);
    };
    if (engine::try_inline(run, here)) return;
  }
  std::vector<engine::Part> parts;
  size_t at = 0;
  for (size_t i = 0; i < self.calls_.size(); ++i) {
    const Call& call = self.calls_[i];
    const std::span<engine::Tag* const> own(tags.data() + at,
                                            static_cast<size_t>(call.operands + call.values));
    at += own.size();
    parts.push_back({[calls, i] { calls->run_call(i); }, own.first(call.operands),
                     own.subspan(call.operands), call.op->name().c_str()});
  }
  engine::Function whole;
  if (fused && self.complete_)
    whole = [calls, program = fused->program] { calls->run_whole(*program); };
  engine::push_fused(std::move(whole), parts, options);
}

}  // namespace gemel::runtime
