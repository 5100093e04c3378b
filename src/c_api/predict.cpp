// c_predict_api: a symbol and its parameters, run forward.
#include <map>
#include <span>

#include "array/convert.h"
#include "c_api/executor.h"
#include "model/params.h"

namespace gemel::c_api {
namespace {

using NamedTypes = std::vector<std::pair<std::string, DType>>;

// A network and its values; predictors of one model share it.
struct PredictorModel {
  Symbol symbol;
  std::map<std::string, NDArray> arguments, auxiliary;
  NamedTypes dtypes;
  Device device;
};

struct PredictorObject {
  std::shared_ptr<const PredictorModel> model;
  ExecutorObject executor;
  std::vector<std::vector<uint32_t>> output_shapes;
};
using Predictors = Table<std::shared_ptr<PredictorObject>, Kind::predictor>;

struct ArrayListObject {
  std::vector<std::string> names;
  std::vector<std::vector<float>> values;
  std::vector<std::vector<uint32_t>> shapes;
};
using ArrayLists = Table<std::shared_ptr<ArrayListObject>, Kind::array_list>;

std::span<const std::byte> file_bytes(const void* data, int size) {
  GEMEL_CHECK(size >= 0, "[{}] expected a size from 0, got {}", current_function, size);
  return {static_cast<const std::byte*>(given(data, "the bytes of the parameters")),
          static_cast<size_t>(size)};
}

// The symbol of the named inner nodes; a name may leave out "_output".
Symbol inner_outputs(const Symbol& symbol, const std::vector<std::string>& keys) {
  const Symbol internals = symbol.internals();
  const auto names = internals.list_outputs();
  std::vector<Symbol> chosen;
  for (const std::string& key : keys) {
    auto found = std::find(names.begin(), names.end(), key + "_output");
    if (found == names.end()) found = std::find(names.begin(), names.end(), key);
    GEMEL_CHECK(found != names.end(), "[{}] there is no output '{}'", current_function, key);
    chosen.push_back(internals.at(static_cast<int>(found - names.begin())));
  }
  return Symbol::group(chosen);
}

std::shared_ptr<PredictorModel> read_model(const char* json, const void* bytes, int size,
                                           int dev_type, int dev_id, uint32_t output_count,
                                           const char** output_keys) {
  auto model = std::make_shared<PredictorModel>();
  model->device = device_of(dev_type, dev_id);
  model->symbol = from_json(text_of(json, "the symbol's text"), &lookup_operator);
  if (output_keys)
    model->symbol =
        inner_outputs(model->symbol, texts_of(output_keys, output_count, "an output's name"));
  NamedArrays named = load_arrays_from_bytes(file_bytes(bytes, size), is_numpy_shape());
  for (size_t i = 0; i < named.names.size(); ++i) {
    const std::string& name = named.names[i];
    NDArray value = named.arrays[i];
    if (!(value.device() == model->device)) value = value.copy(model->device);
    if (name.starts_with("aux:"))
      model->auxiliary[name.substr(4)] = value;
    else
      model->arguments[name.starts_with("arg:") ? name.substr(4) : name] = value;
  }
  return model;
}

NamedShapes input_shapes(uint32_t count, const char** keys, const uint32_t* first,
                         const uint32_t* data) {
  NamedShapes shapes;
  if (count == 0) return shapes;
  given(first, "the shapes");
  const auto names = texts_of(keys, count, "an input's name");
  for (uint32_t i = 0; i < count; ++i)
    shapes.emplace_back(names[i], shape_of(data + first[i], first[i + 1] - first[i]));
  return shapes;
}

// Inputs get arrays of their own, parameters are shared, whatever else there is (labels) is zeros.
std::shared_ptr<PredictorObject> make_predictor(std::shared_ptr<const PredictorModel> model,
                                                const NamedShapes& inputs) {
  runtime::BindRequest request;
  request.device = model->device;
  request.shapes = inputs;
  request.dtypes = model->dtypes;
  const auto names = model->symbol.list_inputs();
  for (const auto& [name, shape] : inputs)
    GEMEL_CHECK(std::find(names.begin(), names.end(), name) != names.end(),
                "[{}] the network has no input '{}'; its inputs are {}", current_function, name,
                fmt::join(names, ", "));
  const auto is_input = [&](const std::string& name) {
    return std::any_of(inputs.begin(), inputs.end(),
                       [&](const auto& i) { return i.first == name; });
  };
  for (const auto* values : {&model->arguments, &model->auxiliary})
    for (const auto& [name, value] : *values) {
      if (is_input(name) || std::find(names.begin(), names.end(), name) == names.end()) continue;
      request.shapes.emplace_back(name, value.shape());
      request.dtypes.emplace_back(name, value.dtype());
      request.values.emplace(name, value);
    }
  request.requests.assign(model->symbol.list_arguments().size(), GradRequest::null);
  auto predictor = std::make_shared<PredictorObject>();
  predictor->executor = {runtime::Executor::simple_bind(model->symbol, request), model->device, {}};
  for (const NDArray& output : predictor->executor.executor->outputs())
    predictor->output_shapes.emplace_back(output.shape().begin(), output.shape().end());
  predictor->model = std::move(model);
  return predictor;
}

std::shared_ptr<PredictorObject> predictor_of(PredictorHandle handle) {
  return Predictors::instance().get(handle);
}

const NDArray& output_of(const PredictorObject& predictor, uint32_t index) {
  const std::vector<NDArray>& outputs = predictor.executor.executor->outputs();
  GEMEL_CHECK(index < outputs.size(), "[{}] expected an output below {}, got {}", current_function,
              outputs.size(), index);
  return outputs[index];
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXPredCreate(const char* symbol_json_str, const void* param_bytes, int param_size, int dev_type,
                 int dev_id, uint32_t num_input_nodes, const char** input_keys,
                 const uint32_t* input_shape_indptr, const uint32_t* input_shape_data,
                 PredictorHandle* out) {
  return MXPredCreatePartialOut(symbol_json_str, param_bytes, param_size, dev_type, dev_id,
                                num_input_nodes, input_keys, input_shape_indptr, input_shape_data,
                                0, nullptr, out);
}

int MXPredCreatePartialOut(const char* symbol_json_str, const void* param_bytes, int param_size,
                           int dev_type, int dev_id, uint32_t num_input_nodes,
                           const char** input_keys, const uint32_t* input_shape_indptr,
                           const uint32_t* input_shape_data, uint32_t num_output_nodes,
                           const char** output_keys, PredictorHandle* out) {
  return call(__func__, [&] {
    given(out, "the result");
    *out = Predictors::instance().add(make_predictor(
        read_model(symbol_json_str, param_bytes, param_size, dev_type, dev_id, num_output_nodes,
                   output_keys),
        input_shapes(num_input_nodes, input_keys, input_shape_indptr, input_shape_data)));
  });
}

int MXPredCreateEx(const char* symbol_json_str, const void* param_bytes, int param_size,
                   int dev_type, int dev_id, const uint32_t num_input_nodes,
                   const char** input_keys, const uint32_t* input_shape_indptr,
                   const uint32_t* input_shape_data, const uint32_t num_provided_arg_dtypes,
                   const char** provided_arg_dtype_names, const int* provided_arg_dtypes,
                   PredictorHandle* out) {
  return call(__func__, [&] {
    given(out, "the result");
    auto model = read_model(symbol_json_str, param_bytes, param_size, dev_type, dev_id, 0, nullptr);
    const auto names = texts_of(provided_arg_dtype_names, num_provided_arg_dtypes, "a name");
    for (uint32_t i = 0; i < num_provided_arg_dtypes; ++i)
      model->dtypes.emplace_back(names[i], dtype_of(provided_arg_dtypes[i]));
    *out = Predictors::instance().add(make_predictor(
        model, input_shapes(num_input_nodes, input_keys, input_shape_indptr, input_shape_data)));
  });
}

// `out` is an array of `num_threads` handles, one for each thread.
int MXPredCreateMultiThread(const char* symbol_json_str, const void* param_bytes, int param_size,
                            int dev_type, int dev_id, uint32_t num_input_nodes,
                            const char** input_keys, const uint32_t* input_shape_indptr,
                            const uint32_t* input_shape_data, int num_threads,
                            PredictorHandle* out) {
  return call(__func__, [&] {
    given(out, "the results");
    const auto model =
        read_model(symbol_json_str, param_bytes, param_size, dev_type, dev_id, 0, nullptr);
    const NamedShapes shapes =
        input_shapes(num_input_nodes, input_keys, input_shape_indptr, input_shape_data);
    for (int i = 0; i < num_threads; ++i)
      out[i] = Predictors::instance().add(make_predictor(model, shapes));
  });
}

int MXPredReshape(uint32_t num_input_nodes, const char** input_keys,
                  const uint32_t* input_shape_indptr, const uint32_t* input_shape_data,
                  PredictorHandle handle, PredictorHandle* out) {
  return call(__func__, [&] {
    given(out, "the result");
    *out = Predictors::instance().add(make_predictor(
        predictor_of(handle)->model,
        input_shapes(num_input_nodes, input_keys, input_shape_indptr, input_shape_data)));
  });
}

int MXPredFree(PredictorHandle handle) {
  return call(__func__, [&] {
    if (handle) Predictors::instance().free(handle);
  });
}

// `size` counts elements of the input's dtype.
int MXPredSetInput(PredictorHandle handle, const char* key, const float* data, uint32_t size) {
  return call(__func__, [&] {
    const auto predictor = predictor_of(handle);
    const std::string name = text_of(key, "the input's name");
    const auto names = predictor->model->symbol.list_arguments();
    const auto found = std::find(names.begin(), names.end(), name);
    GEMEL_CHECK(found != names.end(), "[{}] the network has no input '{}'; its inputs are {}",
                current_function, name, fmt::join(names, ", "));
    NDArray target = predictor->executor.executor->bindings().arguments[found - names.begin()];
    GEMEL_CHECK(size == target.size(), "[{}] expected {} elements for '{}' of shape {}, got {}",
                current_function, target.size(), name, target.shape(), size);
    target.copy_from_host(given(data, "the elements"), target.bytes());
  });
}

int MXPredForward(PredictorHandle handle) {
  return call(__func__, [&] { run_forward(predictor_of(handle)->executor, false); });
}

// The network runs as a whole in the last step: only its outputs can be asked for.
int MXPredPartialForward(PredictorHandle handle, int step, int* step_left) {
  return call(__func__, [&] {
    const auto predictor = predictor_of(handle);
    given(step_left, "the steps left");
    int steps = 0;
    for (const Node* node : topological_order(predictor->model->symbol.outputs))
      steps += !node->is_variable();
    GEMEL_CHECK(step >= 0, "[{}] expected a step from 0, got {}", current_function, step);
    if (step == steps - 1) run_forward(predictor->executor, false);
    *step_left = std::max(0, steps - 1 - step);
  });
}

int MXPredGetOutputShape(PredictorHandle handle, uint32_t index, uint32_t** shape_data,
                         uint32_t* shape_ndim) {
  return call(__func__, [&] {
    const auto predictor = predictor_of(handle);
    output_of(*predictor, index);
    std::vector<uint32_t>& shape = predictor->output_shapes[index];
    *given(shape_data, "the shape") = shape.data();
    *given(shape_ndim, "the number of axes") = static_cast<uint32_t>(shape.size());
  });
}

int MXPredGetOutputType(PredictorHandle handle, uint32_t out_index, int* out_dtype) {
  return call(__func__, [&] {
    *given(out_dtype, "the dtype") =
        static_cast<int>(output_of(*predictor_of(handle), out_index).dtype());
  });
}

int MXPredGetOutput(PredictorHandle handle, uint32_t index, float* data, uint32_t size) {
  return call(__func__, [&] {
    const auto predictor = predictor_of(handle);
    const NDArray& output = output_of(*predictor, index);
    GEMEL_CHECK(size == output.size(), "[{}] expected room for {} elements, got {}",
                current_function, output.size(), size);
    output.copy_to_host(given(data, "the elements"), output.bytes());
  });
}

int MXPredSetMonitorCallback(PredictorHandle handle, PredMonitorCallback callback,
                             void* callback_handle, bool monitor_all) {
  return call(__func__, [&] {
    predictor_of(handle)->executor.monitor = {callback, callback_handle, monitor_all};
  });
}

int MXNDListCreate(const char* nd_file_bytes, int nd_file_size, NDListHandle* out,
                   uint32_t* out_length) {
  return call(__func__, [&] {
    given(out, "the result");
    given(out_length, "the length");
    NamedArrays named =
        load_arrays_from_bytes(file_bytes(nd_file_bytes, nd_file_size), is_numpy_shape());
    auto list = std::make_shared<ArrayListObject>();
    list->names = named.names;
    list->names.resize(named.arrays.size());
    for (const NDArray& array : named.arrays) {
      std::vector<float> values(static_cast<size_t>(array.size()));
      array.wait_to_read();
      convert(array.tensor(), Tensor(values.data(), array.shape(), DType::float32));
      list->values.push_back(std::move(values));
      list->shapes.emplace_back(array.shape().begin(), array.shape().end());
    }
    *out_length = static_cast<uint32_t>(named.arrays.size());
    *out = ArrayLists::instance().add(std::move(list));
  });
}

int MXNDListGet(NDListHandle handle, uint32_t index, const char** out_key, const float** out_data,
                const uint32_t** out_shape, uint32_t* out_ndim) {
  return call(__func__, [&] {
    const auto list = ArrayLists::instance().get(handle);
    GEMEL_CHECK(index < list->values.size(), "[{}] expected an index below {}, got {}",
                current_function, list->values.size(), index);
    *given(out_key, "the name") = list->names[index].c_str();
    *given(out_data, "the values") = list->values[index].data();
    *given(out_shape, "the shape") = list->shapes[index].data();
    *given(out_ndim, "the number of axes") = static_cast<uint32_t>(list->shapes[index].size());
  });
}

int MXNDListFree(NDListHandle handle) {
  return call(__func__, [&] {
    if (handle) ArrayLists::instance().free(handle);
  });
}
