// Symbol: a declarative graph, named by its output entries. Value semantics; nodes are shared.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/node.h"

namespace gemel {

class GEMEL_EXPORT Symbol {
 public:
  std::vector<Entry> outputs;

  Symbol() = default;
  explicit Symbol(std::vector<Entry> outputs) : outputs(std::move(outputs)) {}
  static Symbol variable(std::string name, Attributes attributes = {});
  static Symbol group(const std::vector<Symbol>& symbols);

  // One operator call. Inputs by position and/or by name; missing ones become variables named
  // `<name>_<input>` that inherit the node's attributes (MXNet's rule). `name` must be final
  // (the name manager of the language has run). Throws Error(Input).
  static Symbol create(const Operator& op, const std::string& name, const Attributes& attributes,
                       const std::vector<Symbol>& positional,
                       const std::vector<std::pair<std::string, Symbol>>& named);
  // Replaces variables of this graph by the given symbols (by name, or by position in
  // list_arguments() order) in a copy.
  Symbol compose(const std::string& name, const std::vector<Symbol>& positional,
                 const std::vector<std::pair<std::string, Symbol>>& named) const;

  std::string name() const;                         // "" when there are several outputs
  std::vector<std::string> list_arguments() const;  // variables that are not auxiliary, DFS order
  std::vector<std::string> list_auxiliary_states() const;
  std::vector<std::string> list_inputs() const;  // both, DFS order
  std::vector<std::string> list_outputs()
      const;                                 // "<node>_output", "<node>_output0", variables by name
  std::vector<NodeRef> input_nodes() const;  // the variable nodes of list_inputs()
  std::vector<bool> input_is_auxiliary() const;  // beside list_inputs()
  Symbol internals() const;                      // every visible output of every node
  std::optional<Symbol> children() const;        // inputs of the output nodes, none for a variable
  Symbol at(int index) const;
  int index_of(const std::string& output_name) const;  // throws Error(Input) listing close names

  // Attributes of the single output node. Hidden keys (lr_mult -> __lr_mult__) are mapped.
  std::optional<std::string> attribute(std::string_view key) const;
  void set_attribute(const std::string& key, const std::string& value);  // all output nodes
  Attributes attributes() const;
  std::vector<std::pair<std::string, Attributes>> all_attributes()
      const;  // node name -> attributes

  Symbol copy() const;  // deep
};

// MXNet 1.9.1's JSON, byte for byte in writing; reading takes every older form too.
// Unknown operators, parameters and keys are Error(Input) with the node's name.
GEMEL_EXPORT std::string to_json(const Symbol& symbol);
GEMEL_EXPORT Symbol from_json(const std::string& text, OperatorLookup lookup);

// A readable listing, one line a node.
GEMEL_EXPORT std::string debug_string(const Symbol& symbol);

}  // namespace gemel
