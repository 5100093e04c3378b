// Operator functions: mx.nd.Convolution, mx.sym.Convolution ... One callable type, generated from
// the registry; arguments follow 1.9.1's signatures: inputs, then parameters, then out= and name=.
#include "common.h"
#include "graph/symbol.h"
#include "remembered_calls.h"
#include "runtime/invoke.h"
#include "runtime/update_each.h"

namespace gemel::python {
namespace {

struct OpFunction {
  const OpInfo* op;
  std::string name;  // the name that the user calls
  bool symbolic;
  std::vector<std::string> input_names;  // with default parameters; variadic: empty
  mutable std::unique_ptr<RememberedCalls> remembered = {};
};

nb::object& symbol_naming() {
  // (name or None, hint, attributes or None) -> (name, attributes): the name manager and AttrScope.
  static nb::object* f =
      new nb::object(nb::module_::import_("gemel.symbol").attr("_name_and_attributes"));
  return *f;
}

bool is_null(nb::handle value) {
  static nb::object* marker = new nb::object(nb::module_::import_("gemel.base").attr("_Null"));
  return value.is(*marker);
}

bool is_symbol(nb::handle object) { return nb::isinstance<Symbol>(object); }

// What one call was given, sorted out.
struct Arguments {
  std::vector<nb::handle> inputs;                         // by position, holes are null handles
  std::vector<std::pair<std::string, nb::handle>> named;  // inputs by name (symbols)
  Attributes attributes;
  nb::handle out, name, attr, context;
};

class Parser {
 public:
  Parser(const OpFunction& function) : f_(function), variadic_(!function.op->variadic.empty()) {}

  Arguments parse(nb::args args, nb::kwargs kwargs) {
    size_t position = 0;
    for (nb::handle value : args) positional(position++, value);
    for (auto [key, value] : kwargs) keyword(nb::cast<std::string_view>(key), value);
    while (!result_.inputs.empty() && !result_.inputs.back().is_valid()) result_.inputs.pop_back();
    if (variadic_ && !result_.attributes.contains(f_.op->variadic))
      result_.attributes[f_.op->variadic] =
          std::to_string(result_.inputs.size() + result_.named.size());
    return std::move(result_);
  }

 private:
  bool is_operand(nb::handle value) const {
    return f_.symbolic ? is_symbol(value) : is_array(value);
  }

  void positional(size_t position, nb::handle value) {
    if (variadic_) {
      if (is_operand(value))
        result_.inputs.push_back(value);
      else if (nb::isinstance<nb::list>(value) || nb::isinstance<nb::tuple>(value))
        for (nb::handle item : value) positional(position, item);
      else
        wrong(position, value);
      return;
    }
    const size_t inputs = f_.input_names.size();
    // Which inputs there are can depend on parameters: an operand is always one.
    if (position < inputs || is_operand(value)) {
      set_input(position, value);
      return;
    }
    const auto& fields = f_.op->spec.fields;
    if (position - inputs >= fields.size())
      fail(ErrorKind::Type, "[{}] expected at most {} positional arguments, got more", f_.name,
           inputs + fields.size());
    set_parameter(fields[position - inputs].name, value);
  }

  void set_input(size_t position, nb::handle value) {
    if (value.is_none() || is_null(value)) return;
    if (!is_operand(value)) {
      // Creation-like operators take their first parameter by position too: nd.clip(x, 0, 1) has
      // inputs first, but uniform(0, 1) has none.
      wrong(position, value);
    }
    if (result_.inputs.size() <= position) result_.inputs.resize(position + 1);
    result_.inputs[position] = value;
  }

  [[noreturn]] void wrong(size_t position, nb::handle value) {
    const std::string which =
        position < f_.input_names.size() ? f_.input_names[position] : std::to_string(position);
    fail(ErrorKind::Type, "[{}] argument '{}': expected {}, got {}", f_.name, which,
         f_.symbolic ? "a Symbol" : "an NDArray", Py_TYPE(value.ptr())->tp_name);
  }

