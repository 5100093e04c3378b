// The operator registry: the one list of operators, filled by GEMEL_OPERATORS blocks at load time.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "graph/symbol.h"
#include "op/op_info.h"

namespace gemel {

// Any name or alias; null when there is none.
GEMEL_EXPORT const OpInfo* find_op(std::string_view name);
GEMEL_EXPORT const Operator* lookup_operator(std::string_view name);  // an OperatorLookup
GEMEL_EXPORT const OpInfo& require_op(
    std::string_view name);                         // throws Error(Input) with close names
GEMEL_EXPORT std::vector<const OpInfo*> all_ops();  // by name
// Every name and alias with its operator, by name.
GEMEL_EXPORT std::vector<std::pair<std::string, const OpInfo*>> all_op_names();

// The symbol itself, or a copy whose nodes with a state of their own have a new one (see
// OpInfo::instantiate): what an executor binds.
GEMEL_EXPORT Symbol instantiated(const Symbol& symbol);

// Fluent access to an OpInfo under construction; the destructor checks and registers it.
class GEMEL_EXPORT OpBuilder {
 public:
  OpBuilder(std::string name, ParameterSpec spec);
  OpBuilder(OpBuilder&&) = default;
  ~OpBuilder() noexcept(false);  // throws Error(Input) for a name that is taken

