#include "runtime/update_each.h"

#include <algorithm>
#include <optional>

#include "kernels/parallel_ranges.h"
#include "runtime/autograd.h"
#include "runtime/call.h"
#include "runtime/invoke.h"
#include "runtime/mixed_precision.h"

namespace gemel::runtime {
namespace {

// The engine runs tasks of more tags than this on a worker.
constexpr size_t inline_tags = 64;
// What moves no more bytes runs on the calling thread: waking others would take as long.
constexpr int64_t inline_update_bytes = 4 << 20;

struct Calls {
  const OpInfo& op;
  std::span<const ParametersRef> parameters;
  std::span<const NDArray> in;
  size_t inputs() const { return in.size() / parameters.size(); }
  size_t count() const { return parameters.size(); }
  std::span<const NDArray> of(size_t k) const { return in.subspan(k * inputs(), inputs()); }
  Calls part(size_t begin, size_t end) const {
    return {op, parameters.subspan(begin, end - begin),
            in.subspan(begin * inputs(), (end - begin) * inputs())};
  }
};

void one_by_one(const Calls& calls) {
  for (size_t k = 0; k < calls.count(); ++k) {
    NDArray out[1] = {calls.of(k)[0]};
    invoke(calls.op, calls.parameters[k], calls.of(k), out);
  }
}

// Shape and type errors, as invoke() raises them; whether the call may write its first input.
bool check(const Calls& calls, size_t k) {
  const std::span<const NDArray> in = calls.of(k);
  const OpInfo& op = calls.op;
  for (const NDArray& array : in)
    if (!array || array.device().kind != DeviceKind::cpu) return false;
  std::vector<Shape> shapes(in.size() + 1, Shape::unknown());
  std::vector<DType> dtypes(in.size() + 1, DType::none);
  for (size_t i = 0; i < in.size(); ++i) {
    shapes[i] = in[i].shape();
    dtypes[i] = in[i].dtype();
  }
  const Parameters& parameters = *calls.parameters[k];
  ShapeContext shape{op, parameters, std::span(shapes).first(in.size()),
                     std::span(shapes).subspan(in.size())};
  op.shape_rule(shape);
  TypeContext type{op, parameters, std::span(dtypes).first(in.size()),
                   std::span(dtypes).subspan(in.size())};
  op.type_rule(type);
  return shapes.back() == in[0].shape() && dtypes.back() == in[0].dtype();
}

// Whether memory that one call writes is another's: calls that run at once would disturb each
// other.
bool any_shared(const Calls& calls) {
  struct Range {
    const std::byte *begin, *end;
    size_t call;
  };
  std::vector<Range> ranges;
  ranges.reserve(calls.in.size());
  for (size_t i = 0; i < calls.in.size(); ++i) {
    const Tensor tensor = calls.in[i].tensor();
    if (tensor.size() > 1)  // arrays of one element are only read: factors that all calls share
      ranges.push_back({tensor.address, tensor.address + tensor.bytes(), i / calls.inputs()});
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  for (size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].begin < ranges[i - 1].end && ranges[i].call != ranges[i - 1].call) return true;
  return false;
}

void run_one(const Calls& calls, size_t k, int64_t begin, int64_t end) {
  constexpr size_t most = 16;
  const std::span<const NDArray> in = calls.of(k);
  Tensor tensors[most];
  const int64_t elements = in[0].size();
  for (size_t i = 0; i < in.size(); ++i) {
    tensors[i] = in[i].tensor();
    if (end - begin < elements && in[i].size() == elements)
      tensors[i] = kernels::range_of(tensors[i], begin, end);
  }
  const std::span<const Tensor> all(tensors, in.size());
  const OpCall call{calls.op, *calls.parameters[k], all, all.first(1)};
  run_kernel(calls.op.implementations.front(), call, {});
}

void run(const Calls& calls) {
  std::vector<kernels::Extent> extents(calls.count());
  for (size_t k = 0; k < calls.count(); ++k) {
    const std::span<const NDArray> in = calls.of(k);
    extents[k].elements = in[0].size();
    for (const NDArray& array : in) {
      extents[k].bytes += size_of(array.dtype());
      extents[k].divisible &= array.shape() == in[0].shape() || array.size() == 1;
    }
  }
  if (kernels::thread_count() > 1 && any_shared(calls)) {
    for (size_t k = 0; k < calls.count(); ++k) run_one(calls, k, 0, extents[k].elements);
    return;
  }
  kernels::parallel_ranges(
      extents, [&](size_t k, int64_t begin, int64_t end) { run_one(calls, k, begin, end); });
}

struct OwnedCalls {
  const OpInfo& op;
  std::vector<ParametersRef> parameters;
  std::vector<NDArray> in;
  void operator()() const { run({op, parameters, in}); }
};

void push(const Calls& calls, int64_t bytes, bool small) {
  std::vector<engine::Tag*> reads, writes;
  reads.reserve(calls.in.size());
  writes.reserve(calls.in.size());
  for (size_t k = 0; k < calls.count(); ++k) {
    const std::span<const NDArray> in = calls.of(k);
    for (const NDArray& array : in) reads.push_back(&array.tag());
    writes.push_back(&in[0].tag());
    for (int i : calls.op.mutated_inputs(*calls.parameters[k]))
      writes.push_back(&in[static_cast<size_t>(i)].tag());
  }
  engine::TaskOptions options;
  options.reads = reads;
  options.writes = writes;
  options.name = calls.op.name().c_str();
  options.small = small;
  const auto here = [&] {
    const kernels::SingleThread alone;
    run(calls);
  };
  if (engine::try_inline(here, options)) return;
  options.bytes = bytes;
  engine::push(OwnedCalls{calls.op,
                          {calls.parameters.begin(), calls.parameters.end()},
                          {calls.in.begin(), calls.in.end()}},
               options);
}

}  // namespace

void update_each(const OpInfo& op, std::span<const ParametersRef> parameters,
                 std::span<const NDArray> in) {
  if (parameters.empty()) return;
  const Calls calls{op, parameters, in};
  GEMEL_CHECK(in.size() == calls.inputs() * calls.count() && calls.inputs() > 0,
              "[{}] expected as many inputs for each of {} calls, got {}", op.name(), calls.count(),
              in.size());
  const bool joinable = op.implementations.size() == 1 && op.allows_inplace(0, 0) && !op.random &&
                        op.implementations.front().name == "tape" && !op.group;
  if (!joinable || calls.inputs() > 16 || casts_calls() || needs_record(in))
    return one_by_one(calls);
  int64_t bytes = 0;
  for (size_t k = 0; k < calls.count(); ++k) {
    if (!check(calls, k)) return one_by_one(calls);
    for (const NDArray& array : calls.of(k)) bytes += array.bytes();
  }
  if (bytes > inline_update_bytes) return push(calls, bytes, false);
  const size_t together = std::max<size_t>(1, inline_tags / calls.inputs());
  for (size_t begin = 0; begin < calls.count(); begin += together)
    push(calls.part(begin, std::min(calls.count(), begin + together)), bytes, true);
}

}  // namespace gemel::runtime
