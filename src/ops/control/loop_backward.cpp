#include "array/ndarray.h"
#include "ops/control/loop.h"

namespace gemel::control {
namespace {

// Two places for one value: each step reads the one and writes the other.
struct Alternating {
  NDArray arrays[2];
  int current = 0;
  Alternating(const Shape& shape, DType dtype, Device device)
      : arrays{NDArray(shape, dtype, device), NDArray(shape, dtype, device)} {}
  Tensor now() const { return arrays[current].tensor(); }
  Tensor next() const { return arrays[1 - current].tensor(); }
  void step() { current = 1 - current; }
};

enum class Role : char { data, state, constant, written };

std::vector<Role> roles_of(const Loop& loop) {
  std::vector<Role> roles(loop.body.input_count(), Role::constant);
  for (size_t i = 0; i < roles.size(); ++i)
    if (loop.body.auxiliary[i]) roles[i] = Role::written;
  for (int i : loop.data_inside) roles[static_cast<size_t>(i)] = Role::data;
  for (int i : loop.states_inside) roles[static_cast<size_t>(i)] = Role::state;
  return roles;
}

}  // namespace

// Inputs: head gradients of the visible outputs, the loop's inputs, its states, its record.
void loop_backward(const OpCall& call) {
  const Loop& loop = call.params<Loop>();
  const auto visible = static_cast<size_t>(loop.num_outputs);
  const auto out_data = static_cast<size_t>(loop.num_out_data);
  const size_t states = loop.states.size();
  const auto heads = call.in.first(visible);
  const auto in = call.in.subspan(visible, call.out.size());
  const auto history = call.in.subspan(visible + in.size(), states);
  const auto* record = call.in.back().data<int64_t>();
  const int64_t iterations = record[0];
  const auto seed = static_cast<uint64_t>(record[1]), offset = static_cast<uint64_t>(record[2]);
  for (const Tensor& gradient : call.out) clear(gradient);

  // Gradients of the states flow from iteration to iteration, those of constants add up.
  const std::vector<Role> roles = roles_of(loop);
  std::vector<std::unique_ptr<Alternating>> carried(roles.size());
  for (size_t i = 0; i < roles.size(); ++i) {
    if (roles[i] != Role::state && roles[i] != Role::constant) continue;
    const Tensor& like = in[static_cast<size_t>(loop.body.outer[i])];
    carried[i] = std::make_unique<Alternating>(like.shape, like.dtype, like.device);
    clear(carried[i]->now());
  }
  std::vector<Alternating*> state(states);
  for (size_t k = 0; k < states; ++k) {
    state[k] = carried[static_cast<size_t>(loop.states_inside[k])].get();
    copy_bytes(heads[out_data + k], state[k]->now());
  }

  std::vector<Tensor> inner = inner_values<Tensor>(loop.body, in);
  uint64_t condition_draws = 0, body_draws = 0;
  for (int64_t t = iterations; t-- > 0;) {
    for (size_t i = 0; i < roles.size(); ++i)
      if (roles[i] == Role::data) inner[i] = row(in[static_cast<size_t>(loop.body.outer[i])], t);
    for (size_t k = 0; k < states; ++k)
      inner[static_cast<size_t>(loop.states_inside[k])] = row(history[k], t);
    if (t + 1 == iterations) {
      body_draws = loop.body.runner->random_count(inner, call.training);
      if (loop.condition.graph) {
        auto tested = inner_values<Tensor>(loop.condition, in);
        condition_draws = loop.condition.runner->random_count(tested, call.training);
      }
    }
    std::vector<Tensor> head, gradient(roles.size()), previous(roles.size());
    for (size_t i = 0; i < out_data; ++i) head.push_back(row(heads[i], t));
    for (size_t k = 0; k < states; ++k) head.push_back(state[k]->now());
    for (size_t i = 0; i < roles.size(); ++i) {
      if (roles[i] == Role::data)
        gradient[i] = row(call.out[static_cast<size_t>(loop.body.outer[i])], t);
      if (!carried[i]) continue;
      gradient[i] = carried[i]->next();
      if (roles[i] == Role::constant) previous[i] = carried[i]->now();
    }
    const uint64_t drawn = static_cast<uint64_t>(t) * (condition_draws + body_draws);
    loop.body.runner->backward(inner, head, gradient, previous, call.training,
                               {seed, offset + drawn + condition_draws});
    for (auto& value : carried)
      if (value) value->step();
  }
  for (size_t i = 0; i < roles.size(); ++i)
    if (carried[i])
      copy_bytes(carried[i]->now(), call.out[static_cast<size_t>(loop.body.outer[i])]);
}

std::vector<Entry> loop_gradient(const GradientContext& c, const char* backward) {
  const Loop& loop = c.params<Loop>();
  std::vector<Entry> inputs;
  for (int i = 0; i < loop.num_outputs; ++i) inputs.push_back(c.dy(i));
  inputs.insert(inputs.end(), c.node.inputs.begin(), c.node.inputs.end());
  for (int i = loop.num_outputs; i < c.node.output_count(); ++i) inputs.push_back(c.out(i));
  const NodeRef node = make_node(require_op(backward), c.node.name + "_backward", std::move(inputs),
                                 c.node.parameters);
  node->subgraphs = c.node.subgraphs;
  std::vector<Entry> gradients;
  for (size_t i = 0; i < c.node.inputs.size(); ++i)
    gradients.push_back(Entry{node, static_cast<int>(i), 0});
  return gradients;
}

void declare_loop(OpBuilder& forward, OpBuilder& backward, const char* backward_name,
                  int subgraphs) {
  OpInfo& info = forward.info();
  info.hidden = true;  // made with graphs, not called: no generated test can feed it
  const auto of = [](const Parameters& p) -> const Loop& { return static_cast<const Loop&>(p); };
  const auto names = [of, subgraphs](const Parameters& p) {
    return numbered("arg", of(p).input_count(subgraphs));
  };
  info.inputs = names;
  info.outputs = [of](const Parameters& p) { return of(p).num_outputs + of(p).state_count() + 1; };
  info.visible_outputs =
      info.file_outputs = [of](const Parameters& p) { return of(p).num_outputs; };
  info.output_rule = [of](const Parameters& p) { return output_names(of(p).num_outputs); };
  info.mutates_rule = [of](const Parameters& p) -> const std::vector<int>& {
    return of(p).written;
  };
  info.training_dependent = true;
  forward.shape(loop_shape)
      .type(loop_type)
      .random(loop_random_count)
      .gradient(
          [backward_name](const GradientContext& c) { return loop_gradient(c, backward_name); });
  Implementation run;
  run.name = "reference";
  run.kernel = loop_forward;
  run.small = false;
  forward.implement(run);

  OpInfo& back = backward.info();
  back.inputs = [of, subgraphs](const Parameters& p) {
    const Loop& loop = of(p);
    return numbered("arg", loop.num_outputs + loop.input_count(subgraphs) + loop.state_count() + 1);
  };
  back.outputs = [of, subgraphs](const Parameters& p) { return of(p).input_count(subgraphs); };
  back.mutates_rule = [of](const Parameters& p) -> const std::vector<int>& {
    return of(p).written_backward;
  };
  back.training_dependent = true;
  const auto first = [](const auto& c) {
    return static_cast<size_t>(c.template params<Loop>().num_outputs);
  };
  backward
      .shape([first](ShapeContext& c) {
        for (size_t i = 0; i < c.out.size(); ++i)
          c.set_out(static_cast<int>(i), c.in[first(c) + i]);
      })
      .type([first](TypeContext& c) {
        for (size_t i = 0; i < c.out.size(); ++i)
          c.set_out(static_cast<int>(i), c.in[first(c) + i]);
      });
  run.kernel = loop_backward;
  backward.implement(run);
}

}  // namespace gemel::control
