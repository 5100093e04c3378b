// The functions that came before operators: fixed numbers of arrays and scalars, results written
// into the caller's arrays.
#include <array>
#include <cstring>

#include "array/convert.h"
#include "c_api/objects.h"
#include "runtime/invoke.h"

namespace gemel::c_api {
namespace {

struct FunctionText {
  const char *name, *description;
  uint32_t arrays, scalars;
  std::array<const char*, 3> arguments, types, descriptions;
  void (*run)(std::span<const NDArray> arrays, const float* scalars, NDArray& target);
};

void run_into(std::string_view op, std::span<const NDArray> in, const Attributes& attributes,
              NDArray& target) {
  const OpInfo& info = require_op(op);
  NDArray out[1] = {target};
  runtime::invoke(info, runtime::cached_parameters(info, attributes), in, out);
}

void set_value(std::span<const NDArray>, const float* scalars, NDArray& target) {
  run_into("_set_value", {}, {{"src", fmt::format("{:.9g}", scalars[0])}}, target);
}

void one_hot(std::span<const NDArray> arrays, const float*, NDArray& target) {
  const NDArray in[] = {arrays[0], target};
  run_into("_onehot_encode", in, {}, target);
}

std::vector<float> floats_of(const NDArray& array) {
  array.wait_to_read();
  std::vector<float> values(static_cast<size_t>(array.size()));
  convert(array.tensor(), Tensor(values.data(), array.shape(), DType::float32));
  return values;
}

// target = lhs with target[i, rhs[i]] = mhs[i].
void fill_element(std::span<const NDArray> arrays, const float*, NDArray& target) {
  const Shape& shape = target.shape();
  GEMEL_CHECK(shape.ndim() == 2 && arrays[0].shape() == shape && target.dtype() == DType::float32 &&
                  arrays[1].size() == shape[0] && arrays[2].size() == shape[0],
              "[fill_element_0index] expected float32 matrices and a value and an index for each "
              "line, got {}, {}, {} into {}",
              arrays[0].shape(), arrays[1].shape(), arrays[2].shape(), shape);
  std::vector<float> values = floats_of(arrays[0]);
  const std::vector<float> fill = floats_of(arrays[1]), index = floats_of(arrays[2]);
  for (int64_t i = 0; i < shape[0]; ++i) {
    const auto column = static_cast<int64_t>(index[i]);
    GEMEL_CHECK(column >= 0 && column < shape[1],
                "[fill_element_0index] index {} is outside of [0, {})", column, shape[1]);
    values[i * shape[1] + column] = fill[i];
  }
  target.copy_from_host(values.data(), target.bytes());
}

constexpr const char* left = "Left operand to the function.";
constexpr const char* middle = "Middle operand to the function.";
constexpr const char* right = "Right operand to the function.";

FunctionText functions[] = {
    {"_set_value",
     "Fills the array with a number.",
     0,
     1,
     {"src"},
     {"real_t"},
     {"The number."},
     &set_value},
    {"_onehot_encode",
     "Rows of zeros with a one where the index says.",
     2,
     0,
     {"lhs", "rhs"},
     {"NDArray", "NDArray"},
     {left, right},
     &one_hot},
    {"fill_element_0index",
     "Sets one element of each row, at an index from 0.",
     3,
     0,
     {"lhs", "mhs", "rhs"},
     {"NDArray", "NDArray", "NDArray"},
     {left, middle, right},
     &fill_element},
};

// Function handles are small numbers of the same kind as operators', in a generation of their own.
constexpr uint32_t function_generation = 2;

FunctionText& function_of(const void* handle) {
  const HandleParts parts = unpack_handle(handle);
  if (parts.kind != static_cast<uint8_t>(Kind::op) || parts.generation != function_generation ||
      parts.slot >= std::size(functions))
    refuse_handle(Kind::op, handle);
  return functions[parts.slot];
}

void invoke_function(FunctionHandle handle, NDArrayHandle* use_vars, float* scalars,
                     NDArrayHandle* mutate_vars) {
  const FunctionText& function = function_of(handle);
  const std::vector<NDArray> arrays = arrays_of(use_vars, function.arrays, "the arrays");
  if (function.scalars) given(scalars, "the scalars");
  function.run(arrays, scalars, filled_array(*given(mutate_vars, "the target")));
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXListFunctions(uint32_t* out_size, FunctionHandle** out_array) {
  return call(__func__, [&] {
    static auto& handles = *new std::vector<FunctionHandle>([] {
      std::vector<FunctionHandle> made;
      for (uint32_t i = 0; i < std::size(functions); ++i)
        made.push_back(pack_handle(Kind::op, function_generation, i));
      return made;
    }());
    *given(out_size, "the number of functions") = static_cast<uint32_t>(handles.size());
    *given(out_array, "the functions") = handles.data();
  });
}

int MXGetFunction(const char* name, FunctionHandle* out) {
  return call(__func__, [&] {
    const std::string wanted = text_of(name, "the name");
    given(out, "the function");
    for (uint32_t i = 0; i < std::size(functions); ++i)
      if (wanted == functions[i].name) {
        *out = pack_handle(Kind::op, function_generation, i);
        return;
      }
    fail(ErrorKind::Input,
         "[{}] there is no function '{}'; operators are called by "
         "MXImperativeInvoke",
         current_function, wanted);
  });
}

int MXFuncGetInfo(FunctionHandle fun, const char** name, const char** description,
                  uint32_t* num_args, const char*** arg_names, const char*** arg_type_infos,
                  const char*** arg_descriptions, const char** return_type) {
  return call(__func__, [&] {
    FunctionText& function = function_of(fun);
    if (name) *name = function.name;
    if (description) *description = function.description;
    if (num_args) *num_args = function.arrays + function.scalars;
    if (arg_names) *arg_names = function.arguments.data();
    if (arg_type_infos) *arg_type_infos = function.types.data();
    if (arg_descriptions) *arg_descriptions = function.descriptions.data();
    if (return_type) *return_type = "";
  });
}

// `type_mask`: bit 0, arrays before scalars.
int MXFuncDescribe(FunctionHandle fun, uint32_t* num_use_vars, uint32_t* num_scalars,
                   uint32_t* num_mutate_vars, int* type_mask) {
  return call(__func__, [&] {
    const FunctionText& function = function_of(fun);
    *given(num_use_vars, "the number of arrays") = function.arrays;
    *given(num_scalars, "the number of scalars") = function.scalars;
    *given(num_mutate_vars, "the number of targets") = 1;
    *given(type_mask, "the mask") = function.arrays ? 1 : 0;
  });
}

int MXFuncInvoke(FunctionHandle fun, NDArrayHandle* use_vars, float* scalar_args,
                 NDArrayHandle* mutate_vars) {
  return call(__func__, [&] { invoke_function(fun, use_vars, scalar_args, mutate_vars); });
}

int MXFuncInvokeEx(FunctionHandle fun, NDArrayHandle* use_vars, float* scalar_args,
                   NDArrayHandle* mutate_vars, int, char**, char**) {
  return call(__func__, [&] { invoke_function(fun, use_vars, scalar_args, mutate_vars); });
}
