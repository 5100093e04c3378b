// Chains of operators on images as one operator, which moves pixels once, from bytes to bytes, and
// changes colours on the way to the result.
#pragma once
#include <vector>

#include "op/op_info.h"

namespace gemel::image {

struct ChainStep {
  const OpInfo* op;
  ParametersRef parameters;
};

// Whether an operator may be a step: its first input is the image, its output is the next step's.
bool joins_chain(const OpInfo& op);

// The parameters of `_fused_image`. Its inputs are the image and then what steps have besides. Its
// results are those of the steps one by one, bit for bit, and it draws their random numbers.
ParametersRef make_chain(std::vector<ChainStep> steps);
// The steps of a chain, or the one step that any other operator is.
std::vector<ChainStep> steps_of(const OpInfo& op, const ParametersRef& parameters);

}  // namespace gemel::image
