// SequenceMask, SequenceLast and SequenceReverse: batches of sequences of different length.
#include <cstring>

#include "kernels/parallel.h"
#include "op/registry.h"

namespace gemel::sequence_op {
namespace {

struct SequenceParameters : Parameters {
  bool use_sequence_length;
  int axis;
  static void declare(Fields<SequenceParameters>& f) {
    using P = SequenceParameters;
    f.field("use_sequence_length", &P::use_sequence_length)
        .fallback("0")
        .doc("Whether the input sequence_length gives the length of each sequence.");
    f.field("axis", &P::axis)
        .fallback("0")
        .doc("The axis of time, 0 or 1; the other is the batch.");
  }
};
struct SequenceMaskParameters : SequenceParameters {
  float value;
  static void declare(Fields<SequenceMaskParameters>& f) {
    using P = SequenceMaskParameters;
    f.field("use_sequence_length", static_cast<bool P::*>(&SequenceParameters::use_sequence_length))
        .fallback("0")
        .doc("Whether the input sequence_length gives the length of each sequence.");
    f.field("value", &P::value).fallback("0").doc("What elements behind the end become.");
    f.field("axis", static_cast<int P::*>(&SequenceParameters::axis))
        .fallback("0")
        .doc("The axis of time, 0 or 1; the other is the batch.");
  }
};
using P = SequenceParameters;

std::vector<std::string> input_names(const P& p) {
  if (p.use_sequence_length) return {"data", "sequence_length"};
  return {"data"};
}

// Data seen as (time, batch, rest) or (batch, time, rest), in bytes.
struct Sequences {
  int64_t time, batch, width;  // `width`: bytes of one step of one sequence
  bool time_first;
  const Tensor* lengths;
  Sequences(const P& p, const Tensor& data, const Tensor* given)
      : time(data.shape[p.axis]),
        batch(data.shape[1 - p.axis]),
        width(data.shape.size(2, data.shape.ndim()) * size_of(data.dtype)),
        time_first(p.axis == 0),
        lengths(given) {}
  int64_t offset(int64_t step, int64_t sequence) const {
    return (time_first ? step * batch + sequence : sequence * time + step) * width;
  }
  int64_t length(int64_t sequence) const {
    if (!lengths) return time;
    return dispatch(lengths->dtype, [&](auto type) {
      using T = typename decltype(type)::type;
      return static_cast<int64_t>(static_cast<compute_type<T>>(lengths->data<T>()[sequence]));
    });
  }
};
Sequences sequences(const OpCall& c, int lengths_at) {
  const auto& p = c.params<P>();
  return {p, c.in[0], p.use_sequence_length ? &c.in[lengths_at] : nullptr};
}

// Time and batch of the data; sets the shape of the lengths.
void check_data(ShapeContext& c, const Shape& data, size_t lengths) {
  const auto& p = c.params<P>();
  GEMEL_CHECK(p.axis == 0 || p.axis == 1, "[{}] expected axis 0 or 1, got {}", c.op.name(), p.axis);
  if (data.ndim() < 0) return;
  GEMEL_CHECK(data.ndim() >= 2, "[{}] expected data of at least 2 axes, got {}", c.op.name(), data);
  if (p.use_sequence_length) c.set_in(static_cast<int>(lengths), {data[1 - p.axis]});
}

void like_data(ShapeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  check_data(c, c.in[0], 1);
}

// The lengths may have a type of their own.
void data_type(TypeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  const auto& p = c.params<P>();
  if (p.use_sequence_length && c.in.back() == DType::none && c.in[0] != DType::none)
    c.set_in(static_cast<int>(c.in.size()) - 1, c.in[0]);
}

void mask(const OpCall& c) {
  const Sequences s = sequences(c, 1);
  if (c.out[0].address != c.in[0].address)
    std::memcpy(c.out[0].address, c.in[0].address, static_cast<size_t>(c.in[0].bytes()));
  if (!s.lengths || s.width == 0) return;
  dispatch(c.out[0].dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    const T value = static_cast<T>(c.params<SequenceMaskParameters>().value);
    for (int64_t n = 0; n < s.batch; ++n)
      for (int64_t t = std::max<int64_t>(s.length(n), 0); t < s.time; ++t) {
        T* step = reinterpret_cast<T*>(c.out[0].address + s.offset(t, n));
        std::fill_n(step, static_cast<size_t>(s.width) / sizeof(T), value);
      }
  });
}

int64_t last_step(const OpCall& c, const Sequences& s, int64_t n) {
  const int64_t length = s.length(n);
  GEMEL_CHECK(length >= 1 && length <= s.time,
              "[{}] expected lengths of 1 to {}, got {} for sequence {}", c.op.name(), s.time,
              length, n);
  return length - 1;
}

void last(const OpCall& c) {
  const Sequences s = sequences(c, 1);
  for (int64_t n = 0; n < s.batch; ++n)
    std::memcpy(c.out[0].address + n * s.width, c.in[0].address + s.offset(last_step(c, s, n), n),
                static_cast<size_t>(s.width));
}

// in: data (for its shape), dy[, lengths].
void last_backward(const OpCall& c) {
  const Sequences s = sequences(c, 2);
  std::memset(c.out[0].address, 0, static_cast<size_t>(c.out[0].bytes()));
  for (int64_t n = 0; n < s.batch; ++n)
    std::memcpy(c.out[0].address + s.offset(last_step(c, s, n), n), c.in[1].address + n * s.width,
                static_cast<size_t>(s.width));
}

void last_shape(ShapeContext& c) {
  const auto& p = c.params<P>();
  check_data(c, c.in[0], 1);
  const Shape& data = c.in[0];
  if (data.ndim() < 0) return;
  Shape out = {data[1 - p.axis]};
  for (int i = 2; i < data.ndim(); ++i) out.push_back(data[i]);
  c.set_out(0, out);
}

void reverse(const OpCall& c) {
  const Sequences s = sequences(c, 1);
  for (int64_t n = 0; n < s.batch; ++n)
    GEMEL_CHECK(s.length(n) <= s.time,
                "[{}] expected lengths of at most {}, got {} for sequence {}", c.op.name(), s.time,
                s.length(n), n);
  kernels::parallel_for(s.time, s.batch * s.width, [&](int64_t t) {
    for (int64_t n = 0; n < s.batch; ++n) {
      const int64_t length = s.length(n);
      std::memcpy(c.out[0].address + s.offset(t, n),
                  c.in[0].address + s.offset(t < length ? length - 1 - t : t, n),
                  static_cast<size_t>(s.width));
    }
  });
}

// `value` first, then the lengths that the node has at `lengths`.
std::vector<Entry> with_lengths(const GradientContext& c, std::vector<Entry> values, int lengths) {
  if (c.params<P>().use_sequence_length) values.push_back(c.in(lengths));
  return values;
}
std::vector<Entry> padded(const GradientContext& c, std::vector<Entry> gradients) {
  gradients.resize(c.node.inputs.size());
  return gradients;
}

std::vector<Entry> mask_gradient(const GradientContext& c) {
  auto p = std::make_shared<SequenceMaskParameters>(c.params<SequenceMaskParameters>());
  p->value = 0;
  return padded(c, {c.make("SequenceMask", with_lengths(c, {c.dy()}, 1), p)});
}
std::vector<Entry> last_gradient(const GradientContext& c) {
  return padded(c, {c.make("_backward_SequenceLast", with_lengths(c, {c.in(0), c.dy()}, 1),
                           c.node.parameters)});
}
std::vector<Entry> last_second_gradient(const GradientContext& c) {
  return padded(c,
                {Entry{}, c.make("SequenceLast", with_lengths(c, {c.dy()}, 2), c.node.parameters)});
}
std::vector<Entry> reverse_gradient(const GradientContext& c) {
  return padded(c, {c.make("SequenceReverse", with_lengths(c, {c.dy()}, 1), c.node.parameters)});
}

}  // namespace

