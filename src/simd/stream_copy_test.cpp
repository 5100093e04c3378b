#include "simd/stream_copy.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace gemel::simd {
namespace {

TEST(StreamCopy, CopiesAllBytesAndNoOthersFromAndToAnyPlace) {
  std::vector<uint8_t> source(700);
  std::iota(source.begin(), source.end(), uint8_t{1});
  for (size_t from = 0; from < 70; from += 23)
    for (size_t to = 0; to < 66; ++to)
      for (size_t bytes : {0, 1, 63, 64, 65, 127, 300, 513}) {
        std::vector<uint8_t> target(700, 0), expected(target);
        std::copy_n(source.begin() + static_cast<ptrdiff_t>(from), bytes,
                    expected.begin() + static_cast<ptrdiff_t>(to));
        stream_copy(source.data() + from, target.data() + to, bytes);
        finish_streams();
        ASSERT_EQ(target, expected) << bytes << " bytes from " << from << " to " << to;
      }
}

}  // namespace
}  // namespace gemel::simd
