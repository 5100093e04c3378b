// RNN: stacks of recurrent layers with all parameters in one flat array.
#include <cstring>

#include "kernels/rnn/recurrent.h"
#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::rnn_op {
namespace {

using kernels::RecurrentGeometry;
using kernels::RecurrentMode;

struct RNNParameters : Parameters {
  int state_size, num_layers;
  bool bidirectional;
  RecurrentMode mode;
  float p;
  bool state_outputs;
  std::optional<int> projection_size;
  std::optional<double> lstm_state_clip_min, lstm_state_clip_max;
  bool lstm_state_clip_nan, use_sequence_length;
  static void declare(Fields<RNNParameters>& f) {
    using P = RNNParameters;
    f.field("state_size", &P::state_size)
        .range(1, 2147483647)
        .doc("Units of each layer and direction.")
        .type = "int (non-negative)";
    f.field("num_layers", &P::num_layers)
        .range(1, 2147483647)
        .doc("Layers that lie on each other.")
        .type = "int (non-negative)";
    f.field("bidirectional", &P::bidirectional)
        .fallback("0")
        .doc("Run each layer backwards too and join the outputs.");
    f.choice("mode", &P::mode,
             {{"gru", RecurrentMode::gru},
              {"lstm", RecurrentMode::lstm},
              {"rnn_relu", RecurrentMode::relu},
              {"rnn_tanh", RecurrentMode::tanh}})
        .doc("The cell.");
    f.field("p", &P::p)
        .fallback("0")
        .range(0, 1)
        .doc("In training, fraction of each layer's output that becomes 0 before the next layer.");
    f.field("state_outputs", &P::state_outputs)
        .fallback("0")
        .doc("Whether the last states are outputs too.");
    f.field("projection_size", &P::projection_size)
        .fallback("None")
        .doc("Size to which an lstm's state is projected.");
    f.field("lstm_state_clip_min", &P::lstm_state_clip_min)
        .fallback("None")
        .doc("Lower limit of an lstm's cells.");
    f.field("lstm_state_clip_max", &P::lstm_state_clip_max)
        .fallback("None")
        .doc("Upper limit of an lstm's cells.");
    f.field("lstm_state_clip_nan", &P::lstm_state_clip_nan)
        .fallback("0")
        .doc("Accepted and ignored: NaN stays NaN.");
    f.field("use_sequence_length", &P::use_sequence_length)
        .fallback("0")
        .doc("Whether the input sequence_length gives the length of each sequence.");
  }
  bool is_lstm() const { return mode == RecurrentMode::lstm; }
  int directions() const { return bidirectional ? 2 : 1; }
  int states() const { return !state_outputs ? 0 : is_lstm() ? 2 : 1; }  // outputs
};
using P = RNNParameters;

enum Input { data, parameters, state, cell };

std::vector<std::string> input_names(const P& p) {
  std::vector<std::string> names = {"data", "parameters", "state"};
  if (p.is_lstm()) names.emplace_back("state_cell");
  if (p.use_sequence_length) names.emplace_back("sequence_length");
  return names;
}
int lengths_at(const P& p) { return p.is_lstm() ? 4 : 3; }
int reserve_at(const P& p) { return 1 + p.states(); }

RecurrentGeometry geometry(const P& p, const Shape& x, bool training) {
  RecurrentGeometry g;
  g.mode = p.mode;
  g.time = x[0];
  g.batch = x[1];
  g.input = x[2];
  g.hidden = p.state_size;
  g.projection = p.projection_size.value_or(0);
  g.layers = p.num_layers;
  g.directions = p.directions();
  g.uses_lengths = p.use_sequence_length;
  g.dropout = training ? static_cast<double>(p.p) : 0;
  g.clip_low = p.lstm_state_clip_min.value_or(g.clip_low);
  g.clip_high = p.lstm_state_clip_max.value_or(g.clip_high);
  return g;
}

void forward_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  GEMEL_CHECK(!p.projection_size || (p.is_lstm() && *p.projection_size > 0),
              "[{}] expected projection_size with mode 'lstm' only, and positive, got {}",
              c.op.name(), print_value(p.projection_size));
  GEMEL_CHECK(p.lstm_state_clip_min.has_value() == p.lstm_state_clip_max.has_value(),
              "[{}] expected lstm_state_clip_min and lstm_state_clip_max together, got {} and {}",
              c.op.name(), print_value(p.lstm_state_clip_min), print_value(p.lstm_state_clip_max));
  const Shape x = c.in[data];
  if (x.ndim() < 0) return;
  GEMEL_CHECK(x.ndim() == 3, "[{}] expected data of 3 axes (time, batch, input), got {}",
              c.op.name(), x);
  const int64_t places = static_cast<int64_t>(p.num_layers) * p.directions();
  const int64_t width = p.projection_size.value_or(p.state_size);
  c.set_in(state, {places, x[1], width});
  if (p.is_lstm()) c.set_in(cell, {places, x[1], p.state_size});
  if (p.use_sequence_length) c.set_in(lengths_at(p), {x[1]});
  c.set_out(0, {x[0], x[1], width * p.directions()});
  if (p.states() > 0) c.set_out(1, c.in[state]);
  if (p.states() > 1) c.set_out(2, c.in[cell]);
  if (x[2] >= 0) c.set_in(parameters, {geometry(p, {0, 0, x[2]}, false).parameter_count()});
  // Prediction keeps nothing.
  if (!c.training)
    c.set_out(reserve_at(p), {0});
  else if (x.known())
    c.set_out(reserve_at(p), {kernels::recurrent_reserve(geometry(p, x, true))});
}

