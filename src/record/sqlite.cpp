// Reading and writing of record files.
#include <sqlite3.h>

#include <filesystem>
#include <memory>

#include "base/error.h"
#include "record/record.h"

namespace gemel::record {
namespace {

constexpr int application = 0x676d656c;  // marks the file as ours
constexpr int version = 1;               // of its tables; another one is not read
constexpr int patience = 10'000;         // milliseconds, while another process writes

constexpr const char* table = R"(CREATE TABLE tuned (
  machine TEXT NOT NULL, key TEXT NOT NULL, choices TEXT NOT NULL,
  default_seconds REAL NOT NULL, tuned_seconds REAL NOT NULL,
  stored TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (machine, key)))";

struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

class Database {
 public:
  Database(const std::string& path, int flags) : path_(path) {
    const int status = sqlite3_open_v2(path.c_str(), &handle_, flags, nullptr);
    if (status != SQLITE_OK) {
      const std::string why = handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(status);
      sqlite3_close(handle_);
      refuse(why);
    }
    sqlite3_busy_timeout(handle_, patience);
  }
  Database(const Database&) = delete;
  ~Database() { sqlite3_close(handle_); }

  [[noreturn]] void refuse(std::string_view why) const {
    fail(ErrorKind::Environment, "[record] '{}' cannot serve as a record of the tuner: {}", path_,
         why);
  }
  Statement prepare(const char* text) const {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_, text, -1, &statement, nullptr) != SQLITE_OK)
      refuse(sqlite3_errmsg(handle_));
    return Statement(statement);
  }
  // Whether there is a row.
  bool step(const Statement& statement) const {
    const int status = sqlite3_step(statement.get());
    if (status != SQLITE_ROW && status != SQLITE_DONE) refuse(sqlite3_errmsg(handle_));
    return status == SQLITE_ROW;
  }
  void run(const char* text) const { step(prepare(text)); }
  int number(const char* text) const {
    const Statement statement = prepare(text);
    return step(statement) ? sqlite3_column_int(statement.get(), 0) : 0;
  }

  // Whether it is a record; false for a file without tables. Throws for anything else.
  bool is_record() const {
    if (number("SELECT count(*) FROM sqlite_master") == 0) return false;
    if (number("PRAGMA application_id") != application) refuse("it is another program's database");
    if (const int found = number("PRAGMA user_version"); found != version)
      refuse(fmt::format("its version is {}, expected {}", found, version));
    return true;
  }

 private:
  std::string path_;
  sqlite3* handle_ = nullptr;
};

std::string text_at(const Statement& row, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row.get(), column));
  return text ? text : "";
}

void set_text(const Statement& statement, int place, const std::string& text) {
  sqlite3_bind_text(statement.get(), place, text.c_str(), static_cast<int>(text.size()),
                    SQLITE_TRANSIENT);
}

}  // namespace

std::vector<Found> read(const std::string& path) {
  const Database database(path, SQLITE_OPEN_READONLY);
  std::vector<Found> rows;
  if (!database.is_record()) return rows;
  const Statement row = database.prepare(
      "SELECT machine, key, choices, default_seconds, tuned_seconds FROM tuned ORDER BY rowid");
  while (database.step(row)) {
    Found& found = rows.emplace_back();
    found.machine = text_at(row, 0);
    found.key = text_at(row, 1);
    found.choices = choices_from_text(text_at(row, 2));
    found.default_seconds = sqlite3_column_double(row.get(), 3);
    found.tuned_seconds = sqlite3_column_double(row.get(), 4);
  }
  return rows;
}

void store(const std::string& path, const Found& found) {
  std::error_code ignored;  // the opening says what is wrong
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  const Database database(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  database.run("BEGIN IMMEDIATE");  // one process at a time from here
  if (!database.is_record()) {
    database.run(table);
    database.run(fmt::format("PRAGMA application_id = {}", application).c_str());
    database.run(fmt::format("PRAGMA user_version = {}", version).c_str());
  }
  const Statement row = database.prepare(
      "INSERT OR REPLACE INTO tuned (machine, key, choices, default_seconds, tuned_seconds) "
      "VALUES (?, ?, ?, ?, ?)");
  set_text(row, 1, found.machine);
  set_text(row, 2, found.key);
  set_text(row, 3, to_text(found.choices));
  sqlite3_bind_double(row.get(), 4, found.default_seconds);
  sqlite3_bind_double(row.get(), 5, found.tuned_seconds);
  database.step(row);
  database.run("COMMIT");
}

}  // namespace gemel::record
