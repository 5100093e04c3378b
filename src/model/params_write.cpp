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

void append_shape(std::string& text, const Shape& shape) {
  append(text, int32_t{shape.ndim()});
  for (const int64_t axis : shape) append(text, axis);
}

void append_device(std::string& text, Device device) {
  append(text, static_cast<int32_t>(device.kind));
  append(text, device.kind == DeviceKind::cpu ? 0 : device.id);  // as 1.9.1
}

void write_array(const NDArray& array, bool np_shape, const Sink& sink) {
  std::string header;
  append(header, np_shape ? params::version_3 : params::version_2);
  append(header, StorageType::dense);
  if (!array) {
    append(header, int32_t{np_shape ? -1 : 0});
    return sink(header.data(), static_cast<int64_t>(header.size()));
  }
  Shape shape = array.shape();
  if (shape.ndim() == 0 && !np_shape) shape = {1};
  append_shape(header, shape);
  append_device(header, array.device());
  append(header, static_cast<int32_t>(array.dtype()));
  sink(header.data(), static_cast<int64_t>(header.size()));
  sink(array.data<std::byte>(), array.bytes());
}

// In files csr has indptr before the columns.
std::vector<NDArray> index_arrays(const SparseArray& array) {
  if (array.type == StorageType::csr) return {array.indptr, array.indices};
  return {array.indices};
}

void write_sparse(const SparseArray& array, const Sink& sink) {
  check_parts(array);
  std::string header;
  append(header, params::version_2);
  append(header, array.type);
  append_shape(header, array.data.shape());
  append_shape(header, array.shape);
  append_device(header, array.device());
  append(header, static_cast<int32_t>(array.dtype()));
  for (const NDArray& part : index_arrays(array)) {
    append(header, static_cast<int32_t>(part.dtype()));
    append_shape(header, part.shape());
  }
  sink(header.data(), static_cast<int64_t>(header.size()));
  sink(array.data.data<std::byte>(), array.data.bytes());
  for (const NDArray& part : index_arrays(array)) sink(part.data<std::byte>(), part.bytes());
}

void wait_for(const NDArray& array) {
  if (array) array.wait_to_read();
}
void wait_for(const SparseArray& array) {
  for (const NDArray* part : {&array.data, &array.indices, &array.indptr}) wait_for(*part);
}
}  // namespace

void save_arrays(const std::string& path, const NamedArrays& list, bool np_shape) {
  GEMEL_CHECK(list.names.empty() || list.names.size() == list.arrays.size(),
              "[save] expected no names or one for each of {} arrays, got {}", list.arrays.size(),
              list.names.size());
  GEMEL_CHECK(list.sparse.empty() || !np_shape,
              "[save] sparse arrays cannot be saved with np shape semantics");
  for (const NDArray& array : list.arrays) wait_for(array);
  for (const auto& [index, array] : list.sparse) wait_for(array);
  AtomicFile file(path);
  file.write(params::list_magic);
  file.write(uint64_t{0});
  file.write(uint64_t{list.arrays.size()});
  const Sink sink = [&](const void* data, int64_t bytes) { file.write(data, bytes); };
  for (size_t i = 0; i < list.arrays.size(); ++i)
    if (const auto found = list.sparse.find(i); found != list.sparse.end())
      write_sparse(found->second, sink);
    else
      write_array(list.arrays[i], np_shape, sink);
  file.write(uint64_t{list.names.size()});
  for (const std::string& name : list.names) {
    file.write(uint64_t{name.size()});
    file.write(name);
  }
  file.commit();
}

std::string array_to_bytes(const SparseArray& array) {
  wait_for(array);
  std::string text;
  write_sparse(array, [&](const void* data, int64_t bytes) {
    text.append(static_cast<const char*>(data), static_cast<size_t>(bytes));
  });
  return text;
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
