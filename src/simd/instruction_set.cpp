// Keeps the vector loops of this folder from instruction sets that the setting `instruction_set`
// forbids.
#include <hwy/highway.h>

#include "base/log.h"
#include "base/settings.h"

namespace gemel {
namespace {

[[maybe_unused]] const bool limited = [] {
  const std::string& limit = settings::current().instruction_set;
  if (limit == "best") return false;
#if HWY_ARCH_X86
  const int64_t widest = limit == "avx2" ? HWY_AVX2 : HWY_SSE4;
  hwy::DisableTargets(widest - 1);  // better targets have lower bits
  const int64_t left = hwy::SupportedTargets();
  hwy::GetChosenTarget().Update(left);  // asking has set it to all that the CPU has
  if ((left & widest) == 0) log::warning("instruction_set {}: this CPU does not have it", limit);
  return true;
#else
  log::warning("instruction_set {} is ignored: it is of x86", limit);
  return false;
#endif
}();

}  // namespace
}  // namespace gemel
