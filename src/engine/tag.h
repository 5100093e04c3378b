// Tag: what a task says it reads or writes. Usually one block of memory; also a random generator,
// a workspace, a file, anything a user wants ordered.
#pragma once
#include "base/export.h"
#include "base/intrusive.h"

namespace gemel::engine {

class Tag;  // defined by the engine
GEMEL_EXPORT Ref<Tag> make_tag(const char* name = nullptr);

}  // namespace gemel::engine
