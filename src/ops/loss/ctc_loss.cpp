// CTCLoss: connectionist temporal classification (Graves et al. 2006).
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/softmax/softmax.h"
#include "op/registry.h"
#include "ops/floating_type.h"

namespace gemel::ctc_loss_op {
namespace {

enum class Blank { first, last };

struct CTCLossParameters : Parameters {
  bool use_data_lengths, use_label_lengths;
  Blank blank_label;
  static void declare(Fields<CTCLossParameters>& f) {
    using P = CTCLossParameters;
    f.field("use_data_lengths", &P::use_data_lengths)
        .fallback("0")
        .doc("Whether the input data_lengths gives the steps of each sequence.");
    f.field("use_label_lengths", &P::use_label_lengths)
        .fallback("0")
        .doc(
            "Whether the input label_lengths gives the length of each label; otherwise a label "
            "ends at the first padding.");
    f.choice("blank_label", &P::blank_label, {{"first", Blank::first}, {"last", Blank::last}})
        .fallback("first")
        .doc("Which class is the blank. 'first': labels are padded with 0; 'last': with -1.");
  }
};
using P = CTCLossParameters;

std::vector<std::string> input_names(const P& p) {
  std::vector<std::string> names = {"data", "label"};
  if (p.use_data_lengths) names.emplace_back("data_lengths");
  if (p.use_label_lengths) names.emplace_back("label_lengths");
  return names;
}

void check_inputs(ShapeContext& c, int first) {
  const Shape &data = c.in[first], &label = c.in[first + 1];
  GEMEL_CHECK(data.ndim() < 0 || data.ndim() == 3,
              "[{}] expected data of 3 axes (time, batch, class), got {}", c.op.name(), data);
  GEMEL_CHECK(label.ndim() < 0 || label.ndim() == 2,
              "[{}] expected a label of 2 axes (batch, length), got {}", c.op.name(), label);
  if (data.ndim() < 0) return;
  GEMEL_CHECK(data[0] < 0 || label.ndim() < 0 || label[1] < 0 || label[1] <= data[0],
              "[{}] expected labels no longer than the {} steps of data, got label {}", c.op.name(),
              data[0], label);
  if (label.ndim() == 2) c.set_in(first + 1, {data[1], -1});
  for (size_t i = static_cast<size_t>(first) + 2; i < c.in.size(); ++i)
    c.set_in(static_cast<int>(i), {data[1]});
}

int64_t number_at(const Tensor& t, int64_t i) {
  return dispatch(t.dtype, [&](auto type) {
    using T = typename decltype(type)::type;
    return static_cast<int64_t>(static_cast<compute_type<T>>(t.data<T>()[i]));
  });
}

constexpr double impossible = -std::numeric_limits<double>::infinity();
double log_add(double a, double b) {
  const double large = std::max(a, b);
  return large == impossible ? impossible
                             : large + std::log(std::exp(a - large) + std::exp(b - large));
}

// One sequence: log probabilities of the classes at each step, and the label with blanks between.
struct Sequence {
  int64_t steps, classes;
  std::vector<double> logs;      // (steps, classes)
  std::vector<int64_t> symbols;  // blank, l0, blank, l1, ..., blank
  double at(int64_t t, int64_t s) const { return logs[t * classes + symbols[s]]; }
  bool skips(int64_t s) const {
    return s >= 2 && symbols[s] != symbols[0] && symbols[s] != symbols[s - 2];
  }

