// Operators of the tests of runtime, all float32, each a copy of its input:
//   _test_runtime_fail         an error where a number is negative; may run inline
//   _test_runtime_fail_later   the same, always on a worker
//   _test_runtime_fail_random  the same, and counted as drawing random numbers
//   _test_runtime_slow         takes some milliseconds on a worker
// and _test_runtime_prepared, which fills its output with the number of its prepared state.
#pragma once

namespace gemel::runtime::testing {

int preparations();  // states of _test_runtime_prepared made so far

}  // namespace gemel::runtime::testing
