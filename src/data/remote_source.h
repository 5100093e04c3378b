// Files of http(s):// and s3:// read piece by piece.
#pragma once
#include "data/byte_source.h"

namespace gemel::data {

// Pieces are read ahead while reading goes on in order; a failure that may pass (no connection, a
// stalled or broken reply, "slow down", an error of the server) is tried again a few times. A
// server that knows no range requests sends the whole file, which is then kept in memory.
// Error(Environment) for what does not pass, and for a file that changes while it is read.
std::unique_ptr<ByteSource> open_remote(std::string_view path);

}  // namespace gemel::data
