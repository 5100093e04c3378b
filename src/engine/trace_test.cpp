#include "engine/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/graph.h"

namespace gemel::engine {
namespace {

TEST(Trace, OneRecordPerTask) {
  configure({.compute_workers = 2});
  Ref<Tag> a = make_tag("a"), b = make_tag("b");
  Tag *ta[] = {a.get()}, *tb[] = {b.get()};
  push([] {}, {.writes = ta, .name = "before"});
  wait_all();
  trace_start();
  EXPECT_TRUE(tracing());
  push([] {}, {.reads = ta, .writes = tb, .name = "inlined", .bytes = 12, .small = true});
  push(
      [] { fail(ErrorKind::Input, "no"); },
      {.reads = ta, .writes = tb, .resource = Resource::io, .name = "failing \"io\"", .bytes = 34});
  push([] {}, {.reads = tb, .name = "skipped"});
  push_async([](Completion done) { done(nullptr); },
             {.writes = ta, .resource = Resource::network, .name = "reply"});
  Graph graph;
  int node = graph.add([] {}, {}, "node 0");
  graph.add([] {}, std::array{node}, "node 1");
  graph.finish();
  push([&] { graph.run(); }, {.name = "plan"});
  EXPECT_ANY_THROW(wait_all());
  trace_stop();
  EXPECT_FALSE(tracing());
  push([] {}, {.writes = ta, .name = "afterwards"});
  wait_all();

  nlohmann::json json = nlohmann::json::parse(trace_json());
  std::vector<TraceRecord> records = trace_take();
  EXPECT_TRUE(trace_take().empty());
  std::erase_if(records, [](auto& r) { return r.kind != TraceKind::task; });
  ASSERT_EQ(records.size(), 7u);
  auto find = [&](std::string_view name) -> const TraceRecord& {
    auto it = std::find_if(records.begin(), records.end(), [&](auto& r) { return r.name == name; });
    EXPECT_NE(it, records.end()) << name;
    return *it;
  };
  const TraceRecord& inlined = find("inlined");
  EXPECT_TRUE(inlined.inlined);
  EXPECT_EQ(inlined.bytes, 12);
  EXPECT_EQ(inlined.reads, std::vector<uint32_t>{a->id()});
  EXPECT_EQ(inlined.writes, std::vector<uint32_t>{b->id()});
  const TraceRecord& io = find("failing \"io\"");
  EXPECT_FALSE(io.inlined);
  EXPECT_EQ(io.resource, Resource::io);
  EXPECT_EQ(io.bytes, 34);
  EXPECT_EQ(trace_threads().at(io.thread), "io");
  EXPECT_GT(io.pushed, 0);
  EXPECT_LE(io.pushed, io.ready);
  EXPECT_LE(io.ready, io.started);
  EXPECT_LE(io.started, io.ended);
  EXPECT_TRUE(find("skipped").skipped);
  EXPECT_TRUE(find("reply").asynchronous);
  EXPECT_TRUE(find("node 1").part);
  EXPECT_NE(a->id(), b->id());

  int spans = 0, names = 0;
  for (const auto& event : json["traceEvents"]) {
    spans += (event["ph"] == "X" || event["ph"] == "b") && event["cat"] != "wait";
    names += event["ph"] == "M";
  }
  EXPECT_EQ(spans, 7);
  EXPECT_EQ(names, 1 + static_cast<int>(trace_threads().size()));
  configure({});
}

TEST(Trace, OwnRecords) {
  trace_add({.name = "ignored while off"});
  trace_start();
  trace_name_thread("main thread");
  trace_add({.name = "phase", .started = 5, .ended = 9});
  trace_stop();
  std::vector<TraceRecord> records = trace_take();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_STREQ(records[0].name, "phase");
  EXPECT_EQ(trace_threads().at(records[0].thread), "main thread");
}

}  // namespace
}  // namespace gemel::engine
