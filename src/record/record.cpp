#include "record/record.h"

#include <sys/stat.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <unordered_map>

#include "base/error.h"
#include "base/log.h"
#include "base/settings.h"
#include "record/key.h"

namespace gemel::record {
namespace {

std::string folder_of_caches() {
  if (const char* folder = std::getenv("XDG_CACHE_HOME"); folder && *folder) return folder;
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : ".") + "/.cache";
}

// The files that the setting names.
std::vector<std::string> paths() {
  const std::string& setting = settings::current().record;
  if (setting == "off") return {};
  if (setting.empty()) return {folder_of_caches() + "/gemel/record.sqlite"};
  std::vector<std::string> result;
  for (size_t begin = 0; begin <= setting.size();) {
    const size_t end = std::min(setting.find(':', begin), setting.size());
    if (end > begin) result.push_back(setting.substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

// What tells that a file is as it was.
struct Stamp {
  bool exists = false;
  ino_t inode = 0;
  off_t size = 0;
  timespec modified{};

  static Stamp of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return {};
    return {true, status.st_ino, status.st_size, status.st_mtim};
  }
  bool operator==(const Stamp& other) const {
    return exists == other.exists && inode == other.inode && size == other.size &&
           modified.tv_sec == other.modified.tv_sec && modified.tv_nsec == other.modified.tv_nsec;
  }
};

// The rows of one file that are this machine's.
class File {
 public:
  // As the file is now.
  const std::unordered_map<std::string, Choices>& rows(const std::string& path) {
    const Stamp now = Stamp::of(path);
    if (!read_ || !(now == stamp_)) load(path, now);
    return rows_;
  }

 private:
  void load(const std::string& path, const Stamp& now) {
    rows_.clear();
    read_ = true;
    stamp_ = now;
    if (!now.exists) return;
    try {
      for (Found& row : record::read(path))
        if (row.machine == machine()) rows_[row.key] = std::move(row.choices);
    } catch (const Error& error) {
      if (!std::exchange(warned_, true)) log::warning("{}; it is ignored", error.what());
    }
  }

  bool read_ = false, warned_ = false;
  Stamp stamp_;
  std::unordered_map<std::string, Choices> rows_;
};

// Calls f(rows of a file) for the files of the setting, one thread at a time, until it gives true.
template <typename F>
bool any_file(F&& f) {
  static std::mutex mutex;
  static auto* const files = new std::map<std::string, File>;  // tasks may outlive static objects
  if (settings::current().determinism || settings::current().reference_kernels) return false;
  std::lock_guard lock(mutex);
  for (const std::string& path : paths())
    if (f((*files)[path].rows(path))) return true;
  return false;
}

}  // namespace

std::string default_path() {
  const std::vector<std::string> all = paths();
  GEMEL_CHECK(!all.empty(), "[tune] the setting record is off; name a file for the result");
  return all.front();
}

bool is_used() {
  return any_file([](const auto& rows) { return !rows.empty(); });
}

std::optional<Choices> look_up(std::string_view key) {
  std::optional<Choices> result;
  any_file([&](const auto& rows) {
    if (const auto found = rows.find(std::string(key)); found != rows.end()) result = found->second;
    return result.has_value();
  });
  return result;
}

}  // namespace gemel::record
