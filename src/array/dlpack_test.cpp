#include "array/dlpack.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace gemel::dlpack {
namespace {

TEST(Dlpack, EveryTypeComesBackInTheSameMemory) {
  for (int flag = 0; is_valid_dtype_flag(flag); ++flag) {
    const NDArray array({2, 3}, static_cast<DType>(flag));
    const NDArray back = borrow(lend(array, false));
    EXPECT_EQ(back.dtype(), array.dtype());
    EXPECT_EQ(back.shape(), array.shape());
    EXPECT_EQ(back.data<std::byte>(), array.data<std::byte>());
  }
}

TEST(Dlpack, ALentTensorKeepsItsMemoryAlive) {
  NDArray array({4}, DType::float32);
  const float values[] = {1, 2, 3, 4};
  array.copy_from_host(values, sizeof values);
  DLManagedTensorVersioned* lent = lend_versioned(array.slice(1, 3), true, true);
  array = NDArray();
  EXPECT_EQ(lent->version.major, 1u);
  EXPECT_EQ(lent->flags, flag_read_only | flag_is_copied);
  EXPECT_EQ(lent->tensor.shape[0], 2);
  EXPECT_EQ(lent->tensor.strides[0], 1);
  EXPECT_EQ(static_cast<float*>(lent->tensor.data)[1], 3);
  lent->deleter(lent);
}

TEST(Dlpack, AnExportWaitsAndRaises) {
  const NDArray array({1}, DType::float32);
  engine::Tag* tags[] = {&array.tag()};
  engine::push([] { fail(ErrorKind::Input, "[test] no value"); }, {.writes = tags});
  EXPECT_THROW(lend(array, true), Error);
  EXPECT_THROW(lend(array, false), Error);
  try {
    engine::wait_all();
  } catch (const Error&) {
  }  // reported here once
  EXPECT_THROW(lend(NDArray(), true), Error);
}

// A tensor of somebody else, which counts how often it is deleted.
struct Foreign {
  std::array<int64_t, 2> shape{2, 3}, strides{3, 1};
  std::vector<float> values{1, 2, 3, 4, 5, 6, 7};
  int deleted = 0;
  DLManagedTensorVersioned managed{};
  Foreign() {
    managed.version = {1, 1};
    managed.context = this;
    managed.deleter = [](DLManagedTensorVersioned* self) {
      ++static_cast<Foreign*>(self->context)->deleted;
    };
    managed.tensor = {values.data(), {device_cpu, 0}, 2, {code_float, 32, 1},
                      shape.data(),  strides.data(),  0};
  }
};

TEST(Dlpack, TheDeleterRunsOnceWhenTheLastViewGoes) {
  Foreign foreign;
  {
    NDArray array = borrow(&foreign.managed);
    EXPECT_EQ(array.data<float>(), foreign.values.data());
    const NDArray row = array.at(1);
    array = NDArray();
    EXPECT_EQ(foreign.deleted, 0);
    EXPECT_EQ(row.data<float>()[2], 6);
  }
  EXPECT_EQ(foreign.deleted, 1);
}

TEST(Dlpack, WhatCannotBeSharedIsCopied) {
  Foreign transposed;
  transposed.shape = {3, 2};
  transposed.strides = {1, 3};
  const NDArray array = borrow(&transposed.managed);
  EXPECT_EQ(transposed.deleted, 1);
  EXPECT_EQ(array.shape(), (Shape{3, 2}));
  EXPECT_EQ(array.data<float>()[1], 4);
  EXPECT_EQ(array.data<float>()[4], 3);

  Foreign read_only;
  read_only.managed.flags = flag_read_only;
  EXPECT_NE(borrow(&read_only.managed).data<float>(), read_only.values.data());
  EXPECT_EQ(read_only.deleted, 1);

  Foreign unaligned;
  unaligned.managed.tensor.byte_offset = 2;
  EXPECT_FALSE(borrows_in_place(unaligned.managed.tensor));
  EXPECT_EQ(borrow(&unaligned.managed).shape(), (Shape{2, 3}));

  Foreign offset;
  offset.managed.tensor.byte_offset = 4;
  offset.managed.tensor.strides = nullptr;
  EXPECT_EQ(borrow(&offset.managed).data<float>()[5], 7);
}

TEST(Dlpack, WhatNoArrayCanHoldIsAnErrorAndDeleted) {
  for (const int what : {0, 1, 2, 3, 4}) {
    Foreign foreign;
    if (what == 0) foreign.managed.tensor.dtype = {code_complex, 64, 1};
    if (what == 1) foreign.managed.tensor.dtype = {code_float, 32, 4};
    if (what == 2) foreign.managed.tensor.device.type = device_cuda;
    if (what == 3) foreign.managed.version.major = 2;
    if (what == 4) foreign.managed.tensor.ndim = 1000;
    EXPECT_THROW(borrow(&foreign.managed), Error) << what;
    EXPECT_EQ(foreign.deleted, 1) << what;
  }
}

}  // namespace
}  // namespace gemel::dlpack
