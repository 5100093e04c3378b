// What a monitor reports of an executor's last run (Executor::set_monitored), under 1.9.1's names.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "runtime/executor.h"

namespace gemel::runtime {

// Every operator's outputs ("fc_output") in the order of computing; with `inputs_too` before them
// the variables that are new ("data") and its inputs ("fc_weight").
GEMEL_EXPORT std::vector<std::pair<std::string, NDArray>> monitored_values(const Executor& executor,
                                                                           bool inputs_too);

}  // namespace gemel::runtime