  void keyword(std::string_view key, nb::handle value) {
    if (key == "out") {
      result_.out = value;
      return;
    }
    if (key == "name") {
      result_.name = value;
      return;
    }
    if (key == "attr" && f_.symbolic) {
      result_.attr = value;
      return;
    }
    if (key == "ctx" && !f_.symbolic) {
      result_.context = value;
      return;
    }
    if (!variadic_)
      for (size_t i = 0; i < f_.input_names.size(); ++i)
        if (f_.input_names[i] == key && (is_operand(value) || value.is_none())) {
          if (is_operand(value)) set_input(i, value);
          return;
        }
    if (is_operand(value)) {
      // Variadic operators, and operators whose inputs depend on parameters.
      result_.named.emplace_back(std::string(key), value);
      return;
    }
    set_parameter(std::string(key), value);
  }

  void set_parameter(std::string key, nb::handle value) {
    if (is_null(value)) return;
    if (value.is_none()) {
      // None means "not given" unless the parameter has a None of its own.
      for (const Field& field : f_.op->spec.fields)
        if (field.name == key && field.type.find("None") != std::string::npos) {
          result_.attributes[key] = "None";
          return;
        }
      return;
    }
    std::string text = key == "dtype" ? dtype_text(value, f_.name) : parameter_text(value);
    result_.attributes[std::move(key)] = std::move(text);
  }

