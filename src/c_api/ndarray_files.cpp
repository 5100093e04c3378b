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
  for (NDArray& array : named.arrays) handles.push_back(new_handle(std::move(array)));
  *out_size = static_cast<uint32_t>(handles.size());
  *out_arr = returned.numbers(std::move(handles));
  *out_name_size = static_cast<uint32_t>(named.names.size());
  *out_names = returned.texts(std::move(named.names));
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXNDArraySave(const char* fname, uint32_t num_args, NDArrayHandle* args, const char** keys) {
  return call(__func__, [&] {
    NamedArrays named{arrays_of(args, num_args, "the arrays"), {}};
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
    std::string bytes = array_to_bytes(array_of(handle), is_numpy_shape());
    *given(out_size, "the number of bytes") = bytes.size();
    *given(out_buf, "the bytes") = Returned::fresh().text(std::move(bytes));
  });
}

int MXNDArrayLoadFromRawBytes(const void* buf, size_t size, NDArrayHandle* out) {
  return call(__func__, [&] {
    *given(out, "the result") = new_handle(array_from_bytes(bytes_of(buf, size), is_numpy_shape()));
  });
}
