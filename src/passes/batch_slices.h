// Inference in slices of the batch where whole ones would take the most memory.
#pragma once
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "graph/indexed.h"

namespace gemel {

struct BatchSliceOptions {
  int64_t least_bytes = 512 << 20;  // plans that need less stay whole
  int64_t least_samples = 4;        // of a slice
  int64_t least_slice = 128 << 20;  // bytes that live during a slice: smaller ones cost time
  double least_gain = 0.1;          // share of the memory that each chain must save
};

// The heads of an equal graph in which chains of nodes that treat each sample apart
// (OpInfo::per_sample, pointwise operators) run once for each slice of axis 0: the chains around
// the steps during which most bytes live, in as few slices as are of use. The slices' results lie
// in one array. `shapes` and `dtypes` are those of `graph`'s entries.
std::vector<Entry> slice_batch(const IndexedGraph& graph, const std::vector<Entry>& heads,
                               const std::vector<Shape>& shapes, const std::vector<DType>& dtypes,
                               const BatchSliceOptions& options = {});

}  // namespace gemel