  // forward[t][s]: log probability of all that ends with symbol s at step t.
  std::vector<double> forward() const {
    const int64_t n = static_cast<int64_t>(symbols.size());
    std::vector<double> a(static_cast<size_t>(steps * n), impossible);
    for (int64_t t = 0; t < steps; ++t)
      for (int64_t s = 0; s < n; ++s) {
        double sum = t == 0 ? (s < 2 ? 0 : impossible) : a[(t - 1) * n + s];
        if (t > 0 && s > 0) sum = log_add(sum, a[(t - 1) * n + s - 1]);
        if (t > 0 && skips(s)) sum = log_add(sum, a[(t - 1) * n + s - 2]);
        a[t * n + s] = sum + at(t, s);
      }
    return a;
  }
  // backward[t][s]: log probability of all that follows symbol s at step t.
  std::vector<double> backward() const {
    const int64_t n = static_cast<int64_t>(symbols.size());
    std::vector<double> b(static_cast<size_t>(steps * n), impossible);
    for (int64_t t = steps; t-- > 0;)
      for (int64_t s = 0; s < n; ++s) {
        double& sum = b[t * n + s];
        if (t + 1 == steps) {
          sum = s + 2 >= n ? 0 : impossible;
          continue;
        }
        const double* next = &b[(t + 1) * n];
        sum = next[s] + at(t + 1, s);
        if (s + 1 < n) sum = log_add(sum, next[s + 1] + at(t + 1, s + 1));
        if (s + 2 < n && skips(s + 2)) sum = log_add(sum, next[s + 2] + at(t + 1, s + 2));
      }
    return b;
  }
  double log_likelihood(const std::vector<double>& a) const {
    const int64_t n = static_cast<int64_t>(symbols.size());
    if (steps == 0) return n == 1 ? 0 : impossible;
    const double* last = &a[(steps - 1) * n];
    return n > 1 ? log_add(last[n - 1], last[n - 2]) : last[n - 1];
  }
};

template <typename T>
Sequence sequence(const OpCall& c, int first, int64_t n) {
  const auto& p = c.params<P>();
  const Tensor &data = c.in[first], &label = c.in[first + 1];
  const int64_t batch = data.shape[1], width = label.shape[1];
  Sequence s;
  s.steps = p.use_data_lengths
                ? std::clamp<int64_t>(number_at(c.in[first + 2], n), 0, data.shape[0])
                : data.shape[0];
  s.classes = data.shape[2];
  const bool blank_first = p.blank_label == Blank::first;
  const int64_t blank = blank_first ? 0 : s.classes - 1, padding = blank_first ? 0 : -1;
  int64_t length = width;
  if (p.use_label_lengths)
    length = std::clamp<int64_t>(number_at(c.in[c.in.size() - 1], n), 0, width);
  else
    for (int64_t i = width; i-- > 0;)
      if (number_at(label, n * width + i) == padding) length = i;
  s.symbols = {blank};
  for (int64_t i = 0; i < length; ++i) {
    const int64_t symbol = number_at(label, n * width + i);
    GEMEL_CHECK(symbol >= 0 && symbol < s.classes,
                "[CTCLoss] expected labels of 0 to {}, got {} for sequence {}", s.classes - 1,
                symbol, n);
    s.symbols.push_back(symbol);
    s.symbols.push_back(blank);
  }
  for (int64_t t = 0; t < s.steps; ++t) {
    const T* x = data.data<T>() + (t * batch + n) * s.classes;
    double largest = impossible, sum = 0;
    for (int64_t k = 0; k < s.classes; ++k)
      largest = std::max(largest, static_cast<double>(static_cast<compute_type<T>>(x[k])));
    for (int64_t k = 0; k < s.classes; ++k)
      sum += std::exp(static_cast<double>(static_cast<compute_type<T>>(x[k])) - largest);
    for (int64_t k = 0; k < s.classes; ++k)
      s.logs.push_back(static_cast<double>(static_cast<compute_type<T>>(x[k])) - largest -
                       std::log(sum));
  }
  return s;
}

template <typename T>
void forward(const OpCall& c) {
  for (int64_t n = 0; n < c.out[0].size(); ++n) {
    const Sequence s = sequence<T>(c, 0, n);
    c.out[0].data<T>()[n] =
        static_cast<T>(static_cast<compute_type<T>>(-s.log_likelihood(s.forward())));
  }
}

// in: dy, data, label, ... The gradient of step t and class k is its probability minus the share of
// the paths that pass k there.
template <typename T>
void backward(const OpCall& c) {
  const Tensor& dx = c.out[0];
  std::memset(dx.address, 0, static_cast<size_t>(dx.bytes()));
  for (int64_t n = 0; n < dx.shape[1]; ++n) {
    const Sequence s = sequence<T>(c, 1, n);
    const std::vector<double> a = s.forward(), b = s.backward();
    const double total = s.log_likelihood(a);
    const double head = static_cast<double>(static_cast<compute_type<T>>(c.in[0].data<T>()[n]));
    const int64_t count = static_cast<int64_t>(s.symbols.size());
    std::vector<double> share(static_cast<size_t>(s.classes));
    for (int64_t t = 0; t < s.steps; ++t) {
      std::fill(share.begin(), share.end(), 0.0);
      for (int64_t i = 0; i < count && total != impossible; ++i)
        share[s.symbols[i]] += std::exp(a[t * count + i] + b[t * count + i] - total);
      T* to = dx.data<T>() + (t * dx.shape[1] + n) * s.classes;
      for (int64_t k = 0; k < s.classes; ++k) {
        const double value = head * (std::exp(s.logs[t * s.classes + k]) - share[k]);
        to[k] = static_cast<T>(static_cast<compute_type<T>>(value));
      }
    }
  }
}

void data_type(TypeContext& c) {
  c.set_out(0, c.in[0]);
  c.set_in(0, c.out[0]);
  GEMEL_CHECK(c.in[0] == DType::none || is_floating(c.in[0]),
              "[{}] expected a floating-point dtype, got {}", c.op.name(), name_of(c.in[0]));
  for (size_t i = 1; i < c.in.size(); ++i)
    if (c.in[i] == DType::none) c.set_in(static_cast<int>(i), c.in[0]);
}

}  // namespace

GEMEL_OPERATORS(ctc_loss) {
  op<P>("CTCLoss")
      .alias({"ctc_loss", "_contrib_CTCLoss", "_contrib_ctc_loss"})
      .doc(
          "Minus the logarithm of the probability that the softmax of `data` (time, batch, class) "
          "gives to each row of `label` (batch, length), summed over all alignments (Graves et al. "
          "2006). The result is (batch,).")
      .inputs(&input_names)
      .outputs(1, 1)
      .file_outputs(2)
      .shape([](ShapeContext& c) {
        check_inputs(c, 0);
        if (c.in[0].ndim() == 3) c.set_out(0, {c.in[0][1]});
      })
      .type(data_type)
      .gradient([](const GradientContext& c) {
        std::vector<Entry> inputs = {c.dy()};
        for (const Entry& in : c.node.inputs) inputs.push_back(in);
        std::vector<Entry> result = {c.make("_backward_CTCLoss", inputs, c.node.parameters)};
        result.resize(c.node.inputs.size());
        return result;
      })
      .implement("reference",
                 [](const OpCall& c) {
                   dispatch_floating(c.in[0].dtype, c.op.name(),
                                     [&](auto type) { forward<typename decltype(type)::type>(c); });
                 })
      .sample({.shapes = {{6, 2, 4}, {2, 2}}, .ranges = {{-2, 2}, {1, 1}}})
      .sample({.shapes = {{6, 2, 4}, {2, 2}},
               .attributes = {{"blank_label", "last"}},
               .ranges = {{-2, 2}, {2, 2}}})
      .sample({.shapes = {{6, 2, 4}, {2, 3}, {2}, {2}},
               .attributes = {{"use_data_lengths", "True"}, {"use_label_lengths", "True"}},
               .ranges = {{-2, 2}, {3, 3}, {5, 5}, {2, 2}}});
  op<P>("_backward_CTCLoss")
      .doc("Gradient of CTCLoss with respect to data.")
      .inputs<P>([](const P& p) {
        std::vector<std::string> names = {"dy"};
        for (std::string& name : input_names(p)) names.push_back(std::move(name));
        return names;
      })
      .shape([](ShapeContext& c) { c.set_out(0, c.in[1]); })
      .type([](TypeContext& c) { c.set_out(0, c.in[1]); })
      .implement("reference", [](const OpCall& c) {
        dispatch_floating(c.out[0].dtype, c.op.name(),
                          [&](auto type) { backward<typename decltype(type)::type>(c); });
      });
}

}  // namespace gemel::ctc_loss_op
