// BatchNorm without statistics of its own, as inference has it, is a scale and a shift of each
// channel. After a convolution or a matrix product both go into its weight and bias; elsewhere they
// are a multiplication and an addition, which pointwise operators that follow take up.
#pragma once
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "graph/indexed.h"
#include "passes/parameters.h"

namespace gemel {

// For graphs that do not train. Only what depends on `parameters` alone goes into weights, so that
// it can be hoisted. Equal to the given graph but for rounding, which is not changed itself.
std::vector<Entry> fold_batch_norm(const IndexedGraph& graph, const std::vector<Entry>& heads,
                                   const std::vector<Shape>& shapes,
                                   const std::vector<DType>& dtypes,
                                   const passes::ParameterSet& parameters);

}  // namespace gemel
