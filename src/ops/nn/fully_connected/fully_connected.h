// What the implementations of FullyConnected and of its gradient share.
#pragma once
#include "op/op_info.h"

namespace gemel {

struct FullyConnectedParameters : Parameters {
  int num_hidden;
  bool no_bias, flatten;
  static void declare(Fields<FullyConnectedParameters>& f);
};

// data is seen as a matrix rows x inputs: with `flatten` all axes but the first are the inputs,
// without it only the last is. An unknown size is -1.
struct FullyConnectedSizes {
  int64_t rows = -1, inputs = -1;
};
FullyConnectedSizes fully_connected_sizes(const Shape& data, bool flatten);

}  // namespace gemel
