// Random sequences of tasks against a model that runs them one after another: equal values, equal
// poison, equal number of failures, for every number of workers.
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <thread>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/testing.h"

namespace gemel::engine {
namespace {

// Of the ten settings below; the slow tier asks for more.
int graphs_per_setting() {
  const char* total = std::getenv("GEMEL_TEST_GRAPHS");
  return total ? std::max(1, std::atoi(total) / 10) : 250;
}

// A tag stands for the cells [begin, end); a region for one cell of its parent.
struct Place {
  Ref<Tag> tag;
  int begin, end;
  bool whole;  // not a region and not split
};

struct Cell {
  uint64_t value = 0;
  bool poisoned = false;
};

uint64_t mix(uint64_t a, uint64_t b) { return (a ^ b) * 0x9E3779B97F4A7C15ull + (a >> 29); }

class Sequence {
 public:
  explicit Sequence(unsigned seed) : random_(seed) {
    int limit = 1 + below(32);
    while (static_cast<int>(places_.size()) < limit) {
      int cells = below(5) ? 1 : 2 + below(3);
      int begin = static_cast<int>(model_.size());
      model_.resize(begin + cells);
      places_.push_back({make_tag(), begin, begin + cells, cells == 1});
      if (cells == 1) continue;
      std::vector<Ref<Tag>> regions = split(*places_.back().tag, cells);
      for (int i = 0; i < cells; ++i)
        places_.push_back({regions[i], begin + i, begin + i + 1, false});
    }
    actual_ = std::make_unique<uint64_t[]>(model_.size() + 64);  // deletions add cells
  }

  void run() {
    int tasks = 1 + below(64);
    for (int i = 0; i < tasks; ++i) {
      if (below(12) == 0)
        bulk_.reset();
      else if (!bulk_ && below(12) == 0)
        bulk_.emplace(1 + below(8));
      int what = below(40);
      if (what == 0)
        wait_for_one();
      else if (what == 1)
        delete_one();
      else
        push_one(i + 1);
    }
    bulk_.reset();
    check_failures();
    for (Place& place : places_) check(place);
    EXPECT_EQ(deleted_, expected_deleted_);
  }

 private:
  int below(int n) { return static_cast<int>(random_() % n); }
  Place& any() { return places_[below(static_cast<int>(places_.size()))]; }

  std::vector<int> pick(int most) {
    std::vector<int> chosen;
    for (int i = below(most + 1); i > 0; --i)
      chosen.push_back(below(static_cast<int>(places_.size())));
    return chosen;
  }

  void push_one(uint64_t id) {
    std::vector<int> reads = pick(4), writes = pick(3);
    if (!writes.empty() && below(3) == 0) reads.push_back(writes[0]);
    bool fails = below(8) == 0, finaliser = below(16) == 0, asynchronous = below(10) == 0;
    run_model(id, reads, writes, fails, finaliser);

    std::vector<Tag*> read_tags, write_tags;
    std::vector<std::pair<int, int>> read_cells, written_cells;
    for (int i : reads) {
      read_tags.push_back(places_[i].tag.get());
      read_cells.push_back({places_[i].begin, places_[i].end});
    }
    for (int i : writes) {
      write_tags.push_back(places_[i].tag.get());
      written_cells.push_back({places_[i].begin, places_[i].end});
    }
    auto work = [cells = actual_.get(), id, fails, read_cells, written_cells] {
      uint64_t value = id;
      for (auto [begin, end] : read_cells) {
        for (int c = begin; c < end; ++c) value = mix(value, cells[c]);
      }
      if (fails) gemel::fail(ErrorKind::Input, "task {} fails", id);
      for (auto [begin, end] : written_cells) {
        for (int c = begin; c < end; ++c) cells[c] = mix(value, c);
      }
    };
    TaskOptions options{.reads = read_tags, .writes = write_tags};
    options.priority = below(4) ? 0 : below(7) - 3;
    options.resource = below(6) ? Resource::compute : static_cast<Resource>(below(4));
    options.bytes = below(1000);
    options.small = below(2);
    options.finaliser = finaliser;
    if (!asynchronous) return push(work, options);
    bool elsewhere = below(2);
    push_async(
        [work, elsewhere](Completion done) {
          work();
          if (elsewhere)
            push([done] { done(nullptr); }, {.resource = Resource::network});
          else
            done(nullptr);
        },
        options);
  }