  const OpFunction& f_;
  const bool variadic_;
  Arguments result_;
};

nb::object call_array(const OpFunction& f, Arguments arguments) {
  ParametersRef parameters = runtime::cached_parameters(*f.op, arguments.attributes);
  const auto names = f.op->input_names(*parameters);
  for (auto& [key, value] : arguments.named) {
    const auto found = std::find(names.begin(), names.end(), key);
    if (found == names.end())
      fail(ErrorKind::Type, "[{}] has no input '{}'; its inputs are {}", f.name, key,
           fmt::join(names, ", "));
    const size_t position = found - names.begin();
    if (arguments.inputs.size() <= position) arguments.inputs.resize(position + 1);
    arguments.inputs[position] = value;
  }
  if (names.size() != arguments.inputs.size())
    fail(ErrorKind::Type, "[{}] expected {} inputs ({}), got {}", f.name, names.size(),
         fmt::join(names, ", "), arguments.inputs.size());
  std::vector<NDArray> in;
  in.reserve(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    if (!arguments.inputs[i].is_valid())
      fail(ErrorKind::Type, "[{}] the input '{}' is missing", f.name, names[i]);
    in.push_back(array_of(arguments.inputs[i]));
  }
  // `ctx` is a parameter of some creation operators, else it only says where to run.
  Device device;
  if (in.empty())
    device = device_of(arguments.context.is_valid() ? arguments.context : nb::handle(Py_None));
  std::vector<NDArray> out(f.op->visible_output_count(*parameters));
  const bool given = arguments.out.is_valid() && !arguments.out.is_none();
  if (given) {
    std::vector<NDArray> targets = arrays_of(arguments.out, f.name.c_str());
    if (targets.size() != out.size())
      fail(ErrorKind::Type, "[{}] out: expected {} arrays, got {}", f.name, out.size(),
           targets.size());
    out = std::move(targets);
  }
  runtime::invoke(*f.op, parameters, in, out, device);
  if (given) {
    // The caller's handles take what autograd recorded.
    if (is_array(arguments.out))
      array_of(arguments.out).set_history(out[0].history());
    else
      for (size_t i = 0; i < out.size(); ++i)
        array_of(arguments.out[i]).set_history(out[i].history());
    return nb::borrow(arguments.out);
  }
  if (out.size() == 1) return wrap(std::move(out[0]));
  return wrap_all(std::move(out));
}

// A call like an earlier one: its inputs by position, numbers as parameters, at most one `out`.
nb::object call_again(const OpFunction& f, nb::args args, const RememberedCalls::Key& key) {
  constexpr size_t most_inputs = 8;
  const size_t inputs = args.size();
  if (!f.remembered || inputs == 0 || inputs > most_inputs) return {};
  const ParametersRef* found = f.remembered->find(key);
  if (!found) return {};
  const ParametersRef parameters = *found;
  NDArray in[most_inputs], out[1];
  for (size_t i = 0; i < inputs; ++i) {
    if (!is_array(args[i])) return {};
    in[i] = array_of(args[i]);
  }
  const bool given = key.out.is_valid() && !key.out.is_none();
  if (given) {
    if (!is_array(key.out)) return {};
    out[0] = array_of(key.out);
  }
  runtime::invoke(*f.op, parameters, std::span(in, inputs), out);
  if (!given) return wrap(std::move(out[0]));
  array_of(key.out).set_history(out[0].history());
  return nb::borrow(key.out);
}

// Only calls whose parameters alone say how many inputs and outputs there are.
void remember(const OpFunction& f, nb::args args, const RememberedCalls::Key& key,
              const ParametersRef& parameters) {
  if (f.op->input_names(*parameters).size() != args.size() ||
      f.op->visible_output_count(*parameters) != 1)
    return;
  if (!f.remembered) f.remembered = std::make_unique<RememberedCalls>();
  f.remembered->remember(key, parameters);
}

// Sparse inputs stand by themselves, or in the list of inputs of a variadic operator.
bool any_sparse(const OpFunction& f, nb::args args, nb::kwargs kwargs) {
  const auto look = [&](nb::handle value) {
    if (is_array(value)) return is_sparse(value);
    if (f.op->variadic.empty() || !(PyList_Check(value.ptr()) || PyTuple_Check(value.ptr())))
      return false;
    for (nb::handle item : value)
      if (is_sparse(item)) return true;
    return false;
  };
  for (nb::handle value : args)
    if (look(value)) return true;
  for (auto [key, value] : kwargs)
    if (look(value)) return true;
  return false;
}

nb::object call_array_function(const OpFunction& f, nb::args args, nb::kwargs kwargs) {
  const RememberedCalls::Key key(args.size(), kwargs);
  const bool simple = key.complete && f.op->variadic.empty() && !f.op->instantiate;
  if (simple)
    if (nb::object result = call_again(f, args, key); result.is_valid()) return result;
  Arguments arguments = Parser(f).parse(args, kwargs);
  if (simple && arguments.named.empty() && arguments.inputs.size() == args.size())
    remember(f, args, key, runtime::cached_parameters(*f.op, arguments.attributes));
  return call_array(f, std::move(arguments));
}

// The parameters of each call of update_each(): `common`, and one value each of `varying`. Calls
// with equal values share theirs.
std::vector<ParametersRef> parameters_of_each(const OpFunction& f, size_t count, nb::dict varying,
                                              nb::dict common) {
  Attributes attributes;
  for (auto [key, value] : common) attributes[nb::cast<std::string>(key)] = parameter_text(value);
  std::vector<std::pair<std::string, nb::list>> columns;
  for (auto [key, values] : varying) {
    columns.emplace_back(nb::cast<std::string>(key), nb::cast<nb::list>(values));
    if (columns.back().second.size() != count)
      fail(ErrorKind::Input, "[{}] {}: expected one for each of {} weights, got {}", f.name,
           columns.back().first, count, columns.back().second.size());
  }
  constexpr size_t most_kinds = 16;  // that are looked for among earlier calls
  std::vector<std::pair<std::vector<double>, ParametersRef>> kinds;
  std::vector<ParametersRef> parameters;
  parameters.reserve(count);
  std::vector<double> values(columns.size());
  for (size_t k = 0; k < count; ++k) {
    for (size_t i = 0; i < columns.size(); ++i) values[i] = nb::cast<double>(columns[i].second[k]);
    const auto found = std::find_if(kinds.begin(), kinds.end(),
                                    [&](const auto& kind) { return kind.first == values; });
    if (found != kinds.end()) {
      parameters.push_back(found->second);
      continue;
    }
    for (const auto& [name, list] : columns) attributes[name] = parameter_text(list[k]);
    parameters.push_back(f.op->parse(attributes));
    if (kinds.size() < most_kinds) kinds.emplace_back(values, parameters.back());
  }
  return parameters;
}

// f(*arrays of one weight, out=the weight) for every weight; false, and nothing done, where an
// array is sparse. `columns` has a list for each input.
bool update_each(const OpFunction& f, nb::list columns, nb::dict varying, nb::dict common) {
  std::vector<nb::list> inputs;
  for (nb::handle column : columns) inputs.push_back(nb::cast<nb::list>(column));
  const size_t count = inputs.empty() ? 0 : inputs[0].size();
  std::vector<NDArray> in;
  in.reserve(count * inputs.size());
  for (size_t k = 0; k < count; ++k)
    for (const nb::list& column : inputs) {
      if (column.size() != count)
        fail(ErrorKind::Input, "[{}] expected lists of equal length, got {} and {}", f.name, count,
             column.size());
      if (is_sparse(column[k])) return false;
      in.push_back(with_memory(require_array(column[k], f.name.c_str())));
    }
  const std::vector<ParametersRef> parameters = parameters_of_each(f, count, varying, common);
  if (count > 0 && f.op->input_names(*parameters[0]).size() != inputs.size())
    fail(ErrorKind::Type, "[{}] expected {} inputs, got {}", f.name,
         f.op->input_names(*parameters[0]).size(), inputs.size());
  runtime::update_each(*f.op, parameters, in);
  return true;
}

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

nb::object call_symbol(const OpFunction& f, Arguments arguments) {
  nb::object hint = nb::cast(lower_case(f.name));
  nb::object given_name = arguments.name.is_valid() ? nb::borrow(arguments.name) : nb::none();
  nb::object given_attr = arguments.attr.is_valid() ? nb::borrow(arguments.attr) : nb::none();
  nb::tuple named = nb::cast<nb::tuple>(symbol_naming()(given_name, hint, given_attr));
  Attributes attributes = std::move(arguments.attributes);
  for (auto [key, value] : nb::cast<nb::dict>(named[1]))
    attributes[nb::cast<std::string>(key)] = nb::cast<std::string>(value);
  const std::string name = nb::cast<std::string>(named[0]);
  bool holes = false;
  for (nb::handle input : arguments.inputs) holes |= !input.is_valid();
  const bool positional_only = !holes && arguments.named.empty();
  std::vector<std::string> names;
  if (!positional_only && f.op->variadic.empty())
    names = f.op->input_names(*runtime::cached_parameters(*f.op, attributes));
  std::vector<Symbol> positional;
  std::vector<std::pair<std::string, Symbol>> by_name;
  for (size_t i = 0; i < arguments.inputs.size(); ++i) {
    if (!arguments.inputs[i].is_valid()) continue;
    const Symbol& symbol = nb::cast<const Symbol&>(arguments.inputs[i]);
    if (!positional_only)
      by_name.emplace_back(i < names.size() ? names[i] : "arg" + std::to_string(i), symbol);
    else
      positional.push_back(symbol);
  }
  for (auto& [key, value] : arguments.named)
    by_name.emplace_back(key, nb::cast<const Symbol&>(value));
  const Symbol made = Symbol::create(*f.op, name, attributes, positional, by_name);
  cast_inputs(made);
  return nb::cast(made);
}

// Parameters with every default in place; required ones are value-initialised.
std::shared_ptr<Parameters> default_parameters(const OpInfo& op) {
  std::shared_ptr<Parameters> parameters = op.spec.make();
  for (const Field& field : op.spec.fields)
    if (field.fallback_text) field.parse(*parameters, *field.fallback_text);
  return parameters;
}

nb::dict describe(const OpInfo& op) {
  nb::dict d;
  d["name"] = op.name();
  d["aliases"] = op.aliases;
  d["doc"] = op.doc_text;
  d["hidden"] = op.hidden || op.name().starts_with("_backward");
  nb::list parameters;
  for (const Field& field : op.spec.fields) {
    nb::dict p;
    p["name"] = field.name;
    p["type"] = field.type;
    p["default"] = field.fallback_text;
    p["doc"] = field.doc_text;
    p["choices"] = field.choices;
    parameters.append(p);
  }
  d["parameters"] = parameters;
  d["variadic"] = op.variadic;
  d["inputs"] = nb::none();
  if (op.variadic.empty()) {
    try {
      d["inputs"] = op.input_names(*default_parameters(op));
    } catch (const Error&) {
      d["inputs"] = nb::none();  // inputs depend on a required parameter
    }
  }
  d["auxiliary"] = op.auxiliary;
  // Of an operator whose inputs vary in number: in its samples, which hold equally many.
  std::vector<int> mutated = op.mutates;
  if (op.group && !op.samples.empty())
    mutated = op.mutated_inputs(*op.parse(op.samples[0].attributes));
  d["mutates"] = mutated;
  d["group"] = op.group;
  d["random"] = op.random;
  d["training_dependent"] = op.training_dependent;
  d["ignores_head_gradient"] = op.ignores_head_gradient;
  d["differentiable"] = static_cast<bool>(op.gradient_rule);
  d["zero_gradient"] = op.zero_gradient;
  d["pointwise"] = static_cast<bool>(op.pointwise);
  d["inplace"] = op.inplace;
  nb::list implementations;
  for (const Implementation& implementation : op.implementations)
    implementations.append(implementation.name);
  d["implementations"] = implementations;
  nb::list samples;
  for (const Sample& sample : op.samples) {
    nb::dict s;
    nb::list shapes;
    for (const Shape& shape : sample.shapes) shapes.append(tuple_of(shape));
    s["shapes"] = shapes;
    nb::dict attributes;
    for (const auto& [key, value] : sample.attributes) attributes[key.c_str()] = value;
    s["attributes"] = attributes;
    s["low"] = sample.low;
    s["high"] = sample.high;
    s["ranges"] = sample.ranges;
    samples.append(s);
  }
  d["samples"] = samples;
  return d;
}

}  // namespace

void bind_operators(nb::module_& m) {
  nb::class_<OpFunction>(m, "OpFunction")
      .def("__call__",
           [](const OpFunction& f, nb::args args, nb::kwargs kwargs) {
             if (!f.symbolic && any_sparse(f, args, kwargs))
               return call_sparse(nb::find(f), args, kwargs);
             return f.symbolic ? call_symbol(f, Parser(f).parse(args, kwargs))
                               : call_array_function(f, args, kwargs);
           })
      .def("__getattr__",
           [](const OpFunction& f, std::string_view key) -> nb::object {
             if (key == "__name__" || key == "__qualname__") return nb::cast(f.name);
             if (key == "__doc__") return nb::cast(f.op->doc_text);
             throw nb::attribute_error(
                 fmt::format("operator function has no attribute '{}'", key).c_str());
           })
      .def_prop_ro("operator", [](const OpFunction& f) { return f.op->name(); })
      .def("update_each", update_each, nb::arg("columns"), nb::arg("varying"), nb::arg("common"))
      .def("describe", [](const OpFunction& f) { return describe(*f.op); });
  m.def("operator_function", [](const std::string& name, bool symbolic) {
    const OpInfo& op = require_op(name);
    OpFunction f{&op, name, symbolic, {}};
    if (op.variadic.empty()) {
      try {
        f.input_names = op.input_names(*default_parameters(op));
      } catch (const Error&) {
      }
    }
    return f;
  });
  m.def("operator_names", [] {
    std::vector<std::string> names;
    for (const auto& [name, op] : all_op_names()) names.push_back(name);
    return names;
  });
  m.def("list_operators", [] {
    nb::list list;
    for (const OpInfo* op : all_ops()) list.append(describe(*op));
    return list;
  });
  m.def("invoke_reference", [](const std::string& name, nb::list inputs,
                               const std::vector<std::pair<std::string, std::string>>& attributes) {
    std::vector<NDArray> in = arrays_of(inputs, name.c_str());
    Attributes map(attributes.begin(), attributes.end());
    return wrap_all(runtime::invoke_reference(name, in, map));
  });
}

}  // namespace gemel::python
