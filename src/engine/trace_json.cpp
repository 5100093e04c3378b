// The trace in Chrome's form.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "engine/trace.h"

namespace gemel::engine {
namespace {

constexpr const char* resources[] = {"operator", "copy", "io", "network"};

class Writer {
 public:
  Writer(int64_t origin, const std::vector<std::string>& threads) : origin_(origin) {
    out_ = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
    out_ += "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"gemel\"}}";
    for (size_t i = 0; i < threads.size(); ++i) {
      out_ += fmt::format(
          ",\n{{\"ph\":\"M\",\"pid\":1,\"tid\":{},\"name\":\"thread_name\","
          "\"args\":{{\"name\":{}}}}}",
          i, trace_quoted(threads[i]));
    }
  }

  void add(const TraceRecord& record) {
    switch (record.kind) {
      case TraceKind::task:
        return task(record);
      case TraceKind::wait:
        head(record, "X");
        out_ += fmt::format(",\"dur\":{:.3f},\"args\":{{\"reads\":[{}]}}}}", duration(record),
                            fmt::join(record.reads, ","));
        return;
      case TraceKind::span:
        head(record, "X");
        out_ += fmt::format(",\"dur\":{:.3f}}}", duration(record));
        return;
      case TraceKind::frame:
        return pair(record, "");
      case TraceKind::counter:
        head(record, "C");
        out_ += fmt::format(",\"args\":{{{}:{}}}}}", trace_quoted(record.name), record.bytes);
        return;
      case TraceKind::marker:
        head(record, "i");
        out_ += fmt::format(",\"s\":\"{}\"}}", static_cast<char>(record.bytes));
        return;
    }
  }

  std::string finish() { return std::move(out_) + "]}\n"; }

 private:
  double microseconds(int64_t time) const { return static_cast<double>(time - origin_) / 1000; }
  static double duration(const TraceRecord& r) {
    return static_cast<double>(r.ended - r.started) / 1000;
  }

  // An event without its closing brace.
  void head(const TraceRecord& r, const char* phase, int64_t time) {
    const char* category =
        r.kind == TraceKind::task ? resources[static_cast<int>(r.resource)] : r.category;
    out_ += fmt::format(
        ",\n{{\"name\":{},\"cat\":{},\"pid\":1,\"tid\":{},\"ph\":\"{}\",\"ts\":{:.3f}",
        trace_quoted(r.name), trace_quoted(category), r.thread, phase, microseconds(time));
  }
  void head(const TraceRecord& r, const char* phase) { head(r, phase, r.started); }

  // A begin and an end on a track of their own, where they may overlap others of the thread.
  void pair(const TraceRecord& r, const std::string& args) {
    ++number_;
    head(r, "b");
    out_ += fmt::format(",\"id\":{}{}}}", number_, args);
    head(r, "e", r.ended);
    out_ += fmt::format(",\"id\":{}}}", number_);
  }

  void task(const TraceRecord& r) {
    std::string args = ",\"args\":{";
    if (r.part) {
      args += "\"part\":true}";
    } else {
      args += fmt::format(
          "\"reads\":[{}],\"writes\":[{}],\"bytes\":{},\"inline\":{},\"skipped\":{},"
          "\"waited_us\":{:.3f},\"queued_us\":{:.3f}}}",
          fmt::join(r.reads, ","), fmt::join(r.writes, ","), r.bytes, r.inlined, r.skipped,
          r.pushed && r.ready ? static_cast<double>(r.ready - r.pushed) / 1000 : 0.0,
          r.ready ? static_cast<double>(r.started - r.ready) / 1000 : 0.0);
    }
    if (r.asynchronous) return pair(r, args);
    head(r, "X");
    out_ += fmt::format(",\"dur\":{:.3f}{}}}", duration(r), args);
  }

  int64_t origin_;
  int64_t number_ = 0;
  std::string out_;
};

}  // namespace

std::string trace_quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", c);
    else
      out += c;
  }
  return out += '"';
}

std::string trace_json(const std::function<bool(const TraceRecord&)>& condition) {
  const std::vector<TraceRecord> records = trace_records();
  Writer writer(records.empty() ? 0 : records.front().started, trace_threads());
  for (const TraceRecord& record : records)
    if (!condition || condition(record)) writer.add(record);
  return writer.finish();
}

}  // namespace gemel::engine
