#include "op/op_info.h"

#include <algorithm>

#include "base/settings.h"

namespace gemel {

OpTrait::~OpTrait() = default;

ParametersRef OpInfo::parse(const Attributes& attributes) const { return parse(attributes, {}); }

ParametersRef OpInfo::parse(const Attributes& attributes, const Subgraphs& subgraphs) const {
  if (take_subgraphs) {
    auto parameters = std::const_pointer_cast<Parameters>(spec.parse(name_text, attributes));
    take_subgraphs(*parameters, subgraphs);
    return parameters;
  }
  GEMEL_CHECK(subgraphs.empty(), "[{}] takes no subgraphs, got {}", name_text, subgraphs.size());
  return parse_rule ? parse_rule(attributes) : spec.parse(name_text, attributes);
}

std::vector<std::string> OpInfo::input_names(const Parameters& parameters) const {
  std::vector<std::string> names;
  if (inputs) names = inputs(parameters);
  const std::vector<std::string> states = auxiliary_names(parameters);
  names.insert(names.end(), states.begin(), states.end());
  return names;
}

int OpInfo::output_count(const Parameters& parameters) const {
  return outputs ? outputs(parameters) : 1;
}

int OpInfo::visible_output_count(const Parameters& parameters) const {
  return visible_outputs ? visible_outputs(parameters) : output_count(parameters);
}

int OpInfo::file_output_count(const Parameters& parameters) const {
  return file_outputs ? file_outputs(parameters) : output_count(parameters);
}

std::vector<std::string> OpInfo::output_names(const Parameters& parameters) const {
  std::vector<std::string> names = output_rule ? output_rule(parameters) : output_text;
  const int count = output_count(parameters);
  const bool single = count == 1 && file_output_count(parameters) == 1;
  for (int i = static_cast<int>(names.size()); i < count; ++i)
    names.push_back(single ? "output" : "output" + std::to_string(i));
  return names;
}

std::string OpInfo::name_hint() const {
  std::string hint = name_text;
  for (char& c : hint)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return hint;
}

Attributes OpInfo::input_attributes(std::string_view input_name) const {
  for (const auto& [name, attributes] : auxiliary_attributes)
    if (name == input_name) return attributes;
  return {};
}

bool OpInfo::reads_only_shape(int input) const {
  return input >= shape_only_from ||
         std::find(shape_only.begin(), shape_only.end(), input) != shape_only.end();
}

std::vector<int> OpInfo::mutated_inputs(const Parameters& parameters) const {
  if (mutates_rule) return mutates_rule(parameters);
  if (!group || mutates.empty()) return mutates;
  int groups = output_count(parameters);
  if (!groups) groups = static_cast<int>(input_names(parameters).size()) / group;
  std::vector<int> all;
  for (int k = 0; k < groups; ++k)
    for (int place : mutates) all.push_back(k * group + place);
  return all;
}

bool OpInfo::allows_inplace(int input, int output) const {
  if (group && input / group != output) return false;
  const std::pair<int, int> pair = group ? std::pair{input % group, 0} : std::pair{input, output};
  return std::find(inplace.begin(), inplace.end(), pair) != inplace.end();
}

namespace {

// What a device without arithmetic runs for every operator.
const Implementation& idle_implementation() {
  static const Implementation idle{.name = "idle", .kernel = [](const OpCall&) {}};
  return idle;
}

}  // namespace

std::vector<const Implementation*> OpInfo::alternatives(const OpCall& call) const {
  std::vector<const Implementation*> found;
  for (const Implementation& candidate : implementations)
    if (!candidate.when || candidate.when(call)) found.push_back(&candidate);
  if (found.size() > 1 && found.back()->name == "reference") found.pop_back();
  return found;
}

const Implementation& OpInfo::choose(const OpCall& call, std::string_view preferred) const {
  const std::span<const Tensor> placed = call.out.empty() ? call.in : call.out;
  if (!placed.empty() && !capability(placed[0].device).arithmetic) return idle_implementation();
  if (settings::current().reference_kernels && !implementations.empty())
    return implementations.back();
  if (!preferred.empty())
    for (const Implementation& candidate : implementations)
      if (candidate.name == preferred && (!candidate.when || candidate.when(call)))
        return candidate;
  for (const Implementation& candidate : implementations)
    if (!candidate.when || candidate.when(call)) return candidate;
  std::string given, supported;
  for (const Tensor& tensor : call.in)
    given += (given.empty() ? "" : ", ") + fmt::format("{}{}", name_of(tensor.dtype), tensor.shape);
  for (const Implementation& candidate : implementations)
    supported += (supported.empty() ? "" : ", ") + candidate.name;
  fail(ErrorKind::Type, "[{}] no implementation takes the inputs {}; there {}", name_text,
       given.empty() ? "(none)" : given, supported.empty() ? "is none" : "are: " + supported);
}

}  // namespace gemel
