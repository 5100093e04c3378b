#include "runtime/features.h"

#include <string_view>

namespace gemel::runtime {
namespace {

// The build says which libraries it found: "GEMEL_WITH_OPENMP,GEMEL_WITH_ONEDNN,...".
constexpr std::string_view built_with = GEMEL_BUILT_WITH;

constexpr bool has(std::string_view library) {
  return built_with.find(library) != std::string_view::npos;
}

}  // namespace

const std::vector<Feature>& features() {
  constexpr bool onednn = has("GEMEL_WITH_ONEDNN"), blas = has("GEMEL_WITH_OPENBLAS");
#ifdef __x86_64__
  constexpr bool x86 = true;
#else
  constexpr bool x86 = false;
#endif
  static const std::vector<Feature> all = {
      {"CUDA", false},
      {"CUDNN", false},
      {"NCCL", false},
      {"CUDA_RTC", false},
      {"TENSORRT", false},
      {"CPU_SSE", x86},
      {"CPU_SSE2", x86},
      {"CPU_SSE3", x86},
      {"CPU_SSE4_1", x86},
      {"CPU_SSE4_2", x86},
      {"CPU_SSE4A", false},
      {"CPU_AVX", x86},
      {"CPU_AVX2", x86},
      {"OPENMP", has("GEMEL_WITH_OPENMP")},
      {"SSE", x86},
      {"F16C", x86},
      {"JEMALLOC", false},
      {"BLAS_OPEN", blas},
      {"BLAS_ATLAS", false},
      {"BLAS_MKL", false},
      {"BLAS_APPLE", false},
      {"LAPACK", blas},
      {"MKLDNN", onednn},
      {"OPENCV", false},
      {"CAFFE", false},
      {"PROFILER", true},
      {"DIST_KVSTORE", false},
      {"CXX14", true},
      {"INT64_TENSOR_SIZE", true},
      {"SIGNAL_HANDLER", false},
      {"DEBUG", false},
      {"TVM_OP", false},
      {"ONEDNN", onednn},
  };
  return all;
}

}  // namespace gemel::runtime
