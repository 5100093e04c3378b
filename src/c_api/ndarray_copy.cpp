// NDArray: waiting and synchronous copies.
#include "c_api/objects.h"
#include "runtime/invoke.h"

using namespace gemel;
using namespace gemel::c_api;

int MXNDArrayWaitToRead(NDArrayHandle handle) {
  return call(__func__, [&] {
    const NDArray& array = array_of(handle);
    if (array) array.wait_to_read();
  });
}

int MXNDArrayWaitToWrite(NDArrayHandle handle) {
  return call(__func__, [&] {
    const NDArray& array = array_of(handle);
    if (array) array.wait_to_write();
  });
}

int MXNDArrayWaitAll() {
  return call(__func__, [] { engine::wait_all(); });
}

// `size` counts elements.
int MXNDArraySyncCopyFromCPU(NDArrayHandle handle, const void* data, size_t size) {
  return call(__func__, [&] {
    NDArray& array = filled_array(handle);
    GEMEL_CHECK(static_cast<int64_t>(size) == array.size(),
                "[{}] expected {} elements for an array of shape {}, got {}", current_function,
                array.size(), array.shape(), size);
    array.copy_from_host(size ? given(data, "the elements") : data, array.bytes());
  });
}

int MXNDArraySyncCopyToCPU(NDArrayHandle handle, void* data, size_t size) {
  return call(__func__, [&] {
    const NDArray& array = filled_array(handle);
    GEMEL_CHECK(static_cast<int64_t>(size) == array.size(),
                "[{}] expected room for {} elements of an array of shape {}, got {}",
                current_function, array.size(), array.shape(), size);
    array.copy_to_host(size ? given(data, "the elements") : data, array.bytes());
  });
}

// Part `i` of a sparse target; -1 is the array itself.
int MXNDArraySyncCopyFromNDArray(NDArrayHandle handle_dst, const NDArrayHandle handle_src,
                                 const int i) {
  return call(__func__, [&] {
    NDArray& target = filled_array(handle_dst);
    const NDArray& source = filled_array(handle_src);
    GEMEL_CHECK(i == -1, "[{}] expected part -1 of a dense array, got {}", current_function, i);
    GEMEL_CHECK(target.shape() == source.shape(), "[{}] expected a source of shape {}, got {}",
                current_function, target.shape(), source.shape());
    if (target.dtype() == source.dtype()) {
      source.copy_to(target);
    } else {
      const NDArray in[1] = {source};
      const Attributes attributes = {{"dtype", std::string(gemel::name_of(target.dtype()))}};
      runtime::invoke("cast", in, attributes)[0].copy_to(target);
    }
    target.wait_to_read();
  });
}
