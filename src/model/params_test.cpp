#include "model/params.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "base/io.h"

// Files under tests/data/params were written by MXNet 1.9.1 (v1.nd and oldest.nd, which it can no
// longer write, were made by hand and read back by it).
namespace gemel {
namespace {
namespace fs = std::filesystem;

const std::vector<std::string> readable = {"dict.params", "dtypes.nd", "empty.nd", "zero_size.nd",
                                           "v1.nd",       "oldest.nd", "sparse.nd"};

std::string fixture_path(const std::string& name) {
  return (fs::path(GEMEL_SOURCE_FOLDER) / "tests/data/params" / name).string();
}
std::string fixture(const std::string& name) { return read_file(fixture_path(name)); }

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

NamedArrays load_text(const std::string& text, bool np_shape = false) {
  return load_arrays_from_bytes(bytes_of(text), np_shape);
}

class Params : public testing::Test {
 protected:
  std::string path =
      (fs::temp_directory_path() / fmt::format("gemel-params-{}", getpid())).string();
  ~Params() override { fs::remove(path); }
  std::string saved(const NamedArrays& list, bool np_shape = false) {
    save_arrays(path, list, np_shape);
    return read_file(path);
  }
};

std::string message_of(const std::string& text, bool np_shape = false) {
  try {
    load_text(text, np_shape);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Input);
    return error.what();
  }
  return "";
}

TEST_F(Params, WritesTheBytesThatMxnetWrote) {
  for (const char* name : {"dict.params", "dtypes.nd", "empty.nd", "zero_size.nd"})
    EXPECT_EQ(saved(load_arrays(fixture_path(name))), fixture(name)) << name;
  EXPECT_EQ(saved(load_arrays(fixture_path("np_shape.nd"), true), true), fixture("np_shape.nd"));
  const std::string one = fixture("one_array.bin");
  EXPECT_EQ(array_to_bytes(array_from_bytes(bytes_of(one))), one);
}

TEST_F(Params, ReadsNamesShapesAndValues) {
  const NamedArrays dict = load_arrays("file://" + fixture_path("dict.params"));
  EXPECT_EQ(dict.names, (std::vector<std::string>{"arg:weight", "aux:mean", "é"}));
  EXPECT_EQ(dict.arrays[0].shape(), (Shape{2, 2}));
  EXPECT_EQ(dict.arrays[0].data<float>()[1], -2);
  EXPECT_EQ(dict.arrays[0].data<float>()[3], 1e30f);
  EXPECT_EQ(dict.arrays[1].data<int64_t>()[0], 7);
  EXPECT_EQ(float(dict.arrays[2].data<float16>()[0]), -1);

  const NamedArrays list = load_arrays(fixture_path("dtypes.nd"));
  EXPECT_TRUE(list.names.empty());
  const DType dtypes[] = {DType::float32, DType::float64, DType::float16,
                          DType::uint8,   DType::int32,   DType::int8,
                          DType::int64,   DType::boolean, DType::bfloat16};
  ASSERT_EQ(list.arrays.size(), std::size(dtypes));
  for (size_t i = 0; i < std::size(dtypes); ++i) {
    EXPECT_EQ(list.arrays[i].dtype(), dtypes[i]);
    dispatch(dtypes[i], [&](auto type) {
      using T = typename decltype(type)::type;
      const double last = static_cast<double>(list.arrays[i].data<T>()[5]);
      EXPECT_EQ(last, dtypes[i] == DType::boolean ? 1 : 100);
    });
  }
  EXPECT_EQ(load_arrays(fixture_path("zero_size.nd")).arrays[0].shape(), (Shape{3, 0}));
  EXPECT_TRUE(load_arrays(fixture_path("empty.nd")).arrays.empty());
}

TEST_F(Params, ReadsTheOlderForms) {
  for (const char* name : {"v1.nd", "oldest.nd"}) {
    const NamedArrays list = load_arrays(fixture_path(name));
    ASSERT_EQ(list.arrays.size(), 1u);
    EXPECT_EQ(list.arrays[0].shape(), Shape{2});
    EXPECT_EQ(list.arrays[0].data<float>()[0], 1.5f);
    EXPECT_EQ(list.arrays[0].data<float>()[1], -2.0f);
  }
}

TEST_F(Params, NpShapeIsAskedFor) {
  EXPECT_NE(message_of(fixture("np_shape.nd")).find("np shape"), std::string::npos);
  const NamedArrays list = load_text(fixture("np_shape.nd"), true);
  EXPECT_EQ(list.arrays[0].shape(), (Shape{0, 3}));
  EXPECT_EQ(list.arrays[1].shape(), Shape());
  EXPECT_EQ(list.arrays[1].data<float>()[0], 4);
  EXPECT_EQ(load_text(saved({{list.arrays[1]}, {}})).arrays[0].shape(), Shape{1});
}

TEST_F(Params, NoneArraysRoundTrip) {
  for (const bool np_shape : {false, true}) {
    const NamedArrays list =
        load_text(saved({{NDArray(), NDArray({2}, DType::int8)}, {}}, np_shape), np_shape);
    EXPECT_FALSE(list.arrays[0]);
    EXPECT_EQ(list.arrays[1].shape(), Shape{2});
  }
}

TEST_F(Params, SparseArraysRoundTripByteForByte) {
  const NamedArrays list = load_arrays(fixture_path("sparse.nd"));
  EXPECT_EQ(list.names, (std::vector<std::string>{"csr", "row_sparse", "dense", "empty"}));
  EXPECT_EQ(list.sparse.size(), 3u);
  EXPECT_FALSE(list.arrays[0]);
  EXPECT_EQ(list.sparse.at(0).type, StorageType::csr);
  EXPECT_EQ(list.sparse.at(0).indptr.data<int64_t>()[4], 4);
  EXPECT_EQ(list.sparse.at(1).data.data<double>()[3], 4);
  EXPECT_EQ(to_dense(list.sparse.at(1)).shape(), (Shape{5, 2}));
  EXPECT_EQ(list.sparse.at(3).data.size(), 0);
  EXPECT_EQ(saved(list), fixture("sparse.nd"));
  const std::string one = array_to_bytes(list.sparse.at(0));
  EXPECT_EQ(array_to_bytes(sparse_from_bytes(bytes_of(one))), one);
  EXPECT_THROW(array_from_bytes(bytes_of(one)), Error);
  EXPECT_THROW(sparse_from_bytes(bytes_of(fixture("one_array.bin"))), Error);
  EXPECT_THROW(save_arrays(path, list, true), Error);
}

TEST_F(Params, EveryTruncationIsAnError) {
  for (const std::string& name : readable) {
    const std::string whole = fixture(name);
    for (size_t length = 0; length < whole.size(); ++length)
      EXPECT_NE(message_of(whole.substr(0, length)), "") << name << " cut at " << length;
  }
  const std::string one = fixture("one_array.bin");
  for (size_t length = 0; length < one.size(); ++length)
    EXPECT_THROW(array_from_bytes(bytes_of(one.substr(0, length))), Error) << length;
  write_file(path, fixture("dict.params").substr(0, 100));
  try {
    load_arrays(path);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(path), std::string::npos);
  }
}

