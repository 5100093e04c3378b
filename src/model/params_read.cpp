#include "base/io.h"
#include "model/params.h"
#include "model/params_format.h"

namespace gemel {
namespace {

template <typename Axis>
Shape read_shape(Reader& reader, int64_t ndim, bool unknown_allowed) {
  if (ndim == -1 && unknown_allowed) return Shape::unknown();
  if (ndim < 0 || ndim > Shape::max_ndim)
    reader.refuse("expected an array of at most {} axes, got {}", Shape::max_ndim, ndim);
  Shape shape = Shape::filled(static_cast<int>(ndim), 0);
  for (int64_t& axis : shape) {
    axis = static_cast<int64_t>(reader.read<Axis>("the size of an axis"));
    if (axis < (unknown_allowed ? -1 : 0))
      reader.refuse("expected the size of an axis, got {}", axis);
  }
  return shape;
}

int64_t bytes_of(const Reader& reader, const Shape& shape, DType dtype) {
  int64_t bytes = size_of(dtype);
  bool fits = true;
  for (const int64_t axis : shape) {
    if (axis == 0) return 0;
    fits = !__builtin_mul_overflow(bytes, axis, &bytes) && fits;
  }
  if (!fits) reader.refuse("shape {} has more bytes than any file", shape);
  return bytes;
}

// The device that wrote the file says nothing about this machine: arrays arrive in host memory.
void skip_device(Reader& reader) { reader.skip(2 * sizeof(int32_t), "the device"); }

DType read_dtype(Reader& reader) {
  const auto flag = reader.read<int32_t>("the dtype");
  if (!is_valid_dtype_flag(flag))
    reader.refuse("expected the number of a dtype (0 to 12), got {}", flag);
  return static_cast<DType>(flag);
}

NDArray read_values(Reader& reader, const Shape& shape, DType dtype) {
  const int64_t bytes = bytes_of(reader, shape, dtype);
  reader.require(bytes, "the data of an array");
  NDArray array(shape, dtype);
  auto* data = array.data<uint8_t>();  // nobody else knows the array yet
  reader.read_into(data, bytes, "the data of an array");
  if (dtype == DType::boolean)  // any other value would not be a bool
    for (int64_t i = 0; i < bytes; ++i) data[i] = data[i] != 0;
  return array;
}

StorageType read_storage_type(Reader& reader) {
  const auto type = reader.read<int32_t>("the storage type");
  if (type < 0 || type > 2) reader.refuse("expected a storage type (0 to 2), got {}", type);
  return static_cast<StorageType>(type);
}

Shape read_shape(Reader& reader) {
  return read_shape<int64_t>(reader, reader.read<int32_t>("the number of axes"), false);
}

SparseArray read_sparse(Reader& reader, StorageType type) {
  const Shape stored = read_shape(reader);
  SparseArray array{type, read_shape(reader), {}, {}, {}};
  skip_device(reader);
  const DType dtype = read_dtype(reader);
  const bool csr = type == StorageType::csr;
  DType kinds[2];
  Shape shapes[2];
  for (int i = 0; i < 1 + csr; ++i) {
    kinds[i] = read_dtype(reader);
    shapes[i] = read_shape(reader);
  }
  array.data = read_values(reader, stored, dtype);
  if (csr) array.indptr = read_values(reader, shapes[0], kinds[0]);
  array.indices = read_values(reader, shapes[csr], kinds[csr]);
  try {
    check_parts(array);
  } catch (const Error& error) {
    reader.refuse("damaged: {}", error.what());
  }
  return array;
}

// Returns the "none" array where the file says that there is none; a sparse one goes to `sparse`.
NDArray read_array(Reader& reader, bool np_shape, SparseArray& sparse) {
  const auto magic = reader.read<uint32_t>("the header of an array");
  if (magic == params::version_3 && !np_shape)
    reader.refuse(
        "this array was saved with np shape semantics; load it with them turned on "
        "(util.np_shape or npx.set_np)");
  const bool current = magic == params::version_2 || magic == params::version_3;
  if (current)
    if (const StorageType type = read_storage_type(reader); type != StorageType::dense) {
      sparse = read_sparse(reader, type);
      return {};
    }
  Shape shape;
  if (current || magic == params::version_1)
    shape = read_shape<int64_t>(reader, reader.read<int32_t>("the number of axes"),
                                magic == params::version_3);
  else
    shape = read_shape<uint32_t>(reader, magic, false);
  if (magic == params::version_3 ? !shape.known() : shape.ndim() == 0) return {};
  skip_device(reader);
  const DType dtype = read_dtype(reader);
  return read_values(reader, shape, dtype);
}

NamedArrays read_list(Reader& reader, bool np_shape) {
  const auto magic = reader.read<uint64_t>("the header of a list of arrays");
  if (magic != params::list_magic) {
    reader.seek(0);
    reader.refuse("not a file of arrays: expected it to begin with {:#x}, got {:#x}",
                  params::list_magic, magic);
  }
  reader.skip(sizeof(uint64_t), "the header of a list of arrays");
  const auto count = reader.read<uint64_t>("the number of arrays");
  constexpr uint64_t least_array = sizeof(uint32_t), least_name = sizeof(uint64_t);
  if (count > static_cast<uint64_t>(reader.remaining()) / least_array)
    reader.refuse("truncated or damaged: {} arrays do not fit the {} bytes that are left", count,
                  reader.remaining());
  NamedArrays list;
  for (uint64_t i = 0; i < count; ++i) {
    SparseArray sparse;
    list.arrays.push_back(read_array(reader, np_shape, sparse));
    if (sparse) list.sparse[i] = std::move(sparse);
  }
  const auto names = reader.read<uint64_t>("the number of names");
  if (names != 0 && names != count) reader.refuse("expected no names or {}, got {}", count, names);
  if (names > static_cast<uint64_t>(reader.remaining()) / least_name)
    reader.refuse("truncated or damaged: {} names do not fit the {} bytes that are left", names,
                  reader.remaining());
  for (uint64_t i = 0; i < names; ++i) {
    const auto length = reader.read<int64_t>("the length of a name");
    list.names.push_back(reader.read_string(length, "a name"));
  }
  return list;
}
}  // namespace

NamedArrays load_arrays(const std::string& path, bool np_shape) {
  Reader reader = Reader::open(path);
  return read_list(reader, np_shape);
}

NamedArrays load_arrays_from_bytes(std::span<const std::byte> bytes, bool np_shape) {
  Reader reader(bytes, "arrays in memory");
  return read_list(reader, np_shape);
}

NDArray array_from_bytes(std::span<const std::byte> bytes, bool np_shape) {
  Reader reader(bytes, "array in memory");
  SparseArray sparse;
  NDArray array = read_array(reader, np_shape, sparse);
  if (sparse) reader.refuse("expected a dense array, got a {} one", name_of(sparse.type));
  return array;
}

SparseArray sparse_from_bytes(std::span<const std::byte> bytes) {
  Reader reader(bytes, "array in memory");
  SparseArray sparse;
  read_array(reader, false, sparse);
  if (!sparse) reader.refuse("expected a sparse array, got a dense one");
  return sparse;
}

}  // namespace gemel
