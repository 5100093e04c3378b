#include "c_api/sparse_calls.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "c_api/operator_call.h"
#include "c_api/sparse_rules.h"
#include "kernels/csr_dot.h"
#include "runtime/autograd.h"

namespace gemel::c_api {
namespace {

using Inputs = std::span<void* const>;

template <size_t n>
bool is_one_of(const std::string& name, const char* const (&names)[n]) {
  return std::any_of(names, names + n, [&](const char* other) { return name == other; });
}

StorageType type_of(const void* handle) {
  return is_sparse(handle) ? sparse_of(handle)->type() : StorageType::dense;
}

bool is_set(const Attributes& attributes, const char* name, bool otherwise) {
  const auto found = attributes.find(name);
  if (found == attributes.end()) return otherwise;
  return found->second == "True" || found->second == "true" || found->second == "1";
}

std::string text_or(const Attributes& attributes, const char* name, const char* otherwise) {
  const auto found = attributes.find(name);
  return found == attributes.end() ? otherwise : found->second;
}

NDArray values_of(const void* handle) {
  return is_sparse(handle) ? sparse_of(handle)->values() : filled_array(handle);
}

// An operator by its registered name; the two that exist only here by theirs.
std::string operator_name(void* creator) {
  const char* expected = expected_operator(creator);
  return expected ? expected : op_of(creator).name();
}

bool is_storage_operator(void* creator) {
  const char* expected = expected_operator(creator);
  return expected && (std::string_view(expected) == "cast_storage" ||
                      std::string_view(expected) == "_sparse_retain");
}

bool all_are(Inputs inputs, StorageType type) {
  return std::all_of(inputs.begin(), inputs.end(),
                     [&](const void* input) { return type_of(input) == type; });
}

// How 1.9.1's operator stores its result.
StorageType result_type(const std::string& name, Inputs inputs, const Attributes& attributes) {
  constexpr const char* sums[] = {"elemwise_add", "broadcast_add", "elemwise_sub", "broadcast_sub",
                                  "add_n"};
  constexpr const char* products[] = {"elemwise_mul", "broadcast_mul"};
  const StorageType first = inputs.empty() ? StorageType::dense : type_of(inputs[0]);
  if (keeps_zeros(name, attributes)) return first;
  if (is_one_of(name, sums) && all_are(inputs, first)) return first;
  if (is_one_of(name, products) && inputs.size() == 2 &&
      (type_of(inputs[1]) == first || type_of(inputs[1]) == StorageType::dense))
    return first;
  if (name == "slice" && first == StorageType::csr) return first;
  if (name == "take" && first == StorageType::csr && text_or(attributes, "axis", "0") == "0")
    return first;
  if (name == "Concat" && text_or(attributes, "dim", "1") == "0" &&
      all_are(inputs, StorageType::csr))
    return StorageType::csr;
  if (name == "dot" && inputs.size() == 2) {
    const std::string wanted = text_or(attributes, "forward_stype", "None");
    if (wanted != "None") return storage_type_from_name(wanted);
    if (first == StorageType::csr)
      return is_set(attributes, "transpose_a", false) ? StorageType::row_sparse
                                                      : StorageType::dense;
    return type_of(inputs[1]) == StorageType::csr && first == StorageType::dense
               ? StorageType::csr
               : StorageType::dense;
  }
  return StorageType::dense;
}

// What a call has computed: parts of its own, or dense values that are stored as `type`.
struct Result {
  NDArray values;
  StorageType type = StorageType::dense;
  SparseArray parts;
};

void* new_result(Result result) {
  if (result.parts) return new_sparse_handle(std::move(result.parts));
  if (result.type == StorageType::dense) return new_handle(std::move(result.values));
  return new_sparse_handle(to_sparse(result.values, result.type));
}

void store(Result result, void* target) {
  if (!is_sparse(target)) {
    if (result.parts) result.values = to_dense(result.parts);
    NDArray& array = array_of(target);
    if (!array)
      array = std::move(result.values);
    else if (array.storage() != result.values.storage())
      result.values.copy_to(array);
    return;
  }
  SparseObject& object = *sparse_of(target);
  if (result.parts && result.parts.type == object.type())
    object.assign(std::move(result.parts));
  else
    object.assign(result.parts ? to_dense(result.parts) : result.values);
}

SparseArray copied(const SparseArray& array) {
  return {array.type, array.shape, array.data.copy(), array.indices.copy(),
          array.indptr ? array.indptr.copy() : NDArray()};
}

Result cast_storage(Inputs inputs, const Attributes& attributes) {
  GEMEL_CHECK(inputs.size() == 1, "[cast_storage] expected one array, got {}", inputs.size());
  const auto wanted = attributes.find("stype");
  GEMEL_CHECK(wanted != attributes.end(), "[cast_storage] Required argument `stype` is missing");
  const StorageType type = storage_type_from_name(wanted->second);
  if (type != StorageType::dense && type_of(inputs[0]) == type)
    return {{}, type, copied(sparse_of(inputs[0])->parts())};
  const NDArray values = values_of(inputs[0]);
  if (type != StorageType::dense) return {{}, type, to_sparse(values, type)};
  return {runtime::invoke("_copy", std::span(&values, 1), {})[0]};
}

std::vector<int64_t> integers(const NDArray& array) {
  const NDArray wide = runtime::invoke("Cast", std::span(&array, 1), {{"dtype", "int64"}})[0];
  wide.wait_to_read();
  return {wide.data<int64_t>(), wide.data<int64_t>() + wide.size()};
}

// The rows that `wanted` names, as it names them; zeros where the array stores none.
SparseArray retained(const SparseArray& array, const NDArray& wanted) {
  const std::vector<int64_t> rows = integers(wanted), stored = integers(array.indices);
  SparseArray result = sparse_zeros(array.type, array.shape, array.dtype(), array.device());
  if (rows.empty()) return result;
  Shape shape = array.data.shape();
  shape[0] = static_cast<int64_t>(rows.size());
  result.data = NDArray(shape, array.dtype(), array.device());
  result.indices = NDArray({shape[0]}, DType::int64, array.device());
  result.indices.copy_from_host(rows.data(), result.indices.bytes());
  array.data.wait_to_read();
  result.data.wait_to_write();
  const auto bytes = static_cast<size_t>(result.data.bytes()) / rows.size();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] < 0 || rows[i] >= array.shape[0])
      fail(ErrorKind::Index, "[_sparse_retain] row {} lies outside of {} rows", rows[i],
           array.shape[0]);
    const auto place = std::find(stored.begin(), stored.end(), rows[i]);
    std::byte* const to = result.data.data<std::byte>() + i * bytes;
    if (place == stored.end())
      std::memset(to, 0, bytes);
    else
      std::memcpy(
          to, array.data.data<std::byte>() + static_cast<size_t>(place - stored.begin()) * bytes,
          bytes);
  }
  return result;
}

