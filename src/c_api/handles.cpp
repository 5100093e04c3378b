#include "c_api/handles.h"

namespace gemel::c_api {

const char* name_of(Kind kind) {
  constexpr const char* names[] = {"nothing",           "an NDArray",
                                   "a Symbol",          "an Executor",
                                   "a CachedOp",        "a KVStore",
                                   "a DataIter",        "a RecordIO",
                                   "a Predictor",       "an NDList",
                                   "a profiler object", "a Graph",
                                   "an operator",       "a data iterator's creator",
                                   "a sparse NDArray"};
  const auto index = static_cast<size_t>(kind);
  return index < std::size(names) ? names[index] : names[0];
}

void refuse_handle(Kind expected, const void* handle) {
  const HandleParts parts = unpack_handle(handle);
  if (handle == nullptr)
    fail(ErrorKind::Input, "[{}] expected {} handle, got null", current_function,
         name_of(expected));
  if (parts.kind == static_cast<uint8_t>(expected))
    fail(ErrorKind::Input, "[{}] expected {} handle, got one that was freed or never made",
         current_function, name_of(expected));
  const Kind kind = static_cast<Kind>(parts.kind);
  fail(ErrorKind::Input, "[{}] expected {} handle, got {}", current_function, name_of(expected),
       parts.kind >= 1 && parts.kind <= static_cast<uint8_t>(Kind::sparse_array)
           ? std::string("one of ") + name_of(kind)
           : fmt::format("the foreign value {}", handle));
}

}  // namespace gemel::c_api
