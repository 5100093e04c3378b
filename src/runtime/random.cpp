#include "runtime/random.h"

#include <mutex>
#include <utility>

#include "base/settings.h"

namespace gemel::runtime {
namespace {

struct Generator {
  std::mutex mutex;
  uint64_t seed = static_cast<uint64_t>(settings::current().seed);
  uint64_t next = 0;
  Ref<engine::Tag> tag = engine::make_tag("random generator");
};

Generator& generator() {
  static Generator* instance = new Generator;  // outlives static destruction: tasks may still run
  return *instance;
}

thread_local std::optional<RandomStream> repeated;

}  // namespace

RepeatedStream::RepeatedStream(RandomStream stream) : outer_(std::exchange(repeated, stream)) {}
RepeatedStream::~RepeatedStream() { repeated = outer_; }

void seed(uint64_t value) {
  Generator& g = generator();
  std::lock_guard lock(g.mutex);
  g.seed = value;
  g.next = 0;
}

RandomStream take_stream(uint64_t count) {
  if (repeated) {
    const RandomStream stream = *repeated;
    repeated->offset += count;
    return stream;
  }
  Generator& g = generator();
  std::lock_guard lock(g.mutex);
  RandomStream stream{g.seed, g.next};
  g.next += count;
  return stream;
}

engine::Tag& generator_tag() { return *generator().tag; }

}  // namespace gemel::runtime