DType compute_dtype(DType dtype) { return is_half(dtype) ? DType::float32 : dtype; }

void forward_type(TypeContext& c) {
  const auto& p = c.params<P>();
  const int count = static_cast<int>(c.in.size()) - (p.use_sequence_length ? 1 : 0);
  DType dtype = c.out[0];
  for (int i = 0; i < count; ++i)
    if (dtype == DType::none) dtype = c.in[i];
  if (dtype == DType::none) return;
  GEMEL_CHECK(is_floating(dtype), "[{}] expected a floating-point dtype, got {}", c.op.name(),
              name_of(dtype));
  for (int i = 0; i < count; ++i) c.set_in(i, dtype);
  for (int i = 0; i < reserve_at(p); ++i) c.set_out(i, dtype);
  c.set_out(reserve_at(p), compute_dtype(dtype));
  if (p.use_sequence_length && c.in[count] == DType::none) c.set_in(count, dtype);
}

// Arrays of any floating type seen in the type of computation C: themselves, or copies that are
// written back when the call ends.
template <typename T>
class Converted {
 public:
  using C = compute_type<T>;
  const C* in(const Tensor& t) { return view(t, true); }
  C* out(const Tensor& t) {
    C* address = view(t, false);
    if (!direct) targets_.push_back({&t, address});
    return address;
  }
  ~Converted() {
    for (const auto& [tensor, from] : targets_)
      for (int64_t i = 0; i < tensor->size(); ++i) tensor->template data<T>()[i] = T(from[i]);
  }

 private:
  static constexpr bool direct = std::is_same_v<T, C>;
  C* view(const Tensor& t, bool reads) {
    if constexpr (direct) return t.data<C>();
    copies_.emplace_back(static_cast<size_t>(t.size()));
    if (reads) std::copy_n(t.data<T>(), t.size(), copies_.back().begin());
    return copies_.back().data();
  }
  std::vector<std::vector<C>> copies_;
  std::vector<std::pair<const Tensor*, C*>> targets_;
};

std::vector<int64_t> read_lengths(const Tensor& t, int64_t time) {
  std::vector<int64_t> result;
  dispatch(t.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t i = 0; i < t.size(); ++i) {
      const auto length = static_cast<int64_t>(static_cast<compute_type<T>>(t.data<T>()[i]));
      result.push_back(std::clamp<int64_t>(length, 0, time));
    }
  });
  return result;
}

// What no step computes.
bool is_empty(const RecurrentGeometry& g) { return g.steps() == 0; }

template <typename T>
void forward(const OpCall& c) {
  using C = compute_type<T>;
  const auto& p = c.params<P>();
  const RecurrentGeometry g = geometry(p, c.in[data].shape, c.training);
  if (is_empty(g)) {
    for (int i = 0; i < p.states(); ++i)
      std::memcpy(c.out[1 + i].address, c.in[state + i].address,
                  static_cast<size_t>(c.out[1 + i].bytes()));
    return;
  }
  Converted<T> arrays;
  std::vector<int64_t> lengths;
  kernels::RecurrentArrays<C> a;
  a.data = arrays.in(c.in[data]);
  a.parameters = arrays.in(c.in[parameters]);
  a.state = arrays.in(c.in[state]);
  if (p.is_lstm()) a.cell = arrays.in(c.in[cell]);
  if (p.use_sequence_length) {
    lengths = read_lengths(c.in[lengths_at(p)], g.time);
    a.lengths = lengths.data();
  }
  a.out = arrays.out(c.out[0]);
  if (p.states() > 0) a.last_state = arrays.out(c.out[1]);
  if (p.states() > 1) a.last_cell = arrays.out(c.out[2]);
  const Tensor& reserve = c.out[reserve_at(p)];
  a.reserve = reserve.size() > 0 ? reserve.data<C>() : reinterpret_cast<C*>(c.workspace);
  kernels::recurrent_forward(g, a, kernels::Philox(c.random.seed, c.random.offset));
}

