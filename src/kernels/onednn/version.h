// Which oneDNN computes here, and with which instructions.
#pragma once
#include <string>

namespace gemel::kernels::onednn {

// "oneDNN 3.5.0, instructions 0x7ef"; "no oneDNN" without the library.
std::string version();

}  // namespace gemel::kernels::onednn