  OpBuilder& doc(std::string text) {
    info_->doc_text = std::move(text);
    return *this;
  }
  OpBuilder& alias(std::initializer_list<std::string> names);
  OpBuilder& inputs(std::vector<std::string> names);  // fixed
  template <typename P>
  OpBuilder& inputs(std::vector<std::string> (*names)(const P&)) {
    info_->inputs = [names](const Parameters& p) { return names(static_cast<const P&>(p)); };
    return *this;
  }
  // arg0..argN-1, N from the integer parameter `count` ("num_args").
  template <typename P>
  OpBuilder& variadic(std::string parameter, int P::*count, std::string stem = "arg") {
    info_->variadic = std::move(parameter);
    info_->inputs = [count, stem](const Parameters& p) {
      std::vector<std::string> names;
      for (int i = 0; i < static_cast<const P&>(p).*count; ++i)
        names.push_back(stem + std::to_string(i));
      return names;
    };
    return *this;
  }
  OpBuilder& auxiliary(std::vector<std::pair<std::string, Attributes>> names_and_attributes);
  OpBuilder& outputs(int total, int visible);
  OpBuilder& outputs(std::vector<std::string> names, int visible);  // fixed, named
  // Outputs as 1.9.1's files count them, where that is more than ours.
  OpBuilder& file_outputs(int count) {
    info_->file_outputs = [count](const Parameters&) { return count; };
    return *this;
  }
  template <typename P>
  OpBuilder& file_outputs(int (*count)(const P&)) {
    info_->file_outputs = [count](const Parameters& p) { return count(static_cast<const P&>(p)); };
    return *this;
  }
  template <typename P>
  OpBuilder& outputs(int (*total)(const P&), int (*visible)(const P&) = nullptr) {
    info_->outputs = [total](const Parameters& p) { return total(static_cast<const P&>(p)); };
    if (visible)
      info_->visible_outputs = [visible](const Parameters& p) {
        return visible(static_cast<const P&>(p));
      };
    return *this;
  }
  OpBuilder& shape(std::function<void(ShapeContext&)> rule) {
    info_->shape_rule = std::move(rule);
    return *this;
  }
  OpBuilder& type(std::function<void(TypeContext&)> rule) {
    info_->type_rule = std::move(rule);
    return *this;
  }
  OpBuilder& gradient(Gradient rule) {
    info_->gradient_rule = std::move(rule);
    return *this;
  }
  OpBuilder& recompute(Gradient rule) {
    info_->recompute_rule = std::move(rule);
    return *this;
  }
  OpBuilder& training_form(TrainingForm rule) {
    info_->training_form = std::move(rule);
    return *this;
  }
  OpBuilder& operations(std::function<double(const OpCall&)> count) {
    info_->operations = std::move(count);
    return *this;
  }
  // Inputs whose samples (parts along axis 0) may be computed apart, see OpInfo.
  OpBuilder& per_sample(std::vector<int> inputs) {
    info_->per_sample = [inputs = std::move(inputs)](const Parameters&) { return inputs; };
    return *this;
  }
  template <typename P>
  OpBuilder& per_sample(std::vector<int> (*inputs)(const P&)) {
    info_->per_sample = [inputs](const Parameters& p) { return inputs(static_cast<const P&>(p)); };
    return *this;
  }
  OpBuilder& no_gradient() {
    info_->zero_gradient = true;
    return *this;
  }
  OpBuilder& implement(std::string name, Kernel kernel,
                       std::function<bool(const OpCall&)> when = {});
  OpBuilder& implement(Implementation implementation);
  OpBuilder& inplace(std::vector<std::pair<int, int>> pairs) {
    info_->inplace = std::move(pairs);
    return *this;
  }
  // Output `out` is input `in` with another shape: no kernel runs where the plan can share memory.
  OpBuilder& shares_memory(int in, int out) {
    info_->aliases_input.emplace_back(in, out);
    return *this;
  }
  // See OpInfo: inputs that are parts of the output, outputs that are parts of the input.
  OpBuilder& joins(std::function<std::vector<MemoryPart>(const OpCall&)> rule) {
    info_->joins = std::move(rule);
    return *this;
  }
  OpBuilder& parts(std::function<std::vector<MemoryPart>(const OpCall&)> rule) {
    info_->parts = std::move(rule);
    return *this;
  }
  // Inputs of which only shape and dtype matter: no plan keeps them alive for this operator.
  OpBuilder& shape_only(std::vector<int> inputs) {
    info_->shape_only = std::move(inputs);
    return *this;
  }
  OpBuilder& shape_only_from(int first) {
    info_->shape_only_from = first;
    return *this;
  }
  OpBuilder& mutates(std::vector<int> inputs) {
    info_->mutates = std::move(inputs);
    return *this;
  }
  // `mutates` and `inplace` hold for each group of `size` inputs; output j belongs to group j.
  OpBuilder& groups(int size) {
    info_->group = size;
    return *this;
  }
  OpBuilder& shape_from_values(std::function<void(ShapeContext&, std::span<const Tensor>)> rule) {
    info_->shape_from_values = std::move(rule);
    return *this;
  }
  OpBuilder& random(std::function<uint64_t(const OpCall&)> count = {}) {
    info_->random = true;
    info_->random_count = std::move(count);
    return *this;
  }
  OpBuilder& training_dependent() {
    info_->training_dependent = true;
    return *this;
  }
  OpBuilder& ignores_head_gradient() {
    info_->ignores_head_gradient = true;
    return *this;
  }
  OpBuilder& sample(Sample sample) {
    info_->samples.push_back(std::move(sample));
    return *this;
  }
  OpInfo& info() { return *info_; }

 private:
  std::unique_ptr<OpInfo> info_;
};

template <typename P = NoParameters>
OpBuilder op(std::string name) {
  return OpBuilder(std::move(name), make_spec<P>());
}

// Common rules.
GEMEL_EXPORT void same_shape(ShapeContext& context);  // all inputs and outputs alike
GEMEL_EXPORT void same_type(TypeContext& context);    // all inputs and outputs alike
GEMEL_EXPORT Shape broadcast_shape(const Shape& a, const Shape& b, std::string_view who);

}  // namespace gemel

// A block of operator declarations; the name is only a label.
#define GEMEL_OPERATORS(label)                                                \
  static void gemel_declare_##label();                                        \
  static const bool gemel_declared_##label = (gemel_declare_##label(), true); \
  static void gemel_declare_##label()
