#include "kernels/onednn/version.h"

#ifdef GEMEL_WITH_ONEDNN
#include <fmt/format.h>

#include <dnnl.hpp>
#endif

namespace gemel::kernels::onednn {

#ifdef GEMEL_WITH_ONEDNN
std::string version() {
  const dnnl_version_t* v = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}, instructions {:#x}", v->major, v->minor, v->patch,
                     static_cast<unsigned>(dnnl::get_effective_cpu_isa()));
}
#else
std::string version() { return "no oneDNN"; }
#endif

}  // namespace gemel::kernels::onednn
