// The profiler's states and its sums; the Python tests look at what a program sees.
#include "engine/profiler.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/io.h"
#include "engine/engine.h"
#include "engine/summary.h"

namespace gemel::engine {
namespace {

struct Profiler : testing::Test {
  void SetUp() override {
    file = (std::filesystem::temp_directory_path() / ("gemel_profile_" + std::to_string(getpid())))
               .string();
    profiler::configure(std::vector<std::pair<std::string, std::string>>{
        {"filename", file}, {"aggregate_stats", "1"}, {"profile_memory", "false"}});
  }
  void TearDown() override {
    if (profiler::has_output()) profiler::dump(true);
    profiler::configure({});
    std::filesystem::remove(file);
  }
  std::string file;
};

TEST_F(Profiler, RunsPausesAndDumps) {
  EXPECT_THROW(profiler::dump(true), Error);
  EXPECT_FALSE(profiler::has_output());
  profiler::set_running(true);
  EXPECT_TRUE(profiler::running() && profiler::has_output());
  push([] {}, {.name = "seen", .small = true});
  profiler::set_paused(true);
  push([] {}, {.name = "not seen", .small = true});
  profiler::set_paused(false);
  push([] {}, {.resource = Resource::io, .name = "queued"});
  profiler::dump(false);  // waits for it
  std::string text = read_file(file);
  EXPECT_NE(text.find("\"seen\""), std::string::npos);
  EXPECT_NE(text.find("\"queued\""), std::string::npos);
  EXPECT_EQ(text.find("not seen"), std::string::npos);
  EXPECT_TRUE(tracing());
  profiler::dump(true);
  EXPECT_FALSE(tracing() || profiler::running() || profiler::has_output());
  profiler::set_running(true);
  profiler::dump(true);
  EXPECT_EQ(read_file(file).find("\"seen\""), std::string::npos);  // a new trace
}

TEST_F(Profiler, OwnEventsAndSums) {
  profiler::add_counter("domain", "before", 1);
  profiler::set_running(true);
  for (int value : {4, 8}) profiler::add_counter("domain", "count", value);
  profiler::add_marker("domain", "here", "thread");
  EXPECT_THROW(profiler::add_marker("domain", "here", "galaxy"), Error);
  const int64_t start = trace_now();
  profiler::add_span(TraceKind::span, "domain", "span", start);
  profiler::add_span(TraceKind::frame, "domain", "frame", start);
  push([] {}, {.name = "small", .small = true});
  push([] {}, {.name = "small", .small = true});
  const auto sums = nlohmann::json::parse(profiler::summary(true, true, "total", false));
  EXPECT_EQ(sums["Time"]["operator"]["small"]["Count"], 2);
  EXPECT_EQ(sums["Time"]["domain"]["span"]["Count"], 1);
  EXPECT_EQ(sums["Time"]["domain,frame"]["frame"]["Count"], 1);
  EXPECT_EQ(sums["Time"]["domain"]["count"]["Avg"], 6);
  EXPECT_EQ(sums["Time"]["domain"].count("before"), 0u);
  EXPECT_TRUE(sums["Time"].contains("domain,instant_marker"));
  EXPECT_EQ(profiler::summary(false, false, "avg", true).find("small"), std::string::npos);
  profiler::configure({});
  EXPECT_EQ(profiler::summary(false, false, "avg", true), "");
}

TEST(TraceSummary, TableAndOrder) {
  Summary sums;
  auto add = [&](const char* name, int64_t milliseconds, bool part) {
    TraceRecord record;
    record.name = name;
    record.part = part;
    record.ended = milliseconds * 1000000;
    sums.add(record);
  };
  add("dot", 1, false);
  add("dot", 2, false);
  add("Convolution conv1", 2, true);
  add("forward", 9, false);
  TraceRecord memory;
  memory.kind = TraceKind::counter;
  memory.category = trace_memory_category;
  memory.name = "Memory: cpu/0";
  memory.bytes = 4000;
  sums.add(memory);
  const std::string table = sums.table("total", false);
  EXPECT_NE(
      table.find("dot                                     2           3.0000           1.0000  "
                 "         2.0000           1.5000\n"),
      std::string::npos);
  EXPECT_NE(table.find("Memory: cpu/0                           1           4.0000"),
            std::string::npos);
  EXPECT_LT(table.find("\ndot "), table.find("\nConvolution "));
  EXPECT_NE(table.find("plan\n================="), std::string::npos);
  const std::string ascending = sums.table("count", true);
  EXPECT_GT(ascending.find("\ndot "), ascending.find("\nConvolution "));
  EXPECT_THROW(sums.table("size", true), Error);
}

}  // namespace
}  // namespace gemel::engine
