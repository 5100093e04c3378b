#include "device/device.h"

#include <charconv>

#include "base/error.h"

namespace gemel {
namespace {
struct KindName {
  DeviceKind kind;
  std::string_view name;
};
constexpr KindName kinds[] = {{DeviceKind::cpu, "cpu"},
                              {DeviceKind::gpu, "gpu"},
                              {DeviceKind::cpu_pinned, "cpu_pinned"},
                              {DeviceKind::cpu_shared, "cpu_shared"},
                              {DeviceKind::null, "null"}};
}  // namespace

std::string to_string(Device device) {
  for (const auto& [kind, name] : kinds)
    if (kind == device.kind) return fmt::format("{}({})", name, device.id);
  return fmt::format("device({},{})", static_cast<int>(device.kind), device.id);
}

Device device_from_string(std::string_view text) {
  std::string_view name = text.substr(0, text.find('('));
  for (const auto& [kind, known] : kinds) {
    if (known != name) continue;
    if (name.size() == text.size()) return {kind, 0};
    int id = -1;
    const char* first = text.data() + name.size() + 1;
    auto [end, error] = std::from_chars(first, text.data() + text.size(), id);
    if (error == std::errc() && end + 1 == text.data() + text.size() && *end == ')' && id >= 0)
      return {kind, id};
  }
  fail(ErrorKind::Input, "expected a device such as 'cpu' or 'cpu(0)', got '{}'", text);
}

Capability capability(Device device) { return {.arithmetic = device.kind != DeviceKind::null}; }

bool is_available(Device device) { return device.kind != DeviceKind::gpu; }

}  // namespace gemel
