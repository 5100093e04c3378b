#include "record/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/settings.h"
#include "record/key.h"

namespace gemel::record {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class RecordTest : public testing::Test {
 protected:
  RecordTest() {
    std::filesystem::create_directories(folder_);
    settings::set(&Settings::record, path_);
    settings::set(&Settings::determinism, false);
  }
  ~RecordTest() override {
    settings::set(&Settings::record, before_);
    settings::set(&Settings::determinism, determinism_);
    std::filesystem::remove_all(folder_);
  }
  static Found row(std::string key, std::string threads, std::string of_machine = machine()) {
    return {
        std::move(key), std::move(of_machine), {{{"omp_threads", std::move(threads)}}, {}}, 2, 1};
  }
  void execute(const char* text) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, text, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
  }
  std::string threads_of(std::string_view key) const {
    const auto found = look_up(key);
    return found ? std::string(found->setting("omp_threads", "none")) : "nothing";
  }

  const std::string folder_ = testing::TempDir() + "gemel_record_" + std::to_string(getpid());
  const std::string path_ = folder_ + "/a/record.sqlite";
  const std::string before_ = settings::get("record");
  const bool determinism_ = settings::current().determinism;
};

TEST_F(RecordTest, KeepsChoices) {
  EXPECT_EQ(threads_of("k"), "nothing");  // there is no file
  Found found = row("k", "1");
  found.choices.kernels["Convolution(kernel=(3, 3)) float32(1,2)"] = "onednn";
  store(path_, found);
  ASSERT_TRUE(look_up("k"));
  EXPECT_EQ(*look_up("k"), found.choices);
  EXPECT_EQ(threads_of("other"), "nothing");
  const auto rows = read(path_);
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].machine, machine());
  EXPECT_EQ(rows[0].default_seconds, 2);
  EXPECT_EQ(rows[0].tuned_seconds, 1);
}

TEST_F(RecordTest, ALaterRowReplacesAnEarlierOne) {
  store(path_, row("k", "1"));
  EXPECT_EQ(threads_of("k"), "1");
  store(path_, row("k", "2"));
  EXPECT_EQ(threads_of("k"), "2");
  EXPECT_THAT(read(path_), SizeIs(1));
}

TEST_F(RecordTest, OtherMachinesAndFrozenKernelsDoNotCount) {
  store(path_, row("k", "1", "another machine"));
  EXPECT_EQ(threads_of("k"), "nothing");
  store(path_, row("k", "2"));
  EXPECT_EQ(threads_of("k"), "2");
  EXPECT_THAT(read(path_), SizeIs(2));
  settings::set(&Settings::determinism, true);
  EXPECT_FALSE(is_used());
  EXPECT_EQ(threads_of("k"), "nothing");
  settings::set(&Settings::determinism, false);
  settings::set(&Settings::record, "off");
  EXPECT_FALSE(is_used());
  EXPECT_EQ(threads_of("k"), "nothing");
  EXPECT_THROW(default_path(), Error);
}

TEST_F(RecordTest, SeveralFilesAreReadAndTheFirstIsWritten) {
  const std::string second = folder_ + "/second.sqlite";
  store(path_, row("k", "1"));
  store(second, row("k", "2"));
  store(second, row("l", "3"));
  settings::set(&Settings::record, path_ + ":" + second);
  EXPECT_EQ(default_path(), path_);
  EXPECT_EQ(threads_of("k"), "1");
  EXPECT_EQ(threads_of("l"), "3");
}

TEST_F(RecordTest, ADamagedFileIsIgnoredAndSaidOnce) {
  std::filesystem::create_directories(folder_ + "/a");
  std::ofstream(path_) << std::string(5000, 'x');
  testing::internal::CaptureStderr();
  EXPECT_EQ(threads_of("k"), "nothing");
  std::ofstream(path_) << std::string(6000, 'y');  // read anew, and not said again
  EXPECT_EQ(threads_of("k"), "nothing");
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("cannot serve as a record"));
  EXPECT_EQ(said.find("record"), said.find("[record]") + 1);
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  EXPECT_THROW(store(path_, row("k", "1")), Error);  // and it is not overwritten
  EXPECT_EQ(std::filesystem::file_size(path_), 6000);
}

TEST_F(RecordTest, OtherVersionsAndOtherProgramsFilesAreLeftAlone) {
  store(path_, row("k", "1"));
  execute("PRAGMA user_version = 7");
  EXPECT_EQ(threads_of("k"), "nothing");
  try {
    store(path_, row("k", "2"));
    FAIL() << "a file of another version was written";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Environment);
    EXPECT_THAT(error.what(), HasSubstr("its version is 7, expected 1"));
  }
  execute("PRAGMA user_version = 1; PRAGMA application_id = 3");
  EXPECT_THROW(read(path_), Error);
  std::filesystem::remove(path_);
  execute("CREATE TABLE pictures (name TEXT)");
  EXPECT_THROW(store(path_, row("k", "2")), Error);
}

TEST_F(RecordTest, WhatIsNoChoiceIsIgnored) {
  store(path_, row("k", "1"));
  execute("UPDATE tuned SET choices = '[1, 2]'");
  EXPECT_EQ(threads_of("k"), "nothing");
  EXPECT_THROW(read(path_), Error);
}

TEST_F(RecordTest, ProcessesWriteOneFileAtOnce) {
  constexpr int processes = 3, rows = 12;
  std::vector<pid_t> children;
  for (int p = 0; p < processes; ++p) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      int failures = 0;
      for (int i = 0; i < rows; ++i) try {
          store(path_, row(fmt::format("{}-{}", p, i), "1"));
        } catch (...) {
          ++failures;
        }
      _exit(failures);
    }
    children.push_back(child);
  }
  for (int i = 0; i < 50; ++i) look_up("0-0");  // reads while they write
  for (const pid_t child : children) {
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_THAT(read(path_), SizeIs(processes * rows));
  EXPECT_EQ(threads_of("2-11"), "1");
}

}  // namespace
}  // namespace gemel::record
