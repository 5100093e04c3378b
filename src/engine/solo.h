// Who may push: see push-inl.h. Internal.
#pragma once
#include "engine/engine.h"

namespace gemel::engine::detail {

// Called before a thread takes any tag the general way: the first thread ever becomes the solo
// owner, a second one ends that and waits until no unmarked inline task runs.
void join_pushers();

// Marks the tags of the unmarked inline task that this thread is running, if any.
void mark_outer_frame();

// Gives the next pushing thread the chance to own again. No other thread may be pushing.
void reset_pushers();
// The same in the child of a fork, where no other thread is left.
void reset_pushers_after_fork();

}  // namespace gemel::engine::detail
