// Data iterators by name. None of them exists in C++ yet: creating one is an error.
#include <cstring>

#include "c_api/expected_names.h"
#include "c_api/objects.h"

namespace gemel::c_api {
namespace {

const char* iterator_name(const void* creator) {
  const HandleParts parts = unpack_handle(creator);
  if (parts.kind != static_cast<uint8_t>(Kind::iterator_creator) ||
      parts.slot >= expected_iterators.size())
    refuse_handle(Kind::iterator_creator, creator);
  return expected_iterators[parts.slot];
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXListDataIters(uint32_t* out_size, DataIterCreator** out_array) {
  return call(__func__, [&] {
    static auto& creators = *new std::vector<void*>([] {
      std::vector<void*> made;
      for (uint32_t i = 0; i < expected_iterators.size(); ++i)
        made.push_back(pack_handle(Kind::iterator_creator, 1, i));
      return made;
    }());
    *given(out_size, "the number of iterators") = static_cast<uint32_t>(creators.size());
    *given(out_array, "the iterators") = creators.data();
  });
}

int MXDataIterGetIterInfo(DataIterCreator creator, const char** name, const char** description,
                          uint32_t* num_args, const char*** arg_names, const char*** arg_type_infos,
                          const char*** arg_descriptions) {
  return call(__func__, [&] {
    static const char* none[1] = {nullptr};
    *given(name, "the name") = iterator_name(creator);
    *given(description, "the description") = "";
    *given(num_args, "the number of parameters") = 0;
    *given(arg_names, "the parameters") = none;
    *given(arg_type_infos, "their types") = none;
    *given(arg_descriptions, "their descriptions") = none;
  });
}

int MXDataIterCreateIter(DataIterCreator handle, uint32_t, const char**, const char**,
                         DataIterHandle*) {
  return call(__func__, [&] {
    fail(ErrorKind::Input, "[{}] the iterator {} is not available in this version of Gemel",
         current_function, iterator_name(handle));
  });
}
