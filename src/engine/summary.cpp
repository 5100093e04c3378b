#include "engine/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace gemel::engine {

bool is_plan(const TraceRecord& record) {
  for (const char* name : {"forward", "backward", "forward_backward", "bulk"})
    if (std::strcmp(record.name, name) == 0) return true;
  return false;
}

void Summary::Row::add(double value) {
  least = count ? std::min(least, value) : value;
  most = count ? std::max(most, value) : value;
  total += value;
  ++count;
}

void Summary::add(const TraceRecord& record) {
  const double milliseconds = static_cast<double>(record.ended - record.started) / 1e6;
  switch (record.kind) {
    case TraceKind::counter:
      if (std::strcmp(record.category, trace_memory_category) == 0)
        memory_[record.name].add(static_cast<double>(record.bytes) / 1000);
      else
        times_[record.category][record.name].add(static_cast<double>(record.bytes));
      return;
    case TraceKind::marker:
      times_[std::string(record.category) + ",instant_marker"];
      return;
    case TraceKind::frame:
      times_[std::string(record.category) + ",frame"][record.name].add(milliseconds);
      return;
    case TraceKind::span:
      times_[record.category][record.name].add(milliseconds);
      return;
    case TraceKind::wait:
      times_["wait"][record.name].add(milliseconds);
      return;
    case TraceKind::task:
      break;
  }
  // A step of a graph is named "operator node".
  const std::string name = record.part ? std::string(record.name, std::strcspn(record.name, " "))
                                       : std::string(record.name);
  times_[is_plan(record) ? "plan" : "operator"][name].add(milliseconds);
}

std::vector<const Summary::Rows::value_type*> Summary::sorted(const Rows& rows,
                                                              std::string_view sort_by,
                                                              bool ascending) {
  auto key = [&](const Row& row) -> double {
    if (sort_by == "total") return row.total;
    if (sort_by == "avg") return row.mean();
    if (sort_by == "min") return row.least;
    if (sort_by == "max") return row.most;
    if (sort_by == "count") return static_cast<double>(row.count);
    fail(ErrorKind::Input, "[profiler] sort_by: expected total, avg, min, max or count, got '{}'",
         sort_by);
  };
  key(Row{});
  std::vector<const Rows::value_type*> order;
  for (const auto& row : rows) order.push_back(&row);
  std::stable_sort(order.begin(), order.end(), [&](const auto* a, const auto* b) {
    return ascending ? key(a->second) < key(b->second) : key(a->second) > key(b->second);
  });
  return order;
}

std::string Summary::table(std::string_view sort_by, bool ascending) const {
  std::string text =
      "\nProfile Statistics:\n\tNote the difference in units for different entries.\n";
  if (!memory_.empty()) {
    text +=
        "Device Storage\n=================\n"
        "Name                          Total Count    Min Use  (kB)    Max Use  (kB)    Avg Use  "
        "(kB)\n"
        "----                          -----------    -------------    -------------    "
        "-------------\n";
    for (const auto* row : sorted(memory_, sort_by, ascending)) {
      const Row& r = row->second;
      text += fmt::format("{:<25}{:>16}{:>17.4f}{:>17.4f}{:>17.4f}\n", row->first, r.count, r.least,
                          r.most, r.mean());
    }
    text += '\n';
  }
  for (const auto& [category, rows] : times_) {
    text += category +
            "\n=================\n"
            "Name                          Total Count        Time (ms)    Min Time (ms)    "
            "Max Time (ms)    Avg Time (ms)\n"
            "----                          -----------        ---------    -------------    "
            "-------------    -------------\n";
    for (const auto* row : sorted(rows, sort_by, ascending)) {
      const Row& r = row->second;
      text += fmt::format("{:<25}{:>16}{:>17.4f}{:>17.4f}{:>17.4f}{:>17.4f}\n", row->first, r.count,
                          r.total, r.least, r.most, r.mean());
    }
    text += '\n';
  }
  return text;
}

std::string Summary::json(std::string_view sort_by, bool ascending) const {
  auto object = [&](const Rows& rows, bool total) {
    std::string text = "{";
    for (const auto* row : sorted(rows, sort_by, ascending)) {
      const Row& r = row->second;
      text += fmt::format("{}\n            {}: {{\"Count\": {}, ", text.size() > 1 ? "," : "",
                          trace_quoted(row->first), r.count);
      if (total) text += fmt::format("\"Total\": {:.6g}, ", r.total);
      text += fmt::format("\"Min\": {:.6g}, \"Max\": {:.6g}, \"Avg\": {:.6g}}}", r.least, r.most,
                          r.mean());
    }
    return text + "\n        }";
  };
  std::string text = "{\n    \"Time\": {";
  bool first = true;
  for (const auto& [category, rows] : times_) {
    text += fmt::format("{}\n        {}: {}", first ? "" : ",", trace_quoted(category),
                        object(rows, true));
    first = false;
  }
  text += "\n    },\n    \"Memory\": {";
  if (!memory_.empty()) text += "\n        \"Device Storage\": " + object(memory_, false);
  return text + "\n    },\n    \"Unit\": {\"Time\": \"ms\", \"Memory\": \"kB\"}\n}\n";
}

}  // namespace gemel::engine
