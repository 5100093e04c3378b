// Automatic mixed precision of a graph: casts where operators have to, or may not, compute in the
// target type, by lists of operators. Node for node what 1.9.1 makes of a graph.
#pragma once
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "graph/symbol.h"

namespace gemel {

struct PrecisionLists {
  DType target = DType::float16;               // or bfloat16
  std::unordered_set<std::string> target_ops;  // names of operators, aliases too
  std::unordered_set<std::string> float32_ops;
  std::unordered_set<std::string> widest_ops;  // their inputs take the widest type among them
  // Operators in float32 where a parameter has a value: (operator, (parameter, value)).
  std::vector<std::pair<std::string, std::pair<std::string, std::string>>> float32_where;
  std::unordered_set<std::string> excluded;    // names of nodes that stay in float32
  std::unordered_set<std::string> parameters;  // variables that are a model's: get a `__dtype__`
  // Parameters that an operator wants in the target type are of that type, without a cast.
  bool cast_parameters = false;
};

// What the lists say of one operator call.
enum class Precision : uint8_t { as_given, target, float32, widest };

class GEMEL_EXPORT PrecisionRules {
 public:
  explicit PrecisionRules(const PrecisionLists& lists);
  // Throws Error(Input) if `float32_where` names a parameter that the operator does not have.
  Precision of(const Node& node) const;

 private:
  using Operators = std::unordered_set<const Operator*>;
  Operators target_ops_, float32_ops_, widest_ops_;
  std::unordered_set<std::string> excluded_;
  struct Condition {
    const Operator* op;
    std::string parameter, value;
  };
  std::vector<Condition> float32_where_;
};

// A new graph; its outputs are float32. Operators in no list take what they get; names
// in the lists that are no operators count for nothing. Throws as PrecisionRules does.
GEMEL_EXPORT Symbol reduce_precision(const Symbol& symbol, const PrecisionLists& lists);

}  // namespace gemel
