// What the tuner found, in SQLite files: for a graph, with its shapes and settings, on a machine,
// the choices that were fastest. The setting `record` names the files, separated by ':'; the first
// one is written, all are read, the first that knows a graph answers.
//
// A file is read as a whole when it is new or has changed; a look-up is then a few microseconds.
// Files that are missing, damaged or of another version count as empty; what cannot be read is
// said once. Any number of processes may read and write one file.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "record/choices.h"

namespace gemel::record {

struct Found {
  std::string key, machine;
  Choices choices;
  double default_seconds = 0, tuned_seconds = 0;  // of one run
};

// Whether look_up can find anything: a record that is named has rows of this machine, and kernels
// are not frozen by the setting `determinism`. A graph's key need not be made otherwise.
GEMEL_EXPORT bool is_used();
// For this machine; never throws.
GEMEL_EXPORT std::optional<Choices> look_up(std::string_view key);

// The file that is written: the first of the setting, or the one in the folder of caches.
GEMEL_EXPORT std::string default_path();
// Adds or replaces the row of (machine, key), making the file and its folder where there is none.
// Throws Error(Environment) if the file cannot be written or is not a record of this version.
GEMEL_EXPORT void store(const std::string& path, const Found& found);
// Every row. Throws Error(Environment) as store() does; a missing file is an error too.
GEMEL_EXPORT std::vector<Found> read(const std::string& path);

}  // namespace gemel::record
