// The process-wide random generator: Philox streams handed out in program order when a call is
// pushed.
#pragma once
#include <cstdint>
#include <optional>

#include "base/export.h"
#include "engine/tag.h"
#include "op/op_info.h"

namespace gemel::runtime {

GEMEL_EXPORT void seed(uint64_t value);
// A stream for `count` numbers; the next call's stream begins after it.
RandomStream take_stream(uint64_t count);
// While it lives, this thread's streams begin at `stream`: what drew from it before draws the same.
class RepeatedStream {
 public:
  explicit RepeatedStream(RandomStream stream);
  ~RepeatedStream();
  RepeatedStream(const RepeatedStream&) = delete;
  RepeatedStream& operator=(const RepeatedStream&) = delete;

 private:
  std::optional<RandomStream> outer_;
};
// The tag that every random task writes.
engine::Tag& generator_tag();

}  // namespace gemel::runtime