Result sparse_retain(Inputs inputs) {
  GEMEL_CHECK(inputs.size() == 2 && type_of(inputs[0]) == StorageType::row_sparse,
              "[_sparse_retain] expected a row_sparse array and indices");
  return {
      {}, StorageType::row_sparse, retained(sparse_of(inputs[0])->parts(), values_of(inputs[1]))};
}

// csr times dense without the dense values of the csr matrix; nothing where that does not apply.
std::optional<NDArray> csr_product(Inputs inputs, const Attributes& attributes) {
  if (inputs.size() != 2 || type_of(inputs[0]) != StorageType::csr || is_sparse(inputs[1]) ||
      is_set(attributes, "transpose_b", false) || runtime::is_recording())
    return {};
  const NDArray& right = filled_array(inputs[1]);
  const SparseArray left = sparse_of(inputs[0])->parts();
  const bool transpose = is_set(attributes, "transpose_a", false);
  if (right.shape().ndim() != 2 || right.dtype() != left.dtype() ||
      right.dtype() != DType::float32 || right.shape()[0] != left.shape[transpose ? 0 : 1])
    return {};
  check_format(left, true);
  NDArray out({left.shape[transpose ? 1 : 0], right.shape()[1]}, right.dtype(), right.device());
  for (const NDArray* array : {&left.data, &left.indices, &left.indptr, &right})
    array->wait_to_read();
  out.wait_to_write();
  kernels::csr_dot(left.data.tensor(), left.indices.tensor(), left.indptr.tensor(), right.tensor(),
                   transpose, out.tensor());
  return out;
}

// Copies of the rows of `array` that the index array names.
NDArray rows_of(const NDArray& array, const NDArray& rows) {
  const NDArray in[] = {array, rows};
  return runtime::invoke("take", in, {{"axis", "0"}})[0];
}

void put_rows(const NDArray& part, const NDArray& rows, const NDArray& array) {
  part.wait_to_read();
  array.wait_to_write();
  const auto count = static_cast<size_t>(rows.size());
  const auto bytes = static_cast<size_t>(part.bytes()) / count;
  for (size_t i = 0; i < count; ++i)
    std::memcpy(array.data<std::byte>() + static_cast<size_t>(rows.data<int64_t>()[i]) * bytes,
                part.data<std::byte>() + i * bytes, bytes);
}

bool is_lazy_update(const std::string& name, Inputs inputs, const Attributes& attributes) {
  constexpr const char* updates[] = {"sgd_update", "sgd_mom_update", "adam_update", "ftrl_update",
                                     "_sparse_adagrad_update"};
  return is_one_of(name, updates) && inputs.size() >= 2 &&
         type_of(inputs[1]) == StorageType::row_sparse && is_set(attributes, "lazy_update", true);
}

