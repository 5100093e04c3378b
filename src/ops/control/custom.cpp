#include "ops/control/custom.h"

#include <algorithm>
#include <mutex>

#include "op/registry.h"
#include "ops/control/body.h"

namespace gemel::control {
namespace {

struct Factories {
  std::mutex mutex;
  std::vector<CustomFactory> list;
};

Factories& factories() {
  static auto& instance = *new Factories;
  return instance;
}

std::shared_ptr<CustomKind> make_kind(const std::string& op_type, const Attributes& attributes) {
  std::vector<CustomFactory> list;
  {
    std::lock_guard lock(factories().mutex);
    list = factories().list;
  }
  for (auto factory = list.rbegin(); factory != list.rend(); ++factory)
    if (auto kind = (*factory)(op_type, attributes)) return kind;
  fail(ErrorKind::Input, "[Custom] Cannot find custom operator {}; register it first", op_type);
}

// The objects of one binding, one for each set of input shapes and types.
struct Objects {
  struct Item {
    std::vector<Shape> shapes;
    std::vector<DType> dtypes;
    std::shared_ptr<CustomObject> object;
  };
  std::mutex mutex;
  std::vector<Item> items;
};

struct CustomParameters : Parameters {
  std::string op_type;
  Attributes attributes;  // the user's own
  std::shared_ptr<CustomKind> kind;
  std::shared_ptr<Objects> objects = std::make_shared<Objects>();
  std::vector<int> written, written_backward;

