// The one table of settings. A setting has a name, a type, a default and a line of documentation;
// it is taken from GEMEL_<NAME> first, then from the environment variable that MXNet gave it.
//
//   if (settings::current().fusion) ...              // one atomic load, any thread
//   settings::set(&Settings::workers, 4);            // typed
//   settings::set("memory_plan", "inplace");         // by name; throws Error(Input)
//
// A new setting is a member here and a row in settings.cpp.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/export.h"

namespace gemel {

struct Settings {
  std::string engine = "threaded";
  int64_t workers = 0;
  std::string memory_plan = "both";
  bool fusion = true;
  bool blocked_layouts = true;
  std::string recompute = "pointwise";
  std::string memory_budget;
  bool defer = true;
  int64_t defer_elements = 64 << 10;
  std::string fpmath = "strict";
  bool reference_kernels = false;
  bool onednn = true;
  std::string instruction_set = "best";
  std::string trace;
  bool profiler_autostart = false;
  int64_t profiler_mode = 0;
  bool determinism = false;
  std::string record;
  std::string home;
  std::string gluon_repo;
  bool update_on_kvstore = true;
  std::string chaos_order = "gemel-chaos.order";
  int64_t seed = 0;
  int64_t omp_threads = 0;
  int64_t http_timeout = 30;
  int64_t http_attempts = 5;
};

namespace settings {

// The values as they are now. The reference stays valid (and unchanged) for ever.
GEMEL_EXPORT const Settings& current();

// Throw Error(Input) when the value is not allowed, Error(Key) when there is no such setting.
GEMEL_EXPORT void set(std::string_view name, std::string_view value);
GEMEL_EXPORT void set(bool Settings::*member, bool value);
GEMEL_EXPORT void set(int64_t Settings::*member, int64_t value);
GEMEL_EXPORT void set(std::string Settings::*member, std::string_view value);
GEMEL_EXPORT std::string get(std::string_view name);

struct Description {
  std::string name, type, value, default_value;
  std::vector<std::string> environment;  // in the order in which they are asked
  std::string source;                    // "default", the environment variable, or "set"
  std::vector<std::string> choices;      // empty: any value of the type
  std::string doc;
};
GEMEL_EXPORT std::vector<Description> all();

// An environment variable of MXNet 1.9.1: the setting that it sets, or why it has no effect.
struct Variable {
  std::string name, setting, why;
};
GEMEL_EXPORT std::vector<Variable> variables();

}  // namespace settings
}  // namespace gemel
