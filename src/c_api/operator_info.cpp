#include "c_api/operator_info.h"

#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/error.h"

namespace gemel::c_api {
namespace {

// The text of a number as 1.9.1's documentation has it: nine digits.
std::string default_text(const Field& field) {
  const std::string& text = *field.fallback_text;
  const std::string& type = field.type;
  if (type.starts_with("boolean"))
    return text == "None" ? text : text == "True" || text == "1" || text == "true" ? "1" : "0";
  if (type.starts_with("long") || type.ends_with("(non-negative)")) return text;
  if (type.starts_with("Shape") || type.starts_with("tuple")) {
    if (text.empty() || text.front() != '(') return text;
    std::string list = "[" + text.substr(1, text.size() - 2) + "]";
    if (list.size() > 2 && list[list.size() - 2] == ',') list.erase(list.size() - 2, 1);
    std::erase(list, ' ');
    return list;
  }
  const bool floating = type.starts_with("float") || type.starts_with("double");
  if (floating && text != "None") {
    try {
      const double value = std::stod(text);
      return type.starts_with("float") ? fmt::format("{:.9g}", static_cast<float>(value))
                                       : fmt::format("{:.17g}", value);
    } catch (const std::exception&) {
      return text;
    }
  }
  if (floating) return text;
  return "'" + text + "'";
}

std::vector<std::string> inputs_for(const OpInfo& op, const Parameters& parameters) {
  try {
    return op.input_names(parameters);
  } catch (const Error&) {
    return {};
  }
}

// Names of all inputs that the operator can have. Which there are may depend on parameters
// (no_bias, RNN's mode): of each switch and choice the value that asks for more inputs is kept.
std::vector<std::string> all_inputs(const OpInfo& op) {
  std::shared_ptr<Parameters> parameters = op.spec.make();
  for (const Field& field : op.spec.fields)
    if (field.fallback_text) field.parse(*parameters, *field.fallback_text);
  std::vector<std::string> most = inputs_for(op, *parameters);
  for (const Field& field : op.spec.fields) {
    std::vector<std::string> values = field.choices;
    if (field.type.starts_with("boolean")) values = {"True", "False"};
    if (values.empty()) continue;
    std::string kept = field.fallback_text.value_or(values.front());
    for (const std::string& value : values) {
      field.parse(*parameters, value);
      std::vector<std::string> names = inputs_for(op, *parameters);
      if (names.size() <= most.size()) continue;
      most = std::move(names);
      kept = value;
    }
    field.parse(*parameters, kept);
  }
  return most;
}

// Whether an integer parameter says how many inputs there are (num_weights): a list, like
// `variadic`.
bool counts_inputs(const OpInfo& op) {
  for (const Field& field : op.spec.fields) {
    if (!field.type.starts_with("int") || !field.choices.empty()) continue;
    size_t inputs[2] = {0, 0};
    for (int i = 0; i < 2; ++i) {
      std::shared_ptr<Parameters> parameters = op.spec.make();
      for (const Field& other : op.spec.fields)
        if (other.fallback_text) other.parse(*parameters, *other.fallback_text);
      field.parse(*parameters, i == 0 ? "1" : "2");
      inputs[i] = inputs_for(op, *parameters).size();
    }
    if (inputs[0] > 0 && inputs[1] > inputs[0]) return true;
  }
  return false;
}

std::unique_ptr<OperatorText> describe_operator(const OpInfo& op) {
  auto made = std::make_unique<OperatorText>();
  made->name = op.name();
  made->description = op.doc_text;
  made->variadic = op.take_subgraphs ? "num_args" : op.variadic;
  std::vector<std::string> rows;  // name, type, description, one after the other
  const auto add = [&](std::string name, std::string type, std::string description) {
    rows.push_back(std::move(name));
    rows.push_back(std::move(type));
    rows.push_back(std::move(description));
  };
  // What no generated test can feed is called all the same.
  const bool by_caller = op.runs_user_code || op.take_subgraphs;
  if ((!op.hidden || by_caller) && !op.name().starts_with("_backward")) {
    if (by_caller || !op.variadic.empty() || counts_inputs(op)) {
      add("data", "NDArray-or-Symbol[]", "The inputs.");
    } else {
      for (const std::string& input : all_inputs(op)) add(input, "NDArray-or-Symbol", "");
    }
    for (const Field& field : op.spec.fields)
      add(field.name, parameter_type_text(field), field.doc_text);
  }
  made->kept = std::move(rows);
  for (size_t i = 0; i < made->kept.size(); i += 3) {
    made->names.push_back(made->kept[i].c_str());
    made->types.push_back(made->kept[i + 1].c_str());
    made->descriptions.push_back(made->kept[i + 2].c_str());
  }
  return made;
}

}  // namespace

std::string parameter_type_text(const Field& field) {
  if (!field.fallback_text) return field.type + ", required";
  const bool choice = !field.choices.empty();
  return field.type + (choice ? ",optional, default=" : ", optional, default=") +
         default_text(field);
}

const OperatorText& operator_text(const OpInfo& op) {
  static std::mutex mutex;
  static auto& texts = *new std::unordered_map<const OpInfo*, std::unique_ptr<OperatorText>>;
  std::lock_guard lock(mutex);
  std::unique_ptr<OperatorText>& text = texts[&op];
  if (!text) text = describe_operator(op);
  return *text;
}

}  // namespace gemel::c_api
