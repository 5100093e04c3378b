// Lists of operators, what is known of them, and imperative calls.
#include <map>

#include "c_api/expected_names.h"
#include "c_api/objects.h"
#include "c_api/operator_call.h"
#include "c_api/operator_info.h"
#include "c_api/sparse_calls.h"

namespace gemel::c_api {
namespace {

void give_names(uint32_t* out_size, const char*** out_array) {
  static const auto& names = *new std::vector<const char*>([] {
    std::vector<const char*> made;
    for (const auto& [name, op] : all_op_names()) made.push_back((new std::string(name))->c_str());
    for (const char* name : expected_operators)
      if (!find_op(name)) made.push_back(name);
    return made;
  }());
  *given(out_size, "the number of names") = static_cast<uint32_t>(names.size());
  *given(out_array, "the names") = const_cast<const char**>(names.data());
}

void give_operators(uint32_t* out_size, void*** out_array) {
  static auto& handles = *new std::vector<void*>([] {
    std::vector<void*> made;
    for (const OpInfo* op : all_ops()) made.push_back(handle_of(*op));
    return made;
  }());
  *given(out_size, "the number of operators") = static_cast<uint32_t>(handles.size());
  *given(out_array, "the operators") = handles.data();
}

void give_info(void* handle, const char** name, const char** description, uint32_t* num_args,
               const char*** arg_names, const char*** arg_types, const char*** arg_descriptions,
               const char** variadic, const char** return_type) {
  const char* expected = expected_operator(handle);
  // Any number of inputs, so that a call gets as far as the error.
  static const OperatorText& nothing =
      *new OperatorText{"", "Not available yet.", "", {"data"}, {"NDArray-or-Symbol[]"}, {""}, {}};
  const OperatorText& text = expected ? nothing : operator_text(op_of(handle));
  if (name) *name = expected ? expected : text.name.c_str();
  if (description) *description = text.description.c_str();
  if (num_args) *num_args = static_cast<uint32_t>(text.names.size());
  if (arg_names) *arg_names = const_cast<const char**>(text.names.data());
  if (arg_types) *arg_types = const_cast<const char**>(text.types.data());
  if (arg_descriptions) *arg_descriptions = const_cast<const char**>(text.descriptions.data());
  if (variadic) *variadic = text.variadic.c_str();
  if (return_type) *return_type = nullptr;
}

// Over dense arrays. `*outputs` is null or the caller's list of `*num_outputs`.
void invoke_dense(const OpInfo& op, int num_inputs, void* const* inputs, int* num_outputs,
                  void*** outputs, Attributes attributes) {
  const std::vector<NDArray> in = arrays_of(inputs, num_inputs, "the inputs");
  const OperatorCall made(op, std::move(attributes), in);
  std::vector<NDArray> out(made.visible_outputs());
  void** const targets = *outputs;
  if (targets == nullptr || *num_outputs == 0) {
    made.run(in, out);
    static thread_local std::vector<void*> handles;
    handles.clear();
    for (NDArray& array : out) handles.push_back(new_handle(std::move(array)));
    *num_outputs = static_cast<int>(out.size());
    *outputs = handles.data();
    return;
  }
  GEMEL_CHECK(*num_outputs == static_cast<int>(out.size()), "[{}] expected {} outputs, got {}",
              op.name(), out.size(), *num_outputs);
  for (size_t i = 0; i < out.size(); ++i) out[i] = array_of(targets[i]);
  made.run(in, out);
  for (size_t i = 0; i < out.size(); ++i) {
    NDArray& target = array_of(targets[i]);
    if (target)
      target.set_history(out[i].history());
    else
      target = std::move(out[i]);
  }
}

// Calls an operator; empty outputs are made.
void invoke_operator(void* creator, int num_inputs, void* const* inputs, int* num_outputs,
                     void*** outputs, int num_params, const char* const* keys,
                     const char* const* values) {
  given(num_outputs, "the number of outputs");
  given(outputs, "the outputs");
  GEMEL_CHECK(num_inputs >= 0 && num_params >= 0, "[{}] expected counts from 0, got {} and {}",
              current_function, num_inputs, num_params);
  if (num_inputs > 0) given(inputs, "the inputs");
  Attributes attributes = attributes_of(num_params, keys, values);
  if (is_sparse_call(creator, num_inputs, inputs, *outputs ? *num_outputs : 0, *outputs))
    return invoke_sparse(creator, std::span(inputs, static_cast<size_t>(num_inputs)), num_outputs,
                         outputs, std::move(attributes));
  invoke_dense(op_of(creator), num_inputs, inputs, num_outputs, outputs, std::move(attributes));
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXListAllOpNames(uint32_t* out_size, const char*** out_array) {
  return call(__func__, [&] { give_names(out_size, out_array); });
}

int NNListAllOpNames(nn_uint* out_size, const char*** out_array) {
  return call(__func__, [&] { give_names(out_size, out_array); });
}

int MXSymbolListAtomicSymbolCreators(uint32_t* out_size, AtomicSymbolCreator** out_array) {
  return call(__func__, [&] { give_operators(out_size, out_array); });
}

int NNListUniqueOps(nn_uint* out_size, OpHandle** out_array) {
  return call(__func__, [&] { give_operators(out_size, out_array); });
}

int NNGetOpHandle(const char* op_name, OpHandle* out) {
  return call(__func__, [&] {
    *given(out, "the operator") = find_operator(text_of(op_name, "the operator's name"));
  });
}

int MXSymbolGetAtomicSymbolName(AtomicSymbolCreator creator, const char** name) {
  return call(__func__,
              [&] { *given(name, "the name") = operator_text(op_of(creator)).name.c_str(); });
}

int MXSymbolGetAtomicSymbolInfo(AtomicSymbolCreator creator, const char** name,
                                const char** description, uint32_t* num_args,
                                const char*** arg_names, const char*** arg_type_infos,
                                const char*** arg_descriptions, const char** key_var_num_args,
                                const char** return_type) {
  return call(__func__, [&] {
    give_info(creator, name, description, num_args, arg_names, arg_type_infos, arg_descriptions,
              key_var_num_args, return_type);
  });
}

int NNGetOpInfo(OpHandle op, const char** real_name, const char** description,
                nn_uint* num_doc_args, const char*** arg_names, const char*** arg_type_infos,
                const char*** arg_descriptions, const char** return_type) {
  return call(__func__, [&] {
    give_info(op, real_name, description, num_doc_args, arg_names, arg_type_infos, arg_descriptions,
              nullptr, return_type);
  });
}

int MXImperativeInvoke(AtomicSymbolCreator creator, int num_inputs, NDArrayHandle* inputs,
                       int* num_outputs, NDArrayHandle** outputs, int num_params,
                       const char** param_keys, const char** param_vals) {
  return call(__func__, [&] {
    invoke_operator(creator, num_inputs, inputs, num_outputs, outputs, num_params, param_keys,
                    param_vals);
  });
}

int MXImperativeInvokeEx(AtomicSymbolCreator creator, int num_inputs, NDArrayHandle* inputs,
                         int* num_outputs, NDArrayHandle** outputs, int num_params,
                         const char** param_keys, const char** param_vals, const int** out_stypes) {
  return call(__func__, [&] {
    given(out_stypes, "the storage types");
    invoke_operator(creator, num_inputs, inputs, num_outputs, outputs, num_params, param_keys,
                    param_vals);
    static thread_local std::vector<int> storage_types;
    storage_types.clear();
    for (int i = 0; i < *num_outputs; ++i)
      storage_types.push_back(
          is_sparse((*outputs)[i]) ? static_cast<int>(sparse_of((*outputs)[i])->type()) : 0);
    *out_stypes = storage_types.data();
  });
}
