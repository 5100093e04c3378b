// What a backward pass finds on the tape below its heads, and the calls that it makes: a list that
// depends on the structure of the recorded graph alone, so that loops build it once.
#pragma once
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "graph/node.h"
#include "op/op_info.h"
#include "runtime/tape.h"

namespace gemel::runtime {

// The nodes below some heads, numbered in a fixed order.
class RecordedGraph {
 public:
  // With the nodes of `others`, but not what is below them. Throws Error(Input) where a node below
  // the heads was freed.
  explicit RecordedGraph(const std::vector<Entry>& heads, const std::vector<Entry>& others = {});
  const std::vector<TapeNode*>& nodes() const { return nodes_; }
  int number_of(const Node* node) const;  // -1: not among them
  // The variables that want a gradient, as entries in the order met.
  std::vector<Entry> variables() const;
  // Everything that the calls of a backward pass depend on; empty where they are not worth keeping
  // or parameters have state.
  std::vector<uint64_t> signature(const std::vector<Entry>& heads,
                                  const std::vector<Entry>& variables) const;

 private:
  bool add(TapeNode* node);
  std::vector<TapeNode*> nodes_;
  std::unordered_map<const Node*, int> numbers_;  // of many nodes
};

struct BackwardCalls {
  struct Source {
    enum Kind : uint8_t { none, tape, head, value };
    Kind kind = none;
    int number = 0;  // of a tape node, a head, or a value computed here
    int index = 0;   // of the tape node's output
  };
  struct Step {
    const OpInfo* op;
    ParametersRef parameters;
    std::vector<Source> inputs;
    int first_value, values;
    bool training = false;  // the mode of the call whose gradient it is part of
    int recorded = -1;      // the backward work of this tape node, instead of an operator
    std::string name;
  };
  std::vector<Step> steps;
  std::vector<Source> results;      // by variable
  std::vector<int> last_reader;     // by value: the last step that reads it; -1: none
  std::vector<int> result_count;    // by value: how many results it is
  std::vector<ParametersRef> kept;  // their addresses stand in the signature

  // `variables`: any entries of the graph. Made once for equal signatures on each thread.
  static std::shared_ptr<const BackwardCalls> of(const RecordedGraph& graph,
                                                 const std::vector<Entry>& heads,
                                                 const std::vector<Entry>& variables);
};

}  // namespace gemel::runtime
