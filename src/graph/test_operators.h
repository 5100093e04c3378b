// A few operators for the graph's own tests: names and counts only, nothing that computes.
#pragma once
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "base/error.h"
#include "graph/symbol.h"

namespace gemel::testing {

struct TextParameters : Parameters {
  Attributes values;
  int number(const std::string& key, int fallback) const {
    const auto found = values.find(key);
    return found == values.end() ? fallback : std::atoi(found->second.c_str());
  }
};

class TestOperator : public Operator {
 public:
  using Counts = std::function<int(const TextParameters&)>;
  std::string text;
  std::vector<std::string> keys;  // parameters; the first is required when `required`
  bool required = false;
  std::vector<std::string> inputs;
  std::vector<std::pair<std::string, Attributes>> auxiliary;
  Counts outputs = [](const TextParameters&) { return 1; };
  Counts visible = outputs;
  int in_file = 0;  // outputs as files count them, if more
  std::string variadic;

  const std::string& name() const override { return text; }
  ParametersRef parse(const Attributes& attributes) const override {
    auto parsed = std::make_shared<TextParameters>();
    for (const auto& [key, value] : attributes) {
      if (key.starts_with("__")) continue;
      GEMEL_CHECK(std::find(keys.begin(), keys.end(), key) != keys.end() || keys.empty(),
                  "[{}] unknown parameter '{}'", text, key);
      parsed->values[key] = value;
    }
    GEMEL_CHECK(!required || parsed->values.contains(keys[0]),
                "[{}] required parameter {} is missing", text, keys[0]);
    return parsed;
  }
  std::vector<std::string> input_names(const Parameters& parameters) const override {
    const auto& own = static_cast<const TextParameters&>(parameters);
    std::vector<std::string> names = inputs;
    for (int i = 0; !variadic.empty() && i < own.number(variadic, 0); ++i)
      names.push_back("arg" + std::to_string(i));
    if (own.values.contains("no_bias") && own.values.at("no_bias") == "True") names.pop_back();
    for (const auto& [input, attributes] : auxiliary) names.push_back(input);
    return names;
  }
  int auxiliary_count(const Parameters&) const override {
    return static_cast<int>(auxiliary.size());
  }
  int output_count(const Parameters& p) const override {
    return outputs(static_cast<const TextParameters&>(p));
  }
  int visible_output_count(const Parameters& p) const override {
    return visible(static_cast<const TextParameters&>(p));
  }
  int file_output_count(const Parameters& p) const override {
    return in_file ? in_file : output_count(p);
  }
  std::vector<std::string> output_names(const Parameters& p) const override {
    if (visible_output_count(p) == 1) return {"output", "output1", "output2"};
    std::vector<std::string> names;
    for (int i = 0; i < output_count(p); ++i) names.push_back("output" + std::to_string(i));
    return names;
  }
  const std::string& variadic_parameter() const override { return variadic; }
  std::string name_hint() const override { return text; }
  Attributes input_attributes(std::string_view input) const override {
    for (const auto& [name, attributes] : auxiliary)
      if (name == input) return attributes;
    return {};
  }
};

inline std::vector<TestOperator> make_operators() {
  std::vector<TestOperator> all;
  const auto add = [&](std::string name, std::vector<std::string> keys,
                       std::vector<std::string> inputs) -> TestOperator& {
    TestOperator op;
    op.text = std::move(name);
    op.keys = std::move(keys);
    op.inputs = std::move(inputs);
    return all.emplace_back(std::move(op));
  };
  add("FullyConnected", {"num_hidden", "no_bias"}, {"data", "weight", "bias"}).required = true;
  add("Convolution", {"kernel", "num_filter"}, {"data", "weight", "bias"}).required = true;
  auto& norm = add("BatchNorm", {"fix_gamma", "eps"}, {"data", "gamma", "beta"});
  norm.auxiliary = {{"moving_mean", {{"__init__", "[\"zero\", {}]"}}},
                    {"moving_var", {{"__init__", "[\"one\", {}]"}}}};
  norm.outputs = [](const TextParameters&) { return 3; };
  auto& slices = add("SliceChannel", {"num_outputs"}, {"data"});
  slices.outputs =
      slices.visible = [](const TextParameters& p) { return p.number("num_outputs", 1); };
  add("Pooling", {"kernel", "pool_type", "stride"}, {"data"}).in_file = 2;
  add("Activation", {"act_type"}, {"data"}).required = true;
  add("Flatten", {}, {"data"});
  add("exp", {}, {"data"});
  add("BlockGrad", {}, {"data"});
  add("argmax", {"axis"}, {"data"});
  add("elemwise_mul", {}, {"lhs", "rhs"});
  add("_plus_scalar", {"scalar"}, {"data"}).required = true;
  add("SoftmaxOutput", {"grad_scale"}, {"data", "label"});
  add("add_n", {"num_args"}, {}).variadic = "num_args";
  add("Concat", {"dim", "num_args"}, {}).variadic = "num_args";
  return all;
}

inline const Operator* find_operator(std::string_view name) {
  static const std::vector<TestOperator> operators = make_operators();
  for (const TestOperator& op : operators)
    if (op.text == name) return &op;
  return nullptr;
}

using Named = std::vector<std::pair<std::string, Symbol>>;

inline Symbol call(const std::string& op, const std::string& name,
                   const std::vector<Symbol>& inputs, const Attributes& attributes = {},
                   const Named& named = {}) {
  return Symbol::create(*find_operator(op), name, attributes, inputs, named);
}

inline std::string read_fixture(const std::string& name) {
  const auto path = std::filesystem::path(GEMEL_SOURCE_FOLDER) / "tests/data/symbol" / name;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no fixture " + path.string());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace gemel::testing
