// Operators of the user, by callbacks (MXCustomOpRegister).
#include <map>
#include <mutex>

#include "c_api/objects.h"

namespace gemel::c_api {
namespace {

struct CustomOperators {
  std::mutex mutex;
  std::map<std::string, CustomOpPropCreator> creators;
};

CustomOperators& custom_operators() {
  static auto& instance = *new CustomOperators;
  return instance;
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXCustomOpRegister(const char* op_type, CustomOpPropCreator creator) {
  return call(__func__, [&] {
    const std::string name = text_of(op_type, "the operator's type");
    given(creator, "the creator");
    CustomOperators& operators = custom_operators();
    std::lock_guard lock(operators.mutex);
    operators.creators[name] = creator;
  });
}
