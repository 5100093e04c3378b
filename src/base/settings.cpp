#include "base/settings.h"

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <mutex>
#include <variant>

#include "base/error.h"
#include "base/log.h"

namespace gemel::settings {
namespace {
using Member = std::variant<bool Settings::*, int64_t Settings::*, std::string Settings::*>;

struct Alias {
  std::string_view text, value;
};

struct Row {
  const char* name;
  Member member;
  std::vector<const char*> other_environment;
  std::vector<std::string_view> choices;  // of a text
  std::vector<Alias> aliases;             // other spellings of a choice
  int64_t least, most;                    // of a number
  const char* doc;
};

const std::vector<Row>& table() {
  constexpr int64_t any = INT64_MAX;
  static const std::vector<Row> rows = {
      {"engine",
       &Settings::engine,
       {"MXNET_ENGINE_TYPE"},
       {"threaded", "naive", "chaos", "chaos:*"},
       {{"ThreadedEnginePerDevice", "threaded"},
        {"ThreadedEngine", "threaded"},
        {"ThreadedEnginePooled", "threaded"},
        {"NaiveEngine", "naive"}},
       0,
       0,
       "threaded runs tasks on workers; naive runs each one at once; chaos runs them in a random "
       "order "
       "that the program allows: chaos:SEED repeats an order, chaos:FILE replays a recorded one"},
      {"workers",
       &Settings::workers,
       {"MXNET_CPU_WORKER_NTHREADS"},
       {},
       {},
       0,
       4096,
       "threads that compute; 0: one for each core"},
      {"memory_plan",
       &Settings::memory_plan,
       {},
       {"naive", "inplace", "coshare", "both"},
       {},
       0,
       0,
       "how arrays inside a graph share memory"},
      {"fusion",
       &Settings::fusion,
       {"MXNET_USE_FUSION"},
       {},
       {},
       0,
       0,
       "pointwise operators that follow each other run in one pass over memory"},
      {"blocked_layouts",
       &Settings::blocked_layouts,
       {},
       {},
       {},
       0,
       0,
       "graphs for inference may keep values between convolutions in blocks of 16 channels; read "
       "when a graph is bound"},
      {"recompute",
       &Settings::recompute,
       {"MXNET_BACKWARD_DO_MIRROR"},
       {"off", "pointwise", "mirror"},
       {{"0", "pointwise"}, {"1", "mirror"}},
       0,
       0,
       "what the backward pass computes again instead of keeping it, bit for bit. pointwise: "
       "values "
       "that one pass over memory gives back, never a convolution or a matrix product; mirror: "
       "also "
       "these, as long as no more than about a twentieth of a step is repeated"},
      {"memory_budget",
       &Settings::memory_budget,
       {},
       {},
       {},
       0,
       0,
       "the memory, such as 1GB, that the internal arrays of a graph may take: training computes "
       "again what it has to, with the least work; inference runs in slices of the batch; empty: "
       "no limit"},
      {"defer",
       &Settings::defer,
       {},
       {},
       {},
       0,
       0,
       "pointwise calls on large arrays wait for each other and run in one pass over memory"},
      {"defer_elements",
       &Settings::defer_elements,
       {},
       {},
       {},
       1,
       any,
       "calls on arrays with fewer elements run at once"},
      {"fpmath",
       &Settings::fpmath,
       {},
       {"exact", "strict", "high", "fast"},
       {},
       0,
       0,
       "how far a faster float32 kernel may be from plain sums; read when a graph is bound and at "
       "each imperative call. exact: direct sums and matrix products only; strict: also Winograd's "
       "convolution, whose rms error is at most 4 times that of direct sums (values that are not "
       "finite or near the limits take the direct kernel); high: also operands in two parts in "
       "bfloat16, on CPUs where that is faster, for which there is no kernel yet; fast: also "
       "operands "
       "rounded to bfloat16, on CPUs that multiply it"},
      {"reference_kernels",
       &Settings::reference_kernels,
       {},
       {},
       {},
       0,
       0,
       "every operator runs its plain implementation, slowly: what fast ones are judged by"},
      {"onednn",
       &Settings::onednn,
       {"MXNET_MKLDNN_ENABLED"},
       {},
       {},
       0,
       0,
       "kernels of oneDNN may be taken; read when a kernel is prepared"},
      {"instruction_set",
       &Settings::instruction_set,
       {},
       {"best", "avx2", "sse4"},
       {},
       0,
       0,
       "the widest vector instructions that our kernels and oneDNN take on x86; read once, when "
       "the "
       "library is loaded"},
      {"trace",
       &Settings::trace,
       {},
       {},
       {},
       0,
       0,
       "file that receives the engine's trace when the process ends; empty: none"},
      {"profiler_autostart",
       &Settings::profiler_autostart,
       {"MXNET_PROFILER_AUTOSTART"},
       {},
       {},
       0,
       0,
       "mx.profiler runs from the import and writes profile.json when the process ends"},
      {"profiler_mode",
       &Settings::profiler_mode,
       {"MXNET_PROFILER_MODE"},
       {},
       {},
       0,
       1,
       "of a profiler that starts by itself: 0 records graphs and calls, 1 everything"},
      {"determinism",
       &Settings::determinism,
       {"MXNET_ENFORCE_DETERMINISM"},
       {},
       {},
       0,
       0,
       "equal bits whatever the number of threads: kernels of libraries whose sums depend on it "
       "run on one thread, and what the tuner chose is not looked up"},
      {"record",
       &Settings::record,
       {},
       {},
       {},
       0,
       0,
       "SQLite file in which the tuner keeps what was fastest, and where a graph that is bound "
       "looks "
       "it up; empty: gemel/record.sqlite in the user's folder of caches; off: none"},
      {"home",
       &Settings::home,
       {"MXNET_HOME"},
       {},
       {},
       0,
       0,
       "folder for models and data sets; empty: .mxnet in the user's home"},
      {"gluon_repo",
       &Settings::gluon_repo,
       {"MXNET_GLUON_REPO"},
       {},
       {},
       0,
       0,
       "address (also of a folder: file://...) that data sets are fetched from; empty: the "
       "project's"},
      {"update_on_kvstore",
       &Settings::update_on_kvstore,
       {"MXNET_UPDATE_ON_KVSTORE"},
       {},
       {},
       0,
       0,
       "with a key-value store of several devices the optimizer runs in the store"},
      {"chaos_order",
       &Settings::chaos_order,
       {},
       {},
       {},
       0,
       0,
       "file in which the chaos engine records an order that its seed alone does not repeat"},
      {"seed", &Settings::seed, {}, {}, {}, -any - 1, any, "first seed of the random generators"},
      {"omp_threads",
       &Settings::omp_threads,
       {"MXNET_OMP_MAX_THREADS", "OMP_NUM_THREADS"},
       {},
       {},
       0,
       4096,
       "threads inside one kernel; 0: one for each core"},
      {"http_timeout",
       &Settings::http_timeout,
       {},
       {},
       {},
       1,
       1 << 20,
       "seconds without progress after which the server of a file counts as stalled"},
      {"http_attempts",
       &Settings::http_attempts,
       {},
       {},
       {},
       1,
       1 << 20,
       "how often a server that is stalled, broken or busy is asked for a part of a file"},
  };
  return rows;
}

const Row& find(std::string_view name) {
  std::string known;
  for (const Row& row : table()) {
    if (row.name == name) return row;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  fail(ErrorKind::Key, "[settings] unknown setting '{}', expected one of {}", name, known);
}

template <typename T>
const Row& find(T Settings::*member) {
  for (const Row& row : table())
    if (const auto* m = std::get_if<T Settings::*>(&row.member); m && *m == member) return row;
  fail(ErrorKind::Internal, "[settings] a setting has no row in the table");
}

[[noreturn]] void refuse(const Row& row, std::string_view expected, std::string_view got) {
  fail(ErrorKind::Input, "[settings] {}: expected {}, got '{}'", row.name, expected, got);
}

bool parse_bool(const Row& row, std::string_view text) {
  for (const std::string_view yes : {"1", "true", "True", "on", "yes"})
    if (text == yes) return true;
  for (const std::string_view no : {"0", "false", "False", "off", "no"})
    if (text == no) return false;
  refuse(row, "0 or 1", text);
}

int64_t parse_number(const Row& row, std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < row.least ||
      value > row.most)
    refuse(row, fmt::format("a whole number from {} to {}", row.least, row.most), text);
  return value;
}

std::string parse_choice(const Row& row, std::string_view text) {
  if (row.choices.empty()) return std::string(text);
  for (const Alias& alias : row.aliases)
    if (alias.text == text) return std::string(alias.value);
  for (const std::string_view choice : row.choices)
    if (choice == text || (choice.ends_with('*') && text.size() >= choice.size() &&
                           text.starts_with(choice.substr(0, choice.size() - 1))))
      return std::string(text);
  refuse(row, fmt::format("one of {}", fmt::join(row.choices, ", ")), text);
}

void assign(Settings& target, const Row& row, std::string_view text) {
  std::visit(
      [&](auto member) {
        using T = std::remove_reference_t<decltype(target.*member)>;
        if constexpr (std::is_same_v<T, bool>)
          target.*member = parse_bool(row, text);
        else if constexpr (std::is_same_v<T, int64_t>)
          target.*member = parse_number(row, text);
        else
          target.*member = parse_choice(row, text);
      },
      row.member);
}

std::string text_of(const Settings& source, const Row& row) {
  return std::visit(
      [&](auto member) -> std::string {
        using T = std::remove_cvref_t<decltype(source.*member)>;
        if constexpr (std::is_same_v<T, bool>)
          return source.*member ? "1" : "0";
        else if constexpr (std::is_same_v<T, int64_t>)
          return std::to_string(source.*member);
        else
          return source.*member;
      },
      row.member);
}

std::vector<std::string> environment_of(const Row& row) {
  std::string ours = "GEMEL_";
  for (const char* c = row.name; *c; ++c)
    ours += static_cast<char>(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
  std::vector<std::string> names = {ours};
  names.insert(names.end(), row.other_environment.begin(), row.other_environment.end());
  return names;
}

// Values are replaced as a whole and the old ones kept, so that readers need no lock.
class State {
 public:
  static State& instance() {
    static State* const state = new State;
    return *state;
  }

  const Settings& current() const { return *current_.load(std::memory_order_acquire); }

  void set(const Row& row, std::string_view text) {
    std::lock_guard lock(mutex_);
    auto next = std::make_unique<Settings>(current());
    assign(*next, row, text);
    sources_[index(row)] = "set";
    publish(std::move(next));
  }

  std::string source(const Row& row) {
    std::lock_guard lock(mutex_);
    return sources_[index(row)];
  }

 private:
  State() : sources_(table().size(), "default") {
    auto first = std::make_unique<Settings>();
    for (const Row& row : table()) read_environment(*first, row);
    publish(std::move(first));
  }

  void read_environment(Settings& target, const Row& row) {
    for (const std::string& name : environment_of(row)) {
      const char* text = std::getenv(name.c_str());
      if (!text || !*text) continue;
      try {
        assign(target, row, text);
        sources_[index(row)] = name;
        return;
      } catch (const Error& error) {  // a typing error in the environment must not stop an import
        log::warning("{} is ignored: {}", name, error.what());
      }
    }
  }

  void publish(std::unique_ptr<Settings> next) {
    current_.store(next.get(), std::memory_order_release);
    history_.push_back(std::move(next));
  }
  static size_t index(const Row& row) { return static_cast<size_t>(&row - table().data()); }

  std::mutex mutex_;
  std::atomic<const Settings*> current_{nullptr};
  std::vector<std::unique_ptr<Settings>> history_;
  std::vector<std::string> sources_;
};
}  // namespace

const Settings& current() { return State::instance().current(); }

void set(std::string_view name, std::string_view value) {
  State::instance().set(find(name), value);
}
void set(bool Settings::*member, bool value) {
  State::instance().set(find(member), value ? "1" : "0");
}
void set(int64_t Settings::*member, int64_t value) {
  State::instance().set(find(member), std::to_string(value));
}
void set(std::string Settings::*member, std::string_view value) {
  State::instance().set(find(member), value);
}
std::string get(std::string_view name) { return text_of(current(), find(name)); }

std::vector<Description> all() {
  std::vector<Description> result;
  const Settings& now = current();
  for (const Row& row : table()) {
    Description& d = result.emplace_back();
    constexpr const char* types[] = {"bool", "int", "str"};  // in the order of Member
    d.name = row.name;
    d.type = types[row.member.index()];
    d.value = text_of(now, row);
    d.default_value = text_of(Settings{}, row);
    d.environment = environment_of(row);
    d.source = State::instance().source(row);
    d.choices.assign(row.choices.begin(), row.choices.end());
    d.doc = row.doc;
  }
  return result;
}

}  // namespace gemel::settings
