#include "op/registry.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "graph/close_names.h"

namespace gemel {
namespace {

// Operators are never removed, so that references to them stay valid.
struct Registry {
  std::shared_mutex mutex;
  std::map<std::string, std::unique_ptr<OpInfo>, std::less<>> operators;
  std::map<std::string, const OpInfo*, std::less<>> names;
};

// Leaked: operators may be used while other statics are destroyed.
Registry& registry() {
  static Registry* instance = new Registry;
  return *instance;
}

void check_complete(const OpInfo& info) {
  GEMEL_CHECK(!info.name_text.empty(), "an operator needs a name");
  for (const Field& field : info.spec.fields) {
    if (!field.fallback_text) continue;
    try {
      field.parse(*info.spec.make(), *field.fallback_text);
    } catch (const Error& error) {
      fail(ErrorKind::Internal, "[{}] default of parameter {}: {}", info.name_text, field.name,
           error.what());
    }
  }
}

void register_op(std::unique_ptr<OpInfo> info) {
  check_complete(*info);
  Registry& all = registry();
  std::unique_lock lock(all.mutex);
  std::vector<std::string> names = info->aliases;
  names.push_back(info->name_text);
  for (const std::string& name : names) {
    const auto taken = all.names.find(name);
    if (taken != all.names.end())
      fail(ErrorKind::Input, "[{}] the name '{}' already belongs to operator {}", info->name_text,
           name, taken->second->name_text);
  }
  for (const std::string& name : names) all.names[name] = info.get();
  const std::string name = info->name_text;
  all.operators[name] = std::move(info);
}

}  // namespace

const OpInfo* find_op(std::string_view name) {
  Registry& all = registry();
  std::shared_lock lock(all.mutex);
  const auto found = all.names.find(name);
  return found == all.names.end() ? nullptr : found->second;
}

const Operator* lookup_operator(std::string_view name) { return find_op(name); }

const OpInfo& require_op(std::string_view name) {
  if (const OpInfo* found = find_op(name)) return *found;
  std::vector<std::string> names;
  for (const auto& [known, info] : all_op_names()) names.push_back(known);
  fail(ErrorKind::Input, "there is no operator '{}'{}", name, did_you_mean(name, names));
}

std::vector<const OpInfo*> all_ops() {
  Registry& all = registry();
  std::shared_lock lock(all.mutex);
  std::vector<const OpInfo*> result;
  for (const auto& [name, info] : all.operators) result.push_back(info.get());
  return result;
}

std::vector<std::pair<std::string, const OpInfo*>> all_op_names() {
  Registry& all = registry();
  std::shared_lock lock(all.mutex);
  return {all.names.begin(), all.names.end()};
}

Symbol instantiated(const Symbol& symbol) {
  const auto has_state = [](const Node* node) {
    return node->op && static_cast<const OpInfo&>(*node->op).instantiate;
  };
  const std::vector<Node*> order = topological_order(symbol.outputs);
  if (std::none_of(order.begin(), order.end(), has_state)) return symbol;
  Symbol copy = symbol.copy();
  for (Node* node : topological_order(copy.outputs))
    if (has_state(node))
      node->parameters = static_cast<const OpInfo&>(*node->op).instantiate(*node->parameters);
  return copy;
}

OpBuilder::OpBuilder(std::string name, ParameterSpec spec) : info_(std::make_unique<OpInfo>()) {
  info_->name_text = std::move(name);
  info_->spec = std::move(spec);
  info_->hidden = info_->name_text.starts_with("_backward");
}

OpBuilder::~OpBuilder() noexcept(false) {
  if (info_) register_op(std::move(info_));
}

OpBuilder& OpBuilder::alias(std::initializer_list<std::string> names) {
  info_->aliases.insert(info_->aliases.end(), names.begin(), names.end());
  return *this;
}

OpBuilder& OpBuilder::inputs(std::vector<std::string> names) {
  info_->inputs = [names = std::move(names)](const Parameters&) { return names; };
  return *this;
}

OpBuilder& OpBuilder::auxiliary(
    std::vector<std::pair<std::string, Attributes>> names_and_attributes) {
  info_->auxiliary.clear();
  for (const auto& [name, attributes] : names_and_attributes) info_->auxiliary.push_back(name);
  info_->auxiliary_attributes = std::move(names_and_attributes);
  return *this;
}

OpBuilder& OpBuilder::outputs(int total, int visible) {
  info_->outputs = [total](const Parameters&) { return total; };
  info_->visible_outputs = [visible](const Parameters&) { return visible; };
  return *this;
}

OpBuilder& OpBuilder::outputs(std::vector<std::string> names, int visible) {
  const int total = static_cast<int>(names.size());
  info_->output_text = std::move(names);
  return outputs(total, visible);
}

OpBuilder& OpBuilder::implement(std::string name, Kernel kernel,
                                std::function<bool(const OpCall&)> when) {
  Implementation implementation;
  implementation.name = std::move(name);
  implementation.kernel = std::move(kernel);
  implementation.when = std::move(when);
  return implement(std::move(implementation));
}

OpBuilder& OpBuilder::implement(Implementation implementation) {
  info_->implementations.push_back(std::move(implementation));
  return *this;
}

}  // namespace gemel
