#include "op/op_info.h"

#include <algorithm>

namespace gemel {

OpTrait::~OpTrait() = default;

ParametersRef OpInfo::parse(const Attributes& attributes) const {
  return spec.parse(name_text, attributes);
}

std::vector<std::string> OpInfo::input_names(const Parameters& parameters) const {
  std::vector<std::string> names;
  if (inputs) names = inputs(parameters);
  names.insert(names.end(), auxiliary.begin(), auxiliary.end());
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
  std::vector<std::string> names = output_text;
  const int count = output_count(parameters);
  const bool single = visible_output_count(parameters) == 1;
  for (int i = static_cast<int>(names.size()); i < count; ++i)
    names.push_back(single && i == 0 ? "output" : "output" + std::to_string(i));
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

const Implementation& OpInfo::choose(const OpCall& call) const {
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
