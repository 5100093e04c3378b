// NDArray: memory shared with other libraries (DLPack) and other processes.
#include <unistd.h>

#include "array/dlpack.h"
#include "array/shared_memory.h"
#include "c_api/objects.h"

namespace gemel::c_api {
namespace {

dlpack::DLManagedTensor* managed_tensor(DLManagedTensorHandle handle) {
  return static_cast<dlpack::DLManagedTensor*>(given(handle, "the tensor"));
}

template <typename T>
void open_shared(int descriptor, const T* shape, int64_t ndim, int dtype, NDArrayHandle* out) {
  given(out, "the result");
  if (ndim > 0) given(shape, "the shape");
  *out = new_handle(open_shared_array(descriptor, shape_of(shape, ndim), dtype_of(dtype)));
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXNDArrayToDLPack(NDArrayHandle handle, DLManagedTensorHandle* out_dlpack) {
  return call(__func__, [&] {
    given(out_dlpack, "the tensor");
    *out_dlpack = dlpack::lend(filled_array(handle), false);
  });
}

int MXNDArrayFromDLPack(DLManagedTensorHandle dlpack, NDArrayHandle* out_handle) {
  return MXNDArrayFromDLPackEx(dlpack, false, out_handle);
}

// `transient_handle`: the structure itself dies after the call; only what it points to stays.
int MXNDArrayFromDLPackEx(DLManagedTensorHandle dlpack, const bool transient_handle,
                          NDArrayHandle* out_handle) {
  return call(__func__, [&] {
    given(out_handle, "the result");
    dlpack::DLManagedTensor* tensor = managed_tensor(dlpack);
    if (!transient_handle) {
      *out_handle = new_handle(dlpack::borrow(tensor));
      return;
    }
    auto kept = std::make_unique<dlpack::DLManagedTensor>(*tensor);
    struct Original {
      void* context;
      void (*deleter)(dlpack::DLManagedTensor*);
    };
    kept->context = new Original{tensor->context, tensor->deleter};
    kept->deleter = [](dlpack::DLManagedTensor* self) {
      std::unique_ptr<dlpack::DLManagedTensor> owned(self);
      std::unique_ptr<Original> original(static_cast<Original*>(self->context));
      self->context = original->context;
      if (original->deleter) original->deleter(self);
    };
    *out_handle = new_handle(dlpack::borrow(kept.release()));
  });
}

int MXNDArrayCallDLPackDeleter(DLManagedTensorHandle dlpack) {
  return call(__func__, [&] {
    if (!dlpack) return;
    dlpack::DLManagedTensor* tensor = managed_tensor(dlpack);
    if (tensor->deleter) tensor->deleter(tensor);
  });
}

// The number is a file descriptor. An array in private memory moves into shared memory first.
int MXNDArrayGetSharedMemHandle(NDArrayHandle handle, int* shared_pid, int* shared_id) {
  return call(__func__, [&] {
    given(shared_pid, "the process");
    given(shared_id, "the number");
    NDArray& array = filled_array(handle);
    if (shared_descriptor(array) < 0) {
      NDArray shared = make_shared_array(array.shape(), array.dtype());
      array.copy_to(shared);
      array = shared;
    }
    array.wait_to_read();
    *shared_pid = static_cast<int>(getpid());
    *shared_id = shared_descriptor(array);
  });
}

int MXNDArrayCreateFromSharedMem(int, int shared_id, const uint32_t* shape, uint32_t ndim,
                                 int dtype, NDArrayHandle* out) {
  return call(__func__, [&] { open_shared(shared_id, shape, ndim, dtype, out); });
}

int MXNDArrayCreateFromSharedMemEx(int, int shared_id, const int* shape, int ndim, int dtype,
                                   NDArrayHandle* out) {
  return call(__func__, [&] { open_shared(shared_id, shape, ndim, dtype, out); });
}
