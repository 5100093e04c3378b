// NDArray: making, freeing, asking, views.
#include "array/ndarray.h"

#include <limits>

#include "array/shared_memory.h"
#include "c_api/objects.h"
#include "ops/shape/reshape.h"
#include "runtime/autograd.h"

namespace gemel::c_api {
namespace {

// 1.9.1's legacy meaning: no axes is an array that gets its memory when it is written.
void make_array(const Shape& shape, int dev_type, int dev_id, int dtype, NDArrayHandle* out) {
  const Device device = device_of(dev_type, dev_id);
  const Shape wanted = shape_from_caller(shape);
  given(out, "the result");
  if (!wanted.known())
    *out = new_handle(NDArray());
  else if (device.kind == DeviceKind::cpu_shared)
    *out = new_handle(make_shared_array(wanted, dtype_of(dtype)));
  else
    *out = new_handle(NDArray(wanted, dtype_of(dtype), device));
}

// Each axis as a T in memory of this thread.
template <typename T>
void give_shape(const void* handle, int* out_ndim, const T** out_axes) {
  static thread_local T axes[Shape::max_ndim];
  const Shape shape = [&] {
    if (is_sparse(handle)) return sparse_of(handle)->shape();
    const NDArray& array = array_of(handle);
    return array ? array.shape() : shape_for_caller(Shape::unknown());
  }();
  for (int i = 0; i < shape.ndim(); ++i) {
    if (shape[i] > static_cast<int64_t>(std::numeric_limits<T>::max()))
      fail(ErrorKind::Input, "[{}] axis {} of {} needs 64 bits: use the 64 form", current_function,
           i, shape);
    axes[i] = static_cast<T>(shape[i]);
  }
  *given(out_ndim, "the number of axes") = shape.ndim();
  *given(out_axes, "the axes") = axes;
}

void slice_array(NDArrayHandle handle, int64_t begin, int64_t end, NDArrayHandle* out) {
  const NDArray& array = filled_array(handle);
  GEMEL_CHECK(array.shape().ndim() > 0 && begin >= 0 && begin <= end && end <= array.shape()[0],
              "[{}] expected a range inside the first axis of {}, got [{}, {})", current_function,
              array.shape(), begin, end);
  *given(out, "the result") = new_handle(array.slice(begin, end));
}

void element_of(NDArrayHandle handle, int64_t index, NDArrayHandle* out) {
  const NDArray& array = filled_array(handle);
  GEMEL_CHECK(array.shape().ndim() > 0 && index >= 0 && index < array.shape()[0],
              "[{}] expected an index inside the first axis of {}, got {}", current_function,
              array.shape(), index);
  NDArray element = array.at(index);
  if (element.shape().ndim() == 0 && !is_numpy_shape()) element = element.reshape({1});
  *given(out, "the result") = new_handle(std::move(element));
}

template <typename T>
void reshape_array(NDArrayHandle handle, const T* dims, int ndim, bool reverse,
                   NDArrayHandle* out) {
  const NDArray& array = filled_array(handle);
  const Shape codes = shape_of(ndim > 0 ? given(dims, "the sizes") : dims, ndim);
  *given(out, "the result") =
      new_handle(array.reshape(resolve_reshape(array.shape(), codes, reverse)));
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXNDArrayCreateNone(NDArrayHandle* out) {
  return call(__func__, [&] { *given(out, "the result") = new_handle(NDArray()); });
}

int MXNDArrayCreate(const uint32_t* shape, uint32_t ndim, int dev_type, int dev_id, int,
                    NDArrayHandle* out) {
  return call(__func__, [&] { make_array(shape_of(shape, ndim), dev_type, dev_id, 0, out); });
}

int MXNDArrayCreateEx(const uint32_t* shape, uint32_t ndim, int dev_type, int dev_id, int,
                      int dtype, NDArrayHandle* out) {
  return call(__func__, [&] { make_array(shape_of(shape, ndim), dev_type, dev_id, dtype, out); });
}

int MXNDArrayCreateEx64(const int64_t* shape, int ndim, int dev_type, int dev_id, int, int dtype,
                        NDArrayHandle* out) {
  return call(__func__, [&] { make_array(shape_of(shape, ndim), dev_type, dev_id, dtype, out); });
}

int MXNDArrayFree(NDArrayHandle handle) {
  return call(__func__, [&] {
    if (is_sparse(handle))
      SparseArrays::instance().free(handle);
    else if (handle)
      Arrays::instance().free(handle);
  });
}

int MXNDArrayGetShape(NDArrayHandle handle, uint32_t* out_dim, const uint32_t** out_pdata) {
  return call(__func__, [&] {
    int ndim = 0;
    give_shape(handle, &ndim, out_pdata);
    *given(out_dim, "the number of axes") = static_cast<uint32_t>(std::max(ndim, 0));
  });
}

int MXNDArrayGetShapeEx(NDArrayHandle handle, int* out_dim, const int** out_pdata) {
  return call(__func__, [&] { give_shape(handle, out_dim, out_pdata); });
}

int MXNDArrayGetShapeEx64(NDArrayHandle handle, int* out_dim, const int64_t** out_pdata) {
  return call(__func__, [&] { give_shape(handle, out_dim, out_pdata); });
}

int MXNDArrayGetDType(NDArrayHandle handle, int* out_dtype) {
  return call(__func__, [&] {
    given(out_dtype, "the dtype");
    if (is_sparse(handle)) {
      *out_dtype = static_cast<int>(sparse_of(handle)->dtype());
      return;
    }
    const NDArray& array = array_of(handle);
    *given(out_dtype, "the dtype") = array ? static_cast<int>(array.dtype()) : -1;
  });
}

// -1 without memory, 0 dense, 1 row_sparse, 2 csr.
int MXNDArrayGetStorageType(NDArrayHandle handle, int* out_storage_type) {
  return call(__func__, [&] {
    *given(out_storage_type, "the storage type") = is_sparse(handle)
                                                       ? static_cast<int>(sparse_of(handle)->type())
                                                   : array_of(handle) ? 0
                                                                      : -1;
  });
}

int MXNDArrayGetContext(NDArrayHandle handle, int* out_dev_type, int* out_dev_id) {
  return call(__func__, [&] {
    if (is_sparse(handle)) {
      const Device device = sparse_of(handle)->device();
      *given(out_dev_type, "the device type") = static_cast<int>(device.kind);
      *given(out_dev_id, "the device number") = device.id;
      return;
    }
    const NDArray& array = array_of(handle);
    *given(out_dev_type, "the device type") = array ? static_cast<int>(array.device().kind) : 0;
    *given(out_dev_id, "the device number") = array ? array.device().id : 0;
  });
}

int MXNDArrayGetData(NDArrayHandle handle, void** out_pdata) {
  return call(__func__, [&] {
    const NDArray& array = array_of(handle);
    if (array) {
      array.wait_to_write();
      array.storage()->expose();
    }
    *given(out_pdata, "the address") = array ? array.data<void>() : nullptr;
  });
}

int MXNDArraySlice(NDArrayHandle handle, uint32_t begin, uint32_t end, NDArrayHandle* out) {
  return call(__func__, [&] { slice_array(handle, begin, end, out); });
}

int MXNDArraySlice64(NDArrayHandle handle, int64_t begin, int64_t end, NDArrayHandle* out) {
  return call(__func__, [&] { slice_array(handle, begin, end, out); });
}

int MXNDArrayAt(NDArrayHandle handle, uint32_t index, NDArrayHandle* out) {
  return call(__func__, [&] { element_of(handle, index, out); });
}

int MXNDArrayAt64(NDArrayHandle handle, int64_t index, NDArrayHandle* out) {
  return call(__func__, [&] { element_of(handle, index, out); });
}

int MXNDArrayReshape(NDArrayHandle handle, int ndim, int* dims, NDArrayHandle* out) {
  return call(__func__, [&] { reshape_array(handle, dims, ndim, false, out); });
}

int MXNDArrayReshape64(NDArrayHandle handle, int ndim, dim_t* dims, bool reverse,
                       NDArrayHandle* out) {
  return call(__func__, [&] { reshape_array(handle, dims, ndim, reverse, out); });
}

int MXShallowCopyNDArray(NDArrayHandle src, NDArrayHandle* out) {
  return call(__func__, [&] { *given(out, "the result") = handle_like(src, array_of(src)); });
}
