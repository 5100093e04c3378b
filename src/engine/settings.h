// What the engine takes from the table of settings when it starts.
#pragma once
#include <string>
#include <string_view>

#include "engine/engine.h"

namespace gemel::engine::detail {

// "threaded" or "naive" for our names and MXNet's; empty if unknown.
std::string canonical_kind(std::string_view name);

// The settings "engine" and "workers".
Configuration configuration_from_settings();

// Gives the calling thread the setting "omp_threads": OpenMP keeps that number for each thread.
void limit_openmp_threads();

}  // namespace gemel::engine::detail