  void run_model(uint64_t id, const std::vector<int>& reads, const std::vector<int>& writes,
                 bool fails, bool finaliser) {
    auto cells = [&](int i, auto&& f) {
      for (int c = places_[i].begin; c < places_[i].end; ++c) f(c);
    };
    uint64_t value = id;
    bool poisoned = false;
    for (int i : reads) {
      cells(i, [&](int c) { value = mix(value, model_[c].value), poisoned |= model_[c].poisoned; });
    }
    bool skipped = poisoned && !finaliser;
    if (!skipped && fails) ++failures_;
    for (int i : writes) {
      bool also_read = std::find(reads.begin(), reads.end(), i) != reads.end();
      cells(i, [&](int c) {
        if (skipped || fails)
          model_[c].poisoned = true;
        else if (finaliser || !also_read)
          model_[c].poisoned = false;
        if (!skipped && !fails) model_[c].value = mix(value, c);
      });
    }
  }

  void wait_for_one() { check(any()); }

  // The tag's successor is a new tag with a cell of its own.
  void delete_one() {
    Place& place = any();
    if (!place.whole) return;
    int cell = place.begin;
    expected_deleted_.push_back(model_[cell].value);
    size_t slot = deleted_.size();
    deleted_.reserve(64);
    deleted_.push_back(0);
    delete_tag(std::move(place.tag),
               [from = &actual_[cell], to = &deleted_[slot]] { *to = *from; });
    place = {make_tag(), static_cast<int>(model_.size()), static_cast<int>(model_.size()) + 1,
             true};
    model_.emplace_back();
  }

  void check(Place& place) {
    bool poisoned = false, expected = false;
    try {
      if (below(2))
        wait_for_read(*place.tag);
      else
        wait_for_write(*place.tag);
    } catch (const Error&) {
      poisoned = true;
      failures_known_ = false;  // some are reported now
    }
    for (int c = place.begin; c < place.end; ++c) {
      EXPECT_EQ(actual_[c], model_[c].value);
      expected |= model_[c].poisoned;
    }
    EXPECT_EQ(poisoned, expected);
  }

  void check_failures() {
    std::string text;
    try {
      wait_all();
    } catch (const Error& e) {
      text = e.what();
    }
    if (!failures_known_) return;
    if (failures_ == 0) {
      EXPECT_EQ(text, "");
    } else if (failures_ == 1) {
      EXPECT_TRUE(text.starts_with("task ")) << text;
    } else {
      EXPECT_TRUE(text.starts_with(fmt::format("[engine] {} tasks failed", failures_))) << text;
    }
  }

  std::mt19937 random_;
  std::vector<Place> places_;
  std::vector<Cell> model_;
  std::unique_ptr<uint64_t[]> actual_;
  std::vector<uint64_t> deleted_, expected_deleted_;
  std::optional<Bulk> bulk_;
  int failures_ = 0;
  bool failures_known_ = true;
};

void run_many(unsigned first_seed, int count) {
  for (int i = 0; i < count; ++i) {
    SCOPED_TRACE(::testing::Message() << "seed " << first_seed + i);
    Sequence(first_seed + i).run();
    if (::testing::Test::HasFailure()) return;
  }
}

struct RandomTasks : ::testing::TestWithParam<int> {
  void TearDown() override { configure({}); }
};

TEST_P(RandomTasks, EqualSerialExecution) {
  configure({.compute_workers = GetParam()});
  run_many(GetParam() * 1000000, graphs_per_setting());
}

INSTANTIATE_TEST_SUITE_P(Workers, RandomTasks, ::testing::Range(1, 9));

TEST(RandomTasks, NaiveEqualsSerialExecution) {
  configure({.kind = "naive"});
  run_many(77, graphs_per_setting());
  configure({});
}

TEST(RandomTasks, ChaosEqualsSerialExecution) {
  const std::string order =
      (std::filesystem::temp_directory_path() / ("gemel_random_tasks_" + std::to_string(getpid())))
          .string();
  {
    const testing::OrderFile orders(order);
    for (int i = 0; i < graphs_per_setting() && !::testing::Test::HasFailure(); i += 10) {
      configure({.kind = "chaos:" + std::to_string(i)});
      run_many(55000000 + i, 10);
    }
    configure({});
  }
  std::filesystem::remove(order);
}

TEST(RandomTasks, AfterASecondThreadHasPushed) {
  // The same, after a second thread has ended the solo ownership.
  configure({.compute_workers = 2});
  push([] {}, {.small = true});
  bool ran = false;
  std::thread([&] { push([&] { ran = true; }, {.small = true}); }).join();
  EXPECT_TRUE(ran);
  run_many(99000000, graphs_per_setting() / 4);
  configure({});
}

}  // namespace
}  // namespace gemel::engine
