// Tag::version(): every write leaves another number, whatever way the engine ran it.
#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/testing.h"

namespace gemel::engine {
namespace {

using Version = testing::EveryKind<2>;

// As a task sees it that reads the tag.
uint64_t seen(Tag& tag) {
  uint64_t version = 0;
  Tag* tags[] = {&tag};
  push([&] { version = tag.version(); }, {.reads = tags});
  wait_for_write(tag);
  return version;
}

void write(Tag& tag, bool small) {
  Tag* tags[] = {&tag};
  push([] {}, {.writes = tags, .small = small});
}

TEST_P(Version, ChangesWithEveryWrite) {
  const Ref<Tag> tag = make_tag();
  uint64_t before = seen(*tag);
  EXPECT_NE(before, 0u);
  for (const bool small : {true, false, true}) {
    write(*tag, small);
    const uint64_t now = seen(*tag);
    EXPECT_NE(now, before);
    before = now;
  }
}

TEST_P(Version, StaysWithReadsAndWaits) {
  const Ref<Tag> tag = make_tag();
  write(*tag, false);
  const uint64_t before = seen(*tag);
  wait_for_write(*tag);
  wait_for_read(*tag);
  EXPECT_EQ(seen(*tag), before);
}

TEST_P(Version, ChangesWithWritesThatFailAndThoseThatHeal) {
  const Ref<Tag> tag = make_tag();
  const uint64_t before = seen(*tag);
  Tag* tags[] = {tag.get()};
  push([] { fail(ErrorKind::Input, "failed write"); }, {.writes = tags});
  EXPECT_THROW(wait_all(), Error);
  write(*tag, false);
  EXPECT_NE(seen(*tag), before);
}

TEST_P(Version, ChangesWithBulksAndFusedPushes) {
  const Ref<Tag> tag = make_tag();
  Tag* tags[] = {tag.get()};
  uint64_t before = seen(*tag);
  {
    const Bulk bulk(8);
    write(*tag, true);
    write(*tag, true);
  }
  EXPECT_NE(seen(*tag), before);
  before = seen(*tag);
  Part part{Function([] {}), {}, tags};
  push_fused(Function([] {}), std::span(&part, 1), {});
  EXPECT_NE(seen(*tag), before);
}

TEST_P(Version, IsUnknownWhileRegionsLiveAndNewAfterwards) {
  const Ref<Tag> tag = make_tag();
  const uint64_t before = seen(*tag);
  {
    const std::vector<Ref<Tag>> regions = split(*tag, 2);
    EXPECT_EQ(seen(*tag), 0u);
    EXPECT_EQ(seen(*regions[0]), 0u);
    write(*regions[0], false);
    wait_all();
  }
  EXPECT_NE(seen(*tag), before);
}

TEST_P(Version, ChangesWithWritesFromOtherThreads) {
  const Ref<Tag> tag = make_tag();
  uint64_t before = seen(*tag);
  for (int i = 0; i < 100; ++i) {
    std::thread([&] { write(*tag, i % 2 == 0); }).join();
    const uint64_t now = seen(*tag);
    EXPECT_NE(now, before);
    before = now;
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, Version, testing::kinds(), testing::kind_name);

}  // namespace
}  // namespace gemel::engine
