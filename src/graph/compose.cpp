// Making operator calls (Symbol::create) and replacing variables (Symbol::compose).
#include <unordered_map>

#include "base/error.h"
#include "graph/close_names.h"
#include "graph/hidden_keys.h"
#include "graph/symbol.h"

namespace gemel {
namespace {

using Named = std::vector<std::pair<std::string, Symbol>>;

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Entry single(const std::string& who, const std::string& argument, const Symbol& symbol) {
  GEMEL_CHECK(
      symbol.outputs.size() == 1,
      "[{}] argument {}: expected a symbol with one output, got {}; select one by its index", who,
      argument, symbol.outputs.size());
  return symbol.outputs[0];
}

void refuse_input_keys(const Operator& op, const Attributes& attributes) {
  for (const auto& [key, value] : attributes) {
    const auto [input, stored] = input_hidden_key(key);
    GEMEL_CHECK(input.empty(),
                "[{}] attribute '{}': attributes of an input belong to its variable; pass "
                "{}=Variable({}={}) to the operator instead",
                op.name(), key, input, key.substr(input.size() + 1), value);
  }
}

// Inputs in the operator's order; empty where none was given.
std::vector<Entry> place_inputs(const Operator& op, const std::vector<std::string>& names,
                                const std::vector<Symbol>& positional, const Named& named) {
  GEMEL_CHECK(positional.size() <= names.size(), "[{}] expected at most {} inputs ({}), got {}",
              op.name(), names.size(), join(names), positional.size());
  std::vector<Entry> inputs(names.size());
  for (size_t i = 0; i < positional.size(); ++i)
    inputs[i] = single(op.name(), names[i], positional[i]);
  for (const auto& [key, symbol] : named) {
    size_t i = 0;
    while (i < names.size() && names[i] != key) ++i;
    GEMEL_CHECK(i < names.size(), "[{}] there is no input '{}'{} Expected: {}", op.name(), key,
                did_you_mean(key, names), join(names));
    GEMEL_CHECK(!inputs[i], "[{}] input {} was given twice", op.name(), key);
    inputs[i] = single(op.name(), key, symbol);
  }
  return inputs;
}

// Reading a variable notes how often it has been written so far; auxiliary inputs write it once
// more.
void update_versions(const Operator& op, const std::string& name,
                     const std::vector<std::string>& input_names, size_t auxiliary_count,
                     std::vector<Entry>& inputs) {
  const size_t first_auxiliary = inputs.size() - auxiliary_count;
  for (size_t i = first_auxiliary; i < inputs.size(); ++i)
    GEMEL_CHECK(
        inputs[i].node->is_variable(),
        "[{}] node {}: {} is written by the operator, expected a variable, got the output of {}",
        op.name(), name, input_names[i], inputs[i].node->name);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].node->is_variable()) continue;
    if (i >= first_auxiliary) ++inputs[i].node->mutations;
    inputs[i].version = inputs[i].node->mutations;
  }
}

}  // namespace

Symbol Symbol::create(const Operator& op, const std::string& name, const Attributes& given,
                      const std::vector<Symbol>& positional, const Named& named) {
  refuse_input_keys(op, given);
  Attributes attributes = stored_attributes(given);
  const std::string& count = op.variadic_parameter();
  if (!count.empty() && !attributes.contains(count))
    attributes[count] = std::to_string(positional.size() + named.size());
  ParametersRef parameters = op.parse(attributes);
  const std::vector<std::string> names = op.input_names(*parameters);
  std::vector<Entry> inputs = place_inputs(op, names, positional, named);
  for (size_t i = 0; i < names.size(); ++i)
    if (!inputs[i]) inputs[i] = {make_variable(name + "_" + names[i], attributes), 0, 0};
  update_versions(op, name, names, static_cast<size_t>(op.auxiliary_count(*parameters)), inputs);
  for (size_t i = 0; i < names.size(); ++i) {
    if (!inputs[i].node->is_variable()) continue;
    for (auto& [key, value] : op.input_attributes(names[i]))
      inputs[i].node->attributes.try_emplace(key, value);
  }
  NodeRef node = make_node(op, name, std::move(inputs), std::move(parameters));
  node->attributes = std::move(attributes);
  Symbol result;
  for (int i = 0; i < node->visible_output_count(); ++i) result.outputs.push_back({node, i, 0});
  return result;
}

Symbol Symbol::compose(const std::string& name, const std::vector<Symbol>& positional,
                       const Named& named) const {
  const std::string who = this->name().empty() ? "compose" : this->name();
  const std::vector<std::string> arguments = list_arguments();
  GEMEL_CHECK(positional.size() <= arguments.size(),
              "[{}] expected at most {} arguments ({}), got {}", who, arguments.size(),
              join(arguments), positional.size());
  std::unordered_map<std::string, Entry> replacements;
  for (size_t i = 0; i < positional.size(); ++i)
    replacements[arguments[i]] = single(who, arguments[i], positional[i]);
  const std::vector<std::string> inputs = list_inputs();
  for (const auto& [key, symbol] : named) {
    GEMEL_CHECK(std::find(inputs.begin(), inputs.end(), key) != inputs.end(),
                "[{}] there is no variable '{}'{} Expected: {}", who, key,
                did_you_mean(key, inputs), join(inputs));
    GEMEL_CHECK(replacements.emplace(key, single(who, key, symbol)).second,
                "[{}] variable {} was given twice", who, key);
  }
  Symbol result = copy();
  const auto replace = [&](Entry& entry) {
    if (!entry.node->is_variable()) return;
    const auto found = replacements.find(entry.node->name);
    if (found == replacements.end()) return;
    const int32_t version = entry.version;
    entry = found->second;
    if (entry.node->is_variable()) entry.version = version;
  };
  for (Node* node : topological_order(result.outputs)) {
    for (Entry& entry : node->inputs) replace(entry);
    if (node->is_variable()) continue;
    const size_t auxiliary = static_cast<size_t>(node->op->auxiliary_count(*node->parameters));
    for (size_t i = node->inputs.size() - std::min(auxiliary, node->inputs.size());
         i < node->inputs.size(); ++i)
      GEMEL_CHECK(node->inputs[i].node->is_variable(),
                  "[{}] node {}: an auxiliary state can be replaced only by a variable, got the "
                  "output of {}",
                  node->op->name(), node->name, node->inputs[i].node->name);
  }
  for (Entry& entry : result.outputs) replace(entry);
  if (!name.empty() && !result.outputs.empty() && !result.outputs[0].node->is_variable())
    result.outputs[0].node->name = name;
  return result;
}

}  // namespace gemel
