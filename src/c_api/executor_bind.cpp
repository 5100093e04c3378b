// Executor: binding to the caller's arrays, simple binding, reshaping.
#include "c_api/executor.h"

namespace gemel::c_api {
namespace {

DeviceOfGroup groups_of(uint32_t count, const char** names, const int* types, const int* ids) {
  DeviceOfGroup groups;
  if (count == 0) return groups;
  given(types, "the groups' device types");
  given(ids, "the groups' device numbers");
  const auto keys = texts_of(names, count, "a group");
  for (uint32_t i = 0; i < count; ++i) groups.emplace(keys[i], device_of(types[i], ids[i]));
  return groups;
}

void bind_arrays(SymbolHandle symbol_handle, int dev_type, int dev_id, const DeviceOfGroup& groups,
                 ExecutorHandle shared, uint32_t len, NDArrayHandle* in_args,
                 NDArrayHandle* arg_grad_store, uint32_t* grad_req_type, uint32_t aux_states_len,
                 NDArrayHandle* aux_states, ExecutorHandle* out) {
  given(out, "the result");
  const Symbol& symbol = symbol_of(symbol_handle);
  const Device device = device_of(dev_type, dev_id);
  runtime::Bindings bindings;
  bindings.arguments = arrays_of(in_args, len, "the arguments");
  bindings.gradients = optional_arrays(arg_grad_store, len);
  for (uint32_t i = 0; i < len; ++i)
    bindings.requests.push_back(grad_req_type ? request_of(grad_req_type[i]) : GradRequest::null);
  bindings.auxiliary_states = arrays_of(aux_states, aux_states_len, "the auxiliary states");
  std::shared_ptr<runtime::Executor> other;
  if (shared) other = Executors::instance().get(shared).executor;
  *out = Executors::instance().add({std::make_shared<runtime::Executor>(
                                        symbol, std::move(bindings), device, groups, other.get()),
                                    device,
                                    {}});
}

// Shapes as 1.9.1 hands them over: one list of axes, and where each shape begins.
template <typename T>
NamedShapes named_shapes(uint32_t count, const char** names, const T* data, const uint32_t* first) {
  NamedShapes shapes;
  if (count == 0) return shapes;
  given(names, "the names");
  given(first, "the shapes");
  for (uint32_t i = 0; i < count; ++i)
    shapes.emplace_back(text_of(names[i], "a name"),
                        shape_from_caller(shape_of(data + first[i], first[i + 1] - first[i])));
  return shapes;
}

// One request for all (no length, no names), one for each argument, or some by name.
std::vector<GradRequest> requests_of(const Symbol& symbol, uint32_t count, const char** names,
                                     const char** types) {
  const auto arguments = symbol.list_arguments();
  std::vector<GradRequest> requests(arguments.size(), GradRequest::null);
  const auto list = texts_of(types, std::max<uint32_t>(count, types ? 1 : 0), "a request");
  if (count == 0) {
    if (!list.empty()) requests.assign(arguments.size(), grad_request_from_name(list[0]));
    return requests;
  }
  if (!names) {
    GEMEL_CHECK(count == arguments.size(), "[{}] expected {} gradient requests, got {}",
                current_function, arguments.size(), count);
    for (uint32_t i = 0; i < count; ++i) requests[i] = grad_request_from_name(list[i]);
    return requests;
  }
  for (uint32_t i = 0; i < count; ++i) {
    const std::string name = text_of(names[i], "a name");
    const auto found = std::find(arguments.begin(), arguments.end(), name);
    if (found != arguments.end())
      requests[found - arguments.begin()] = grad_request_from_name(list[i]);
  }
  return requests;
}

template <typename T>
void simple_bind_symbol(SymbolHandle symbol_handle, int dev_type, int dev_id, DeviceOfGroup groups,
                        uint32_t provided_grad_req_list_len, const char** provided_grad_req_names,
                        const char** provided_grad_req_types, uint32_t num_provided_arg_shapes,
                        const char** provided_arg_shape_names, const T* provided_arg_shape_data,
                        const uint32_t* provided_arg_shape_idx, uint32_t num_provided_arg_dtypes,
                        const char** provided_arg_dtype_names, const int* provided_arg_dtypes,
                        uint32_t num_provided_arg_stypes, const int* provided_arg_stypes,
                        uint32_t num_shared_arg_names, const char** shared_arg_name_list,
                        int* shared_buffer_len, const char** shared_buffer_name_list,
                        NDArrayHandle* shared_buffer_handle_list,
                        const char*** updated_shared_buffer_name_list,
                        NDArrayHandle** updated_shared_buffer_handle_list, uint32_t* num_in_args,
                        NDArrayHandle** in_args, NDArrayHandle** arg_grads,
                        uint32_t* num_aux_states, NDArrayHandle** aux_states,
                        ExecutorHandle shared_exec_handle, ExecutorHandle* out) {
  given(out, "the result");
  const Symbol& symbol = symbol_of(symbol_handle);
  runtime::BindRequest request;
  request.device = device_of(dev_type, dev_id);
  request.groups = std::move(groups);
  request.shapes = named_shapes(num_provided_arg_shapes, provided_arg_shape_names,
                                provided_arg_shape_data, provided_arg_shape_idx);
  for (uint32_t i = 0; i < num_provided_arg_dtypes; ++i)
    request.dtypes.emplace_back(text_of(provided_arg_dtype_names[i], "a name"),
                                dtype_of(provided_arg_dtypes[i]));
  for (uint32_t i = 0; i < num_provided_arg_stypes; ++i)
    GEMEL_CHECK(provided_arg_stypes[i] <= 0, "[{}] expected dense arguments, got storage type {}",
                current_function, provided_arg_stypes[i]);
  request.requests = requests_of(symbol, provided_grad_req_list_len, provided_grad_req_names,
                                 provided_grad_req_types);
  request.shared_names = texts_of(shared_arg_name_list, num_shared_arg_names, "a name");
  std::shared_ptr<runtime::Executor> shared;
  if (shared_exec_handle) shared = Executors::instance().get(shared_exec_handle).executor;
  request.shared = shared.get();
  request.use_buffer = shared_buffer_len && *shared_buffer_len >= 0;
  if (request.use_buffer)
    for (int i = 0; i < *shared_buffer_len; ++i)
      request.buffer.emplace_back(text_of(shared_buffer_name_list[i], "a name"),
                                  filled_array(shared_buffer_handle_list[i]));
  const auto executor = runtime::Executor::simple_bind(symbol, request);
  Returned& returned = Returned::fresh();
  if (request.use_buffer) {
    std::vector<std::string> names;
    std::vector<void*> handles;
    for (const auto& [name, array] : request.buffer) {
      names.push_back(name);
      handles.push_back(new_handle(array));
    }
    *shared_buffer_len = static_cast<int>(names.size());
    *given(updated_shared_buffer_name_list, "the buffer's names") =
        returned.texts(std::move(names));
    *given(updated_shared_buffer_handle_list, "the buffer's arrays") =
        returned.numbers(std::move(handles));
  }
  give_bindings(*executor, num_in_args, in_args, arg_grads, num_aux_states, aux_states, returned);
  *out = Executors::instance().add({executor, request.device, {}});
}

template <typename T>
void reshape_executor(int partial_shaping, int allow_up_sizing, uint32_t count, const char** names,
                      const T* data, const uint32_t* first, uint32_t* num_in_args,
                      NDArrayHandle** in_args, NDArrayHandle** arg_grads, uint32_t* num_aux_states,
                      NDArrayHandle** aux_states, ExecutorHandle shared_exec, ExecutorHandle* out) {
  given(out, "the result");
  const ExecutorObject old = Executors::instance().get(shared_exec);
  const auto executor = rebind(old, named_shapes(count, names, data, first), partial_shaping != 0,
                               allow_up_sizing != 0);
  give_bindings(*executor, num_in_args, in_args, arg_grads, num_aux_states, aux_states,
                Returned::fresh());
  *out = Executors::instance().add({executor, old.device, old.monitor});
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXExecutorBind(SymbolHandle symbol_handle, int dev_type, int dev_id, uint32_t len,
                   NDArrayHandle* in_args, NDArrayHandle* arg_grad_store, uint32_t* grad_req_type,
                   uint32_t aux_states_len, NDArrayHandle* aux_states, ExecutorHandle* out) {
  return call(__func__, [&] {
    bind_arrays(symbol_handle, dev_type, dev_id, {}, nullptr, len, in_args, arg_grad_store,
                grad_req_type, aux_states_len, aux_states, out);
  });
}

int MXExecutorBindX(SymbolHandle symbol_handle, int dev_type, int dev_id, uint32_t num_map_keys,
                    const char** map_keys, const int* map_dev_types, const int* map_dev_ids,
                    uint32_t len, NDArrayHandle* in_args, NDArrayHandle* arg_grad_store,
                    uint32_t* grad_req_type, uint32_t aux_states_len, NDArrayHandle* aux_states,
                    ExecutorHandle* out) {
  return call(__func__, [&] {
    bind_arrays(symbol_handle, dev_type, dev_id,
                groups_of(num_map_keys, map_keys, map_dev_types, map_dev_ids), nullptr, len,
                in_args, arg_grad_store, grad_req_type, aux_states_len, aux_states, out);
  });
}

int MXExecutorBindEX(SymbolHandle symbol_handle, int dev_type, int dev_id, uint32_t num_map_keys,
                     const char** map_keys, const int* map_dev_types, const int* map_dev_ids,
                     uint32_t len, NDArrayHandle* in_args, NDArrayHandle* arg_grad_store,
                     uint32_t* grad_req_type, uint32_t aux_states_len, NDArrayHandle* aux_states,
                     ExecutorHandle shared_exec, ExecutorHandle* out) {
  return call(__func__, [&] {
    bind_arrays(symbol_handle, dev_type, dev_id,
                groups_of(num_map_keys, map_keys, map_dev_types, map_dev_ids), shared_exec, len,
                in_args, arg_grad_store, grad_req_type, aux_states_len, aux_states, out);
  });
}

int MXExecutorSimpleBind(
    SymbolHandle symbol_handle, int dev_type, int dev_id, const uint32_t num_g2c_keys,
    const char** g2c_keys, const int* g2c_dev_types, const int* g2c_dev_ids,
    const uint32_t provided_grad_req_list_len, const char** provided_grad_req_names,
    const char** provided_grad_req_types, const uint32_t num_provided_arg_shapes,
    const char** provided_arg_shape_names, const uint32_t* provided_arg_shape_data,
    const uint32_t* provided_arg_shape_idx, const uint32_t num_provided_arg_dtypes,
    const char** provided_arg_dtype_names, const int* provided_arg_dtypes,
    const uint32_t num_provided_arg_stypes, const char** provided_arg_stype_names,
    const int* provided_arg_stypes, const uint32_t num_shared_arg_names,
    const char** shared_arg_name_list, int* shared_buffer_len, const char** shared_buffer_name_list,
    NDArrayHandle* shared_buffer_handle_list, const char*** updated_shared_buffer_name_list,
    NDArrayHandle** updated_shared_buffer_handle_list, uint32_t* num_in_args,
    NDArrayHandle** in_args, NDArrayHandle** arg_grads, uint32_t* num_aux_states,
    NDArrayHandle** aux_states, ExecutorHandle shared_exec_handle, ExecutorHandle* out) {
  return call(__func__, [&] {
    simple_bind_symbol(
        symbol_handle, dev_type, dev_id,
        groups_of(num_g2c_keys, g2c_keys, g2c_dev_types, g2c_dev_ids), provided_grad_req_list_len,
        provided_grad_req_names, provided_grad_req_types, num_provided_arg_shapes,
        provided_arg_shape_names, provided_arg_shape_data, provided_arg_shape_idx,
        num_provided_arg_dtypes, provided_arg_dtype_names, provided_arg_dtypes,
        num_provided_arg_stypes, provided_arg_stypes, num_shared_arg_names, shared_arg_name_list,
        shared_buffer_len, shared_buffer_name_list, shared_buffer_handle_list,
        updated_shared_buffer_name_list, updated_shared_buffer_handle_list, num_in_args, in_args,
        arg_grads, num_aux_states, aux_states, shared_exec_handle, out);
  });
}

int MXExecutorSimpleBindEx(
    SymbolHandle symbol_handle, int dev_type, int dev_id, const uint32_t num_g2c_keys,
    const char** g2c_keys, const int* g2c_dev_types, const int* g2c_dev_ids,
    const uint32_t provided_grad_req_list_len, const char** provided_grad_req_names,
    const char** provided_grad_req_types, const uint32_t num_provided_arg_shapes,
    const char** provided_arg_shape_names, const int* provided_arg_shape_data,
    const uint32_t* provided_arg_shape_idx, const uint32_t num_provided_arg_dtypes,
    const char** provided_arg_dtype_names, const int* provided_arg_dtypes,
    const uint32_t num_provided_arg_stypes, const char** provided_arg_stype_names,
    const int* provided_arg_stypes, const uint32_t num_shared_arg_names,
    const char** shared_arg_name_list, int* shared_buffer_len, const char** shared_buffer_name_list,
    NDArrayHandle* shared_buffer_handle_list, const char*** updated_shared_buffer_name_list,
    NDArrayHandle** updated_shared_buffer_handle_list, uint32_t* num_in_args,
    NDArrayHandle** in_args, NDArrayHandle** arg_grads, uint32_t* num_aux_states,
    NDArrayHandle** aux_states, ExecutorHandle shared_exec_handle, ExecutorHandle* out) {
  return call(__func__, [&] {
    simple_bind_symbol(
        symbol_handle, dev_type, dev_id,
        groups_of(num_g2c_keys, g2c_keys, g2c_dev_types, g2c_dev_ids), provided_grad_req_list_len,
        provided_grad_req_names, provided_grad_req_types, num_provided_arg_shapes,
        provided_arg_shape_names, provided_arg_shape_data, provided_arg_shape_idx,
        num_provided_arg_dtypes, provided_arg_dtype_names, provided_arg_dtypes,
        num_provided_arg_stypes, provided_arg_stypes, num_shared_arg_names, shared_arg_name_list,
        shared_buffer_len, shared_buffer_name_list, shared_buffer_handle_list,
        updated_shared_buffer_name_list, updated_shared_buffer_handle_list, num_in_args, in_args,
        arg_grads, num_aux_states, aux_states, shared_exec_handle, out);
  });
}

int MXExecutorSimpleBindEx64(
    SymbolHandle symbol_handle, int dev_type, int dev_id, const uint32_t num_g2c_keys,
    const char** g2c_keys, const int* g2c_dev_types, const int* g2c_dev_ids,
    const uint32_t provided_grad_req_list_len, const char** provided_grad_req_names,
    const char** provided_grad_req_types, const uint32_t num_provided_arg_shapes,
    const char** provided_arg_shape_names, const int64_t* provided_arg_shape_data,
    const uint32_t* provided_arg_shape_idx, const uint32_t num_provided_arg_dtypes,
    const char** provided_arg_dtype_names, const int* provided_arg_dtypes,
    const uint32_t num_provided_arg_stypes, const char** provided_arg_stype_names,
    const int* provided_arg_stypes, const uint32_t num_shared_arg_names,
    const char** shared_arg_name_list, int* shared_buffer_len, const char** shared_buffer_name_list,
    NDArrayHandle* shared_buffer_handle_list, const char*** updated_shared_buffer_name_list,
    NDArrayHandle** updated_shared_buffer_handle_list, uint32_t* num_in_args,
    NDArrayHandle** in_args, NDArrayHandle** arg_grads, uint32_t* num_aux_states,
    NDArrayHandle** aux_states, ExecutorHandle shared_exec_handle, ExecutorHandle* out) {
  return call(__func__, [&] {
    simple_bind_symbol(
        symbol_handle, dev_type, dev_id,
        groups_of(num_g2c_keys, g2c_keys, g2c_dev_types, g2c_dev_ids), provided_grad_req_list_len,
        provided_grad_req_names, provided_grad_req_types, num_provided_arg_shapes,
        provided_arg_shape_names, provided_arg_shape_data, provided_arg_shape_idx,
        num_provided_arg_dtypes, provided_arg_dtype_names, provided_arg_dtypes,
        num_provided_arg_stypes, provided_arg_stypes, num_shared_arg_names, shared_arg_name_list,
        shared_buffer_len, shared_buffer_name_list, shared_buffer_handle_list,
        updated_shared_buffer_name_list, updated_shared_buffer_handle_list, num_in_args, in_args,
        arg_grads, num_aux_states, aux_states, shared_exec_handle, out);
  });
}

int MXExecutorReshape(int partial_shaping, int allow_up_sizing, int dev_type, int dev_id,
                      uint32_t num_map_keys, const char** map_keys, const int* map_dev_types,
                      const int* map_dev_ids, const uint32_t num_provided_arg_shapes,
                      const char** provided_arg_shape_names,
                      const uint32_t* provided_arg_shape_data,
                      const uint32_t* provided_arg_shape_idx, uint32_t* num_in_args,
                      NDArrayHandle** in_args, NDArrayHandle** arg_grads, uint32_t* num_aux_states,
                      NDArrayHandle** aux_states, ExecutorHandle shared_exec, ExecutorHandle* out) {
  return call(__func__, [&] {
    reshape_executor(partial_shaping, allow_up_sizing, num_provided_arg_shapes,
                     provided_arg_shape_names, provided_arg_shape_data, provided_arg_shape_idx,
                     num_in_args, in_args, arg_grads, num_aux_states, aux_states, shared_exec, out);
  });
}

int MXExecutorReshapeEx(int partial_shaping, int allow_up_sizing, int dev_type, int dev_id,
                        uint32_t num_map_keys, const char** map_keys, const int* map_dev_types,
                        const int* map_dev_ids, const uint32_t num_provided_arg_shapes,
                        const char** provided_arg_shape_names, const int* provided_arg_shape_data,
                        const uint32_t* provided_arg_shape_idx, uint32_t* num_in_args,
                        NDArrayHandle** in_args, NDArrayHandle** arg_grads,
                        uint32_t* num_aux_states, NDArrayHandle** aux_states,
                        ExecutorHandle shared_exec, ExecutorHandle* out) {
  return call(__func__, [&] {
    reshape_executor(partial_shaping, allow_up_sizing, num_provided_arg_shapes,
                     provided_arg_shape_names, provided_arg_shape_data, provided_arg_shape_idx,
                     num_in_args, in_args, arg_grads, num_aux_states, aux_states, shared_exec, out);
  });
}
