#include "runtime/prepared_cache.h"

#include <list>
#include <mutex>
#include <unordered_map>

#include "runtime/call.h"

namespace gemel::runtime {
namespace {

constexpr size_t most_entries = 1024;

struct Cache {
  using Item = std::pair<std::string, std::shared_ptr<Prepared>>;
  std::mutex mutex;
  std::list<Item> items;  // most recently used first
  std::unordered_map<std::string, std::list<Item>::iterator> index;
};

Cache& cache() {
  static Cache* instance = new Cache;
  return *instance;
}

template <typename T>
void append(std::string& key, const T& value) {
  key.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string key_of(const Implementation& implementation, const ParametersRef& parameters,
                   const OpCall& call) {
  std::string key;
  key.reserve(256);
  append(key, &implementation);
  for (const auto& [name, value] : call.op.spec.print(*parameters)) {
    key += name;
    key += '=';
    key += value;
    key += ';';
  }
  append(key, call.training);
  for (auto tensors : {call.in, call.out})
    for (const Tensor& tensor : tensors) {
      append(key, tensor.dtype);
      append(key, tensor.shape.ndim());
      for (int64_t axis : tensor.shape) append(key, axis);
    }
  return key;
}

}  // namespace

std::shared_ptr<Prepared> prepared_for(const Implementation& implementation,
                                       const ParametersRef& parameters, const OpCall& call) {
  std::string key = key_of(implementation, parameters, call);
  Cache& c = cache();
  {
    std::lock_guard lock(c.mutex);
    auto found = c.index.find(key);
    if (found != c.index.end()) {
      c.items.splice(c.items.begin(), c.items, found->second);
      return found->second->second;
    }
  }
  const ReproducibleSums sums(implementation);
  std::shared_ptr<Prepared> prepared = implementation.prepare(call);
  std::lock_guard lock(c.mutex);
  auto found = c.index.find(key);
  if (found != c.index.end()) return found->second->second;
  c.items.emplace_front(key, prepared);
  c.index.emplace(std::move(key), c.items.begin());
  if (c.items.size() > most_entries) {
    c.index.erase(c.items.back().first);
    c.items.pop_back();
  }
  return prepared;
}

}  // namespace gemel::runtime
