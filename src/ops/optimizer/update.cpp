#include "ops/optimizer/update.h"

#include <array>

namespace gemel {

namespace {

using pointwise::Expr;

constexpr int most = 16;  // scalars and outputs of one update

Expr unlimited(Expr gradient) { return gradient; }
Expr limited(Expr gradient) { return clip(gradient, -pointwise::scalar(0), pointwise::scalar(0)); }

void alike(ShapeContext& context, int first, int count, int output) {
  Shape shape = context.out[static_cast<size_t>(output)];
  for (int round = 0; round < 2; ++round) {
    for (int i = first; i < first + count; ++i) {
      context.set_in(i, shape);
      merge_shape(shape, context.in[static_cast<size_t>(i)]);
    }
    context.set_out(output, shape);
  }
}

void update_type(TypeContext& context, const Update& update, int group) {
  DType weight = DType::none;
  const int weights = static_cast<int>(context.out.size()) * group;
  auto is_master = [&](int i) {
    return i >= weights || (update.masters && i % group >= update.masters);
  };
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < static_cast<int>(context.in.size()); ++i) {
      context.set_in(i, is_master(i) ? DType::float32 : weight);
      if (!is_master(i) && weight == DType::none) weight = context.in[static_cast<size_t>(i)];
    }
    for (int i = 0; i < static_cast<int>(context.out.size()); ++i) {
      context.set_out(i, weight);
      if (weight == DType::none) weight = context.out[static_cast<size_t>(i)];
    }
  }
}

int group_of(const Update& update, size_t inputs) {
  return update.group ? update.group : static_cast<int>(inputs);
}

}  // namespace

UpdatePrograms::UpdatePrograms(const Update& update)
    : plain(update.value(unlimited)), clipped(update.value(limited)) {}

void UpdatePrograms::run(const Update& update, const OpCall& call, int k,
                         std::span<const Tensor> in, const Tensor& weight) const {
  const float limit = call.params<UpdateParameters>().clip_gradient;
  std::array<double, most> scalars{limit};
  const std::vector<double> own = update.scalars(call, k);
  GEMEL_ASSERT(own.size() < most && update.mutates.size() < most);
  std::copy(own.begin(), own.end(), scalars.begin() + 1);
  std::array<Tensor, most> outputs;
  outputs[0] = weight;
  for (size_t i = 0; i < update.mutates.size(); ++i)
    outputs[i + 1] = in[static_cast<size_t>(update.mutates[i])];
  const pointwise::Program& program = limit >= 0 ? clipped : plain;
  program.run(in, std::span(scalars.data(), own.size() + 1),
              std::span(outputs.data(), update.mutates.size() + 1));
}

void implement_update(OpBuilder& builder, Update given) {
  auto update = std::make_shared<const Update>(std::move(given));
  auto programs = std::make_shared<const UpdatePrograms>(*update);
  builder
      .shape([update](ShapeContext& c) {
        const int group = group_of(*update, c.in.size());
        for (int k = 0; k < static_cast<int>(c.out.size()); ++k) alike(c, k * group, group, k);
      })
      .type([update](TypeContext& c) { update_type(c, *update, group_of(*update, c.in.size())); })
      .no_gradient()
      .inplace({{0, 0}})
      .mutates(update->mutates)
      .implement("tape", [update, programs](const OpCall& call) {
        const size_t group = static_cast<size_t>(group_of(*update, call.in.size()));
        for (size_t k = 0; k < call.out.size(); ++k)
          programs->run(*update, call, static_cast<int>(k), call.in.subspan(k * group, group),
                        call.out[k]);
      });
}

std::vector<std::string> grouped_names(std::span<const char* const> group, int count,
                                       std::initializer_list<const char*> rest) {
  std::vector<std::string> names;
  for (int k = 0; k < count; ++k)
    for (const char* stem : group) names.push_back(fmt::format("{}_{}", stem, k));
  names.insert(names.end(), rest.begin(), rest.end());
  return names;
}

}  // namespace gemel
