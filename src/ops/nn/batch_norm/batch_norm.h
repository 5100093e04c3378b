// Parameters of BatchNorm, for its file and for passes that fold it away.
#pragma once
#include <optional>

#include "op/parameters.h"

namespace gemel {

struct BatchNormParameters : Parameters {
  double eps;
  float momentum;
  bool fix_gamma, use_global_stats, output_mean_var;
  int axis;
  bool cudnn_off;
  std::optional<float> min_calib_range, max_calib_range;
  static void declare(Fields<BatchNormParameters>& f);
};

}  // namespace gemel
