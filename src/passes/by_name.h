// Values of variables given by name.
#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "graph/close_names.h"
#include "graph/indexed.h"

namespace gemel::passes {

template <typename T>
void assign_by_name(const IndexedGraph& graph, const std::vector<std::pair<std::string, T>>& known,
                    std::vector<T>& values) {
  std::vector<std::string> names;
  for (int n : graph.variables()) names.push_back(graph.node(n)->name);
  for (const auto& [name, value] : known) {
    bool found = false;
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] != name) continue;
      values[static_cast<size_t>(graph.first_entry(graph.variables()[i]))] = value;
      found = true;
    }
    GEMEL_CHECK(found, "there is no argument '{}'{}", name, did_you_mean(name, names));
  }
}

}  // namespace gemel::passes
