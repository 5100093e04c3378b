// Symbol: making, composing, taking apart, lists.
#include "graph/symbol.h"

#include "c_api/objects.h"
#include "c_api/symbol_subgraphs.h"
#include "graph/indexed.h"
#include "op/gradient.h"

namespace gemel::c_api {
namespace {

void give_list(std::vector<std::string> list, uint32_t* out_size, const char*** out) {
  given(out, "the list");
  *given(out_size, "the size") = static_cast<uint32_t>(list.size());
  *out = Returned::fresh().texts(std::move(list));
}

std::vector<Symbol> symbols_of(void* const* handles, size_t count) {
  std::vector<Symbol> symbols;
  if (count > 0) given(handles, "the symbols");
  for (size_t i = 0; i < count; ++i) symbols.push_back(symbol_of(handles[i]));
  return symbols;
}

void compose_symbol(SymbolHandle handle, const char* name, uint32_t num_args, const char** keys,
                    SymbolHandle* args) {
  SymbolObject& object = Symbols::instance().get(handle);
  std::vector<Symbol> positional = symbols_of(args, num_args);
  std::vector<std::pair<std::string, Symbol>> named;
  if (keys) {
    for (uint32_t i = 0; i < num_args; ++i)
      named.emplace_back(text_of(keys[i], "a key"), std::move(positional[i]));
    positional.clear();
  }
  const std::string called = name ? name : "";
  if (object.op && object.op->take_subgraphs && !keys) {
    object.symbol = compose_with_subgraphs(*object.op, called, object.attributes, positional);
    object.op = nullptr;
  } else if (object.op) {
    object.symbol = Symbol::create(*object.op, called, object.attributes, positional, named);
    object.op = nullptr;
  } else {
    object.symbol = object.symbol.compose(called, positional, named);
  }
}

void create_atomic(void* creator, uint32_t count, const char** keys, const char** values,
                   SymbolHandle* out) {
  given(out, "the result");
  const OpInfo& op = op_of(creator);
  Attributes attributes = attributes_of(count, keys, values);
  // What follows from the composition is checked there: how many inputs there are, graphs.
  if (op.take_subgraphs)
    op.spec.parse(op.name(), attributes);
  else if (op.variadic.empty() || attributes.contains(op.variadic))
    op.parse(attributes);
  *out = Symbols::instance().add(SymbolObject{{}, &op, std::move(attributes)});
}

void list_inputs(SymbolHandle handle, int option, uint32_t* out_size, const char*** out) {
  const Symbol& symbol = symbol_of(handle);
  GEMEL_CHECK(option >= 0 && option <= 2, "[{}] expected option 0, 1 or 2, got {}",
              current_function, option);
  give_list(option == 0   ? symbol.list_inputs()
            : option == 1 ? symbol.list_arguments()
                          : symbol.list_auxiliary_states(),
            out_size, out);
}

void give_symbols(const std::vector<Symbol>& symbols, SymbolHandle** out) {
  std::vector<void*> handles;
  for (const Symbol& symbol : symbols) handles.push_back(new_handle(symbol));
  *out = Returned::fresh().numbers(std::move(handles));
}

std::vector<Symbol> input_variables(const Symbol& symbol) {
  std::vector<Symbol> variables;
  for (const NodeRef& node : symbol.input_nodes())
    variables.push_back(Symbol({Entry{node, 0, node->mutations}}));
  return variables;
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXSymbolCreateVariable(const char* name, SymbolHandle* out) {
  return call(__func__, [&] {
    given(out, "the result");
    *out = new_handle(Symbol::variable(text_of(name, "the name")));
  });
}

int MXSymbolCreateAtomicSymbol(AtomicSymbolCreator creator, uint32_t num_param, const char** keys,
                               const char** vals, SymbolHandle* out) {
  return call(__func__, [&] { create_atomic(creator, num_param, keys, vals, out); });
}

int NNSymbolCreateAtomicSymbol(OpHandle op, nn_uint num_param, const char** keys, const char** vals,
                               SymbolHandle* out) {
  return call(__func__, [&] { create_atomic(op, num_param, keys, vals, out); });
}

int MXGenAtomicSymbolFromSymbol(SymbolHandle sym_handle, SymbolHandle* ret_sym_handle) {
  return call(__func__, [&] {
    const Symbol& symbol = symbol_of(sym_handle);
    given(ret_sym_handle, "the result");
    GEMEL_CHECK(!symbol.name().empty() && symbol.outputs[0].node->op,
                "[{}] expected the outputs of one operator", current_function);
    const Node& node = *symbol.outputs[0].node;
    *ret_sym_handle =
        Symbols::instance().add(SymbolObject{{}, &require_op(node.op->name()), node.attributes});
  });
}

int MXSymbolCreateGroup(uint32_t num_symbols, SymbolHandle* symbols, SymbolHandle* out) {
  return call(__func__, [&] {
    *given(out, "the result") = new_handle(Symbol::group(symbols_of(symbols, num_symbols)));
  });
}

int MXSymbolCompose(SymbolHandle sym, const char* name, uint32_t num_args, const char** keys,
                    SymbolHandle* args) {
  return call(__func__, [&] { compose_symbol(sym, name, num_args, keys, args); });
}

int NNSymbolCompose(SymbolHandle sym, const char* name, nn_uint num_args, const char** keys,
                    SymbolHandle* args) {
  return call(__func__, [&] { compose_symbol(sym, name, num_args, keys, args); });
}

int MXSymbolFree(SymbolHandle symbol) {
  return call(__func__, [&] {
    if (symbol) Symbols::instance().free(symbol);
  });
}

int MXSymbolCopy(SymbolHandle symbol, SymbolHandle* out) {
  return call(__func__, [&] { *given(out, "the result") = new_handle(symbol_of(symbol).copy()); });
}

int MXShallowCopySymbol(SymbolHandle src, SymbolHandle* out) {
  return call(__func__, [&] { *given(out, "the result") = new_handle(Symbol(symbol_of(src))); });
}

int MXSymbolGetInternals(SymbolHandle symbol, SymbolHandle* out) {
  return call(__func__,
              [&] { *given(out, "the result") = new_handle(symbol_of(symbol).internals()); });
}

// A symbol without outputs where there are no children.
int MXSymbolGetChildren(SymbolHandle symbol, SymbolHandle* out) {
  return call(__func__, [&] {
    *given(out, "the result") = new_handle(symbol_of(symbol).children().value_or(Symbol()));
  });
}

int MXSymbolGetOutput(SymbolHandle symbol, uint32_t index, SymbolHandle* out) {
  return call(__func__, [&] {
    *given(out, "the result") = new_handle(symbol_of(symbol).at(static_cast<int>(index)));
  });
}

int MXSymbolGetNumOutputs(SymbolHandle symbol, uint32_t* output_count) {
  return call(__func__, [&] {
    *given(output_count, "the number") = static_cast<uint32_t>(symbol_of(symbol).outputs.size());
  });
}

// The variables of list_inputs(), a symbol each.
int MXSymbolGetInputSymbols(SymbolHandle sym, SymbolHandle** inputs, int* input_size) {
  return call(__func__, [&] {
    const std::vector<Symbol> variables = input_variables(symbol_of(sym));
    given(inputs, "the inputs");
    *given(input_size, "the number") = static_cast<int>(variables.size());
    give_symbols(variables, inputs);
  });
}

int NNSymbolListInputVariables(SymbolHandle symbol, int option, nn_uint* out_size,
                               SymbolHandle** out_sym_array) {
  return call(__func__, [&] {
    const Symbol& whole = symbol_of(symbol);
    GEMEL_CHECK(option >= 0 && option <= 2, "[{}] expected option 0, 1 or 2, got {}",
                current_function, option);
    given(out_sym_array, "the variables");
    const std::vector<Symbol> all = input_variables(whole);
    const std::vector<bool> auxiliary = whole.input_is_auxiliary();
    std::vector<Symbol> chosen;
    for (size_t i = 0; i < all.size(); ++i)
      if (option == 0 || auxiliary[i] == (option == 2)) chosen.push_back(all[i]);
    *given(out_size, "the number") = static_cast<nn_uint>(chosen.size());
    give_symbols(chosen, out_sym_array);
  });
}

int MXSymbolListArguments(SymbolHandle symbol, uint32_t* out_size, const char*** out_str_array) {
  return call(__func__, [&] { list_inputs(symbol, 1, out_size, out_str_array); });
}

int MXSymbolListAuxiliaryStates(SymbolHandle symbol, uint32_t* out_size,
                                const char*** out_str_array) {
  return call(__func__, [&] { list_inputs(symbol, 2, out_size, out_str_array); });
}

int NNSymbolListInputNames(SymbolHandle symbol, int option, nn_uint* out_size,
                           const char*** out_str_array) {
  return call(__func__, [&] { list_inputs(symbol, option, out_size, out_str_array); });
}

int MXSymbolListOutputs(SymbolHandle symbol, uint32_t* out_size, const char*** out_str_array) {
  return call(__func__,
              [&] { give_list(symbol_of(symbol).list_outputs(), out_size, out_str_array); });
}

int MXSymbolGrad(SymbolHandle sym, uint32_t num_wrt, const char** wrt, SymbolHandle* out) {
  return call(__func__, [&] {
    const Symbol& symbol = symbol_of(sym);
    given(out, "the result");
    const std::vector<NodeRef> nodes = symbol.input_nodes();
    std::vector<Entry> variables;
    for (const std::string& name : texts_of(wrt, num_wrt, "a name")) {
      const auto found = std::find_if(nodes.begin(), nodes.end(),
                                      [&](const NodeRef& node) { return node->name == name; });
      GEMEL_CHECK(found != nodes.end(), "[{}] there is no argument '{}'", current_function, name);
      variables.push_back(Entry{*found, 0, 0});
    }
    *out = new_handle(Symbol(gradient(symbol.outputs, {}, variables)));
  });
}

int NNSymbolFree(SymbolHandle symbol) { return MXSymbolFree(symbol); }
int NNSymbolCopy(SymbolHandle symbol, SymbolHandle* out) { return MXSymbolCopy(symbol, out); }
int NNSymbolCreateVariable(const char* name, SymbolHandle* out) {
  return MXSymbolCreateVariable(name, out);
}
int NNSymbolCreateGroup(nn_uint num_symbols, SymbolHandle* symbols, SymbolHandle* out) {
  return MXSymbolCreateGroup(num_symbols, symbols, out);
}
int NNSymbolGetInternals(SymbolHandle symbol, SymbolHandle* out) {
  return MXSymbolGetInternals(symbol, out);
}
int NNSymbolGetChildren(SymbolHandle symbol, SymbolHandle* out) {
  return MXSymbolGetChildren(symbol, out);
}
int NNSymbolGetOutput(SymbolHandle symbol, nn_uint index, SymbolHandle* out) {
  return MXSymbolGetOutput(symbol, index, out);
}
int NNSymbolGetNumOutputs(SymbolHandle symbol, nn_uint* output_count) {
  return MXSymbolGetNumOutputs(symbol, output_count);
}
int NNSymbolListOutputNames(SymbolHandle symbol, nn_uint* out_size, const char*** out_str_array) {
  return MXSymbolListOutputs(symbol, out_size, out_str_array);
}
