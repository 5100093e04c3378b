// gemel_fuzz TARGET ...: with clang (15 or later) a libFuzzer program (its own arguments follow the target's name),
// else a driver of its own: gemel_fuzz TARGET [SECONDS [SEED]], which starts from corpus/TARGET.
// What made a target fail is written to a file that its message names.
#include <fmt/core.h>

#include <chrono>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "corpus.h"
#include "mutation.h"
#include "targets.h"

namespace {

using gemel::fuzz::Target;

const Target* chosen;

const Target& find_target(const char* name) {
  std::string known;
  for (const Target& one : gemel::fuzz::targets()) {
    if (name && std::strcmp(one.name, name) == 0) return one;
    known += std::string(known.empty() ? "" : ", ") + one.name;
  }
  fmt::print(stderr, "expected a target: {}\n", known);
  std::exit(2);
}

}  // namespace

#ifdef GEMEL_LIBFUZZER
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  chosen = &find_target(*count > 1 ? (*arguments)[1] : nullptr);
  for (int i = 1; i + 1 < *count; ++i) (*arguments)[i] = (*arguments)[i + 1];
  --*count;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gemel::fuzz::run(*chosen, {reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
#else
namespace {

std::string current;

void on_fault(int signal) {
  const std::string path = std::string("fault-") + chosen->name;
  if (std::FILE* file = std::fopen(path.c_str(), "wb")) {
    std::fwrite(current.data(), 1, current.size(), file);
    std::fclose(file);
    std::fprintf(stderr, "signal %d; the bytes are in %s\n", signal, path.c_str());
  }
  std::_Exit(1);
}

}  // namespace

int main(int count, char** arguments) {
  chosen = &find_target(count > 1 ? arguments[1] : nullptr);
  const double seconds = count > 2 ? std::atof(arguments[2]) : 10;
  const uint64_t seed = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 1;
  for (int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGALRM}) std::signal(signal, on_fault);
  const auto folder =
      std::filesystem::path(GEMEL_SOURCE_FOLDER) / "tests/fuzz/corpus" / chosen->name;
  gemel::fuzz::Mutation mutation(gemel::fuzz::read_corpus(folder), seed);
  const auto start = std::chrono::steady_clock::now();
  int64_t runs = 0;
  for (; std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < seconds;
       ++runs) {
    current = mutation.next();
    alarm(20);  // what takes longer hangs
    gemel::fuzz::run(*chosen, std::as_bytes(std::span(current)));
  }
  fmt::print("{}: {} runs without a fault\n", chosen->name, runs);
}
#endif
