// What a graph knows of an operator: names and counts. The full contract is op/op_info.h.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/export.h"

namespace gemel {

class Symbol;
// The graphs that a control flow node holds (a loop's body, a condition's branches).
using Subgraphs = std::vector<std::shared_ptr<Symbol>>;

// Text attributes of a node: operator parameters as the user wrote them, and __dunder__ attributes.
using Attributes = std::map<std::string, std::string, std::less<>>;

// Parsed parameters of one operator call; each operator derives its own type.
struct GEMEL_EXPORT Parameters {
  virtual ~Parameters();
};
using ParametersRef = std::shared_ptr<const Parameters>;

class GEMEL_EXPORT Operator {
 public:
  virtual ~Operator();
  virtual const std::string& name() const = 0;
  // Reads the operator's own parameters out of `attributes` (dunder keys are skipped).
  // Throws Error(Input) that names the operator for unknown, missing or malformed ones.
  virtual ParametersRef parse(const Attributes& attributes) const = 0;
  // The same for a node that holds graphs.
  virtual ParametersRef parse(const Attributes& attributes, const Subgraphs& subgraphs) const;
  virtual std::vector<std::string> input_names(const Parameters& parameters) const = 0;
  // The number of trailing inputs that are auxiliary states (BatchNorm's moving_mean, moving_var).
  virtual int auxiliary_count(const Parameters& parameters) const = 0;
  virtual int output_count(const Parameters& parameters) const = 0;
  virtual int visible_output_count(const Parameters& parameters) const = 0;
  virtual std::vector<std::string> output_names(const Parameters& parameters) const = 0;
  // The parameter that counts a variable number of inputs ("num_args"), or "".
  virtual const std::string& variadic_parameter() const = 0;
  // Lower-case stem of automatic names ("fullyconnected"), from the name the user called.
  virtual std::string name_hint() const = 0;
  // Attributes that the variable at this input gets unless it has them (BatchNorm's __init__).
  virtual Attributes input_attributes(std::string_view input_name) const = 0;
  // Outputs as MXNet's files count them (node_row_ptr), where that differs from output_count.
  virtual int file_output_count(const Parameters& parameters) const {
    return output_count(parameters);
  }
};

// Finds an operator by any of its names; null when there is none. Given to the JSON reader, since
// the graph does not know the registry.
using OperatorLookup = const Operator* (*)(std::string_view name);

}  // namespace gemel
