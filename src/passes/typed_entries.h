// Shapes and dtypes of the entries of a graph that follow from those of its variables.
#pragma once
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "graph/indexed.h"

namespace gemel {

// Shape and dtype of variables.
using KnownInputs = std::unordered_map<const Node*, std::pair<Shape, DType>>;

struct TypedEntries {
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;

  // Of the variables that `known` has; nothing of the others yet.
  TypedEntries(const IndexedGraph& graph, const KnownInputs& known);
  void set(int entry, const std::pair<Shape, DType>& value);
  std::pair<Shape, DType> at(int entry) const;
  // As training infers them. A dtype that nothing tells is float32; a shape may stay unknown.
  void infer(const IndexedGraph& graph);
};

}  // namespace gemel