int64_t forward_workspace(const OpCall& c) {
  if (c.training) return 0;
  return kernels::recurrent_reserve(geometry(c.params<P>(), c.in[data].shape, false)) *
         size_of(compute_dtype(c.in[data].dtype));
}

// The backward operator's inputs: the gradients of the visible outputs, the inputs, the output and
// the reserve.
std::vector<std::string> backward_inputs(const P& p) {
  std::vector<std::string> names = {"dy"};
  if (p.states() > 0) names.emplace_back("dstate");
  if (p.states() > 1) names.emplace_back("dcell");
  for (std::string& name : input_names(p)) names.push_back(std::move(name));
  names.emplace_back("out");
  names.emplace_back("reserve");
  return names;
}

std::vector<Entry> forward_gradient(const GradientContext& c) {
  const auto& p = c.params<P>();
  std::vector<Entry> inputs;
  for (int i = 0; i <= p.states(); ++i) inputs.push_back(c.dy(i));
  for (size_t i = 0; i < c.node.inputs.size(); ++i) inputs.push_back(c.in(static_cast<int>(i)));
  inputs.push_back(c.out(0));
  inputs.push_back(c.out(reserve_at(p)));
  const NodeRef node = c.make("_backward_RNN", inputs, c.node.parameters).node;
  std::vector<Entry> result;
  for (int i = 0; i < lengths_at(p); ++i) result.push_back({node, i, 0});
  result.resize(c.node.inputs.size());
  return result;
}

void backward_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  for (int i = 0; i < lengths_at(p); ++i) c.set_out(i, c.in[1 + p.states() + i]);
}
void backward_type(TypeContext& c) {
  const auto& p = c.params<P>();
  for (int i = 0; i < lengths_at(p); ++i) c.set_out(i, c.in[1 + p.states() + i]);
}

// The reserve of a forward pass in prediction is empty; it is computed again.
bool recomputes(const OpCall& c) { return c.in.back().size() == 0; }

int64_t backward_workspace(const OpCall& c) {
  const auto& p = c.params<P>();
  const RecurrentGeometry g = geometry(p, c.in[1 + p.states() + data].shape, !recomputes(c));
  const int64_t again = recomputes(c) ? kernels::recurrent_reserve(g) + g.steps() * g.output() : 0;
  return (kernels::recurrent_scratch(g) + again) * size_of(compute_dtype(c.out[0].dtype));
}

template <typename T>
void backward(const OpCall& c) {
  using C = compute_type<T>;
  const auto& p = c.params<P>();
  const int first = 1 + p.states();
  const RecurrentGeometry g = geometry(p, c.in[first + data].shape, !recomputes(c));
  if (is_empty(g)) {
    for (const Tensor& out : c.out) std::memset(out.address, 0, static_cast<size_t>(out.bytes()));
    for (int i = 0; i < p.states(); ++i)
      std::memcpy(c.out[state + i].address, c.in[1 + i].address,
                  static_cast<size_t>(c.out[state + i].bytes()));
    return;
  }
  Converted<T> arrays;
  std::vector<int64_t> lengths;
  kernels::RecurrentArrays<C> a;
  a.data = arrays.in(c.in[first + data]);
  a.parameters = arrays.in(c.in[first + parameters]);
  a.state = arrays.in(c.in[first + state]);
  if (p.is_lstm()) a.cell = arrays.in(c.in[first + cell]);
  if (p.use_sequence_length) {
    lengths = read_lengths(c.in[first + lengths_at(p)], g.time);
    a.lengths = lengths.data();
  }
  kernels::RecurrentGradients<C> to;
  to.scratch = reinterpret_cast<C*>(c.workspace);
  if (recomputes(c)) {
    a.reserve = to.scratch + kernels::recurrent_scratch(g);
    a.out = a.reserve + kernels::recurrent_reserve(g);
    kernels::recurrent_forward(g, a, kernels::Philox(0, 0));
  } else {
    a.reserve = c.in.back().data<C>();
    a.out = const_cast<C*>(arrays.in(c.in[c.in.size() - 2]));  // only read
  }
  to.dy = arrays.in(c.in[0]);
  if (p.states() > 0) to.dlast_state = arrays.in(c.in[1]);
  if (p.states() > 1) to.dlast_cell = arrays.in(c.in[2]);
  to.data = arrays.out(c.out[data]);
  to.parameters = arrays.out(c.out[parameters]);
  to.state = arrays.out(c.out[state]);
  if (p.is_lstm()) to.cell = arrays.out(c.out[cell]);
  kernels::recurrent_backward(g, a, to);
}

