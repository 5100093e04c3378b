// How far a fast float32 kernel may be from plain sums: the setting `fpmath`, or, on a thread that
// prepares a graph for which something else was chosen, that.
#pragma once
#include <optional>
#include <string_view>

#include "base/export.h"

namespace gemel::kernels {

// Each allows what the ones before allow.
enum class Fpmath { exact, strict, high, fast };

GEMEL_EXPORT Fpmath fpmath();
GEMEL_EXPORT Fpmath fpmath_from_name(std::string_view name);  // throws Error(Input)

// While one lives, fpmath() is this on this thread.
class GEMEL_EXPORT FpmathScope {
 public:
  explicit FpmathScope(Fpmath value);
  FpmathScope(const FpmathScope&) = delete;
  FpmathScope& operator=(const FpmathScope&) = delete;
  ~FpmathScope();

 private:
  std::optional<Fpmath> outer_;
};

}  // namespace gemel::kernels
