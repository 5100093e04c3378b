// The casts that automatic mixed precision puts before imperative calls, for the whole process from
// the time it is switched on: arguments of some operators become float16 or bfloat16, those of
// others take the widest type among them, and loss outputs scale their gradients.
#pragma once
#include <atomic>
#include <unordered_set>
#include <vector>

#include "array/ndarray.h"
#include "op/op_info.h"

namespace gemel::runtime {

struct CallCasts {
  DType target = DType::float16;
  std::unordered_set<const OpInfo*> target_ops, widest_ops, loss_ops;
};

// May be called again, with other casts.
GEMEL_EXPORT void set_call_casts(CallCasts casts);
// What loss outputs multiply their parameter `grad_scale` with; 1 at first.
GEMEL_EXPORT void set_loss_scale(double scale);

extern std::atomic<bool> call_casts_on;
inline bool casts_calls() { return call_casts_on.load(std::memory_order_relaxed); }
// Changes the inputs and parameters of a call to what it should have.
void cast_call(const OpInfo& op, ParametersRef& parameters, std::vector<NDArray>& in);

}  // namespace gemel::runtime
