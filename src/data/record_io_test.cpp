#include "data/record_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <random>

namespace gemel::data {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}
std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::string word(uint32_t value) { return {reinterpret_cast<const char*>(&value), 4}; }
const std::string magic = word(record_magic);

std::string chunk(uint32_t kind, const std::string& content) {
  return magic + word(kind << 29 | static_cast<uint32_t>(content.size())) + content +
         std::string((4 - content.size() % 4) % 4, '\0');
}

struct RecordFileTest : testing::Test {
  std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("gemel_record_{}.rec", getpid()))
          .string();
  ~RecordFileTest() override { std::filesystem::remove(path); }

  std::string written(const std::vector<std::string>& records) {
    RecordWriter writer(path);
    for (const auto& record : records) writer.write(bytes_of(record));
    const int64_t end = writer.tell();
    writer.close();
    std::string content = read_file(path);
    EXPECT_EQ(end, static_cast<int64_t>(content.size()));
    return content;
  }
};

std::vector<std::string> read_all(RecordReader& reader) {
  std::vector<std::string> records;
  for (std::span<const std::byte> record; reader.next(record);) records.push_back(text_of(record));
  return records;
}

std::vector<std::string> read_all(const std::string& content, OnDamage on_damage = OnDamage::stop,
                                  int64_t parts = 1, int64_t part = 0) {
  RecordReader reader(source_of(bytes_of(content), "memory"), on_damage, parts, part);
  return read_all(reader);
}

// Records with the magic number at places that are and are not multiples of four.
std::vector<std::string> difficult_records() {
  std::mt19937 generator(1);
  std::vector<std::string> records{"",
                                   "a",
                                   "abcd",
                                   magic,
                                   magic + magic,
                                   "x" + magic,
                                   "abcd" + magic + "ef",
                                   magic + "abc" + magic};
  for (int i = 0; i < 200; ++i) {
    std::string record(generator() % 300, '\0');
    for (char& c : record) c = static_cast<char>(generator());
    for (int n = generator() % 4; n > 0 && record.size() > 4; --n)
      record.replace(generator() % (record.size() - 3), 4, magic);
    records.push_back(record);
  }
  return records;
}

TEST_F(RecordFileTest, BytesAreThoseOfTheFormat) {
  EXPECT_EQ(written({"hello", "", magic, "ab" + magic, "abcd" + magic + "e"}),
            chunk(0, "hello") + chunk(0, "") + chunk(1, "") + chunk(3, "") +
                chunk(0, "ab" + magic) + chunk(1, "abcd") + chunk(3, "e"));
}

TEST_F(RecordFileTest, WhatIsWrittenIsRead) {
  const auto records = difficult_records();
  const std::string content = written(records);
  EXPECT_EQ(read_all(content), records);
  RecordReader reader(open_source("file://" + path));
  EXPECT_EQ(read_all(reader), records);
  reader.reset();
  std::span<const std::byte> record;
  ASSERT_TRUE(reader.next(record));
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(text_of(record), "a");
}

TEST_F(RecordFileTest, OffsetsOfTheWriterAreThoseOfTheReader) {
  const auto records = difficult_records();
  std::vector<int64_t> offsets;
  RecordWriter writer(path);
  for (const auto& record : records) {
    offsets.push_back(writer.tell());
    writer.write(bytes_of(record));
  }
  writer.close();
  RecordReader reader(open_source(path));
  for (size_t i = records.size(); i-- > 0;) {
    reader.seek(offsets[i]);
    EXPECT_EQ(reader.tell(), offsets[i]);
    std::span<const std::byte> record;
    ASSERT_TRUE(reader.next(record));
    EXPECT_EQ(text_of(record), records[i]);
  }
}

TEST_F(RecordFileTest, PartsHoldEveryRecordOnce) {
  const auto records = difficult_records();
  const std::string content = written(records);
  for (int64_t parts : {1, 2, 3, 7, 50, 5000}) {
    std::vector<std::string> joined;
    for (int64_t part = 0; part < parts; ++part)
      for (auto& record : read_all(content, OnDamage::stop, parts, part)) joined.push_back(record);
    EXPECT_EQ(joined, records) << parts;
  }
  EXPECT_THROW(read_all(content, OnDamage::stop, 2, 2), Error);
}

TEST_F(RecordFileTest, FileAppearsWhenTheWriterIsClosed) {
  written({"old"});
  {
    RecordWriter dropped(path);
    dropped.write(bytes_of("new"));
  }
  EXPECT_EQ(read_all(read_file(path)), std::vector<std::string>{"old"});
  RecordWriter writer(path);
  writer.write(bytes_of("new"));
  EXPECT_EQ(read_all(read_file(path)), std::vector<std::string>{"old"});
  writer.close();
  EXPECT_EQ(read_all(read_file(path)), std::vector<std::string>{"new"});
  EXPECT_THROW(writer.write(bytes_of("more")), Error);
}

