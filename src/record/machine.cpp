// The part of a record's key that is not the graph.
#include <fstream>

#include "kernels/gemm/gemm.h"
#include "kernels/onednn/version.h"
#include "record/key.h"

namespace gemel::record {
namespace {

// Lines of the first processor that tell one kind of CPU from another, on x86 and on Arm.
std::string processor() {
  std::string text;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1);
    for (const char* telling : {"vendor_id", "cpu family", "model", "model name", "cache size",
                                "CPU implementer", "CPU part"})
      if (name == telling) {
        const size_t value = line.find_first_not_of(" \t", colon + 1);
        if (value != std::string::npos) text += (text.empty() ? "" : " ") + line.substr(value);
      }
  }
  return text.empty() ? "unknown processor" : text;
}

}  // namespace

const std::string& machine() {
  static const std::string text =
      fmt::format("{}; {}; {}", processor(), kernels::blas_version(), kernels::onednn::version());
  return text;
}

}  // namespace gemel::record
