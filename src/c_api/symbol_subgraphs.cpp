#include "c_api/symbol_subgraphs.h"

#include "graph/cut.h"

namespace gemel::c_api {

Symbol compose_with_subgraphs(const OpInfo& op, const std::string& name, Attributes attributes,
                              const std::vector<Symbol>& symbols) {
  attributes.try_emplace("num_args", std::to_string(symbols.size()));
  const size_t inputs = op.input_names(*op.spec.parse(op.name(), attributes)).size();
  GEMEL_CHECK(symbols.size() > inputs, "[{}] expected graphs and {} inputs, got {} symbols",
              op.name(), inputs, symbols.size());
  const auto first_input = symbols.end() - static_cast<std::ptrdiff_t>(inputs);
  Subgraphs graphs;
  for (auto graph = symbols.begin(); graph != first_input; ++graph)
    graphs.push_back(std::make_shared<Symbol>(*graph));
  std::vector<Entry> entries;
  for (auto input = first_input; input != symbols.end(); ++input) {
    GEMEL_CHECK(input->outputs.size() == 1, "[{}] expected inputs of one output, got {}", op.name(),
                input->outputs.size());
    entries.push_back(input->outputs[0]);
  }
  return create_with_subgraphs(op, name, attributes, entries, std::move(graphs));
}

}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

// Leaves of the symbol what was made in the scope of its first output, on variables where it was
// cut; gives what these stand for outside. Variables of the outer graph are shared, and given too.
int MXSymbolCutSubgraph(SymbolHandle sym, SymbolHandle** inputs, int* input_size) {
  return call(__func__, [&] {
    given(inputs, "the inputs");
    given(input_size, "the number of inputs");
    Symbol& symbol = symbol_of(sym);
    GEMEL_CHECK(!symbol.outputs.empty(), "[{}] expected a symbol with outputs", current_function);
    const Attributes& attributes = symbol.outputs[0].node->attributes;
    const auto scope = attributes.find("__subgraph_name__");
    GEMEL_CHECK(scope != attributes.end(),
                "[{}] '{}' was not made in a scope with the attribute __subgraph_name__",
                current_function, symbol.outputs[0].node->name);
    const std::string scope_name = scope->second;
    Cut cut = cut_subgraph(symbol, scope_name);
    std::vector<void*> outside;
    for (const Entry& entry : cut.outside) {
      const Attributes& given_there = entry.node->attributes;
      const auto mark = given_there.find("__subgraph_name__");
      if (mark == given_there.end() || mark->second != scope_name)
        outside.push_back(new_handle(Symbol({entry})));
    }
    symbol = std::move(cut.graph);
    *input_size = static_cast<int>(outside.size());
    *inputs = Returned::fresh().numbers(std::move(outside));
  });
}
