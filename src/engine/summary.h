// Sums over a trace by category and name, in the forms of 1.9.1's dumps(). Internal.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "engine/trace.h"

namespace gemel::engine {

// The task of a whole graph or bulk, whose parts have records of their own.
bool is_plan(const TraceRecord& record);

class Summary {
 public:
  void add(const TraceRecord& record);
  // sort_by: total, avg, min, max or count; throws Error(Input) for another.
  std::string table(std::string_view sort_by, bool ascending) const;
  std::string json(std::string_view sort_by, bool ascending) const;

 private:
  struct Row {
    int64_t count = 0;
    double total = 0, least = 0, most = 0;
    double mean() const { return count ? total / static_cast<double>(count) : 0; }
    void add(double value);
  };
  using Rows = std::map<std::string, Row>;
  static std::vector<const Rows::value_type*> sorted(const Rows& rows, std::string_view sort_by,
                                                     bool ascending);
  std::map<std::string, Rows> times_;  // milliseconds; counters as they are
  Rows memory_;                        // kilobytes
};

}  // namespace gemel::engine
