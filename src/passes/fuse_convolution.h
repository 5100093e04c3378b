// Convolutions whose weight is a parameter become convolutions with a prepared weight (which can be
// hoisted) that also do what comes next: a sum with another value of the same shape, and relu.
#pragma once
#include <functional>
#include <string_view>
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "graph/indexed.h"
#include "op/op_info.h"
#include "passes/parameters.h"

namespace gemel {

// The implementation of a convolution's call that is to be preferred; empty: none.
using PreferredConvolution = std::function<std::string_view(const Node&, const OpCall&)>;

// For graphs that do not train. Float32 convolutions alone are changed; those whose
// preferred implementation has no prepared form are left as they are.
std::vector<Entry> fuse_convolution(const IndexedGraph& graph, const std::vector<Entry>& heads,
                                    const std::vector<Shape>& shapes,
                                    const std::vector<DType>& dtypes,
                                    const passes::ParameterSet& parameters,
                                    const PreferredConvolution& preferred);

}  // namespace gemel
