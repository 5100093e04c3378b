// A device is a kind and a number. What a kind can do is asked, never compiled in.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/export.h"

namespace gemel {

// The numbers are MXNet's device types, as written in files; `null` is ours and stands in none.
enum class DeviceKind : int32_t { cpu = 1, gpu = 2, cpu_pinned = 3, cpu_shared = 5, null = 99 };

struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int32_t id = 0;
  bool operator==(const Device&) const = default;
};

// What a kind of device can do.
struct Capability {
  // Kernels run on it. Where not (`null`), every schedule runs and memory is planned and
  // allocated, but no element is computed: results have any value.
  bool arithmetic = true;
};
GEMEL_EXPORT Capability capability(Device device);

GEMEL_EXPORT std::string to_string(Device device);  // "cpu(0)"
GEMEL_EXPORT Device
device_from_string(std::string_view text);      // "cpu", "cpu(1)"; throws Error(Input)
GEMEL_EXPORT bool is_available(Device device);  // false for gpu in this build

}  // namespace gemel
