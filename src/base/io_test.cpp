#include "base/io.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <numeric>
#include <thread>

namespace gemel {
namespace {
namespace fs = std::filesystem;

class IoTest : public testing::Test {
 protected:
  IoTest() {
    std::string pattern = (fs::temp_directory_path() / "gemel-io-XXXXXX").string();
    folder = mkdtemp(pattern.data());
  }
  ~IoTest() override { fs::remove_all(folder); }
  std::string path(const char* name) const { return (folder / name).string(); }
  size_t files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }
  fs::path folder;
};

template <typename F>
std::pair<ErrorKind, std::string> error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  ADD_FAILURE() << "no error";
  return {ErrorKind::Internal, ""};
}

TEST_F(IoTest, WritesAndReadsBack) {
  AtomicFile file(path("a"));
  file.write(uint32_t{0x01020304});
  file.write(-2.5);
  file.write("text");
  const std::vector<char> large(200000, 'x');
  file.write(large.data(), 200000);
  EXPECT_FALSE(fs::exists(path("a")));
  file.commit();
  EXPECT_EQ(files(), 1u);

  Reader reader = Reader::open("file://" + path("a"));
  EXPECT_EQ(reader.size(), 200016);
  EXPECT_EQ(reader.read<uint32_t>(), 0x01020304u);
  EXPECT_EQ(reader.read<double>(), -2.5);
  EXPECT_EQ(reader.read_string(4), "text");
  EXPECT_EQ(reader.position(), 16);
  EXPECT_EQ(reader.read_bytes(200000).back(), std::byte{'x'});
  EXPECT_EQ(reader.remaining(), 0);
  reader.seek(1);
  EXPECT_EQ(reader.read<uint8_t>(), 3);
  reader.skip(2);
  EXPECT_EQ(reader.read<double>(), -2.5);
}

TEST_F(IoTest, ReadsEveryByteWhateverTheSteps) {
  std::string content(300001, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 + i / 251);
  write_file(path("a"), content);
  for (const int64_t step : {1000, 65535, 65536, 65537, 100000}) {
    Reader reader = Reader::open(path("a"));
    std::string got;
    while (reader.remaining() > 0) got += reader.read_string(std::min(step, reader.remaining()));
    EXPECT_EQ(got, content) << step;
  }
  EXPECT_EQ(read_file(path("a")), content);
}

TEST_F(IoTest, NamesFilePositionWantedAndLeft) {
  write_file(path("short"), "0123456789");
  Reader reader = Reader::open(path("short"));
  reader.skip(7);
  const auto [kind, text] = error_of([&] { reader.read<uint64_t>("the count"); });
  EXPECT_EQ(kind, ErrorKind::Input);
  for (const char* part : {"short", "byte 7", "the count", "8 bytes", "3 are left"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  EXPECT_EQ(reader.position(), 7);
  EXPECT_EQ(reader.read_string(3), "789");
}

TEST(Reader, ChecksLengthsBeforeItAllocates) {
  const std::byte bytes[4] = {};
  Reader reader(bytes, "memory");
  for (const int64_t length : {int64_t{5}, int64_t{-1}, INT64_MIN, INT64_MAX}) {
    EXPECT_THROW(reader.read_bytes(length), Error);
    EXPECT_THROW(reader.read_string(length), Error);
    EXPECT_THROW(reader.skip(length), Error);
  }
  EXPECT_THROW(reader.seek(5), Error);
  EXPECT_THROW(reader.seek(-1), Error);
  EXPECT_EQ(reader.read_bytes(4).size(), 4u);
  EXPECT_THROW(reader.read<uint8_t>(), Error);
  EXPECT_EQ(Reader({}, "nothing").read_bytes(0).size(), 0u);
}

TEST_F(IoTest, AMissingFileIsTheEnvironments) {
  const auto [kind, text] = error_of([&] { Reader::open(path("none")); });
  EXPECT_EQ(kind, ErrorKind::Environment);
  EXPECT_NE(text.find("No such file"), std::string::npos);
  EXPECT_EQ(error_of([&] { Reader::open(folder.string()); }).first, ErrorKind::Environment);
  EXPECT_EQ(error_of([&] { AtomicFile(path("no/such/folder")); }).first, ErrorKind::Environment);
}

TEST(LocalPath, KnowsFileOnly) {
  EXPECT_EQ(local_path("file:///a/b"), "/a/b");
  EXPECT_EQ(local_path("./a://b"), "./a://b");
}

TEST(LocalPath, RefusesOtherSchemes) {
  for (const char* path : {"s3://bucket/key", "http://host/x", ""})
    EXPECT_EQ(error_of([&] { local_path(path); }).first, ErrorKind::Input) << path;
}

TEST_F(IoTest, WithoutCommitNothingChanges) {
  write_file(path("a"), "old");
  {
    AtomicFile file(path("a"));
    file.write("new content");
  }
  EXPECT_EQ(read_file(path("a")), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(IoTest, AFailureKeepsTheOldFile) {
  write_file(path("a"), "old");
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 100000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto [kind, text] = error_of([&] { write_file(path("a"), std::string(300000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(kind, ErrorKind::Environment);
  EXPECT_NE(text.find(path("a")), std::string::npos);
  EXPECT_EQ(read_file(path("a")), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(IoTest, AFullDiskIsReported) {
  if (!fs::exists("/dev/full")) GTEST_SKIP();
  const auto [kind, text] = error_of([] { write_file("/dev/full", "x"); });
  EXPECT_EQ(kind, ErrorKind::Environment);
  EXPECT_NE(text.find("No space left"), std::string::npos) << text;
}

TEST_F(IoTest, KeepsModeAndLink) {
  write_file(path("a"), "old");
  chmod(path("a").c_str(), 0640);
  fs::create_symlink(path("a"), path("link"));
  write_file(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(read_file(path("a")), "new");
  EXPECT_EQ(fs::status(path("a")).permissions(), fs::perms(0640));
}

TEST_F(IoTest, ReadsAndWritesAPipe) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  std::thread writer([&] { write_file(path("pipe"), "through"); });
  EXPECT_EQ(read_file(path("pipe")), "through");
  writer.join();
}

}  // namespace
}  // namespace gemel
