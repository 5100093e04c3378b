#include "kernels/fpmath.h"

#include <utility>

#include "base/error.h"
#include "base/settings.h"

namespace gemel::kernels {
namespace {

thread_local std::optional<Fpmath> scoped;

}  // namespace

Fpmath fpmath_from_name(std::string_view name) {
  if (name == "exact") return Fpmath::exact;
  if (name == "strict") return Fpmath::strict;
  if (name == "high") return Fpmath::high;
  if (name == "fast") return Fpmath::fast;
  fail(ErrorKind::Input, "[fpmath] expected exact, strict, high or fast, got '{}'", name);
}

Fpmath fpmath() { return scoped ? *scoped : fpmath_from_name(settings::current().fpmath); }

FpmathScope::FpmathScope(Fpmath value) : outer_(std::exchange(scoped, value)) {}
FpmathScope::~FpmathScope() { scoped = outer_; }

}  // namespace gemel::kernels
