// Running one prepared operator call: shared by imperative calls and plans.
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "array/ndarray.h"
#include "kernels/parallel.h"
#include "op/op_info.h"

namespace gemel::runtime {

// Calls that move at most this many bytes may run on the calling thread.
constexpr int64_t inline_bytes = 256 << 10;
// The same for pointwise tapes, one pass over memory: as long as the arrays fit a core's second
// cache, where they often are already, moving to another core costs more than it hides.
constexpr int64_t inline_tape_bytes = 1280 << 10;

// The limit of one implementation. Where kernels have one thread, it is that of a tape: the other
// core would be no quicker.
inline int64_t inline_limit(const Implementation& implementation) {
  const bool near = implementation.name == "tape" || kernels::thread_count() == 1;
  return near ? inline_tape_bytes : inline_bytes;
}

// While one lives, a kernel of a library, whose sums depend on the number of threads, uses one
// thread if the setting "determinism" asks for equal bits. Around preparing and running it.
class ReproducibleSums {
 public:
  explicit ReproducibleSums(const Implementation& implementation);

 private:
  std::optional<kernels::SingleThread> alone_;
};

// Runs the kernel, with workspace from the pool when `call` has none and the implementation wants
// some. An exception leaves with the operator's and the node's name in its text.
void run_kernel(const Implementation& implementation, OpCall call, std::string_view node_name);

// How many random numbers the call draws.
uint64_t random_count(const OpCall& call);

// Chooses a kernel and pushes it; no inference, no recording.
void push_call(const OpInfo& op, const ParametersRef& parameters, std::span<const NDArray> in,
               std::span<const NDArray> out, bool training);

}  // namespace gemel::runtime
