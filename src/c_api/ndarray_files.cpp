// NDArray: files of arrays and the bytes of one.
#include <span>

#include "c_api/objects.h"
#include "model/params.h"

namespace gemel::c_api {
namespace {

std::span<const std::byte> bytes_of(const void* data, size_t size) {
  return {static_cast<const std::byte*>(size ? given(data, "the bytes") : data), size};
}

void give_arrays(NamedArrays named, uint32_t* out_size, NDArrayHandle** out_arr,
                 uint32_t* out_name_size, const char*** out_names) {
  given(out_size, "the number of arrays");
  given(out_arr, "the arrays");
  given(out_name_size, "the number of names");
  given(out_names, "the names");
  Returned& returned = Returned::fresh();
  std::vector<void*> handles;
  for (size_t i = 0; i < named.arrays.size(); ++i) {
    const auto sparse = named.sparse.find(i);
    handles.push_back(sparse == named.sparse.end() ? new_handle(std::move(named.arrays[i]))
                                                   : new_sparse_handle(std::move(sparse->second)));
  }
  *out_size = static_cast<uint32_t>(handles.size());
  *out_arr = returned.numbers(std::move(handles));
  *out_name_size = static_cast<uint32_t>(named.names.size());
  *out_names = returned.texts(std::move(named.names));
}

// What one array's bytes say decides between dense and sparse; damage is reported as of a dense
// one.
void* handle_of_bytes(std::span<const std::byte> bytes) {
  try {
    return new_handle(array_from_bytes(bytes, is_numpy_shape()));
  } catch (const Error&) {
    const std::exception_ptr reason = std::current_exception();
    try {
      return new_sparse_handle(sparse_from_bytes(bytes));
    } catch (const Error&) {
      std::rethrow_exception(reason);
    }
  }
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXNDArraySave(const char* fname, uint32_t num_args, NDArrayHandle* args, const char** keys) {
  return call(__func__, [&] {
    NamedArrays named;
    if (num_args > 0) given(args, "the arrays");
    for (uint32_t i = 0; i < num_args; ++i) {
      if (is_sparse(args[i])) named.sparse[i] = sparse_of(args[i])->parts();
      named.arrays.push_back(is_sparse(args[i]) ? NDArray() : filled_array(args[i]));
    }
    if (keys) named.names = texts_of(keys, num_args, "a name");
    save_arrays(text_of(fname, "the file name"), named, is_numpy_shape());
  });
}

int MXNDArrayLoad(const char* fname, uint32_t* out_size, NDArrayHandle** out_arr,
                  uint32_t* out_name_size, const char*** out_names) {
  return call(__func__, [&] {
    give_arrays(load_arrays(text_of(fname, "the file name"), is_numpy_shape()), out_size, out_arr,
                out_name_size, out_names);
  });
}

int MXNDArrayLoadFromBuffer(const void* ndarray_buffer, size_t size, uint32_t* out_size,
                            NDArrayHandle** out_arr, uint32_t* out_name_size,
                            const char*** out_names) {
  return call(__func__, [&] {
    give_arrays(load_arrays_from_bytes(bytes_of(ndarray_buffer, size), is_numpy_shape()), out_size,
                out_arr, out_name_size, out_names);
  });
}

int MXNDArraySaveRawBytes(NDArrayHandle handle, size_t* out_size, const char** out_buf) {
  return call(__func__, [&] {
    std::string bytes = is_sparse(handle) ? array_to_bytes(sparse_of(handle)->parts())
                                          : array_to_bytes(array_of(handle), is_numpy_shape());
    *given(out_size, "the number of bytes") = bytes.size();
    *given(out_buf, "the bytes") = Returned::fresh().text(std::move(bytes));
  });
}

int MXNDArrayLoadFromRawBytes(const void* buf, size_t size, NDArrayHandle* out) {
  return call(__func__, [&] { *given(out, "the result") = handle_of_bytes(bytes_of(buf, size)); });
}
