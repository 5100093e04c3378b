#include <functional>

#include "base/io.h"
#include "model/params.h"
#include "model/params_format.h"

namespace gemel {
namespace {
using Sink = std::function<void(const void*, int64_t)>;

template <typename T>
void append(std::string& text, T value) {
  text.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void write_array(const NDArray& array, bool np_shape, const Sink& sink) {
  std::string header;
  append(header, np_shape ? params::version_3 : params::version_2);
  append(header, int32_t{params::dense});
  if (!array) {
    append(header, int32_t{np_shape ? -1 : 0});
    return sink(header.data(), static_cast<int64_t>(header.size()));
  }
  Shape shape = array.shape();
  if (shape.ndim() == 0 && !np_shape) shape = {1};
  append(header, int32_t{shape.ndim()});
  for (const int64_t axis : shape) append(header, axis);
  const Device device = array.device();
  append(header, static_cast<int32_t>(device.kind));
  append(header, device.kind == DeviceKind::cpu ? 0 : device.id);  // as 1.9.1
  append(header, static_cast<int32_t>(array.dtype()));
  sink(header.data(), static_cast<int64_t>(header.size()));
  sink(array.data<std::byte>(), array.bytes());
}

void wait_for(const NDArray& array) {
  if (array) array.wait_to_read();
}
}  // namespace

void save_arrays(const std::string& path, const NamedArrays& list, bool np_shape) {
  GEMEL_CHECK(list.names.empty() || list.names.size() == list.arrays.size(),
              "[save] expected no names or one for each of {} arrays, got {}", list.arrays.size(),
              list.names.size());
  for (const NDArray& array : list.arrays) wait_for(array);
  AtomicFile file(path);
  file.write(params::list_magic);
  file.write(uint64_t{0});
  file.write(uint64_t{list.arrays.size()});
  const Sink sink = [&](const void* data, int64_t bytes) { file.write(data, bytes); };
  for (const NDArray& array : list.arrays) write_array(array, np_shape, sink);
  file.write(uint64_t{list.names.size()});
  for (const std::string& name : list.names) {
    file.write(uint64_t{name.size()});
    file.write(name);
  }
  file.commit();
}

std::string array_to_bytes(const NDArray& array, bool np_shape) {
  wait_for(array);
  std::string text;
  write_array(array, np_shape, [&](const void* data, int64_t bytes) {
    text.append(static_cast<const char*>(data), static_cast<size_t>(bytes));
  });
  return text;
}

}  // namespace gemel
