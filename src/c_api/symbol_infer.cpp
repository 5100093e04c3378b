// Symbol: shapes and types from those of some arguments.
#include "c_api/objects.h"
#include "graph/close_names.h"
#include "graph/indexed.h"
#include "passes/infer_shape.h"
#include "passes/infer_type.h"

namespace gemel::c_api {
namespace {

// Values by entry: those given by name, or by place in list_arguments() order without names.
template <typename T, typename Value>
std::vector<T> given_values(const Symbol& symbol, const IndexedGraph& graph, uint32_t count,
                            const char** keys, T unknown, Value value_at) {
  std::vector<T> values(graph.entry_count(), unknown);
  const auto nodes = symbol.input_nodes();
  const auto auxiliary = symbol.input_is_auxiliary();
  const auto names = symbol.list_inputs();
  if (!keys) {
    uint32_t next = 0;
    for (size_t i = 0; i < nodes.size() && next < count; ++i)
      if (!auxiliary[i]) values[graph.entry_id(Entry{nodes[i], 0, 0})] = value_at(next++);
    GEMEL_CHECK(next == count, "[{}] expected at most {} arguments, got {}", current_function, next,
                count);
    return values;
  }
  for (uint32_t k = 0; k < count; ++k) {
    const std::string key = text_of(keys[k], "a key");
    bool found = false;
    for (size_t i = 0; i < nodes.size(); ++i) {
      if (names[i] != key) continue;
      values[graph.entry_id(Entry{nodes[i], 0, 0})] = value_at(k);
      found = true;
    }
    GEMEL_CHECK(found, "[{}] there is no argument '{}'{} Its arguments are {}", current_function,
                key, did_you_mean(key, names), fmt::join(names, ", "));
  }
  return values;
}

// Arguments, outputs and auxiliary states.
template <typename T>
struct Parts {
  std::vector<T> arguments, outputs, auxiliary;

  Parts(const Symbol& symbol, const IndexedGraph& graph, const std::vector<T>& entries) {
    const auto nodes = symbol.input_nodes();
    const auto is_auxiliary = symbol.input_is_auxiliary();
    for (size_t i = 0; i < nodes.size(); ++i)
      (is_auxiliary[i] ? auxiliary : arguments)
          .push_back(entries[graph.entry_id(Entry{nodes[i], 0, 0})]);
    for (const Entry& output : symbol.outputs) outputs.push_back(entries[graph.entry_id(output)]);
  }
  template <typename Known>
  bool all(Known known) const {
    return std::all_of(arguments.begin(), arguments.end(), known) &&
           std::all_of(outputs.begin(), outputs.end(), known) &&
           std::all_of(auxiliary.begin(), auxiliary.end(), known);
  }
};

template <typename Size, typename Ndim, typename Axis>
struct ShapeList {
  Size* size;
  const Ndim** ndim;
  const Axis*** axes;