GEMEL_OPERATORS(sequence) {
  const std::vector<std::pair<double, double>> lengths = {{-1, 1}, {1, 4}};
  op<SequenceMaskParameters>("SequenceMask")
      .doc(
          "Sets the elements behind the end of each sequence to `value`. `data` is (time, batch, "
          "...), or (batch, time, ...) with axis 1; `sequence_length` holds one length for each of "
          "the batch. Without use_sequence_length, data is passed on.")
      .inputs<P>(&input_names)
      .shape(like_data)
      .type(data_type)
      .gradient(mask_gradient)
      .implement("reference", mask)
      .inplace({{0, 0}})
      .sample({.shapes = {{4, 3, 2}}})
      .sample({.shapes = {{4, 3, 2}, {3}},
               .attributes = {{"use_sequence_length", "True"}, {"value", "-2"}},
               .ranges = lengths})
      .sample({.shapes = {{3, 4}, {3}},
               .attributes = {{"use_sequence_length", "True"}, {"axis", "1"}},
               .ranges = lengths});

  op<P>("SequenceLast")
      .doc(
          "The last step of each sequence of `data` (time, batch, ...), or (batch, time, ...) with "
          "axis 1: the one at `sequence_length` - 1 with use_sequence_length, else the last of "
          "all. "
          "A length outside 1...time is an error.")
      .inputs<P>(&input_names)
      .shape(last_shape)
      .type(data_type)
      .gradient(last_gradient)
      .implement("reference", last)
      .sample({.shapes = {{4, 3, 2}, {3}},
               .attributes = {{"use_sequence_length", "True"}},
               .ranges = lengths})
      .sample({.shapes = {{3, 4, 2}, {3}},
               .attributes = {{"use_sequence_length", "True"}, {"axis", "1"}},
               .ranges = lengths});

  op<P>("_backward_SequenceLast")
      .doc("Gradient of SequenceLast.")
      .inputs<P>([](const P& p) -> std::vector<std::string> {
        if (p.use_sequence_length) return {"data", "dy", "sequence_length"};
        return {"data", "dy"};
      })
      .shape_only({0})
      .shape([](ShapeContext& c) { c.set_out(0, c.in[0]); })
      .type([](TypeContext& c) { c.set_out(0, c.in[0]); })
      .gradient(last_second_gradient)
      .implement("reference", last_backward);

  op<P>("SequenceReverse")
      .doc(
          "Reverses the first `sequence_length` steps of each sequence of `data` (time, batch, "
          "...), or all of them without use_sequence_length. `axis` must be 0.")
      .inputs<P>(&input_names)
      .shape([](ShapeContext& c) {
        GEMEL_CHECK(c.params<P>().axis == 0, "[{}] expected axis 0, got {}", c.op.name(),
                    c.params<P>().axis);
        like_data(c);
      })
      .type(data_type)
      .gradient(reverse_gradient)
      .implement("reference", reverse)
      .sample({.shapes = {{4, 3, 2}}})
      .sample({.shapes = {{4, 3, 2}, {3}},
               .attributes = {{"use_sequence_length", "True"}},
               .ranges = lengths});
}

}  // namespace gemel::sequence_op
