// Symbol: what rewrites a graph.
#include <algorithm>
#include <string_view>

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

// Libraries' kernels are chosen inside of the executor: graphs are not rewritten for them.
bool is_known_backend(std::string_view name) {
  constexpr std::string_view known[] = {"MKLDNN", "MKLDNN_QUANTIZE", "ONEDNN", "ONEDNN_QUANTIZE"};
  return std::find(std::begin(known), std::end(known), name) != std::end(known);
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

int MXGenBackendSubgraph(SymbolHandle sym_handle, const char* backend,
                         SymbolHandle* ret_sym_handle) {
  return call(__func__, [&] {
    const std::string name = text_of(backend, "the backend");
    GEMEL_CHECK(is_known_backend(name), "[{}] there is no backend '{}'", current_function, name);
    *given(ret_sym_handle, "the result") = new_handle(symbol_of(sym_handle).copy());
  });
}

// As in 1.9.1, an unknown backend leaves the graph as it is.
int MXOptimizeForBackend(SymbolHandle sym_handle, const char* backend_name, const int dev_type,
                         SymbolHandle* ret_sym_handle, const mx_uint args_len,
                         NDArrayHandle* in_args_handle, const mx_uint aux_len,
                         NDArrayHandle* in_aux_handle, const mx_uint num_options, const char** keys,
                         const char** vals, const uint32_t num_input_shapes,
                         const char** input_shape_names, const int64_t* input_shape_data,
                         const uint32_t* input_shape_idx, const uint32_t num_input_dtypes,
                         const char** input_dtype_names, const int* input_dtypes,
                         const uint32_t num_input_stypes, const char** input_stype_names,
                         const int* input_stypes, bool skip_infer, int* new_args_cnt,
                         NDArrayHandle** new_args_handle, char*** new_arg_names_handle,
                         int* new_aux_cnt, NDArrayHandle** new_aux_handle,
                         char*** new_aux_names_handle) {
  return call(__func__, [&] {
    text_of(backend_name, "the backend");
    given(ret_sym_handle, "the result");
    *given(new_args_cnt, "the number of new arguments") = 0;
    *given(new_aux_cnt, "the number of new states") = 0;
    *ret_sym_handle = new_handle(symbol_of(sym_handle).copy());
  });
}
