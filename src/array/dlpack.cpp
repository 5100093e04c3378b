#include "array/dlpack.h"

#include <cstring>
#include <memory>

namespace gemel::dlpack {
namespace {

DLDataType type_of(DType dtype) {
  const TypeCode code = dtype == DType::boolean    ? code_bool
                        : dtype == DType::bfloat16 ? code_bfloat
                        : is_floating(dtype)       ? code_float
                        : name_of(dtype)[0] == 'u' ? code_uint
                                                   : code_int;
  return {code, static_cast<uint8_t>(8 * size_of(dtype)), 1};
}

DType dtype_of(DLDataType type) {
  for (int flag = 0; is_valid_dtype_flag(flag); ++flag) {
    const DLDataType candidate = type_of(static_cast<DType>(flag));
    if (candidate.code == type.code && candidate.bits == type.bits && type.lanes == 1)
      return static_cast<DType>(flag);
  }
  fail(ErrorKind::Type, "[from_dlpack] no array has elements of code {}, {} bits and {} lanes",
       int{type.code}, int{type.bits}, int{type.lanes});
}

// What a lent tensor points to.
struct Lent {
  NDArray array;
  Shape shape, strides;
};

DLTensor describe(Lent& lent) {
  const int ndim = lent.shape.ndim();
  lent.strides = lent.shape;
  int64_t step = 1;
  for (int i = ndim - 1; i >= 0; --i) {
    lent.strides[i] = step;
    step *= lent.shape[i];
  }
  return {lent.array.data<std::byte>(),
          {device_cpu, 0},
          ndim,
          type_of(lent.array.dtype()),
          ndim ? &lent.shape[0] : nullptr,
          ndim ? &lent.strides[0] : nullptr,
          0};
}

template <typename Managed>
Managed* lend_as(const NDArray& array, bool read_only) {
  GEMEL_CHECK(array, "[to_dlpack] expected an array with memory");
  GEMEL_CHECK(array.device().kind != DeviceKind::gpu,
              "[to_dlpack] expected an array on a CPU, got {}", to_string(array.device()));
  if (read_only)
    array.wait_to_read();
  else
    array.wait_to_write();
  array.wait_to_read();       // and raise what made it fail
  array.storage()->expose();  // whoever gets a tensor may write it, whatever was agreed
  auto lent = std::make_unique<Lent>(Lent{array, array.shape(), {}});
  lent->array.set_history(nullptr);
  auto managed = std::make_unique<Managed>();
  managed->tensor = describe(*lent);
  managed->context = lent.release();
  managed->deleter = [](Managed* self) {
    delete static_cast<Lent*>(self->context);
    delete self;
  };
  return managed.release();
}

// Owns a tensor that was handed over until a storage does.
template <typename Managed>
struct Deleter {
  void operator()(Managed* managed) const {
    if (managed->deleter) managed->deleter(managed);
  }
};

Shape shape_of(const DLTensor& tensor) {
  GEMEL_CHECK(tensor.ndim >= 0 && tensor.ndim <= Shape::max_ndim,
              "[from_dlpack] expected at most {} axes, got {}", Shape::max_ndim, tensor.ndim);
  return Shape(std::span<const int64_t>(tensor.shape, static_cast<size_t>(tensor.ndim)));
}

std::byte* address_of(const DLTensor& tensor) {
  return static_cast<std::byte*>(tensor.data) + tensor.byte_offset;
}

bool is_row_major(const DLTensor& tensor) {
  if (!tensor.strides) return true;
  int64_t step = 1;
  for (int i = 0; i < tensor.ndim; ++i)
    if (tensor.shape[i] == 0) return true;
  for (int i = tensor.ndim - 1; i >= 0; --i) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != step) return false;
    step *= tensor.shape[i];
  }
  return true;
}

// Element by element, for memory that need not be aligned.
void copy_unaligned(const std::byte* from, const DLTensor& tensor, int axis, int64_t width,
                    std::byte*& to) {
  if (axis == tensor.ndim) {
    std::memcpy(to, from, static_cast<size_t>(width));
    to += width;
    return;
  }
  int64_t step = 1;
  for (int i = axis + 1; i < tensor.ndim; ++i) step *= tensor.shape[i];
  if (tensor.strides) step = tensor.strides[axis];
  for (int64_t i = 0; i < tensor.shape[axis]; ++i)
    copy_unaligned(from + i * step * width, tensor, axis + 1, width, to);
}

template <typename Managed>
NDArray borrow_from(Managed* given, uint64_t flags) {
  std::unique_ptr<Managed, Deleter<Managed>> managed(given);
  const DLTensor& tensor = managed->tensor;
  GEMEL_CHECK(tensor.device.type == device_cpu || tensor.device.type == device_cuda_host,
              "[from_dlpack] expected a tensor in host memory, got one of device type {}",
              tensor.device.type);
  const Shape shape = shape_of(tensor);
  const DType dtype = dtype_of(tensor.dtype);
  const int64_t bytes = NDArray::checked_bytes(shape, dtype);
  if (!borrows_in_place(tensor, flags)) {
    const NDArray copy(shape, dtype);
    std::byte* to = copy.data<std::byte>();
    if (bytes) copy_unaligned(address_of(tensor), tensor, 0, size_of(dtype), to);
    return copy;
  }
  std::byte* address = address_of(tensor);
  Ref<Storage> storage =
      Storage::borrow(address, bytes, {}, [owned = managed.get()] { Deleter<Managed>()(owned); });
  managed.release();
  return NDArray(std::move(storage), 0, shape, dtype);
}

}  // namespace

DLManagedTensor* lend(const NDArray& array, bool read_only) {
  return lend_as<DLManagedTensor>(array, read_only);
}

DLManagedTensorVersioned* lend_versioned(const NDArray& array, bool read_only, bool is_copied) {
  DLManagedTensorVersioned* managed = lend_as<DLManagedTensorVersioned>(array, read_only);
  managed->version = {1, 0};
  managed->flags = (read_only ? flag_read_only : 0) | (is_copied ? flag_is_copied : 0);
  return managed;
}

NDArray borrow(DLManagedTensor* managed) { return borrow_from(managed, 0); }

NDArray borrow(DLManagedTensorVersioned* managed) {
  if (managed->version.major > 1) {
    const uint32_t major = managed->version.major;
    if (managed->deleter) managed->deleter(managed);
    fail(ErrorKind::Input, "[from_dlpack] expected DLPack of major version 1, got {}", major);
  }
  return borrow_from(managed, managed->flags);
}

bool borrows_in_place(const DLTensor& tensor, uint64_t flags) {
  const auto width = static_cast<uintptr_t>(tensor.dtype.bits / 8 * tensor.dtype.lanes);
  const bool aligned = width && reinterpret_cast<uintptr_t>(address_of(tensor)) % width == 0;
  return aligned && is_row_major(tensor) && !(flags & flag_read_only);
}

}  // namespace gemel::dlpack
