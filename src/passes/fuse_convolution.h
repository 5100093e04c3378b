// Convolutions whose weight is a parameter become convolutions with a prepared weight (which can be
// hoisted) that also do what comes next: a sum with another value of the same shape, and relu.
#pragma once
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "graph/indexed.h"
#include "passes/parameters.h"

namespace gemel {

// For graphs that do not train. Float32 convolutions alone are changed.
std::vector<Entry> fuse_convolution(const IndexedGraph& graph, const std::vector<Entry>& heads,
                                    const std::vector<Shape>& shapes,
                                    const std::vector<DType>& dtypes,
                                    const passes::ParameterSet& parameters);

}  // namespace gemel
