// The structures of DLPack 1.0 (https://dmlc.github.io/dlpack), by which libraries hand tensors to
// one another in one process. Their layout is fixed by that specification.
#pragma once
#include <cstdint>

namespace gemel::dlpack {

enum DeviceType : int32_t { device_cpu = 1, device_cuda = 2, device_cuda_host = 3 };
enum TypeCode : uint8_t {
  code_int = 0,
  code_uint = 1,
  code_float = 2,
  code_bfloat = 4,
  code_complex = 5,
  code_bool = 6,
};

struct DLDevice {
  int32_t type;
  int32_t id;
};
struct DLDataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;  // 1 but for vector types
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t* shape;
  int64_t* strides;  // in elements; null: row-major without gaps
  uint64_t byte_offset;
};

// Before version 1; a capsule of it is named "dltensor".
struct DLManagedTensor {
  DLTensor tensor;
  void* context;
  void (*deleter)(DLManagedTensor*);
};

struct DLPackVersion {
  uint32_t major, minor;
};
inline constexpr uint64_t flag_read_only = 1, flag_is_copied = 2;

// Since version 1; a capsule of it is named "dltensor_versioned". A newer major version only
// promises the first three members.
struct DLManagedTensorVersioned {
  DLPackVersion version;
  void* context;
  void (*deleter)(DLManagedTensorVersioned*);
  uint64_t flags;
  DLTensor tensor;
};

}  // namespace gemel::dlpack
