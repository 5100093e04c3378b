#include "kernels/widen.h"

#include <algorithm>
#include <optional>

#include "kernels/fpmath.h"
#include "kernels/parallel.h"
#include "simd/convert.h"

namespace gemel::kernels {
namespace {

constexpr int64_t alignment = 64;

// The call in float32 and how it is run.
struct Widened : Prepared {
  std::vector<int64_t> offsets;  // in the workspace, of each tensor; -1: it is not read
  int64_t inner_offset = 0, bytes = 0;
  const Implementation* inner = nullptr;
  std::unique_ptr<Prepared> inner_prepared;

  explicit Widened(const OpCall& c) {
    const std::vector<Tensor> tensors = float_tensors(c, nullptr);
    OpCall call = float_call(c, tensors);
    std::optional<FpmathScope> exact_operands;
    if (c.out[0].dtype == DType::bfloat16 && fpmath() != Fpmath::exact)
      exact_operands.emplace(Fpmath::fast);
    inner = &c.op.choose(call);
    if (inner->prepare) inner_prepared = inner->prepare(call);
    call.prepared = inner_prepared.get();
    for (size_t i = 0; i < tensors.size(); ++i) {
      const bool unread = i < c.in.size() && c.op.reads_only_shape(static_cast<int>(i));
      offsets.push_back(unread ? -1 : bytes);
      if (!unread) bytes += (tensors[i].bytes() + alignment - 1) / alignment * alignment;
    }
    inner_offset = bytes;
    if (inner->workspace) bytes += inner->workspace(call);
  }

  void run(const OpCall& c) const {
    const std::vector<Tensor> tensors = float_tensors(c, this);
    for (size_t i = 0; i < c.in.size(); ++i)
      if (offsets[i] >= 0) convert(c.in[i], tensors[i]);
    OpCall call = float_call(c, tensors);
    call.prepared = inner_prepared.get();
    call.workspace = c.workspace + inner_offset;
    inner->kernel(call);
    for (size_t i = 0; i < c.out.size(); ++i) convert(tensors[c.in.size() + i], c.out[i]);
  }

 private:
  static std::vector<Tensor> float_tensors(const OpCall& c, const Widened* placed) {
    std::vector<Tensor> tensors;
    for (const auto& list : {c.in, c.out})
      for (const Tensor& tensor : list) {
        const int64_t offset = placed ? placed->offsets[tensors.size()] : -1;
        tensors.emplace_back(offset >= 0 ? c.workspace + offset : nullptr, tensor.shape,
                             DType::float32, tensor.device);
      }
    return tensors;
  }
  static OpCall float_call(const OpCall& c, const std::vector<Tensor>& tensors) {
    const std::span<const Tensor> all = tensors;
    return {c.op, c.parameters, all.first(c.in.size()), all.subspan(c.in.size()), c.training};
  }
  static void convert(const Tensor& from, const Tensor& to) {
    constexpr int64_t part = 1 << 14;
    const bool widens = to.dtype == DType::float32;
    const auto load = simd::load_function<float>(widens ? from.dtype : DType::float32);
    const auto store = simd::store_function<float>(to.dtype);
    const int64_t size = to.shape.size();
    parallel_for((size + part - 1) / part, part, [&](int64_t at) {
      const int64_t first = at * part, count = std::min(part, size - first);
      if (widens)
        load(from.address + first * size_of(from.dtype),
             reinterpret_cast<float*>(to.address) + first, static_cast<size_t>(count));
      else
        store(reinterpret_cast<const float*>(from.address) + first,
              to.address + first * size_of(to.dtype), static_cast<size_t>(count));
    });
  }
};

bool serves(const OpCall& c) {
  const DType type = c.out[0].dtype;
  if (type != DType::float16 && type != DType::bfloat16) return false;
  for (const auto& list : {c.in, c.out})
    for (const Tensor& tensor : list)
      if (tensor.dtype != type) return false;
  return true;
}

}  // namespace

Implementation widened() {
  return {.name = "float32",
          .kernel =
              [](const OpCall& c) {
                if (c.prepared) return static_cast<const Widened*>(c.prepared)->run(c);
                Widened(c).run(c);
              },
          .when = serves,
          .prepare = [](const OpCall& c) { return std::make_unique<Widened>(c); },
          .workspace =
              [](const OpCall& c) {
                return c.prepared ? static_cast<const Widened*>(c.prepared)->bytes
                                  : Widened(c).bytes;
              },
          .small = false};
}

}  // namespace gemel::kernels