TEST_F(RecordFileTest, RecordsBeyondFourGigabytes) {
  written({"first"});
  const int64_t far = (int64_t{5} << 30) + 4;
  const std::string second = chunk(0, "second");
  const int file = ::open(path.c_str(), O_WRONLY);
  ASSERT_GE(file, 0);
  ASSERT_EQ(pwrite(file, second.data(), second.size(), far), static_cast<ssize_t>(second.size()));
  close(file);
  RecordReader reader(open_source(path));
  reader.seek(far);
  std::span<const std::byte> record;
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(text_of(record), "second");
  EXPECT_EQ(reader.tell(), far + 16);
  reader.set_range(far - 40, far + 16);  // not the hole between the two, which takes long to search
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(text_of(record), "second");
}

TEST(RecordReader, DamageStopsWithThePlaceAndTheReason) {
  const std::string good = chunk(0, "hell");
  const auto message = [](const std::string& content) -> std::string {
    RecordReader reader(source_of(bytes_of(content), "memory"));
    std::span<const std::byte> record;
    try {
      while (reader.next(record)) {
      }
    } catch (const Error& error) {
      EXPECT_FALSE(reader.next(record));  // not the same error for ever
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message(good), "");
  EXPECT_NE(message(good + "garbage!").find("byte 12: expected the magic"), std::string::npos);
  EXPECT_NE(message(good + magic).find("byte 12: the header of a record needs 8"),
            std::string::npos);
  EXPECT_NE(message(chunk(0, "hello").substr(0, 12)).find("needs 5 bytes, 4 are left"),
            std::string::npos);
  EXPECT_NE(message(chunk(2, "abcd")).find("expected the first part"), std::string::npos);
  EXPECT_NE(message(chunk(1, "abcd")).find("byte 12: the header"), std::string::npos);
  EXPECT_NE(message(chunk(1, "abcd") + good).find("byte 12: the record before is not complete"),
            std::string::npos);
  EXPECT_NE(message(chunk(5, "abcd")).find("kind 0 to 3, got 5"), std::string::npos);
}

TEST(RecordReader, DamageIsSkippedAndCounted) {
  std::string content =
      chunk(0, "one") + chunk(0, "two") + chunk(1, "a") + chunk(0, "three") + "trailing";
  content[12] ^= 1;  // the magic number of the second
  RecordReader reader(source_of(bytes_of(content), "memory"), OnDamage::skip);
  EXPECT_EQ(read_all(reader), (std::vector<std::string>{"one", "three"}));
  EXPECT_EQ(reader.damaged(), 3);  // the second, the one that does not end, what follows the last
  EXPECT_EQ(reader.skipped_bytes(), 12 + 12 + 8);
}

TEST(RecordReader, DamagedFilesNeitherHangNorGiveWhatNobodyWrote) {
  std::mt19937 generator(7);
  std::string content;
  std::vector<std::string> records;
  for (int i = 0; i < 40; ++i) {
    records.push_back(fmt::format("record {} ", i) + std::string(generator() % 60, 'x'));
    content += chunk(0, records.back());
  }
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = content;
    // Only the headers: the format has no sum over what a record holds.
    size_t at = 0;
    for (int skip = generator() % 40; skip > 0; --skip) at = damaged.find(magic, at + 4);
    damaged[at + generator() % 8] ^= static_cast<char>(1 << generator() % 8);
    if (round % 3 == 0) damaged.resize(generator() % damaged.size());
    const auto read = read_all(damaged, OnDamage::skip);
    EXPECT_LE(read.size(), records.size());
    size_t expected = 0, foreign = 0;
    for (const auto& record : read) {
      size_t next = expected;
      while (next < records.size() && records[next] != record) ++next;
      if (next == records.size())
        ++foreign;  // a flipped length makes one record of another length
      else
        expected = next + 1;
    }
    EXPECT_LE(foreign, 1u);
  }
}

TEST(ImageRecord, LabelsOfAnyLength) {
  for (size_t count : {1, 0, 2, 5}) {
    const std::string image = "image";
    ImageRecord record{std::vector<float>(count, 1.5f), 7, 8, bytes_of(image)};
    const std::string packed = pack_image_record(record);
    const ImageRecord read = unpack_image_record(bytes_of(packed), "memory");
    if (count) {
      EXPECT_EQ(read.labels, record.labels);
    }
    EXPECT_EQ(read.id, 7u);
    EXPECT_EQ(read.id2, 8u);
    EXPECT_EQ(text_of(read.content), "image");
    for (size_t size = 0; size + 5 < packed.size(); ++size)
      EXPECT_THROW(unpack_image_record(bytes_of(packed.substr(0, size)), "memory"), Error) << size;
  }
}

TEST(RecordIndex, KeysAndOffsets) {
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("gemel_index_{}", getpid())).string();
  write_file(path, "0\t0\n12\t5000000000\r\n\nkey\t7\n");
  EXPECT_EQ(read_record_index(path), (RecordIndex{{"0", 0}, {"12", 5000000000}, {"key", 7}}));
  for (const char* wrong : {"1\n", "1\tx\n", "1\t-4\n", "1\t99999999999999999999\n"}) {
    write_file(path, wrong);
    EXPECT_THROW(read_record_index(path), Error) << wrong;
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace gemel::data
