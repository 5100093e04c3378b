// NDArray: the functions that only sparse arrays need.
#include "c_api/objects.h"
#include "c_api/sparse.h"

namespace gemel::c_api {
namespace {

// Which part is auxiliary part `i`: csr has indptr and indices, row_sparse indices.
NDArray& auxiliary_part(SparseArray& array, int64_t i) {
  const bool csr = array.type == StorageType::csr;
  GEMEL_CHECK(i >= 0 && i < (csr ? 2 : 1), "[{}] expected a part in [0, {}), got {}",
              current_function, csr ? 2 : 1, i);
  return csr && i == 0 ? array.indptr : array.indices;
}

NDArray zero_array(const Shape& shape, DType dtype, Device device) {
  NDArray array(shape, dtype, device);
  array.copy_from_host(std::vector<std::byte>(static_cast<size_t>(array.bytes())).data(),
                       array.bytes());
  return array;
}

// `lengths` are those of the auxiliary parts; none stands for an array in which nothing is stored.
template <typename Axis, typename Ndim>
void make_sparse(int storage_type, const Axis* axes, int64_t ndim, int dev_type, int dev_id,
                 int dtype, uint32_t num_aux, const int* aux_type, const Ndim* aux_ndims,
                 const Axis* aux_shape, NDArrayHandle* out) {
  given(out, "the result");
  GEMEL_CHECK(storage_type == static_cast<int>(StorageType::row_sparse) ||
                  storage_type == static_cast<int>(StorageType::csr),
              "[{}] expected storage type 1 (row_sparse) or 2 (csr), got {}", current_function,
              storage_type);
  const auto type = static_cast<StorageType>(storage_type);
  const Device device = device_of(dev_type, dev_id);
  const Shape shape = shape_of(ndim > 0 ? given(axes, "the shape") : axes, ndim);
  SparseArray array = sparse_zeros(type, shape, dtype_of(dtype), device);
  const uint32_t parts = type == StorageType::csr ? 2 : 1;
  GEMEL_CHECK(num_aux == parts, "[{}] expected {} auxiliary parts, got {}", current_function, parts,
              num_aux);
  given(aux_type, "the types of the parts");
  given(aux_ndims, "the axes of the parts");
  given(aux_shape, "the shapes of the parts");
  for (uint32_t i = 0; i < parts; ++i) {
    GEMEL_CHECK(aux_ndims[i] == 1, "[{}] expected parts of one axis, got {} axes", current_function,
                static_cast<int64_t>(aux_ndims[i]));
    const DType index_type = dtype_of(aux_type[i]);
    GEMEL_CHECK(index_type == DType::int64 || index_type == DType::int32,
                "[{}] expected indices of int64, got {}", current_function,
                gemel::name_of(index_type));
    const auto length = static_cast<int64_t>(aux_shape[i]);
    GEMEL_CHECK(length >= 0, "[{}] expected a length from 0, got {}", current_function, length);
    NDArray& part = auxiliary_part(array, i);
    if (length > 0) part = zero_array({length}, DType::int64, device);
  }
  Shape stored = type == StorageType::csr ? Shape{0} : shape;
  stored[0] = array.indices.size();
  if (stored[0] > 0) array.data = zero_array(stored, dtype_of(dtype), device);
  check_parts(array);
  *out = new_sparse_handle(std::move(array));
}

void give_part(NDArrayHandle handle, int64_t i, NDArrayHandle* out) {
  given(out, "the part");
  SparseArray parts = sparse_of(handle)->parts();
  *out = new_handle(auxiliary_part(parts, i).copy());
}

void give_part_type(NDArrayHandle handle, int64_t i, int* out_type) {
  SparseArray parts = sparse_of(handle)->parts();
  *given(out_type, "the type") = static_cast<int>(auxiliary_part(parts, i).dtype());
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXNDArrayCreateSparseEx(int storage_type, const uint32_t* shape, uint32_t ndim, int dev_type,
                            int dev_id, int, int dtype, uint32_t num_aux, int* aux_type,
                            uint32_t* aux_ndims, const uint32_t* aux_shape, NDArrayHandle* out) {
  return call(__func__, [&] {
    make_sparse(storage_type, shape, ndim, dev_type, dev_id, dtype, num_aux, aux_type, aux_ndims,
                aux_shape, out);
  });
}

int MXNDArrayCreateSparseEx64(int storage_type, const int64_t* shape, int ndim, int dev_type,
                              int dev_id, int, int dtype, uint32_t num_aux, int* aux_type,
                              int* aux_ndims, const int64_t* aux_shape, NDArrayHandle* out) {
  return call(__func__, [&] {
    make_sparse(storage_type, shape, ndim, dev_type, dev_id, dtype, num_aux, aux_type, aux_ndims,
                aux_shape, out);
  });
}

int MXNDArrayGetAuxNDArray(NDArrayHandle handle, uint32_t i, NDArrayHandle* out) {
  return call(__func__, [&] { give_part(handle, i, out); });
}

int MXNDArrayGetAuxNDArray64(NDArrayHandle handle, int64_t i, NDArrayHandle* out) {
  return call(__func__, [&] { give_part(handle, i, out); });
}

int MXNDArrayGetAuxType(NDArrayHandle handle, uint32_t i, int* out_type) {
  return call(__func__, [&] { give_part_type(handle, i, out_type); });
}

int MXNDArrayGetAuxType64(NDArrayHandle handle, int64_t i, int* out_type) {
  return call(__func__, [&] { give_part_type(handle, i, out_type); });
}

int MXNDArrayGetDataNDArray(NDArrayHandle handle, NDArrayHandle* out) {
  return call(__func__, [&] {
    given(out, "the data");
    *out = new_handle(sparse_of(handle)->parts().data.copy());
  });
}

int MXNDArraySyncCheckFormat(NDArrayHandle handle, const bool full_check) {
  return call(__func__, [&] {
    if (is_sparse(handle))
      check_format(sparse_of(handle)->parts(), full_check);
    else
      array_of(handle);  // a dense array has no format
  });
}
