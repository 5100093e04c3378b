// The objects behind the handles, and the common conversions.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "array/ndarray.h"
#include "c_api/handles.h"
#include "c_api/returned.h"
#include "c_api/sparse.h"
#include "gemel/c_api.h"
#include "graph/symbol.h"
#include "op/registry.h"
#include "runtime/grad_request.h"

namespace gemel::c_api {

using Arrays = Table<NDArray, Kind::array>;

// A symbol, or an operator call that has not been given its inputs yet.
struct SymbolObject {
  Symbol symbol;
  const OpInfo* op = nullptr;  // set: not composed yet
  Attributes attributes;
};
using Symbols = Table<SymbolObject, Kind::symbol>;

inline void* new_handle(NDArray array) { return Arrays::instance().add(std::move(array)); }
inline void* new_handle(Symbol symbol) {
  return Symbols::instance().add(SymbolObject{std::move(symbol), nullptr, {}});
}
// One of a sparse array when that was noted of the values.
void* noted_handle(const NDArray& array);
// Null for an array without memory.
inline void* handle_or_null(const NDArray& array) { return array ? noted_handle(array) : nullptr; }

// Of a sparse array its dense values, shared.
inline NDArray& array_of(const void* handle) {
  if (is_sparse(handle)) [[unlikely]]
    return sparse_of(handle)->shared();
  return Arrays::instance().get(handle);
}
// Another handle on the same values, of the same storage type.
void* handle_like(const void* handle, const NDArray& values);
// An array that must have memory.
NDArray& filled_array(const void* handle);
// A handle of the caller's list, null where that is null.
inline NDArray optional_array(const void* handle) { return handle ? array_of(handle) : NDArray(); }
std::vector<NDArray> arrays_of(void* const* handles, size_t count, const char* what);
std::vector<NDArray> optional_arrays(void* const* handles, size_t count);
// Null handles stand for empty arrays.
std::vector<void*> new_handles(const std::vector<NDArray>& arrays);

// The symbol behind a handle; a call without inputs gets variables for them.
Symbol& symbol_of(const void* handle);

// Operators: handles that are never freed.
void* handle_of(const OpInfo& op);
const OpInfo& op_of(const void* handle);
// By any name; also operators of which only the name is known yet, which op_of() refuses.
void* find_operator(const std::string& name);
const char* expected_operator(const void* handle);  // the name of such a one, else null

std::string text_of(const char* text, const char* what);
std::vector<std::string> texts_of(const char* const* texts, size_t count, const char* what);
Attributes attributes_of(size_t count, const char* const* keys, const char* const* values);

// A device of this build; throws Error(Input) otherwise.
Device device_of(int type, int id);
DType dtype_of(int flag);
GradRequest request_of(uint32_t flag);

// This thread's np-shape flag (MXSetIsNumpyShape).
bool is_numpy_shape();
// 0 and () mean unknown unless the flag is set.
Shape shape_from_caller(Shape shape);
Shape shape_for_caller(Shape shape);
template <typename T>
Shape shape_of(const T* axes, int64_t ndim) {
  if (ndim < 0) return Shape::unknown();
  if (ndim > 0) given(axes, "the shape");
  Shape shape;
  for (int64_t i = 0; i < ndim; ++i)
    shape.push_back(static_cast<int64_t>(static_cast<std::make_signed_t<T>>(axes[i])));
  return shape;
}

}  // namespace gemel::c_api
