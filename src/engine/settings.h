// What the engine takes from the table of settings when it starts.
#pragma once
#include <string>
#include <string_view>

#include "engine/engine.h"

namespace gemel::engine::detail {

// "threaded", "naive" or "chaos..." for our names and MXNet's; empty if unknown.
std::string canonical_kind(std::string_view name);

// The settings "engine" and "workers".
Configuration configuration_from_settings();

// As many workers as leave each of them OpenMP's usual number of threads within the cores.
int default_compute_workers();
// Gives the calling thread, one of `workers`, its share of OpenMP's threads: all compute threads
// together number at most the cores. The setting "omp_threads" overrides it.
void limit_openmp_threads(int workers);

// In the child of a fork.
void limit_openmp_threads_to_one();

}  // namespace gemel::engine::detail
