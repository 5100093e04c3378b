// What older symbol files lack, brought up to the current form. Versions are numbers like 10901.
#pragma once
#include "graph/node.h"

namespace gemel {

constexpr int current_file_version = 10901;

// Before parameters are parsed: maps hidden keys, moves attributes of inputs to their variables.
void upgrade_node(int version, Node& node);
// After parameters are parsed: appends auxiliary variables that files before 0.9 do not hold, and
// gives auxiliary variables their initialisers (before 0.9.4).
void complete_inputs(int version, Node& node);

}  // namespace gemel
