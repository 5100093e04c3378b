// Automatic mixed precision of a symbol.
#include "passes/reduce_precision.h"

#include "c_api/objects.h"

namespace gemel::c_api {
namespace {

std::unordered_set<std::string> names(uint32_t count, const char** texts, const char* what) {
  std::unordered_set<std::string> result;
  for (uint32_t i = 0; i < count; ++i) result.insert(text_of(given(texts, what)[i], what));
  return result;
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

// The types of arguments (arg_type_data by arg_names) follow from the graph here.
int MXReducePrecisionSymbol(
    SymbolHandle sym_handle, SymbolHandle* ret_sym_handle, uint32_t num_args,
    const int* arg_type_data, uint32_t num_ind_ptr, const int* ind_ptr, const int* target_dtype,
    const int cast_optional_params, const uint32_t num_target_dtype_op_names,
    const uint32_t num_fp32_op_names, const uint32_t num_widest_dtype_op_names,
    const uint32_t num_conditional_fp32_op_names, const uint32_t num_excluded_symbols,
    const uint32_t num_model_params, const char** target_dtype_op_names, const char** fp32_op_names,
    const char** widest_dtype_op_names, const char** conditional_fp32_op_names,
    const char** excluded_symbols, const char** conditional_param_names,
    const char** conditional_param_vals, const char** model_param_names, const char** arg_names) {
  return call(__func__, [&] {
    PrecisionLists lists;
    lists.target = static_cast<DType>(*given(target_dtype, "the target type"));
    GEMEL_CHECK(lists.target == DType::float16 || lists.target == DType::bfloat16,
                "[{}] expected the target type float16 or bfloat16, got {}", current_function,
                *target_dtype);
    lists.target_ops = names(num_target_dtype_op_names, target_dtype_op_names, "an operator");
    lists.float32_ops = names(num_fp32_op_names, fp32_op_names, "an operator");
    lists.widest_ops = names(num_widest_dtype_op_names, widest_dtype_op_names, "an operator");
    for (uint32_t i = 0; i < num_conditional_fp32_op_names; ++i)
      lists.float32_where.push_back(
          {text_of(given(conditional_fp32_op_names, "operators")[i], "an operator"),
           {text_of(given(conditional_param_names, "parameters")[i], "a parameter"),
            text_of(given(conditional_param_vals, "values")[i], "a value")}});
    lists.excluded = names(num_excluded_symbols, excluded_symbols, "a node");
    lists.parameters = names(num_model_params, model_param_names, "a parameter");
    lists.cast_parameters = cast_optional_params != 0;
    *given(ret_sym_handle, "the result") =
        new_handle(reduce_precision(symbol_of(sym_handle), lists));
  });
}
