#include "c_api/objects.h"

#include <unordered_map>

#include "c_api/expected_names.h"

namespace gemel::c_api {
namespace {

struct OperatorTable {
  std::vector<const OpInfo*> ops;
  std::unordered_map<const OpInfo*, uint32_t> index;
};

const OperatorTable& operator_table() {
  static const OperatorTable* table = [] {
    auto* made = new OperatorTable;
    made->ops = all_ops();
    for (uint32_t i = 0; i < made->ops.size(); ++i) made->index[made->ops[i]] = i;
    return made;
  }();
  return *table;
}

}  // namespace

void* noted_handle(const NDArray& array) {
  const StorageType type = noted_storage_type(array);
  if (type == StorageType::dense) return new_handle(array);
  return SparseArrays::instance().add(std::make_shared<SparseObject>(type, array));
}

void* handle_like(const void* handle, const NDArray& values) {
  if (!is_sparse(handle)) return new_handle(values);
  return SparseArrays::instance().add(
      std::make_shared<SparseObject>(sparse_of(handle)->type(), values));
}

NDArray& filled_array(const void* handle) {
  NDArray& array = array_of(handle);
  GEMEL_CHECK(array, "[{}] expected an array with memory, got an empty one", current_function);
  return array;
}

std::vector<NDArray> arrays_of(void* const* handles, size_t count, const char* what) {
  std::vector<NDArray> arrays;
  if (count > 0) given(handles, what);
  arrays.reserve(count);
  for (size_t i = 0; i < count; ++i) arrays.push_back(filled_array(handles[i]));
  return arrays;
}

std::vector<NDArray> optional_arrays(void* const* handles, size_t count) {
  std::vector<NDArray> arrays(count);
  if (handles)
    for (size_t i = 0; i < count; ++i) arrays[i] = optional_array(handles[i]);
  return arrays;
}

std::vector<void*> new_handles(const std::vector<NDArray>& arrays) {
  std::vector<void*> handles;
  handles.reserve(arrays.size());
  for (const NDArray& array : arrays) handles.push_back(handle_or_null(array));
  return handles;
}

Symbol& symbol_of(const void* handle) {
  SymbolObject& object = Symbols::instance().get(handle);
  if (object.op) {
    object.symbol = Symbol::create(*object.op, "", object.attributes, {}, {});
    object.op = nullptr;
  }
  return object.symbol;
}

void* handle_of(const OpInfo& op) {
  return pack_handle(Kind::op, 1, operator_table().index.at(&op));
}

// Operators that are only known by name have handles in a generation of their own.
constexpr uint32_t expected_generation = 3;

const char* expected_operator(const void* handle) {
  const HandleParts parts = unpack_handle(handle);
  if (parts.kind != static_cast<uint8_t>(Kind::op) || parts.generation != expected_generation ||
      parts.slot >= expected_operators.size())
    return nullptr;
  return expected_operators[parts.slot];
}

void* find_operator(const std::string& name) {
  if (const OpInfo* op = find_op(name)) return handle_of(*op);
  // 1.9.1's second names of operators that have sparse forms.
  if (name.starts_with("_sparse_"))
    if (const OpInfo* op = find_op(name.substr(std::string_view("_sparse_").size())))
      return handle_of(*op);
  static const auto& places = *new std::unordered_map<std::string_view, uint32_t>([] {
    std::unordered_map<std::string_view, uint32_t> made;
    for (uint32_t i = 0; i < expected_operators.size(); ++i) made[expected_operators[i]] = i;
    return made;
  }());
  const auto place = places.find(name);
  if (place != places.end()) return pack_handle(Kind::op, expected_generation, place->second);
  return handle_of(require_op(name));  // throws: names close ones
}

const OpInfo& op_of(const void* handle) {
  if (const char* name = expected_operator(handle))
    fail(ErrorKind::Input, "[{}] the operator is not available in this version of Gemel", name);
  const HandleParts parts = unpack_handle(handle);
  const OperatorTable& table = operator_table();
  if (parts.kind != static_cast<uint8_t>(Kind::op) || parts.generation != 1 ||
      parts.slot >= table.ops.size())
    refuse_handle(Kind::op, handle);
  return *table.ops[parts.slot];
}

std::string text_of(const char* text, const char* what) { return given(text, what); }

std::vector<std::string> texts_of(const char* const* texts, size_t count, const char* what) {
  std::vector<std::string> result;
  if (count > 0) given(texts, what);
  for (size_t i = 0; i < count; ++i) result.push_back(text_of(texts[i], what));
  return result;
}

Attributes attributes_of(size_t count, const char* const* keys, const char* const* values) {
  Attributes attributes;
  if (count > 0) {
    given(keys, "the keys");
    given(values, "the values");
  }
  for (size_t i = 0; i < count; ++i)
    attributes.insert_or_assign(given(keys[i], "a key"), given(values[i], "a value"));
  return attributes;
}

Device device_of(int type, int id) {
  const Device device{static_cast<DeviceKind>(type), id};
  const bool known = type == 1 || type == 2 || type == 3 || type == 5;
  GEMEL_CHECK(known, "[{}] expected a device type 1 (cpu), 2 (gpu), 3 or 5, got {}",
              current_function, type);
  GEMEL_CHECK(is_available(device), "[{}] the device {} is not available here", current_function,
              to_string(device));
  return device;
}

DType dtype_of(int flag) {
  if (flag == -1) return DType::none;
  GEMEL_CHECK(is_valid_dtype_flag(flag), "[{}] there is no dtype with the number {}",
              current_function, flag);
  return static_cast<DType>(flag);
}

GradRequest request_of(uint32_t flag) {
  switch (flag) {
    case 0:
      return GradRequest::null;
    case 1:
    case 2:  // in place: a matter of the plan
      return GradRequest::write;
    case 3:
      return GradRequest::add;
    default:
      fail(ErrorKind::Input, "[{}] expected a gradient request from 0 to 3, got {}",
           current_function, flag);
  }
}

Shape shape_from_caller(Shape shape) {
  if (is_numpy_shape()) return shape;
  if (shape.ndim() == 0) return Shape::unknown();
  for (int64_t& axis : shape)
    if (axis == 0) axis = -1;
  return shape;
}

Shape shape_for_caller(Shape shape) {
  if (is_numpy_shape()) return shape;
  if (shape.ndim() < 0) return Shape();
  for (int64_t& axis : shape) axis = std::max<int64_t>(axis, 0);
  return shape;
}

}  // namespace gemel::c_api
