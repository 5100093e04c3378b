// NDArray: waiting and synchronous copies.
#include "c_api/objects.h"
#include "runtime/invoke.h"

using namespace gemel;
using namespace gemel::c_api;

int MXNDArrayWaitToRead(NDArrayHandle handle) {
  return call(__func__, [&] {
    if (is_sparse(handle)) return void(sparse_of(handle)->parts());
    const NDArray& array = array_of(handle);
    if (array) array.wait_to_read();
  });
}

int MXNDArrayWaitToWrite(NDArrayHandle handle) {
  return call(__func__, [&] {
    if (is_sparse(handle)) return void(sparse_of(handle)->parts());
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

namespace gemel::c_api {
namespace {

// A copy with that dtype.
NDArray converted(const NDArray& source, DType dtype) {
  if (source.dtype() == dtype) return source.copy();
  const Attributes attributes = {{"dtype", std::string(gemel::name_of(dtype))}};
  return runtime::invoke("cast", std::span(&source, 1), attributes)[0];
}

// -1: the data, or everything when the source is sparse too; 0 and 1: auxiliary parts.
void copy_into_sparse(SparseObject& target, const void* source_handle, int part) {
  SparseArray parts = target.parts();
  const bool csr = target.type() == StorageType::csr;
  GEMEL_CHECK(part >= -1 && part < (csr ? 2 : 1), "[{}] expected a part in [-1, {}), got {}",
              current_function, csr ? 2 : 1, part);
  if (part == -1 && is_sparse(source_handle)) {
    parts = sparse_of(source_handle)->parts();
    parts.data = converted(parts.data, target.dtype());
    return target.assign(std::move(parts));
  }
  NDArray& slot = part == -1 ? parts.data : csr && part == 0 ? parts.indptr : parts.indices;
  const NDArray& source = filled_array(source_handle);
  GEMEL_CHECK(source.shape() == slot.shape(), "[{}] expected a source of shape {}, got {}",
              current_function, slot.shape(), source.shape());
  slot = converted(source, slot.dtype());
  slot.wait_to_read();
  target.assign(std::move(parts));
}

}  // namespace
}  // namespace gemel::c_api

// Part `i` of a sparse target; -1 is the array itself.
int MXNDArraySyncCopyFromNDArray(NDArrayHandle handle_dst, const NDArrayHandle handle_src,
                                 const int i) {
  return call(__func__, [&] {
    if (is_sparse(handle_dst)) return copy_into_sparse(*sparse_of(handle_dst), handle_src, i);
    NDArray& target = filled_array(handle_dst);
    const NDArray source =
        is_sparse(handle_src) ? sparse_of(handle_src)->values() : filled_array(handle_src);
    GEMEL_CHECK(i == -1, "[{}] expected part -1 of a dense array, got {}", current_function, i);
    GEMEL_CHECK(target.shape() == source.shape(), "[{}] expected a source of shape {}, got {}",
                current_function, target.shape(), source.shape());
    if (target.dtype() == source.dtype())
      source.copy_to(target);
    else
      converted(source, target.dtype()).copy_to(target);
    target.wait_to_read();
  });
}
