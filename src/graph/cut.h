// Taking the part of a graph that was made inside a control flow scope out of it.
#pragma once
#include "graph/symbol.h"

namespace gemel {

struct Cut {
  Symbol graph;                // the part, on variables of its own where it was cut
  std::vector<Entry> outside;  // per input of `graph`: what it stands for in the graph around it
};

// The part consists of the operators whose attribute `__subgraph_name__` is `scope`. Variables are
// shared by both graphs; the output of an outer operator becomes a variable of the output's name.
// The given graph is not changed.
GEMEL_EXPORT Cut cut_subgraph(const Symbol& symbol, const std::string& scope);

// A node that holds graphs, with its visible outputs.
GEMEL_EXPORT Symbol create_with_subgraphs(const Operator& op, const std::string& name,
                                          const Attributes& attributes,
                                          const std::vector<Entry>& inputs, Subgraphs subgraphs);

}  // namespace gemel
