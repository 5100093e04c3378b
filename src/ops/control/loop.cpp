#include "ops/control/loop.h"

namespace gemel::control {
namespace {

constexpr int64_t record_size = 3;

const Loop& loop_of(const OpCall& call) { return call.params<Loop>(); }

int64_t rows_of(const Loop& loop, const Shape& first_data) {
  if (loop.max_iterations >= 0) return loop.max_iterations;
  return first_data.ndim() > 0 ? first_data[0] : -1;
}

// Shape or type of the body's inputs from those of the node's: data lose their first axis.
std::vector<Shape> inside(const Loop& loop, std::span<const Shape> outer) {
  auto inner = inner_values<Shape>(loop.body, outer);
  for (int i : loop.data_inside)
    inner[static_cast<size_t>(i)] = without_rows(inner[static_cast<size_t>(i)]);
  return inner;
}

// The tensors that the body sees in one iteration.
std::vector<Tensor> iteration_inputs(const Loop& loop, std::span<const Tensor> in,
                                     std::span<const Tensor> history, int64_t t) {
  auto inner = inner_values<Tensor>(loop.body, in);
  for (int i : loop.data_inside)
    inner[static_cast<size_t>(i)] = row(inner[static_cast<size_t>(i)], t);
  for (size_t k = 0; k < loop.states_inside.size(); ++k)
    inner[static_cast<size_t>(loop.states_inside[k])] = row(history[k], t);
  return inner;
}

std::vector<Tensor> condition_inputs(const Loop& loop, std::span<const Tensor> in,
                                     std::span<const Tensor> history, int64_t t) {
  auto inner = inner_values<Tensor>(loop.condition, in);
  for (size_t i = 0; i < inner.size(); ++i)
    if (const int state = loop.condition_state[i]; state >= 0)
      inner[i] = row(history[static_cast<size_t>(state)], t);
  return inner;
}

// Random numbers of one iteration: the condition's, then the body's.
struct Draws {
  uint64_t condition = 0, body = 0;
  uint64_t total() const { return condition + body; }
};

Draws draws_of(const Loop& loop, std::span<const Tensor> in, std::span<const Tensor> history,
               bool training) {
  Draws draws;
  draws.body = loop.body.runner->random_count(iteration_inputs(loop, in, history, 0), training);
  if (loop.condition.graph)
    draws.condition =
        loop.condition.runner->random_count(condition_inputs(loop, in, history, 0), training);
  return draws;
}

}  // namespace

void finish_loop(const char* who, Loop& loop) {
  GEMEL_CHECK(loop.num_out_data >= 0 && loop.num_out_data <= loop.num_outputs,
              "[{}] num_out_data: expected at most num_outputs ({}), got {}", who, loop.num_outputs,
              loop.num_out_data);
  GEMEL_CHECK(loop.body.output_count() == static_cast<size_t>(loop.num_outputs),
              "[{}] expected the body to have {} outputs, got {}", who, loop.num_outputs,
              loop.body.output_count());
  GEMEL_CHECK(loop.states.size() == static_cast<size_t>(loop.state_count()),
              "[{}] expected {} states, got {}", who, loop.state_count(), loop.states.size());
  GEMEL_CHECK(loop.max_iterations >= 0 || !loop.data.empty(), "[{}] there are no data to loop over",
              who);
  loop.written = written_inputs({&loop.body}, 0);
  loop.written_backward = written_inputs({&loop.body}, loop.num_outputs);
}

void loop_shape(ShapeContext& c) {
  const Loop& loop = c.params<Loop>();
  const auto out_data = static_cast<size_t>(loop.num_out_data);
  const size_t states = loop.states.size();
  std::vector<Shape> in = inside(loop, c.in), out(loop.body.output_count(), Shape::unknown());
  int64_t rows =
      rows_of(loop, loop.data.empty() ? Shape() : c.in[static_cast<size_t>(loop.data[0])]);
  for (size_t i = 0; i < out_data; ++i) out[i] = without_rows(c.out[i]);
  // A state has one shape in all iterations: what is learned about one end holds for the other.
  for (int pass = 0; pass < 2; ++pass) {
    for (size_t k = 0; k < states; ++k) {
      const int outer = loop.states[k];
      c.set_in(outer, c.out[out_data + k]);
      c.set_in(outer, out[out_data + k]);
      in[static_cast<size_t>(loop.states_inside[k])] = c.in[static_cast<size_t>(outer)];
      out[out_data + k] = c.in[static_cast<size_t>(outer)];
    }
    loop.body.runner->infer_shapes(in, out, c.training);
  }
  for (size_t i = 0; i < in.size(); ++i) {
    const int outer = loop.body.outer[i];
    const bool is_data = std::find(loop.data_inside.begin(), loop.data_inside.end(),
                                   static_cast<int>(i)) != loop.data_inside.end();
    if (!is_data)
      c.set_in(outer, in[i]);
    else if (c.in[static_cast<size_t>(outer)].ndim() != 1)
      c.set_in(outer, with_rows(rows, in[i]));
  }
  for (size_t i = 0; i < out_data; ++i) c.set_out(static_cast<int>(i), with_rows(rows, out[i]));
  const size_t hidden = static_cast<size_t>(loop.num_outputs);
  for (size_t k = 0; k < states; ++k) {
    const Shape& state = c.in[static_cast<size_t>(loop.states[k])];
    c.set_out(static_cast<int>(out_data + k), state);
    c.set_out(static_cast<int>(hidden + k), with_rows(rows < 0 ? -1 : rows + 1, state));
  }
  c.set_out(static_cast<int>(hidden + states), Shape{record_size});
  if (!loop.condition.graph) return;
  std::vector<Shape> tested = inner_values<Shape>(loop.condition, c.in), verdict{Shape::unknown()};
  loop.condition.runner->infer_shapes(tested, verdict, c.training);
  for (size_t i = 0; i < tested.size(); ++i) c.set_in(loop.condition.outer[i], tested[i]);
}

void loop_type(TypeContext& c) {
  const Loop& loop = c.params<Loop>();
  const auto out_data = static_cast<size_t>(loop.num_out_data);
  const size_t states = loop.states.size();
  std::vector<DType> in = inner_values<DType>(loop.body, c.in);
  std::vector<DType> out(c.out.begin(), c.out.begin() + loop.num_outputs);
  for (int pass = 0; pass < 2; ++pass) {
    for (size_t k = 0; k < states; ++k) {
      const int outer = loop.states[k];
      c.set_in(outer, out[out_data + k]);
      in[static_cast<size_t>(loop.states_inside[k])] = c.in[static_cast<size_t>(outer)];
      out[out_data + k] = c.in[static_cast<size_t>(outer)];
    }
    loop.body.runner->infer_types(in, out);
  }
  for (size_t i = 0; i < in.size(); ++i) c.set_in(loop.body.outer[i], in[i]);
  for (size_t i = 0; i < out.size(); ++i) c.set_out(static_cast<int>(i), out[i]);
  const size_t hidden = static_cast<size_t>(loop.num_outputs);
  for (size_t k = 0; k < states; ++k)
    c.set_out(static_cast<int>(hidden + k), c.in[static_cast<size_t>(loop.states[k])]);
  c.set_out(static_cast<int>(hidden + states), DType::int64);
  if (!loop.condition.graph) return;
  std::vector<DType> tested = inner_values<DType>(loop.condition, c.in), verdict{DType::none};
  loop.condition.runner->infer_types(tested, verdict);
  for (size_t i = 0; i < tested.size(); ++i) c.set_in(loop.condition.outer[i], tested[i]);
}

uint64_t loop_random_count(const OpCall& call) {
  const Loop& loop = loop_of(call);
  const auto history = call.out.subspan(static_cast<size_t>(loop.num_outputs));
  const int64_t rows =
      rows_of(loop, loop.data.empty() ? Shape() : call.in[static_cast<size_t>(loop.data[0])].shape);
  return static_cast<uint64_t>(rows) * draws_of(loop, call.in, history, call.training).total();
}

void loop_forward(const OpCall& call) {
  const Loop& loop = loop_of(call);
  const auto out_data = static_cast<size_t>(loop.num_out_data);
  const size_t states = loop.states.size();
  const auto history = call.out.subspan(static_cast<size_t>(loop.num_outputs), states);
  const int64_t limit =
      rows_of(loop, loop.data.empty() ? Shape() : call.in[static_cast<size_t>(loop.data[0])].shape);
  const Draws draws = draws_of(loop, call.in, history, call.training);
  for (size_t k = 0; k < states; ++k)
    copy_bytes(call.in[static_cast<size_t>(loop.states[k])], row(history[k], 0));

  int64_t t = 0;
  RandomStream stream = call.random;
  for (; t < limit; ++t, stream.offset += draws.total()) {
    if (loop.condition.graph &&
        !holds(loop.condition, condition_inputs(loop, call.in, history, t), call.training, stream))
      break;
    std::vector<Tensor> out;
    for (size_t i = 0; i < out_data; ++i) out.push_back(row(call.out[i], t));
    for (size_t k = 0; k < states; ++k) out.push_back(row(history[k], t + 1));
    loop.body.runner->forward(iteration_inputs(loop, call.in, history, t), out, call.training,
                              {stream.seed, stream.offset + draws.condition});
  }
  for (size_t k = 0; k < states; ++k) copy_bytes(row(history[k], t), call.out[out_data + k]);
  for (size_t i = 0; i < out_data; ++i)
    for (int64_t rest = t; rest < limit; ++rest) clear(row(call.out[i], rest));
  auto* record = call.out.back().data<int64_t>();
  record[0] = t;
  record[1] = static_cast<int64_t>(call.random.seed);
  record[2] = static_cast<int64_t>(call.random.offset);
}

}  // namespace gemel::control
