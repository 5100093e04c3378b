#include "data/iterator.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

namespace gemel::data {
namespace {

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("gemel_data_" + std::to_string(std::random_device()()));
  Folder() { std::filesystem::create_directory(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const char* name, const std::string& bytes) const {
    std::ofstream(path / name, std::ios::binary) << bytes;
    return path / name;
  }
};

std::string big_endian(std::initializer_list<uint32_t> numbers) {
  std::string bytes;
  for (uint32_t number : numbers)
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<char>(number >> shift));
  return bytes;
}

TEST(DataIterator, KindsAreSortedAndUnknownOnesNamed) {
  const auto& all = iterators();
  for (size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i - 1].name, all[i].name);
  try {
    make_iterator("NoIter", {});
    FAIL() << "an unknown kind was made";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("CSVIter"), std::string::npos);
  }
}

// No damaged text may be read past its end or be taken for numbers.
TEST(DataIterator, DamagedCsvIsAnError) {
  const Folder folder;
  std::mt19937 random(5);
  const std::string good = "1,2.5,-3e2\n4,5,6\n";
  int refused = 0;
  for (int trial = 0; trial < 300; ++trial) {
    std::string text = good.substr(0, random() % (good.size() + 1));
    if (!text.empty() && trial % 2) text[random() % text.size()] = static_cast<char>(random());
    const std::string file = folder.write("x.csv", text);
    try {
      auto batches = make_iterator(
          "CSVIter", {{"data_csv", file}, {"data_shape", "(3,)"}, {"batch_size", "2"}});
      Batch batch;
      ASSERT_TRUE(batches->next(batch));
      EXPECT_EQ(batch.data[0].shape(), Shape({2, 3}));
    } catch (const Error& error) {
      ++refused;
      EXPECT_NE(std::string(error.what()).find("x.csv"), std::string::npos) << error.what();
    }
  }
  EXPECT_GT(refused, 150);
}

TEST(DataIterator, TruncatedMnistIsAnError) {
  const Folder folder;
  const std::string images = big_endian({2051, 3, 2, 2}) + std::string(12, '\x40');
  const std::string labels = big_endian({2049, 3}) + std::string(3, '\1');
  const auto open = [&](const std::string& a, const std::string& b) {
    return make_iterator("MNISTIter", {{"image", folder.write("images", a)},
                                       {"label", folder.write("labels", b)},
                                       {"batch_size", "3"},
                                       {"silent", "1"}});
  };
  Batch batch;
  EXPECT_TRUE(open(images, labels)->next(batch));
  EXPECT_EQ(batch.data[0].data<float>()[0], 0.25f);
  for (size_t size = 0; size < images.size(); ++size)
    EXPECT_THROW(open(images.substr(0, size), labels), Error) << size;
  for (size_t size = 0; size < labels.size(); ++size)
    EXPECT_THROW(open(images, labels.substr(0, size)), Error) << size;
  const uint32_t huge = 0xffffffffu;
  EXPECT_THROW(open(big_endian({2051, huge, huge, huge}), big_endian({2049, huge})), Error);
}

}  // namespace
}  // namespace gemel::data
