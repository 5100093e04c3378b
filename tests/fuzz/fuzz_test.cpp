// A short run of every target: its corpus as it is, then mutations that are the same each time.
#include <gtest/gtest.h>

#include "corpus.h"
#include "mutation.h"
#include "targets.h"

namespace gemel::fuzz {
namespace {

class Fuzz : public testing::TestWithParam<Target> {};

TEST_P(Fuzz, RefusesOrReadsWhateverItGets) {
  const Target& target = GetParam();
  const auto corpus =
      read_corpus(std::filesystem::path(GEMEL_SOURCE_FOLDER) / "tests/fuzz/corpus" / target.name);
  const auto bytes_of = [](const std::string& text) { return std::as_bytes(std::span(text)); };
  for (const std::string& one : corpus) EXPECT_NO_THROW(target.run(bytes_of(one)));
  Mutation mutation(corpus, 1);
  for (int i = 0; i < 5000; ++i) {
    const std::string changed = mutation.next();
    ASSERT_NO_THROW(run(target, bytes_of(changed))) << "mutation " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Fuzz, testing::ValuesIn(targets()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace gemel::fuzz