// Inputs are weight, gradient, states; `weight` is what gets the updated rows.
void update_rows(const OpInfo& op, Inputs inputs, const Attributes& attributes, NDArray weight) {
  const SparseArray gradient = sparse_of(inputs[1])->parts();
  if (gradient.indices.size() == 0) return;
  check_format(gradient, true);
  const NDArray rows =
      runtime::invoke("Cast", std::span(&gradient.indices, 1), {{"dtype", "int64"}})[0];
  rows.wait_to_read();
  std::vector<NDArray> whole{weight, gradient.data}, parts{rows_of(weight, rows), gradient.data};
  for (size_t i = 2; i < inputs.size(); ++i) {
    whole.push_back(array_of(inputs[i]));
    parts.push_back(rows_of(whole.back(), rows));
  }
  const OperatorCall made(op, attributes, parts);
  std::vector<NDArray> out(made.visible_outputs());
  out.at(0) = parts[0];
  made.run(parts, out);
  for (size_t i = 0; i < whole.size(); ++i)
    if (i != 1) put_rows(parts[i], rows, whole[i]);
}

Result lazy_update(const OpInfo& op, Inputs inputs, const Attributes& attributes, void* target) {
  if (target == inputs[0]) {
    NDArray& weight = array_of(target);
    update_rows(op, inputs, attributes, weight);
    return {weight};
  }
  const NDArray weight = values_of(inputs[0]).copy();
  update_rows(op, inputs, attributes, weight);
  return {weight, type_of(inputs[0]), {}};
}

// The operator on dense values; what it writes of its inputs reaches their owners.
std::vector<Result> dense_call(const OpInfo& op, Inputs inputs, Attributes attributes,
                               std::span<void* const> targets) {
  if (op.name() == "dot") attributes.erase("forward_stype");
  std::vector<NDArray> in;
  for (const void* input : inputs) in.push_back(values_of(input));
  const OperatorCall made(op, std::move(attributes), in);
  const std::vector<int> written =
      op.mutates_rule ? op.mutates_rule(made.parameters()) : op.mutates;
  for (const int i : written) in[static_cast<size_t>(i)] = array_of(inputs[static_cast<size_t>(i)]);
  std::vector<NDArray> out(made.visible_outputs());
  for (size_t i = 0; i < out.size() && i < targets.size(); ++i)
    if (!is_sparse(targets[i]) || in.empty())  // fillers learn their shape from the output
      out[i] = array_of(targets[i]);
  made.run(in, out);
  for (size_t i = 0; i < out.size() && i < targets.size(); ++i)
    if (!is_sparse(targets[i]) && array_of(targets[i]))
      array_of(targets[i]).set_history(out[i].history());
  std::vector<Result> results;
  for (NDArray& array : out) results.push_back({std::move(array), StorageType::dense, {}});
  return results;
}

std::vector<Result> compute(void* creator, Inputs inputs, const Attributes& attributes,
                            std::span<void* const> targets) {
  const std::string name = operator_name(creator);
  if (name == "cast_storage") return {cast_storage(inputs, attributes)};
  if (name == "_sparse_retain") return {sparse_retain(inputs)};
  const OpInfo& op = op_of(creator);
  if (is_lazy_update(name, inputs, attributes))
    return {lazy_update(op, inputs, attributes, targets.empty() ? nullptr : targets[0])};
  const StorageType type = result_type(name, inputs, attributes);
  const bool copies = name == "_copy" || name == "_copyto";
  if (copies && type != StorageType::dense && !runtime::is_recording()) {
    SparseArray parts = copied(sparse_of(inputs[0])->parts());
    if (!targets.empty() && is_sparse(targets[0]) && sparse_of(targets[0])->type() == type) {
      const Attributes cast = {
          {"dtype", std::string(gemel::name_of(sparse_of(targets[0])->dtype()))}};
      parts.data = runtime::invoke("Cast", std::span(&parts.data, 1), cast)[0];
    }
    if (targets.empty() || is_sparse(targets[0])) return {Result{{}, type, std::move(parts)}};
  }
  if (name == "dot")
    if (auto product = csr_product(inputs, attributes)) return {Result{*product, type, {}}};
  std::vector<Result> results = dense_call(op, inputs, attributes, targets);
  if (results.size() == 1) results[0].type = type;
  return results;
}

}  // namespace

bool is_sparse_call(void* creator, int num_inputs, void* const* inputs, int num_outputs,
                    void* const* outputs) {
  return std::any_of(inputs, inputs + num_inputs, is_sparse) ||
         (outputs && std::any_of(outputs, outputs + num_outputs, is_sparse)) ||
         is_storage_operator(creator);
}

void invoke_sparse(void* creator, std::span<void* const> inputs, int* num_outputs, void*** outputs,
                   Attributes attributes) {
  const bool has_targets = *outputs != nullptr && *num_outputs > 0;
  const std::span<void* const> targets(*outputs,
                                       has_targets ? static_cast<size_t>(*num_outputs) : 0);
  std::vector<Result> results = compute(creator, inputs, attributes, targets);
  if (!has_targets) {
    static thread_local std::vector<void*> handles;
    handles.clear();
    for (Result& result : results) handles.push_back(new_result(std::move(result)));
    *num_outputs = static_cast<int>(handles.size());
    *outputs = handles.data();
    return;
  }
  GEMEL_CHECK(targets.size() == results.size(), "[{}] expected {} outputs, got {}",
              operator_name(creator), results.size(), targets.size());
  for (size_t i = 0; i < results.size(); ++i) store(std::move(results[i]), targets[i]);
}

}  // namespace gemel::c_api
