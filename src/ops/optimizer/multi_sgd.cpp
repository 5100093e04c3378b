// SGD on many weights in one call; learning rates and decays come as parameters, or ("preloaded")
// as arrays that earlier operators may have computed.
#include "ops/optimizer/formulas.h"

namespace gemel {

namespace {

struct MultiParameters : UpdateParameters {
  std::vector<double> lrs, wds;
  float momentum = 0;

  static void declare_all(UpdateFields<MultiParameters> fields, bool preloaded, bool momentum) {
    if (!preloaded)
      fields.list("lrs", &MultiParameters::lrs, "Learning rate of each weight.")
          .list("wds", &MultiParameters::wds, "Weight decay of each weight.");
    if (momentum)
      fields.number("momentum", &MultiParameters::momentum, "0",
                    "How much of the last step is kept.");
    fields.rescale().clip().count();
  }
};

// One type for each signature.
template <bool preloaded, bool with_momentum>
struct Declared : MultiParameters {
  static void declare(Fields<Declared>& f) {
    declare_for<MultiParameters>(f, [](auto all) { declare_all(all, preloaded, with_momentum); });
  }
};

double element(const Tensor& t, int i) { return static_cast<double>(t.data<float>()[i]); }

template <bool preloaded>
std::vector<double> scalars(const OpCall& call, int k) {
  const auto& p = call.params<MultiParameters>();
  if constexpr (preloaded) {
    const Tensor &lrs = call.in[call.in.size() - 2], &wds = call.in[call.in.size() - 1];
    return {element(lrs, k), element(wds, k), p.rescale_grad, p.momentum};
  } else {
    const size_t i = static_cast<size_t>(k);
    return {p.lrs[i], p.wds[i], p.rescale_grad, p.momentum};
  }
}

// As many rates as weights; throws Error(Input).
template <bool preloaded>
void check_counts(ShapeContext& c) {
  const auto& p = c.params<MultiParameters>();
  auto check = [&](int64_t count, const char* what) {
    GEMEL_CHECK(count == p.num_weights, "[{}] {}: expected one for each of {} weights, got {}",
                c.op.name(), what, p.num_weights, count);
  };
  if constexpr (preloaded) {
    for (size_t i = 0; i < 2; ++i) {
      const Shape& shape = c.in[c.in.size() - 2 + i];
      if (shape.known()) check(shape.size(), i ? "wds" : "lrs");
    }
  } else {
    check(static_cast<int64_t>(p.lrs.size()), "lrs");
    check(static_cast<int64_t>(p.wds.size()), "wds");
  }
}

struct Form {
  const char *name, *doc;
  std::vector<const char*> inputs;  // of one weight
  std::vector<pointwise::Expr> (*value)(const Update::Clip&);
  std::vector<int> mutates;
  int masters;
};

template <bool preloaded, bool with_momentum>
void declare(Form form) {
  OpBuilder builder = op<Declared<preloaded, with_momentum>>(form.name);
  const int group = static_cast<int>(form.inputs.size());
  Sample sample;
  for (const Shape& shape : {Shape{3, 4}, Shape{5}})
    for (int i = 0; i < group; ++i) sample.shapes.push_back(shape);
  if (preloaded) {
    sample.shapes.insert(sample.shapes.end(), 2, Shape{2});
  } else {
    sample.attributes = {{"lrs", "(0.1, 0.2)"}, {"wds", "(0.1, 0)"}};
  }
  sample.attributes["num_weights"] = "2";
  sample.attributes["clip_gradient"] = "0.5";
  if (with_momentum) sample.attributes["momentum"] = "0.9";
  builder.doc(form.doc).groups(group).sample(std::move(sample));
  builder.info().inputs = [names = form.inputs](const Parameters& p) {
    const int count = static_cast<const MultiParameters&>(p).num_weights;
    return preloaded ? grouped_names(names, count, {"lrs", "wds"}) : grouped_names(names, count);
  };
  builder.info().outputs = [](const Parameters& p) {
    return static_cast<const MultiParameters&>(p).num_weights;
  };
  auto formula = with_momentum ? simd::UpdateFormula::momentum : simd::UpdateFormula::sgd;
  if (form.masters) formula = simd::UpdateFormula::none;
  implement_update(builder,
                   {form.value, form.mutates, scalars<preloaded>, group, form.masters, formula});
  builder.shape([alike = builder.info().shape_rule](ShapeContext& c) {
    check_counts<preloaded>(c);
    alike(c);
  });
}

}  // namespace

GEMEL_OPERATORS(multi_sgd) {
  declare<false, false>({"multi_sgd_update",
                         "sgd_update on (weight, grad) pairs.",
                         {"weight", "grad"},
                         formulas::values<formulas::Sgd>,
                         {},
                         0});
  declare<false, true>({"multi_sgd_mom_update",
                        "sgd_mom_update on (weight, grad, mom) triples.",
                        {"weight", "grad", "mom"},
                        formulas::values<formulas::Momentum>,
                        {2},
                        0});
  declare<false, false>({"multi_mp_sgd_update",
                         "mp_sgd_update on (weight, grad, weight32) triples.",
                         {"weight", "grad", "weight32"},
                         formulas::mixed_values<formulas::Sgd, 2>,
                         {2},
                         2});
  declare<false, true>({"multi_mp_sgd_mom_update",
                        "mp_sgd_mom_update on groups (weight, grad, mom, weight32).",
                        {"weight", "grad", "mom", "weight32"},
                        formulas::mixed_values<formulas::Momentum, 3>,
                        {2, 3},
                        2});
  declare<true, false>({"preloaded_multi_sgd_update",
                        "multi_sgd_update whose lrs and wds are the last two arrays.",
                        {"weight", "grad"},
                        formulas::values<formulas::Sgd>,
                        {},
                        0});
  declare<true, true>({"preloaded_multi_sgd_mom_update",
                       "multi_sgd_mom_update whose lrs and wds are the last two arrays.",
                       {"weight", "grad", "mom"},
                       formulas::values<formulas::Momentum>,
                       {2},
                       0});
  declare<true, false>({"preloaded_multi_mp_sgd_update",
                        "multi_mp_sgd_update whose lrs and wds are the last two arrays.",
                        {"weight", "grad", "weight32"},
                        formulas::mixed_values<formulas::Sgd, 2>,
                        {2},
                        2});
  declare<true, true>({"preloaded_multi_mp_sgd_mom_update",
                       "multi_mp_sgd_mom_update whose lrs and wds are the last two arrays.",
                       {"weight", "grad", "mom", "weight32"},
                       formulas::mixed_values<formulas::Momentum, 3>,
                       {2, 3},
                       2});
}

}  // namespace gemel
