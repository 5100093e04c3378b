#include "op/parameters.h"

#include <algorithm>

#include "graph/close_names.h"

namespace gemel {
namespace {

bool is_dunder(std::string_view key) {
  return key.size() > 4 && key.starts_with("__") && key.ends_with("__");
}

void check_range(std::string_view who, const Field& field, std::string_view text) {
  if ((!field.lowest && !field.highest) || is_none(text)) return;
  double number = 0;
  parse_value(text, number);
  const bool inside =
      (!field.lowest || number >= *field.lowest) && (!field.highest || number <= *field.highest);
  if (inside) return;
  const std::string low = field.lowest ? print_value(*field.lowest) : "-inf";
  const std::string high = field.highest ? print_value(*field.highest) : "inf";
  fail(ErrorKind::Input, "[{}] parameter {}: expected {} in [{}, {}], got {}", who, field.name,
       field.type, low, high, text);
}

void set(std::string_view who, const Field& field, Parameters& parameters, std::string_view text) {
  try {
    field.parse(parameters, text);
  } catch (const Error& error) {
    fail(ErrorKind::Input, "[{}] parameter {}: {}", who, field.name, error.what());
  }
  check_range(who, field, text);
}

[[noreturn]] void refuse_unknown(std::string_view who, const std::string& key,
                                 const ParameterSpec& spec) {
  std::vector<std::string> names;
  std::string list;
  for (const Field& field : spec.fields) {
    list += (list.empty() ? "" : ", ") + field.name;
    names.push_back(field.name);
  }
  fail(ErrorKind::Input, "[{}] unknown parameter '{}'{} Expected one of: {}", who, key,
       did_you_mean(key, names), list);
}

}  // namespace

ParametersRef ParameterSpec::parse(std::string_view who, const Attributes& attributes,
                                   std::string_view ignored) const {
  std::shared_ptr<Parameters> parameters = make();
  // An operator without parameters takes any attribute: files of 1.9.1 hold such.
  if (fields.empty()) return parameters;
  size_t used = 0;
  for (const Field& field : fields) {
    const auto found = attributes.find(field.name);
    if (found != attributes.end()) {
      set(who, field, *parameters, found->second);
      ++used;
    } else if (field.fallback_text) {
      set(who, field, *parameters, *field.fallback_text);
    } else {
      fail(ErrorKind::Input, "[{}] required parameter {} of type {} is missing", who, field.name,
           field.type);
    }
  }
  if (used == attributes.size()) return parameters;
  for (const auto& [key, text] : attributes) {
    if (is_dunder(key) || (!ignored.empty() && key == ignored)) continue;
    const bool known =
        std::any_of(fields.begin(), fields.end(), [&](const Field& f) { return f.name == key; });
    if (!known) refuse_unknown(who, key, *this);
  }
  return parameters;
}

Attributes ParameterSpec::print(const Parameters& parameters) const {
  Attributes attributes;
  for (const Field& field : fields) attributes[field.name] = field.print(parameters);
  return attributes;
}

}  // namespace gemel
