// Symbol: what rewrites a graph.
#include <unordered_map>

#include "c_api/objects.h"

namespace gemel::c_api {
namespace {

// A copy in which readers of the casts that mixed precision put in read what is cast.
Symbol without_amp_casts(const Symbol& symbol) {
  Symbol result = symbol.copy();
  const auto bypass = [](Entry& entry) {
    while (entry.node->op) {
      const std::string& name = entry.node->op->name();
      if (name != "amp_cast" && name != "amp_multicast") break;
      entry = Entry(entry.node->inputs[static_cast<size_t>(entry.index)]);
    }
  };
  for (Node* node : topological_order(result.outputs))
    for (Entry& entry : node->inputs) bypass(entry);
  for (Entry& entry : result.outputs) bypass(entry);
  return result;
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXSymbolRemoveAmpCast(SymbolHandle sym_handle, SymbolHandle* ret_sym_handle) {
  return call(__func__, [&] {
    *given(ret_sym_handle, "the result") = new_handle(without_amp_casts(symbol_of(sym_handle)));
  });
}
