// The engine's settings at start, from the environment. GEMEL_ENGINE and GEMEL_WORKERS go before
// MXNet's MXNET_ENGINE_TYPE and MXNET_CPU_WORKER_NTHREADS.
#pragma once
#include <string>
#include <string_view>

#include "engine/engine.h"

namespace gemel::engine::detail {

// "threaded" or "naive" for our names and MXNet's; empty if unknown.
std::string canonical_kind(std::string_view name);

// Warns on stderr about what it does not understand, and takes the default.
Configuration settings_from_environment();

}  // namespace gemel::engine::detail
