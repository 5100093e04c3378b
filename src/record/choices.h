// What a user would otherwise choose by hand for one graph: values of settings (threads inside
// operators, fusion, how memory is shared, what is recomputed, fpmath), and which implementation
// runs a call. Every choice computes the same thing, within the tolerance of `fpmath`.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/export.h"

namespace gemel::record {

struct GEMEL_EXPORT Choices {
  std::map<std::string, std::string, std::less<>> settings;  // by the setting's name
  std::map<std::string, std::string, std::less<>> kernels;   // call_signature() -> implementation

  bool empty() const { return settings.empty() && kernels.empty(); }
  bool operator==(const Choices&) const = default;
  // The choice for this setting; `otherwise` where there is none.
  std::string_view setting(std::string_view name, std::string_view otherwise) const;
  bool flag(std::string_view name, bool otherwise) const;
  // The implementation to prefer; empty: none.
  std::string_view kernel(std::string_view signature) const;
};

// As JSON and back. Throws Error(Input) for another text.
GEMEL_EXPORT std::string to_text(const Choices& choices);
GEMEL_EXPORT Choices choices_from_text(std::string_view text);

}  // namespace gemel::record
