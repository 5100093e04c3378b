// Parameters of `_constant`: an array as part of a graph, which passes make.
#pragma once
#include "array/ndarray.h"
#include "op/parameters.h"

namespace gemel {

struct ConstantArrayParameters : Parameters {
  NDArray value;  // nobody writes it any more
  static void declare(Fields<ConstantArrayParameters>&) {}
};

}  // namespace gemel
