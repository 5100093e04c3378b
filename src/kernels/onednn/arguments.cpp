#ifdef GEMEL_WITH_ONEDNN
#include "kernels/onednn/arguments.h"

#include <cstring>

#include "base/settings.h"

namespace gemel::kernels::onednn {

namespace {

dnnl::engine limited_engine() {
  const std::string& limit = settings::current().instruction_set;
  if (limit != "best")  // refused after the library's first use elsewhere in the process
    (void)dnnl_set_max_cpu_isa(limit == "avx2" ? dnnl_cpu_isa_avx2 : dnnl_cpu_isa_sse41);
  return {dnnl::engine::kind::cpu, 0};
}

}  // namespace

bool is_enabled() { return settings::current().onednn; }

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine = limited_engine();
  return engine;
}

dnnl::stream& cpu_stream() {
  thread_local dnnl::stream stream(cpu_engine());
  return stream;
}

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

bool is_reference(const dnnl::primitive_desc_base& descriptor) {
  return std::string_view(descriptor.impl_info_str()).starts_with("ref");
}

PreparedPrimitive::PreparedPrimitive(const dnnl::primitive_desc_base& descriptor,
                                     dnnl::primitive primitive)
    : primitive_(std::move(primitive)),
      reference_(onednn::is_reference(descriptor)),
      scratchpad_(descriptor.scratchpad_desc()),
      scratchpad_offset_(reserve(scratchpad_)) {}

int64_t PreparedPrimitive::reserve(const dnnl::memory::desc& desc) {
  const int64_t offset = bytes_;
  bytes_ += (static_cast<int64_t>(desc.get_size()) + 63) / 64 * 64;
  return offset;
}

void PreparedPrimitive::input(int arg, int index, const dnnl::memory::desc& user,
                              const dnnl::memory::desc& wanted) {
  add(arg, index, true, user, wanted);
}

void PreparedPrimitive::output(int arg, int index, const dnnl::memory::desc& user,
                               const dnnl::memory::desc& wanted) {
  add(arg, index, false, user, wanted);
}

void PreparedPrimitive::add_to(int index) {
  added_ = index;
  const Slot& out = slots_.back();
  if (!out.reorder) return;
  const dnnl::engine& engine = cpu_engine();
  added_reorder_ =
      dnnl::reorder(dnnl::reorder::primitive_desc(engine, out.user, engine, out.wanted));
}

void PreparedPrimitive::add(int arg, int index, bool is_input, const dnnl::memory::desc& user,
                            const dnnl::memory::desc& wanted) {
  Slot slot{arg, index, is_input, user, wanted, {}, 0, {}, 0};
  if (user != wanted) {
    const dnnl::engine& engine = cpu_engine();
    const dnnl::reorder::primitive_desc reorder(engine, is_input ? user : wanted, engine,
                                                is_input ? wanted : user, user_scratchpad());
    slot.reorder = dnnl::reorder(reorder);
    slot.offset = reserve(wanted);
    slot.scratchpad = reorder.scratchpad_desc();
    slot.scratchpad_offset = reserve(slot.scratchpad);
  }
  slots_.push_back(std::move(slot));
}

void PreparedPrimitive::run(const OpCall& call) const {
  dnnl::stream& stream = cpu_stream();
  const auto at = [&](const dnnl::memory::desc& desc, void* address) {
    return dnnl::memory(desc, cpu_engine(), address);
  };
  const auto reorder = [&](const Slot& slot, const dnnl::memory& from, const dnnl::memory& to) {
    slot.reorder->execute(stream, {{DNNL_ARG_FROM, from},
                                   {DNNL_ARG_TO, to},
                                   {DNNL_ARG_SCRATCHPAD,
                                    at(slot.scratchpad, call.workspace + slot.scratchpad_offset)}});
  };
  std::unordered_map<int, dnnl::memory> arguments;
  arguments.emplace(DNNL_ARG_SCRATCHPAD, at(scratchpad_, call.workspace + scratchpad_offset_));
  for (const Slot& slot : slots_) {
    const Tensor& tensor = (slot.is_input ? call.in : call.out)[slot.index];
    if (!slot.reorder) {
      arguments.emplace(slot.arg, at(slot.wanted, tensor.address));
      continue;
    }
    const dnnl::memory wanted = at(slot.wanted, call.workspace + slot.offset);
    if (slot.is_input) reorder(slot, at(slot.user, tensor.address), wanted);
    arguments.emplace(slot.arg, wanted);
  }
  if (added_ >= 0) {
    const Slot& out = slots_.back();
    const Tensor& from = call.in[added_];
    if (added_reorder_)
      added_reorder_->execute(stream, {{DNNL_ARG_FROM, at(out.user, from.address)},
                                       {DNNL_ARG_TO, arguments.at(out.arg)}});
    else if (from.address != call.out[0].address)
      std::memcpy(call.out[0].address, from.address, static_cast<size_t>(from.bytes()));
  }
  primitive_.execute(stream, arguments);
  for (const Slot& slot : slots_)
    if (slot.reorder && !slot.is_input)
      reorder(slot, arguments.at(slot.arg), at(slot.user, call.out[slot.index].address));
}

}  // namespace gemel::kernels::onednn
#endif
