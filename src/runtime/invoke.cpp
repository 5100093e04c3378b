#include "runtime/invoke.h"

#include <algorithm>

#include "array/convert.h"
#include "kernels/parallel.h"
#include "memory/pool.h"
#include "runtime/autograd.h"
#include "runtime/call.h"
#include "runtime/deferral.h"
#include "runtime/mixed_precision.h"
#include "runtime/prepared_cache.h"
#include "runtime/random.h"
#include "runtime/user_threads.h"

namespace gemel::runtime {
namespace {

// Calls with more inputs and outputs than this allocate their bookkeeping.
constexpr int inline_arrays = 12;

template <typename T>
class SmallBuffer {
 public:
  explicit SmallBuffer(size_t n) : size_(n) {
    if (n > inline_arrays) heap_ = std::make_unique<T[]>(n);
  }
  std::span<T> span() { return {heap_ ? heap_.get() : stack_, size_}; }

 private:
  size_t size_;
  T stack_[inline_arrays];
  std::unique_ptr<T[]> heap_;
};

// CPU devices share their memory, so arrays of several of them may meet, as in 1.9.1.
bool together(Device a, Device b) {
  return a == b || (a.kind == DeviceKind::cpu && b.kind == DeviceKind::cpu);
}

void check_devices(const OpInfo& op, std::span<const NDArray> in, Device device) {
  for (size_t i = 0; i < in.size(); ++i) {
    GEMEL_CHECK(in[i], "[{}] input {} is an empty array without storage", op.name(), i);
    GEMEL_CHECK(together(in[i].device(), device),
                "[{}] expected all inputs on {}, got input {} on {}; copy it with as_in_context",
                op.name(), to_string(device), i, to_string(in[i].device()));
  }
}

// Shapes that depend on values: waits for the inputs.
void infer_from_values(const OpInfo& op, ShapeContext& context, std::span<const NDArray> in) {
  std::vector<Tensor> tensors;
  for (const NDArray& array : in) {
    array.wait_to_read();
    tensors.push_back(array.tensor());
  }
  op.shape_from_values(context, tensors);
}

void infer(const OpInfo& op, const Parameters& parameters, std::span<Shape> shapes,
           std::span<DType> dtypes, std::span<const NDArray> in, bool training) {
  const size_t inputs = in.size();
  ShapeContext shape{op, parameters, shapes.first(inputs), shapes.subspan(inputs), training};
  op.shape_rule(shape);
  if (op.shape_from_values) infer_from_values(op, shape, in);
  TypeContext type{op, parameters, dtypes.first(inputs), dtypes.subspan(inputs)};
  if (op.type_rule)
    op.type_rule(type);
  else
    same_type(type);
  for (size_t i = inputs; i < shapes.size(); ++i) {
    GEMEL_CHECK(shapes[i].known(),
                "[{}] the shape of output {} does not follow from the inputs: {}", op.name(),
                i - inputs, shapes[i]);
    if (dtypes[i] == DType::none) dtypes[i] = DType::float32;
  }
}

// Whether a kernel that writes `out` directly would destroy inputs that it still has to read.
bool destroys_input(const OpInfo& op, const Parameters& parameters, std::span<const NDArray> in,
                    const NDArray& out, int output) {
  const std::vector<int> mutates = op.mutated_inputs(parameters);
  for (size_t i = 0; i < in.size(); ++i) {
    const bool apart = in[i].storage() != out.storage() ||
                       in[i].offset() >= out.offset() + out.bytes() ||
                       out.offset() >= in[i].offset() + in[i].bytes();
    if (apart) continue;
    const bool same = in[i].offset() == out.offset() && in[i].dtype() == out.dtype() &&
                      in[i].shape() == out.shape();
    const int input = static_cast<int>(i);
    const bool allowed = op.inplace_any || op.allows_inplace(input, output) ||
                         std::find(mutates.begin(), mutates.end(), input) != mutates.end();
    if (!same || !allowed) return true;
  }
  return false;
}

// Everything one pushed call needs; copied to the heap only when it cannot run at once.
struct PendingCall {
  const OpInfo& op;
  const ParametersRef& parameters;
  std::span<const NDArray> in, out;
  const Implementation& implementation;
  std::shared_ptr<Prepared> prepared;
  RandomStream random;
  bool training;

