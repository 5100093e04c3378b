// Memory from the pool for the length of a product.
#pragma once
#include "memory/pool.h"

namespace gemel::kernels {

struct FloatScratch {
  memory::Block block;
  explicit FloatScratch(int64_t floats) {
    memory::OwnerScope scope(memory::Owner::workspace);
    block = memory::allocate(floats * static_cast<int64_t>(sizeof(float)));
  }
  ~FloatScratch() { memory::release(block); }
  FloatScratch(const FloatScratch&) = delete;
  float* data() const { return static_cast<float*>(block.data); }
};

}  // namespace gemel::kernels
