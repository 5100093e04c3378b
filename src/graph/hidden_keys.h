// MXNet's "hidden keys": attributes that users write without underscores and files hold with them.
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "graph/operator.h"

namespace gemel {

bool is_hidden_key(std::string_view key);      // ctx_group, lr_mult, wd_mult, ...
bool is_dunder_key(std::string_view key);      // __anything__
std::string stored_key(std::string_view key);  // lr_mult -> __lr_mult__; others as they are
// weight_lr_mult -> {"weight", "__lr_mult__"}; empty for other keys.
std::pair<std::string, std::string> input_hidden_key(std::string_view key);
// The attributes as stored: hidden keys mapped.
Attributes stored_attributes(const Attributes& attributes);
// The attributes as shown to users: __lr_mult__ and the like appear a second time as lr_mult.
Attributes shown_attributes(const Attributes& attributes);

}  // namespace gemel