  void give(const std::vector<Shape>& shapes, Returned& returned) {
    std::vector<Ndim> ndims;
    std::vector<const Axis*> addresses;
    for (const Shape& inner : shapes) {
      const Shape shape = shape_for_caller(inner);
      ndims.push_back(static_cast<Ndim>(shape.ndim()));
      addresses.push_back(returned.numbers(std::vector<Axis>(shape.begin(), shape.end())));
    }
    *given(size, "a size") = static_cast<Size>(shapes.size());
    *given(ndim, "numbers of axes") = returned.numbers(std::move(ndims));
    *given(axes, "axes") = returned.numbers(std::move(addresses));
  }
};

template <typename Index, typename Given, typename Size, typename Ndim, typename Axis>
void infer_symbol_shapes(SymbolHandle handle, uint32_t num_args, const char** keys,
                         const Index* first, const Given* data, ShapeList<Size, Ndim, Axis> in,
                         ShapeList<Size, Ndim, Axis> out, ShapeList<Size, Ndim, Axis> aux,
                         int* complete) {
  const Symbol& symbol = symbol_of(handle);
  const IndexedGraph graph(symbol.outputs);
  if (num_args > 0) given(first, "the shapes");
  auto shapes = given_values(symbol, graph, num_args, keys, Shape::unknown(), [&](uint32_t i) {
    return shape_from_caller(
        shape_of(data + first[i], static_cast<int64_t>(first[i + 1] - first[i])));
  });
  infer_shapes(graph, shapes, false);
  const Parts<Shape> parts(symbol, graph, shapes);
  Returned& returned = Returned::fresh();
  in.give(parts.arguments, returned);
  out.give(parts.outputs, returned);
  aux.give(parts.auxiliary, returned);
  *given(complete, "the completeness flag") = parts.all([](const Shape& s) { return s.known(); });
}

void infer_symbol_types(SymbolHandle handle, uint32_t num_args, const char** keys,
                        const int* arg_type_data, uint32_t* in_size, const int** in_data,
                        uint32_t* out_size, const int** out_data, uint32_t* aux_size,
                        const int** aux_data, int* complete) {
  const Symbol& symbol = symbol_of(handle);
  const IndexedGraph graph(symbol.outputs);
  if (num_args > 0) given(arg_type_data, "the types");
  auto types = given_values(symbol, graph, num_args, keys, DType::none,
                            [&](uint32_t i) { return dtype_of(arg_type_data[i]); });
  infer_types(graph, types);
  const Parts<DType> parts(symbol, graph, types);
  Returned& returned = Returned::fresh();
  const auto give = [&](const std::vector<DType>& list, uint32_t* size, const int** data) {
    std::vector<int> flags;
    for (DType type : list) flags.push_back(static_cast<int>(type));
    *given(size, "a size") = static_cast<uint32_t>(flags.size());
    *given(data, "types") = returned.numbers(std::move(flags));
  };
  give(parts.arguments, in_size, in_data);
  give(parts.outputs, out_size, out_data);
  give(parts.auxiliary, aux_size, aux_data);
  *given(complete, "the completeness flag") =
      parts.all([](DType type) { return type != DType::none; });
}

int no_place_for_completeness(const char* function) {
  return call(function, [] { given(static_cast<int*>(nullptr), "the completeness flag"); });
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXSymbolInferShape(SymbolHandle sym, uint32_t num_args, const char** keys,
                       const uint32_t* arg_ind_ptr, const uint32_t* arg_shape_data,
                       uint32_t* in_shape_size, const uint32_t** in_shape_ndim,
                       const uint32_t*** in_shape_data, uint32_t* out_shape_size,
                       const uint32_t** out_shape_ndim, const uint32_t*** out_shape_data,
                       uint32_t* aux_shape_size, const uint32_t** aux_shape_ndim,
                       const uint32_t*** aux_shape_data, int* complete) {
  return call(__func__, [&] {
    infer_symbol_shapes<uint32_t, uint32_t, uint32_t, uint32_t, uint32_t>(
        sym, num_args, keys, arg_ind_ptr, arg_shape_data,
        {in_shape_size, in_shape_ndim, in_shape_data},
        {out_shape_size, out_shape_ndim, out_shape_data},
        {aux_shape_size, aux_shape_ndim, aux_shape_data}, complete);
  });
}

int MXSymbolInferShapeEx(SymbolHandle sym, uint32_t num_args, const char** keys,
                         const uint32_t* arg_ind_ptr, const int* arg_shape_data,
                         uint32_t* in_shape_size, const int** in_shape_ndim,
                         const int*** in_shape_data, uint32_t* out_shape_size,
                         const int** out_shape_ndim, const int*** out_shape_data,
                         uint32_t* aux_shape_size, const int** aux_shape_ndim,
                         const int*** aux_shape_data, int* complete) {
  return call(__func__, [&] {
    infer_symbol_shapes<uint32_t, int, uint32_t, int, int>(
        sym, num_args, keys, arg_ind_ptr, arg_shape_data,
        {in_shape_size, in_shape_ndim, in_shape_data},
        {out_shape_size, out_shape_ndim, out_shape_data},
        {aux_shape_size, aux_shape_ndim, aux_shape_data}, complete);
  });
}

int MXSymbolInferShapeEx64(SymbolHandle sym, uint32_t num_args, const char** keys,
                           const int64_t* arg_ind_ptr, const int64_t* arg_shape_data,
                           size_t* in_shape_size, const int** in_shape_ndim,
                           const int64_t*** in_shape_data, size_t* out_shape_size,
                           const int** out_shape_ndim, const int64_t*** out_shape_data,
                           size_t* aux_shape_size, const int** aux_shape_ndim,
                           const int64_t*** aux_shape_data, int* complete) {
  return call(__func__, [&] {
    infer_symbol_shapes<int64_t, int64_t, size_t, int, int64_t>(
        sym, num_args, keys, arg_ind_ptr, arg_shape_data,
        {in_shape_size, in_shape_ndim, in_shape_data},
        {out_shape_size, out_shape_ndim, out_shape_data},
        {aux_shape_size, aux_shape_ndim, aux_shape_data}, complete);
  });
}

// The partial forms give what is known and are always complete.
int MXSymbolInferShapePartial(SymbolHandle sym, uint32_t num_args, const char** keys,
                              const uint32_t* arg_ind_ptr, const uint32_t* arg_shape_data,
                              uint32_t* in_shape_size, const uint32_t** in_shape_ndim,
                              const uint32_t*** in_shape_data, uint32_t* out_shape_size,
                              const uint32_t** out_shape_ndim, const uint32_t*** out_shape_data,
                              uint32_t* aux_shape_size, const uint32_t** aux_shape_ndim,
                              const uint32_t*** aux_shape_data, int* complete) {
  int all = 0;
  const int result = !complete
                         ? no_place_for_completeness(__func__)
                         : MXSymbolInferShape(sym, num_args, keys, arg_ind_ptr, arg_shape_data,
                                              in_shape_size, in_shape_ndim, in_shape_data,
                                              out_shape_size, out_shape_ndim, out_shape_data,
                                              aux_shape_size, aux_shape_ndim, aux_shape_data, &all);
  if (result == 0) *complete = 1;
  return result;
}

int MXSymbolInferShapePartialEx(SymbolHandle sym, uint32_t num_args, const char** keys,
                                const uint32_t* arg_ind_ptr, const int* arg_shape_data,
                                uint32_t* in_shape_size, const int** in_shape_ndim,
                                const int*** in_shape_data, uint32_t* out_shape_size,
                                const int** out_shape_ndim, const int*** out_shape_data,
                                uint32_t* aux_shape_size, const int** aux_shape_ndim,
                                const int*** aux_shape_data, int* complete) {
  int all = 0;
  const int result =
      !complete ? no_place_for_completeness(__func__)
                : MXSymbolInferShapeEx(sym, num_args, keys, arg_ind_ptr, arg_shape_data,
                                       in_shape_size, in_shape_ndim, in_shape_data, out_shape_size,
                                       out_shape_ndim, out_shape_data, aux_shape_size,
                                       aux_shape_ndim, aux_shape_data, &all);
  if (result == 0) *complete = 1;
  return result;
}

int MXSymbolInferShapePartialEx64(SymbolHandle sym, uint32_t num_args, const char** keys,
                                  const int64_t* arg_ind_ptr, const int64_t* arg_shape_data,
                                  size_t* in_shape_size, const int** in_shape_ndim,
                                  const int64_t*** in_shape_data, size_t* out_shape_size,
                                  const int** out_shape_ndim, const int64_t*** out_shape_data,
                                  size_t* aux_shape_size, const int** aux_shape_ndim,
                                  const int64_t*** aux_shape_data, int* complete) {
  int all = 0;
  const int result =
      !complete ? no_place_for_completeness(__func__)
                : MXSymbolInferShapeEx64(sym, num_args, keys, arg_ind_ptr, arg_shape_data,
                                         in_shape_size, in_shape_ndim, in_shape_data,
                                         out_shape_size, out_shape_ndim, out_shape_data,
                                         aux_shape_size, aux_shape_ndim, aux_shape_data, &all);
  if (result == 0) *complete = 1;
  return result;
}

int MXSymbolInferType(SymbolHandle sym, uint32_t num_args, const char** keys,
                      const int* arg_type_data, uint32_t* in_type_size, const int** in_type_data,
                      uint32_t* out_type_size, const int** out_type_data, uint32_t* aux_type_size,
                      const int** aux_type_data, int* complete) {
  return call(__func__, [&] {
    infer_symbol_types(sym, num_args, keys, arg_type_data, in_type_size, in_type_data,
                       out_type_size, out_type_data, aux_type_size, aux_type_data, complete);
  });
}

int MXSymbolInferTypePartial(SymbolHandle sym, uint32_t num_args, const char** keys,
                             const int* arg_type_data, uint32_t* in_type_size,
                             const int** in_type_data, uint32_t* out_type_size,
                             const int** out_type_data, uint32_t* aux_type_size,
                             const int** aux_type_data, int* complete) {
  int all = 0;
  const int result = !complete ? no_place_for_completeness(__func__)
                               : MXSymbolInferType(sym, num_args, keys, arg_type_data, in_type_size,
                                                   in_type_data, out_type_size, out_type_data,
                                                   aux_type_size, aux_type_data, &all);
  if (result == 0) *complete = 1;
  return result;
}
