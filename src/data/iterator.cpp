#include "data/iterator.h"

#include <algorithm>

namespace gemel::data {
namespace {

std::vector<IteratorInfo>& registered() {
  static std::vector<IteratorInfo> all;
  return all;
}

}  // namespace

Iterator::~Iterator() = default;

std::vector<int64_t> Iterator::position() const {
  fail(ErrorKind::Input, "[data iterator] this kind does not know its position");
}

void Iterator::set_position(const std::vector<int64_t>&) {
  fail(ErrorKind::Input, "[data iterator] this kind cannot go to a position");
}

IteratorRegistration::IteratorRegistration(IteratorInfo info) {
  auto& all = registered();
  const auto place =
      std::lower_bound(all.begin(), all.end(), info.name,
                       [](const IteratorInfo& a, const std::string& b) { return a.name < b; });
  all.insert(place, std::move(info));
}

const std::vector<IteratorInfo>& iterators() { return registered(); }

std::unique_ptr<Iterator> make_iterator(std::string_view name, const Attributes& parameters) {
  for (const IteratorInfo& info : registered())
    if (info.name == name) return info.make(*info.spec.parse(name, parameters));
  std::string known;
  for (const IteratorInfo& info : registered()) known += (known.empty() ? "" : ", ") + info.name;
  fail(ErrorKind::Key, "[{}] no such data iterator, expected one of {}", name, known);
}

}  // namespace gemel::data
