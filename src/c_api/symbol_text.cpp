// Symbol: names, attributes, JSON, printing.
#include "base/io.h"
#include "c_api/objects.h"

namespace gemel::c_api {
namespace {

void give_text(std::string text, const char** out) {
  *given(out, "the text") = Returned::fresh().text(std::move(text));
}

void give_optional(std::optional<std::string> text, const char** out, int* success) {
  given(out, "the text");
  *given(success, "the success flag") = text.has_value();
  *out = text ? Returned::fresh().text(std::move(*text)) : nullptr;
}

// Keys and values one after the other; `out_size` counts pairs.
void give_pairs(const std::vector<std::pair<std::string, std::string>>& pairs, uint32_t* out_size,
                const char*** out) {
  given(out, "the attributes");
  *given(out_size, "the size") = static_cast<uint32_t>(pairs.size());
  std::vector<std::string> list;
  for (const auto& [key, value] : pairs) {
    list.push_back(key);
    list.push_back(value);
  }
  *out = Returned::fresh().texts(std::move(list));
}

void list_own_attributes(SymbolHandle handle, uint32_t* out_size, const char*** out) {
  const Attributes attributes = symbol_of(handle).attributes();
  give_pairs({attributes.begin(), attributes.end()}, out_size, out);
}

// Every node's, with keys `node$key`.
void list_all_attributes(SymbolHandle handle, uint32_t* out_size, const char*** out) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [name, attributes] : symbol_of(handle).all_attributes())
    for (const auto& [key, value] : attributes) pairs.emplace_back(name + "$" + key, value);
  give_pairs(pairs, out_size, out);
}

void set_symbol_attribute(SymbolHandle handle, const char* key, const char* value) {
  SymbolObject& object = Symbols::instance().get(handle);
  if (object.op)  // not composed yet
    object.attributes.insert_or_assign(text_of(key, "the key"), text_of(value, "the value"));
  else
    object.symbol.set_attribute(text_of(key, "the key"), text_of(value, "the value"));
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXSymbolCreateFromJSON(const char* json, SymbolHandle* out) {
  return call(__func__, [&] {
    given(out, "the result");
    *out = new_handle(from_json(text_of(json, "the text"), &lookup_operator));
  });
}

int MXSymbolCreateFromFile(const char* fname, SymbolHandle* out) {
  return call(__func__, [&] {
    given(out, "the result");
    *out = new_handle(from_json(read_file(text_of(fname, "the file name")), &lookup_operator));
  });
}

int MXSymbolSaveToJSON(SymbolHandle symbol, const char** out_json) {
  return call(__func__, [&] { give_text(to_json(symbol_of(symbol)), out_json); });
}

int MXSymbolSaveToFile(SymbolHandle symbol, const char* fname) {
  return call(__func__,
              [&] { write_file(text_of(fname, "the file name"), to_json(symbol_of(symbol))); });
}

int MXSymbolPrint(SymbolHandle symbol, const char** out_str) {
  return call(__func__, [&] { give_text(debug_string(symbol_of(symbol)), out_str); });
}

int NNSymbolPrint(SymbolHandle symbol, const char** out_str) {
  return MXSymbolPrint(symbol, out_str);
}

int MXSymbolGetName(SymbolHandle symbol, const char** out, int* success) {
  return call(__func__, [&] {
    const std::string name = symbol_of(symbol).name();
    give_optional(name.empty() ? std::nullopt : std::optional(name), out, success);
  });
}

int MXSymbolGetAttr(SymbolHandle symbol, const char* key, const char** out, int* success) {
  return call(__func__, [&] {
    give_optional(symbol_of(symbol).attribute(text_of(key, "the key")), out, success);
  });
}

int NNSymbolGetAttr(SymbolHandle symbol, const char* key, const char** out, int* success) {
  return MXSymbolGetAttr(symbol, key, out, success);
}

int MXSymbolSetAttr(SymbolHandle symbol, const char* key, const char* value) {
  return call(__func__, [&] { set_symbol_attribute(symbol, key, value); });
}

int NNSymbolSetAttrs(SymbolHandle symbol, nn_uint num_param, const char** keys,
                     const char** values) {
  return call(__func__, [&] {
    Symbols::instance().get(symbol);
    for (const auto& [key, value] : attributes_of(num_param, keys, values))
      set_symbol_attribute(symbol, key.c_str(), value.c_str());
  });
}

int MXSymbolListAttr(SymbolHandle symbol, uint32_t* out_size, const char*** out) {
  return call(__func__, [&] { list_all_attributes(symbol, out_size, out); });
}

int MXSymbolListAttrShallow(SymbolHandle symbol, uint32_t* out_size, const char*** out) {
  return call(__func__, [&] { list_own_attributes(symbol, out_size, out); });
}

// Option 0: of every node; 1: of the output's.
int NNSymbolListAttrs(SymbolHandle symbol, int recursive_option, nn_uint* out_size,
                      const char*** out) {
  return call(__func__, [&] {
    if (recursive_option == 0)
      list_all_attributes(symbol, out_size, out);
    else
      list_own_attributes(symbol, out_size, out);
  });
}