// What a damaged file may do: load with other values, or give an Error. Nothing else.
void survive(const std::string& text) {
  for (const bool np_shape : {false, true}) try {
      for (const NDArray& array : load_text(text, np_shape).arrays)
        if (array) {
          EXPECT_LE(array.bytes(), static_cast<int64_t>(text.size()));
        }
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Input) << error.what();
    }
}

TEST_F(Params, EverySingleBitFlipIsSurvived) {
  for (const std::string name : {"dict.params", "oldest.nd", "sparse.nd"}) {
    std::string text = fixture(name);
    for (size_t i = 0; i < text.size() * 8; ++i) {
      const char before = text[i / 8];
      text[i / 8] = static_cast<char>(before ^ (1 << (i % 8)));
      survive(text);
      text[i / 8] = before;
    }
  }
}

TEST_F(Params, RandomDamageIsSurvived) {
  std::mt19937 random(7);
  for (const std::string& name : readable)
    for (int round = 0; round < 400; ++round) {
      std::string text = fixture(name);
      for (unsigned n = 1 + random() % 6; n > 0; --n) {
        char& byte = text[random() % text.size()];
        const int choice = static_cast<int>(random() % 4);
        byte = static_cast<char>(choice == 0   ? 0
                                 : choice == 1 ? 0xff
                                 : choice == 2 ? 0x80
                                               : random());
      }
      survive(text);
    }
}

TEST_F(Params, AFailedArrayLeavesTheOldFile) {
  const std::string old = saved({{NDArray({2}, DType::int8)}, {"a"}});
  const NDArray bad({4}, DType::float32);
  engine::Tag* tags[] = {&bad.tag()};
  engine::push([] { fail(ErrorKind::Input, "[test] no value"); }, {.writes = tags});
  EXPECT_THROW(save_arrays(path, {{bad}, {"a"}}), Error);
  EXPECT_EQ(read_file(path), old);
  EXPECT_THROW(engine::wait_for_read(bad.tag()), Error);
  try {
    engine::wait_all();
  } catch (const Error&) {
  }  // reported here once
}

TEST_F(Params, NamesMustFit) {
  EXPECT_THROW(save_arrays(path, {{NDArray({2}, DType::int8)}, {"a", "b"}}), Error);
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(Params, LargeArraysAndOffsetsRoundTrip) {
  NDArray array({300, 1000}, DType::int32);
  for (int i = 0; i < 300000; ++i) array.data<int32_t>()[i] = i;
  save_arrays(path, {{array.slice(100, 300), array}, {"part", "all"}});
  const NamedArrays list = load_arrays(path);
  EXPECT_EQ(list.arrays[0].shape(), (Shape{200, 1000}));
  for (int i = 0; i < 200000; ++i) ASSERT_EQ(list.arrays[0].data<int32_t>()[i], i + 100000);
  for (int i = 0; i < 300000; ++i) ASSERT_EQ(list.arrays[1].data<int32_t>()[i], i);
}

}  // namespace
}  // namespace gemel
