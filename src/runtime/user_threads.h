// Threads for tasks that run a user's code, which may push work and wait for it: an engine worker
// that did so could wait for itself.
#pragma once
#include <functional>

#include "engine/engine.h"

namespace gemel::runtime {

// Pushes `work` as a task whose function runs on a thread of its own (made when none is idle). With
// the synchronous engine it runs on the calling thread.
void push_user_work(std::function<void()> work, const engine::TaskOptions& options);

}  // namespace gemel::runtime
