// What to compute again in the backward pass when memory is limited.
#pragma once
#include "passes/training_model.h"

namespace gemel {

struct RecomputeBudget {
  int64_t bytes = 0;      // that may live at one time
  double most_work = -1;  // share of the forward pass that may run again; negative: any
};

// The flags of TrainingModel::evaluate() that repeat the least work among those found that stay
// within the bytes; if none does, those that need the least bytes. Starts from `kept` (what is kept
// anyway) and takes no longer than some hundred evaluations.
std::vector<char> keep_within(const TrainingModel& model, const std::vector<char>& kept,
                              const RecomputeBudget& budget);

}  // namespace gemel
