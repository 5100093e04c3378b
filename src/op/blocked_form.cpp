#include "op/blocked_form.h"

#include <unordered_map>

namespace gemel {
namespace {

std::unordered_map<std::string, BlockedForm>& forms() {
  static std::unordered_map<std::string, BlockedForm> table;
  return table;
}

}  // namespace

void set_blocked_form(std::string_view op_name, BlockedForm form) {
  forms().insert_or_assign(std::string(op_name), std::move(form));
}

const BlockedForm* find_blocked_form(const Operator& op) {
  const auto found = forms().find(op.name());
  return found == forms().end() ? nullptr : &found->second;
}

}  // namespace gemel
