// Small random graphs of registered operators, for tests that compare ways to run them.
#pragma once
#include "runtime/testing.h"

namespace gemel::runtime::testing {

struct RandomGraph {
  Symbol symbol;
  std::vector<std::pair<std::string, Shape>> shapes;  // of the data variables
};

class RandomGraphMaker {
 public:
  explicit RandomGraphMaker(unsigned number) : generator_(number) {}

  RandomGraph make() {
    const int variables = 1 + below(3), operators = 2 + below(12);
    for (int i = 0; i < variables; ++i) {
      const std::string name = "data" + std::to_string(i);
      const Shape shape =
          below(2) && !values_.empty() ? values_[0].shape : Shape{1 + below(6), 2 * (1 + below(4))};
      graph_.shapes.emplace_back(name, shape);
      values_.push_back({Symbol::variable(name), shape});
    }
    for (int i = 0; i < operators; ++i) add();
    std::vector<Symbol> outputs = {values_.back().symbol};
    for (int more = below(4); more > 0; --more) outputs.push_back(any().symbol);
    if (below(4) == 0) outputs.push_back(outputs[0]);  // twice the same
    graph_.symbol = Symbol::group(outputs);
    // A variable that no output depends on is not part of the graph.
    const auto inputs = graph_.symbol.list_inputs();
    std::erase_if(graph_.shapes, [&](const auto& known) {
      return std::find(inputs.begin(), inputs.end(), known.first) == inputs.end();
    });
    return std::move(graph_);
  }

 private:
  struct Value {
    Symbol symbol;
    Shape shape;
  };

  int below(int n) { return static_cast<int>(generator_() % static_cast<unsigned>(n)); }
  const Value& any() {
    return values_[static_cast<size_t>(below(static_cast<int>(values_.size())))];
  }
  std::string name() { return "n" + std::to_string(names_++); }

  Symbol apply(const std::string& op, const std::vector<Symbol>& inputs,
               const Attributes& attributes = {}) {
    return node(op, name(), inputs, attributes);
  }

  void keep(Symbol symbol, const Shape& shape) { values_.push_back({std::move(symbol), shape}); }

  void add() {
    const Value a = any();
    const int64_t rows = a.shape[0], columns = a.shape[1];
    switch (below(16)) {
      case 0:
      case 1: {
        static const char* const names[] = {"tanh", "sigmoid", "relu",      "negative",
                                            "sin",  "_copy",   "BlockGrad", "softsign"};
        return keep(apply(names[below(8)], {a.symbol}), a.shape);
      }
      case 2:
        return keep(
            apply(below(2) ? "_plus_scalar" : "_mul_scalar", {a.symbol}, {{"scalar", "-0.75"}}),
            a.shape);
      case 3:
      case 4:
      case 5: {
        static const char* const names[] = {"elemwise_add", "elemwise_mul", "elemwise_sub",
                                            "_maximum"};
        for (int tries = 0; tries < 4; ++tries)
          if (const Value b = any(); b.shape == a.shape)
            return keep(apply("tanh", {apply(names[below(4)], {a.symbol, b.symbol})}), a.shape);
        return keep(apply("elemwise_mul", {a.symbol, a.symbol}), a.shape);
      }
      case 6: {
        const Symbol sum = apply("mean", {a.symbol}, {{"axis", "1"}, {"keepdims", "True"}});
        return keep(apply("broadcast_sub", {a.symbol, sum}), a.shape);
      }
      case 7:
        return keep(
            apply("Reshape", {a.symbol}, {{"shape", fmt::format("({}, {})", columns, rows)}}),
            {columns, rows});
      case 8:
        return keep(apply("transpose", {a.symbol}), {columns, rows});
      case 9:
        return keep(apply("Flatten", {a.symbol}), a.shape);
      case 10: {
        const int hidden = 2 * (1 + below(4));
        return keep(apply("FullyConnected", {a.symbol}, {{"num_hidden", std::to_string(hidden)}}),
                    {rows, hidden});
      }
      case 11:
        return keep(apply("softmax", {a.symbol}), a.shape);
      case 12:
        return keep(apply("Concat", {a.symbol, a.symbol}, {{"num_args", "2"}, {"dim", "0"}}),
                    {2 * rows, columns});
      case 13: {
        if (columns % 2)
          return keep(apply("Activation", {a.symbol}, {{"act_type", "softrelu"}}), a.shape);
        const Symbol parts = apply("SliceChannel", {a.symbol}, {{"num_outputs", "2"}});
        keep(parts.at(0), {rows, columns / 2});
        return keep(parts.at(1), {rows, columns / 2});
      }
      case 14:
        return keep(apply("BatchNorm", {a.symbol}, {{"fix_gamma", "False"}}).at(0), a.shape);
      default:
        return keep(apply("Dropout", {a.symbol}, {{"p", "0.4"}}).at(0), a.shape);
    }
  }

  std::mt19937 generator_;
  RandomGraph graph_;
  std::vector<Value> values_;
  int names_ = 0;
};

inline RandomGraph make_random_graph(unsigned number) { return RandomGraphMaker(number).make(); }

}  // namespace gemel::runtime::testing
