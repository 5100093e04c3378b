#include "runtime/cached_op.h"

#include "c_api/objects.h"

namespace gemel::c_api {
namespace {

using CachedOps = Table<std::shared_ptr<runtime::CachedOp>, Kind::cached_op>;

void make_cached_op(SymbolHandle handle, int num_flags, const char** keys, const char** values,
                    CachedOpHandle* out) {
  *given(out, "the result") = CachedOps::instance().add(std::make_shared<runtime::CachedOp>(
      symbol_of(handle), attributes_of(num_flags, keys, values)));
}

void call_cached_op(CachedOpHandle handle, int num_inputs, void* const* inputs, int* num_outputs,
                    void*** outputs) {
  const std::shared_ptr<runtime::CachedOp> op = CachedOps::instance().get(handle);
  given(num_outputs, "the number of outputs");
  given(outputs, "the outputs");
  std::vector<NDArray> out = (*op)(arrays_of(inputs, num_inputs, "the inputs"));
  if (*outputs == nullptr || *num_outputs == 0) {
    *num_outputs = static_cast<int>(out.size());
    *outputs = Returned::fresh().numbers(new_handles(out));
    return;
  }
  GEMEL_CHECK(*num_outputs == static_cast<int>(out.size()), "[{}] expected {} outputs, got {}",
              current_function, out.size(), *num_outputs);
  for (size_t i = 0; i < out.size(); ++i) {
    NDArray& target = array_of((*outputs)[i]);
    if (!target) {
      target = out[i];
      continue;
    }
    GEMEL_CHECK(target.shape() == out[i].shape() && target.dtype() == out[i].dtype(),
                "[{}] output {}: expected an array of shape {}, got {}", current_function, i,
                out[i].shape(), target.shape());
    out[i].copy_to(target);
    target.set_history(out[i].history());
  }
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXCreateCachedOp(SymbolHandle handle, CachedOpHandle* out) {
  return call(__func__, [&] { make_cached_op(handle, 0, nullptr, nullptr, out); });
}

int MXCreateCachedOpEx(SymbolHandle handle, int num_flags, const char** keys, const char** vals,
                       CachedOpHandle* out) {
  return call(__func__, [&] { make_cached_op(handle, num_flags, keys, vals, out); });
}

int MXCreateCachedOpEX(SymbolHandle handle, int num_flags, const char** keys, const char** vals,
                       CachedOpHandle* out, bool) {
  return call(__func__, [&] { make_cached_op(handle, num_flags, keys, vals, out); });
}

int MXFreeCachedOp(CachedOpHandle handle) {
  return call(__func__, [&] {
    if (handle) CachedOps::instance().free(handle);
  });
}

int MXInvokeCachedOp(CachedOpHandle handle, int num_inputs, NDArrayHandle* inputs, int* num_outputs,
                     NDArrayHandle** outputs) {
  return call(__func__, [&] { call_cached_op(handle, num_inputs, inputs, num_outputs, outputs); });
}

int MXInvokeCachedOpEx(CachedOpHandle handle, int num_inputs, NDArrayHandle* inputs,
                       int* num_outputs, NDArrayHandle** outputs, const int** out_stypes) {
  return call(__func__, [&] {
    given(out_stypes, "the storage types");
    call_cached_op(handle, num_inputs, inputs, num_outputs, outputs);
    static thread_local std::vector<int> storage_types;
    storage_types.assign(*num_outputs, 0);
    *out_stypes = storage_types.data();
  });
}
