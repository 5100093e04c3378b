// Two trials against each other, in turns.
#pragma once
#include "tune/search.h"

namespace gemel::tune {

struct Comparison {
  double first = 0, second = 0;   // medians, in seconds
  bool second_is_faster = false;  // beyond the noise
};

struct Patience {
  int least = 3, most = 15;  // pairs of runs
  double seconds = 1;        // after which no further pair begins, but the least are run
};

Comparison compare(Trial& first, Trial& second, const Patience& patience);

}  // namespace gemel::tune
