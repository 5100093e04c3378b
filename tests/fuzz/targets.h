// What reads bytes that others wrote, as functions of such bytes: for a fuzzer, or for the
// deterministic mutations of fuzz_test.cpp.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace gemel::fuzz {

struct Target {
  const char* name;  // also of its folder in corpus/
  // Refuses bytes with an Error, or takes them; anything else that happens is a fault.
  void (*run)(std::span<const std::byte> bytes);
};

const std::vector<Target>& targets();
// Runs a target and swallows an Error of the input's or of the environment's.
void run(const Target& target, std::span<const std::byte> bytes);

}  // namespace gemel::fuzz