Sample sample(const std::string& mode, int layers, int directions, Attributes more = {}) {
  constexpr int64_t time = 3, batch = 2, input = 3, hidden = 4;
  const bool lstm = mode == "lstm";
  more["mode"] = mode;
  more["state_size"] = "4";
  more["num_layers"] = std::to_string(layers);
  more["bidirectional"] = directions == 2 ? "True" : "False";
  RecurrentGeometry g;
  g.mode = lstm ? RecurrentMode::lstm : mode == "gru" ? RecurrentMode::gru : RecurrentMode::tanh;
  g.input = input;
  g.hidden = hidden;
  g.projection = more.contains("projection_size") ? 2 : 0;
  g.layers = layers;
  g.directions = directions;
  const Shape state = {layers * directions, batch, g.state()};
  Sample result{.shapes = {{time, batch, input}, {g.parameter_count()}, state},
                .attributes = std::move(more)};
  if (lstm) result.shapes.push_back({layers * directions, batch, hidden});
  return result;
}

}  // namespace

GEMEL_OPERATORS(rnn) {
  OpBuilder builder = op<P>("RNN");
  builder
      .doc(
          "A stack of recurrent layers over `data` (time, batch, input). All weights and biases "
          "lie "
          "in the flat array `parameters`: first the weights of every layer and direction (input, "
          "hidden, projection), then their biases (input, hidden); gates in the order i f g o for "
          "lstm (Hochreiter and Schmidhuber 1997) and r z n for gru (Cho et al. 2014). `state` and "
          "`state_cell` are (layers * directions, batch, units). The output is (time, batch, "
          "directions * units); with `state_outputs` the last states follow. With "
          "use_sequence_length, outputs behind the end of a sequence are 0 and its last states are "
          "those at its end.")
      .inputs(&input_names)
      .outputs({"output", "state_output", "statecell_output"}, 1)
      .shape(forward_shape)
      .type(forward_type)
      .gradient(forward_gradient)
      .training_dependent()
      .random([](const OpCall& c) {
        const auto& p = c.params<P>();
        return static_cast<uint64_t>((geometry(p, c.in[data].shape, c.training).choices() + 3) / 4);
      })
      .implement({.name = "reference",
                  .kernel =
                      [](const OpCall& c) {
                        dispatch_floating(c.out[0].dtype, c.op.name(), [&](auto type) {
                          forward<typename decltype(type)::type>(c);
                        });
                      },
                  .workspace = forward_workspace,
                  .small = false})
      .sample(sample("rnn_relu", 1, 1))
      .sample(sample("rnn_tanh", 2, 2))
      .sample(sample("gru", 1, 2, {{"state_outputs", "True"}}))
      .sample(sample("gru", 2, 1))
      .sample(sample("lstm", 2, 2, {{"state_outputs", "True"}}))
      .sample(sample("lstm", 1, 1))
      .sample(sample("lstm", 2, 1, {{"projection_size", "2"}, {"state_outputs", "True"}}));
  OpInfo& info = builder.info();
  info.outputs = [](const Parameters& p) { return reserve_at(static_cast<const P&>(p)) + 1; };
  info.visible_outputs = [](const Parameters& p) { return reserve_at(static_cast<const P&>(p)); };
  info.file_outputs = info.visible_outputs;

  OpBuilder gradient = op<P>("_backward_RNN");
  gradient.doc("Gradient of RNN.")
      .inputs(&backward_inputs)
      .outputs<P>([](const P& p) { return lengths_at(p); })
      .shape(backward_shape)
      .type(backward_type)
      .implement({.name = "reference",
                  .kernel =
                      [](const OpCall& c) {
                        dispatch_floating(c.out[0].dtype, c.op.name(), [&](auto type) {
                          backward<typename decltype(type)::type>(c);
                        });
                      },
                  .workspace = backward_workspace,
                  .small = false});
}

}  // namespace gemel::rnn_op