  void run() const {
    SmallBuffer<Tensor> buffer(in.size() + out.size());
    auto tensors = buffer.span();
    for (size_t i = 0; i < in.size(); ++i) tensors[i] = in[i].tensor();
    for (size_t i = 0; i < out.size(); ++i) tensors[in.size() + i] = out[i].tensor();
    OpCall call{op,       *parameters,   tensors.first(in.size()), tensors.subspan(in.size()),
                training, prepared.get()};
    call.random = random;
    run_kernel(implementation, call, {});
  }
};

struct OwnedCall {
  const OpInfo& op;
  ParametersRef parameters;
  std::vector<NDArray> in, out;
  const Implementation& implementation;
  std::shared_ptr<Prepared> prepared;
  RandomStream random;
  bool training;
  void operator()() const {
    PendingCall{op, parameters, in, out, implementation, prepared, random, training}.run();
  }
};

}  // namespace

static void invoke_as_given(const OpInfo& op, const ParametersRef& parameters,
                            std::span<const NDArray> in, std::span<NDArray> out, Device device);

void invoke(const OpInfo& op, const ParametersRef& parameters, std::span<const NDArray> in,
            std::span<NDArray> out, Device device) {
  if (casts_calls()) [[unlikely]] {
    ParametersRef own = parameters;
    std::vector<NDArray> inputs(in.begin(), in.end());
    cast_call(op, own, inputs);
    return invoke_as_given(op, own, inputs, out, device);
  }
  invoke_as_given(op, parameters, in, out, device);
}

static void invoke_as_given(const OpInfo& op, const ParametersRef& parameters,
                            std::span<const NDArray> in, std::span<NDArray> out, Device device) {
  const size_t inputs = in.size();
  const size_t outputs = op.output_count(*parameters);
  if (inputs && in[0]) device = in[0].device();
  check_devices(op, in, device);
  GEMEL_CHECK(is_available(device), "[{}] the device {} is not available here", op.name(),
              to_string(device));

  SmallBuffer<Shape> shape_buffer(inputs + outputs);
  SmallBuffer<DType> dtype_buffer(inputs + outputs);
  auto shapes = shape_buffer.span();
  auto dtypes = dtype_buffer.span();
  for (size_t i = 0; i < inputs; ++i) {
    shapes[i] = in[i].shape();
    dtypes[i] = in[i].dtype();
  }
  for (size_t i = 0; i < outputs; ++i) {
    const bool given = i < out.size() && out[i];
    shapes[inputs + i] = given && inputs == 0 ? out[i].shape() : Shape::unknown();
    dtypes[inputs + i] = DType::none;
  }
  const bool training = is_training();
  infer(op, *parameters, shapes, dtypes, in, training);

  // Outputs: the caller's where the type fits and no input is harmed, else new ones (copied
  // afterwards).
  SmallBuffer<NDArray> target_buffer(outputs);
  auto targets = target_buffer.span();
  bool converts = false;
  const bool deferred = op.pointwise && may_defer(op, in, out, shapes.subspan(inputs));
  for (size_t i = 0; i < outputs; ++i) {
    const Shape& shape = shapes[inputs + i];
    const DType dtype = dtypes[inputs + i];
    if (i < out.size() && out[i]) {
      GEMEL_CHECK(out[i].shape() == shape, "[{}] out: expected an array of shape {}, got {}",
                  op.name(), shape, out[i].shape());
      if (out[i].dtype() == dtype &&
          !destroys_input(op, *parameters, in, out[i], static_cast<int>(i))) {
        targets[i] = out[i];
        continue;
      }
      converts = true;
    }
    targets[i] = deferred ? NDArray(Storage::promise(NDArray::checked_bytes(shape, dtype), device),
                                    0, shape, dtype)
                          : NDArray(shape, dtype, device);
  }

  if (deferred)
    defer_call(op, parameters, in, targets);
  else
    push_call(op, parameters, in, targets, training);

  const bool records = needs_record(in);
  if (converts)
    for (size_t i = 0; i < outputs && i < out.size(); ++i) {
      if (out[i] && out[i].dtype() == targets[i].dtype()) {
        if (out[i].storage() != targets[i].storage()) targets[i].copy_to(out[i]);
      } else if (out[i]) {
        const Attributes attributes{{"dtype", std::string(name_of(out[i].dtype()))}};
        NDArray source[1] = {targets[i]};
        push_call(require_op("Cast"), cached_parameters(require_op("Cast"), attributes), source,
                  out.subspan(i, 1), training);
      }
    }
  for (size_t i = 0; i < out.size() && i < outputs; ++i) {
    if (!out[i])
      out[i] = targets[i];
    else if (records && is_tracked(out[i]))
      fail(ErrorKind::Input,
           "[{}] an array that autograd recorded was written in place; write to a new array, or "
           "leave the record scope",
           op.name());
  }
  if (records) record_call(op, parameters, in, out, targets);
}

void push_call(const OpInfo& op, const ParametersRef& parameters, std::span<const NDArray> in,
               std::span<const NDArray> out, bool training) {
  SmallBuffer<Tensor> buffer(in.size() + out.size());
  auto tensors = buffer.span();
  int64_t bytes = 0;
  for (size_t i = 0; i < in.size(); ++i) tensors[i] = in[i].tensor(), bytes += tensors[i].bytes();
  for (size_t i = 0; i < out.size(); ++i)
    tensors[in.size() + i] = out[i].tensor(), bytes += out[i].bytes();
  OpCall call{op, *parameters, tensors.first(in.size()), tensors.subspan(in.size()), training};
  const Implementation& implementation = op.choose(call);

  PendingCall pending{op, parameters, in, out, implementation, nullptr, {}, training};
  if (implementation.prepare) pending.prepared = prepared_for(implementation, parameters, call);
  if (op.random) pending.random = take_stream(random_count(call));

  SmallBuffer<engine::Tag*> tag_buffer(in.size() * 2 + out.size() * 2 + 1);
  auto tags = tag_buffer.span();
  size_t reads = 0, writes = 0;
  for (const NDArray& array : in) tags[reads++] = &array.tag();
  for (const NDArray& array : out)
    if (!array.covers_storage()) tags[reads++] = &array.tag();
  for (const NDArray& array : out) tags[reads + writes++] = &array.tag();
  for (int i : op.mutated_inputs(*parameters)) tags[reads + writes++] = &in[i].tag();
  if (op.random) tags[reads + writes++] = &generator_tag();
  engine::TaskOptions options;
  options.reads = tags.first(reads);
  options.writes = tags.subspan(reads, writes);
  options.name = op.name().c_str();
  options.small =
      implementation.small && (bytes <= inline_bytes || bytes <= inline_limit(implementation));
  const auto run_here = [&] {
    std::optional<kernels::SingleThread> alone;
    if (options.small && (!op.pointwise || bytes > inline_bytes))
      alone.emplace();  // small tapes decide by size
    pending.run();
  };
  if (!op.runs_user_code && engine::try_inline(run_here, options)) return;
  options.bytes = bytes;
  OwnedCall owned{op,
                  parameters,
                  {in.begin(), in.end()},
                  {out.begin(), out.end()},
                  implementation,
                  pending.prepared,
                  pending.random,
                  training};
  if (op.runs_user_code)
    push_user_work(std::move(owned), options);
  else
    engine::push(std::move(owned), options);
}

std::vector<NDArray> invoke(std::string_view op_name, std::span<const NDArray> in,
                            const Attributes& attributes, Device device) {
  const OpInfo& op = require_op(op_name);
  ParametersRef parameters = cached_parameters(op, attributes);
  std::vector<NDArray> out(op.visible_output_count(*parameters));
  invoke(op, parameters, in, out, device);
  return out;
}

std::vector<NDArray> invoke_reference(std::string_view op_name, std::span<const NDArray> in,
                                      const Attributes& attributes) {
  const OpInfo& op = require_op(op_name);
  ParametersRef parameters = op.parse(attributes);
  const size_t inputs = in.size(), outputs = op.output_count(*parameters);
  std::vector<Shape> shapes(inputs + outputs, Shape::unknown());
  std::vector<DType> dtypes(inputs + outputs, DType::none);
  std::vector<Tensor> tensors(inputs + outputs);
  for (size_t i = 0; i < inputs; ++i) {
    in[i].wait_to_read();
    shapes[i] = in[i].shape();
    dtypes[i] = in[i].dtype();
    tensors[i] = in[i].tensor();
  }
  infer(op, *parameters, shapes, dtypes, in, is_training());
  std::vector<NDArray> out;
  for (size_t i = inputs; i < inputs + outputs; ++i) {
    out.emplace_back(shapes[i], dtypes[i]);
    tensors[i] = out.back().tensor();
  }
  std::span<const Tensor> all = tensors;
  OpCall call{op, *parameters, all.first(inputs), all.subspan(inputs), is_training()};
  GEMEL_CHECK(!op.implementations.empty(), "[{}] has no implementation", op.name());
  const Implementation& reference = op.implementations.back();
  std::unique_ptr<Prepared> prepared;
  if (reference.prepare) prepared = reference.prepare(call);
  call.prepared = prepared.get();
  run_kernel(reference, call, {});
  out.resize(op.visible_output_count(*parameters));
  return out;
}

ParametersRef cached_parameters(const OpInfo& op, const Attributes& attributes) {
  if (op.instantiate) return op.parse(attributes);  // every call has a state of its own
  // A handful of distinct calls repeat in every program; the bound only guards against floods.
  constexpr size_t most = 4096;
  thread_local std::unordered_map<std::string, ParametersRef> cache;
  std::string key = op.name();
  for (const auto& [name, value] : attributes) {
    key += '\1';
    key += name;
    key += '\2';
    key += value;
  }
  auto found = cache.find(key);
  if (found != cache.end()) return found->second;
  if (cache.size() >= most) cache.clear();
  return cache.emplace(std::move(key), op.parse(attributes)).first->second;
}

}  // namespace gemel::runtime
