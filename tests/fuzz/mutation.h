// Changes of bytes at random that follow from a seed, as a fuzzer makes them.
#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace gemel::fuzz {

class Mutation {
 public:
  Mutation(std::vector<std::string> corpus, uint64_t seed)
      : corpus_(std::move(corpus)), random_(seed) {}

  // Something of the corpus after one to eight changes.
  std::string next() {
    std::string bytes = any();
    for (uint64_t left = 1 + below(8); left > 0; --left) change(bytes);
    return bytes;
  }

 private:
  uint64_t below(uint64_t limit) { return limit ? random_() % limit : 0; }
  const std::string& any() { return corpus_[below(corpus_.size())]; }

  void change(std::string& bytes) {
    const size_t at = below(bytes.size() + 1), length = below(bytes.size() - at + 1);
    // Numbers at which lengths overflow, or are just too large.
    static constexpr uint64_t numbers[] = {0,          1,          0x7f,       0xff,
                                           0xffff,     0x7fffffff, 0x80000000, 0xffffffff,
                                           ~uint64_t{}, uint64_t{1} << 63, 0x1fffffff};
    const std::string& other = any();
    switch (below(9)) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        if (at < bytes.size()) bytes[at] ^= static_cast<char>(1 << below(8));
        break;
      case 2:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random_());
        break;
      case 3: {
        const uint64_t number = numbers[below(std::size(numbers))];
        const size_t width = size_t{1} << below(4);
        bytes.replace(at, std::min(width, bytes.size() - at),
                      std::string(reinterpret_cast<const char*>(&number), width));
        break;
      }
      case 4:
        bytes.erase(at, std::min<size_t>(length, 1 + below(16)));
        break;
      case 5:
        bytes.insert(at, bytes.substr(at, std::min<size_t>(length, 64)));
        break;
      case 6:
        bytes.replace(at, length, other.substr(below(other.size() + 1), 1 + below(64)));
        break;
      case 7:
        bytes.insert(at, std::string(1 + below(16), static_cast<char>(random_())));
        break;
      default:
        for (size_t i = at; i < std::min(bytes.size(), at + 4); ++i)
          bytes[i] = static_cast<char>(bytes[i] + static_cast<int>(below(5)) - 2);
    }
    if (bytes.size() > 1 << 16) bytes.resize(1 << 16);
  }

  std::vector<std::string> corpus_;
  std::mt19937_64 random_;
};

}  // namespace gemel::fuzz
