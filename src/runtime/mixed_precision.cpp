#include "runtime/mixed_precision.h"

#include <algorithm>
#include <memory>

#include "op/registry.h"
#include "runtime/invoke.h"

namespace gemel::runtime {
namespace {

std::atomic<std::shared_ptr<const CallCasts>>& casts() {
  static auto* const current = new std::atomic<std::shared_ptr<const CallCasts>>;
  return *current;
}
std::atomic<double> loss_scale{1};

void cast_to(DType target, NDArray& array) {
  const NDArray source[1] = {array};
  array = invoke("amp_cast", source, {{"dtype", std::string(name_of(target))}})[0];
}

void to_widest(std::vector<NDArray>& in) {
  DType widest = DType::none;
  bool differ = false;
  for (const NDArray& array : in) {
    if (!is_floating(array.dtype())) continue;
    differ |= widest != DType::none && array.dtype() != widest;
    const bool halves = widest == DType::none || size_of(array.dtype()) != size_of(widest);
    if (!halves && array.dtype() != widest)
      widest = DType::float32;  // float16 and bfloat16: neither holds the other
    else if (widest == DType::none || size_of(array.dtype()) > size_of(widest))
      widest = array.dtype();
  }
  if (!differ) return;
  for (NDArray& array : in)
    if (is_floating(array.dtype()) && array.dtype() != widest) cast_to(widest, array);
}

void scale_loss(const OpInfo& op, ParametersRef& parameters) {
  const double scale = loss_scale.load(std::memory_order_relaxed);
  if (scale == 1) return;
  Attributes attributes = op.spec.print(*parameters);
  const auto found = attributes.find("grad_scale");
  if (found == attributes.end()) return;
  double own = 1;
  parse_value(found->second, own);
  found->second = print_value(own * scale);
  parameters = op.parse(attributes);
}

}  // namespace

std::atomic<bool> call_casts_on{false};

void set_call_casts(CallCasts given) {
  casts().store(std::make_shared<const CallCasts>(std::move(given)));
  call_casts_on.store(true, std::memory_order_release);
}

void set_loss_scale(double scale) { loss_scale.store(scale, std::memory_order_relaxed); }

void cast_call(const OpInfo& op, ParametersRef& parameters, std::vector<NDArray>& in) {
  const std::shared_ptr<const CallCasts> rules = casts().load();
  if (!rules || !std::all_of(in.begin(), in.end(), [](const NDArray& a) { return bool(a); }))
    return;
  if (rules->target_ops.contains(&op)) {
    for (NDArray& array : in)
      if (array.dtype() == DType::float32) cast_to(rules->target, array);
  } else if (rules->widest_ops.contains(&op)) {
    to_widest(in);
  } else if (rules->loss_ops.contains(&op)) {
    scale_loss(op, parameters);
  }
}

}  // namespace gemel::runtime