  static void declare(Fields<CustomParameters>& f) {
    f.field("op_type", &CustomParameters::op_type).doc("The name that the operator registered.");
  }
  // Without a kind these are defaults that somebody asks about.
  std::vector<std::string> argument_names() const {
    return kind ? kind->arguments : std::vector<std::string>();
  }
  int arguments() const { return static_cast<int>(kind->arguments.size()); }
  int outputs() const { return static_cast<int>(kind->outputs.size()); }
  int states() const { return static_cast<int>(kind->states.size()); }
  // Of the gradient: head gradients, inputs, outputs, states.
  int backward_inputs() const {
    if (!kind) return 0;
    return (kind->needs_head_gradient ? outputs() : 0) + arguments() + outputs() + states();
  }
  std::shared_ptr<CustomObject> object(std::span<const Tensor> in) const;
};
using P = CustomParameters;

const P& of(const Parameters& p) { return static_cast<const P&>(p); }

std::shared_ptr<CustomObject> CustomParameters::object(std::span<const Tensor> in) const {
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
  for (const Tensor& tensor : in) {
    shapes.push_back(tensor.shape);
    dtypes.push_back(tensor.dtype);
  }
  {
    std::lock_guard lock(objects->mutex);
    for (const Objects::Item& item : objects->items)
      if (item.shapes == shapes && item.dtypes == dtypes) return item.object;
  }
  // Not under the lock: the user's code runs, and may run operators of its own.
  auto made = kind->create(in.empty() ? Device{} : in[0].device, shapes, dtypes);
  std::lock_guard lock(objects->mutex);
  objects->items.push_back({std::move(shapes), std::move(dtypes), made});
  return made;
}

ParametersRef parse(const Attributes& given) {
  auto p = std::make_shared<P>();
  for (const auto& [key, value] : given) {
    if (key == "op_type")
      p->op_type = value;
    else if (!(key.starts_with("__") && key.ends_with("__")))
      p->attributes[key] = value;
  }
  GEMEL_CHECK(!p->op_type.empty(), "[Custom] Required argument `op_type` is missing");
  p->kind = make_kind(p->op_type, p->attributes);
  const int before = p->backward_inputs() - p->states();
  for (int i = 0; i < p->states(); ++i) {
    p->written.push_back(p->arguments() + i);
    p->written_backward.push_back(before + i);
  }
  return p;
}

void shape(ShapeContext& c) {
  const P& p = c.params<P>();
  const auto arguments = static_cast<size_t>(p.arguments());
  std::vector<Shape> in(c.in.begin(), c.in.begin() + p.arguments());
  std::vector<Shape> out(c.out.begin(), c.out.end());
  std::vector<Shape> states(c.in.begin() + p.arguments(), c.in.end());
  p.kind->infer_shapes(in, out, states);
  for (size_t i = 0; i < arguments; ++i) c.set_in(static_cast<int>(i), in[i]);
  for (size_t i = 0; i < states.size(); ++i) c.set_in(static_cast<int>(arguments + i), states[i]);
  for (size_t i = 0; i < out.size(); ++i) c.set_out(static_cast<int>(i), out[i]);
}

void type(TypeContext& c) {
  const P& p = c.params<P>();
  const auto arguments = static_cast<size_t>(p.arguments());
  std::vector<DType> in(c.in.begin(), c.in.begin() + p.arguments());
  std::vector<DType> out(c.out.begin(), c.out.end());
  std::vector<DType> states(c.in.begin() + p.arguments(), c.in.end());
  p.kind->infer_types(in, out, states);
  for (size_t i = 0; i < arguments; ++i) c.set_in(static_cast<int>(i), in[i]);
  for (size_t i = 0; i < states.size(); ++i) c.set_in(static_cast<int>(arguments + i), states[i]);
  for (size_t i = 0; i < out.size(); ++i) c.set_out(static_cast<int>(i), out[i]);
}

// The kernel's memory as arrays; it outlives them, since the user's work is awaited.
std::vector<NDArray> arrays(std::span<const Tensor> tensors) {
  std::vector<NDArray> result;
  for (const Tensor& tensor : tensors)
    result.emplace_back(Storage::borrow(tensor.address, tensor.bytes(), tensor.device, [] {}), 0,
                        tensor.shape, tensor.dtype);
  return result;
}

void forward(const OpCall& call) {
  const P& p = call.params<P>();
  const auto in = call.in.first(static_cast<size_t>(p.arguments()));
  p.object(in)->forward(call.training, arrays(in), arrays(call.out),
                        arrays(call.in.subspan(in.size())));
}

void backward(const OpCall& call) {
  const P& p = call.params<P>();
  const auto arguments = static_cast<size_t>(p.arguments());
  const auto outputs = static_cast<size_t>(p.outputs());
  const auto heads = call.in.first(p.kind->needs_head_gradient ? outputs : 0);
  const auto in = call.in.subspan(heads.size(), arguments);
  const auto out = call.in.subspan(heads.size() + arguments, outputs);
  const auto states = call.in.subspan(heads.size() + arguments + outputs);
  p.object(in)->backward(arrays(heads), arrays(in), arrays(out), arrays(call.out), arrays(states));
}

std::vector<Entry> gradient(const GradientContext& c) {
  const P& p = c.params<P>();
  std::vector<Entry> inputs;
  if (p.kind->needs_head_gradient)
    for (int i = 0; i < p.outputs(); ++i) inputs.push_back(c.dy(i));
  for (int i = 0; i < p.arguments(); ++i) inputs.push_back(c.in(i));
  for (int i = 0; i < p.outputs(); ++i) inputs.push_back(c.out(i));
  for (int i = 0; i < p.states(); ++i) inputs.push_back(c.in(p.arguments() + i));
  const NodeRef node = make_node(require_op("_backward_Custom"), c.node.name + "_backward",
                                 std::move(inputs), c.node.parameters);
  std::vector<Entry> gradients;
  for (int i = 0; i < p.arguments(); ++i) gradients.push_back(Entry{node, i, 0});
  return gradients;
}

}  // namespace

CustomObject::~CustomObject() = default;
CustomKind::~CustomKind() = default;

void add_custom_factory(CustomFactory factory) {
  std::lock_guard lock(factories().mutex);
  auto& list = factories().list;
  if (std::find(list.begin(), list.end(), factory) == list.end()) list.push_back(factory);
}

GEMEL_OPERATORS(custom) {
  Implementation run;
  run.name = "user";
  run.small = false;

  auto builder = op<P>("Custom");
  OpInfo& info = builder.info();
  info.hidden = true;  // needs a registered operator: no generated test can feed it
  info.parse_rule = parse;
  info.instantiate = [](const Parameters& p) {
    auto fresh = std::make_shared<P>(of(p));
    fresh->objects = std::make_shared<Objects>();
    return fresh;
  };
  info.inputs = [](const Parameters& p) { return of(p).argument_names(); };
  info.auxiliary_rule = [](const Parameters& p) {
    return of(p).kind ? of(p).kind->states : std::vector<std::string>();
  };
  info.outputs = [](const Parameters& p) { return of(p).outputs(); };
  info.output_rule = [](const Parameters& p) { return of(p).kind->outputs; };
  info.mutates_rule = [](const Parameters& p) -> const std::vector<int>& { return of(p).written; };
  info.training_dependent = true;
  info.runs_user_code = true;
  run.kernel = forward;
  builder.doc("An operator that a user wrote and registered as `op_type`.")
      .shape(shape)
      .type(type)
      .gradient(gradient)
      .implement(run);

  auto back = op<P>("_backward_Custom");
  OpInfo& back_info = back.info();
  back_info.parse_rule = parse;
  back_info.inputs = [](const Parameters& p) { return numbered("arg", of(p).backward_inputs()); };
  back_info.outputs = [](const Parameters& p) { return of(p).arguments(); };
  back_info.mutates_rule = [](const Parameters& p) -> const std::vector<int>& {
    return of(p).written_backward;
  };
  back_info.training_dependent = true;
  back_info.runs_user_code = true;
  run.kernel = backward;
  back.doc("Gradient of Custom.")
      .shape([](ShapeContext& c) {
        const P& p = c.params<P>();
        const int first = p.kind->needs_head_gradient ? p.outputs() : 0;
        for (size_t i = 0; i < c.out.size(); ++i)
          c.set_out(static_cast<int>(i), c.in[static_cast<size_t>(first) + i]);
      })
      .type([](TypeContext& c) {
        const P& p = c.params<P>();
        const int first = p.kind->needs_head_gradient ? p.outputs() : 0;
        for (size_t i = 0; i < c.out.size(); ++i)
          c.set_out(static_cast<int>(i), c.in[static_cast<size_t>(first) + i]);
      })
      .implement(run);
}

}  // namespace gemel::control
