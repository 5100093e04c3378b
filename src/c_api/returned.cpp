#include "c_api/returned.h"

namespace gemel::c_api {

Returned& Returned::fresh() {
  static thread_local Returned returned;
  returned.kept_.clear();
  return returned;
}

const char** Returned::texts(std::vector<std::string> values) {
  const std::vector<std::string>& kept = keep(std::move(values));
  std::vector<const char*> addresses;
  for (const std::string& value : kept) addresses.push_back(value.c_str());
  return numbers(std::move(addresses));
}

}  // namespace gemel::c_api
