#include "graph/hidden_keys.h"

namespace gemel {
namespace {

constexpr std::string_view hidden_keys[] = {"ctx_group", "lr_mult", "wd_mult", "force_mirroring",
                                            "mirror_stage"};

}  // namespace

bool is_hidden_key(std::string_view key) {
  for (std::string_view hidden : hidden_keys)
    if (hidden == key) return true;
  return false;
}

bool is_dunder_key(std::string_view key) {
  return key.size() > 4 && key.starts_with("__") && key.ends_with("__");
}

std::string stored_key(std::string_view key) {
  return is_hidden_key(key) ? "__" + std::string(key) + "__" : std::string(key);
}

std::pair<std::string, std::string> input_hidden_key(std::string_view key) {
  if (is_dunder_key(key)) return {};
  for (std::string_view hidden : hidden_keys) {
    if (key.size() <= hidden.size() + 1 || !key.ends_with(hidden)) continue;
    const std::string_view stem = key.substr(0, key.size() - hidden.size());
    if (stem.back() == '_')
      return {std::string(stem.substr(0, stem.size() - 1)), stored_key(hidden)};
  }
  return {};
}

Attributes stored_attributes(const Attributes& attributes) {
  Attributes stored;
  for (const auto& [key, value] : attributes) stored[stored_key(key)] = value;
  return stored;
}

Attributes shown_attributes(const Attributes& attributes) {
  Attributes shown = attributes;
  for (std::string_view hidden : hidden_keys) {
    const auto found = attributes.find("__" + std::string(hidden) + "__");
    if (found != attributes.end()) shown.emplace(hidden, found->second);
  }
  return shown;
}

}  // namespace gemel
