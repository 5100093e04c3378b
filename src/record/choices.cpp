#include "record/choices.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace gemel::record {

std::string_view Choices::setting(std::string_view name, std::string_view otherwise) const {
  const auto found = settings.find(name);
  return found == settings.end() ? otherwise : std::string_view(found->second);
}

bool Choices::flag(std::string_view name, bool otherwise) const {
  return setting(name, otherwise ? "1" : "0") == "1";
}

std::string_view Choices::kernel(std::string_view signature) const {
  const auto found = kernels.find(signature);
  return found == kernels.end() ? std::string_view() : std::string_view(found->second);
}

std::string to_text(const Choices& choices) {
  return nlohmann::json{{"settings", choices.settings}, {"kernels", choices.kernels}}.dump();
}

Choices choices_from_text(std::string_view text) try {
  const nlohmann::json document = nlohmann::json::parse(text);
  Choices choices;
  for (const auto& [name, value] : document.at("settings").items())
    choices.settings[name] = value.get<std::string>();
  for (const auto& [signature, name] : document.at("kernels").items())
    choices.kernels[signature] = name.get<std::string>();
  return choices;
} catch (const nlohmann::json::exception& error) {
  fail(ErrorKind::Input, "[record] expected choices as JSON, got '{}': {}", text.substr(0, 40),
       error.what());
}

}  // namespace gemel::record
