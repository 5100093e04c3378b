#include "array/shared_memory.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gemel {
namespace {

TEST(SharedMemory, AnotherMappingSeesTheSameElements) {
  NDArray array = make_shared_array({2, 3}, DType::float32);
  EXPECT_EQ(array.device().kind, DeviceKind::cpu_shared);
  const float values[6] = {1, 2, 3, 4, 5, 6};
  array.copy_from_host(values, sizeof values);
  NDArray other = open_shared_array(dup(shared_descriptor(array)), {6}, DType::float32);
  const float last = 60;
  other.view(5, {1}).copy_from_host(&last, sizeof last);
  float seen[6];
  array.copy_to_host(seen, sizeof seen);
  EXPECT_EQ(seen[0], 1);
  EXPECT_EQ(seen[5], 60);
}

TEST(SharedMemory, AChildWritesForItsParent) {
  NDArray array = make_shared_array({4}, DType::int32);
  const int zeros[4] = {};
  array.copy_from_host(zeros, sizeof zeros);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    array.data<int>()[2] = 7;
    _exit(0);
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(array.data<int>()[2], 7);
}

TEST(SharedMemory, OnlyWholeSharedArraysHaveADescriptor) {
  NDArray array = make_shared_array({4}, DType::float32);
  EXPECT_GE(shared_descriptor(array), 0);
  EXPECT_EQ(shared_descriptor(array.slice(1, 2)), -1);
  EXPECT_EQ(shared_descriptor(NDArray({4}, DType::float32)), -1);
}

TEST(SharedMemory, ErrorsOfDescriptors) {
  NDArray array = make_shared_array({4}, DType::float32);
  EXPECT_THROW(open_shared_array(dup(shared_descriptor(array)), {5000}, DType::float32), Error);
  EXPECT_THROW(open_shared_array(-1, {1}, DType::float32), Error);
  EXPECT_GE(shared_descriptor(make_shared_array({0}, DType::float32)), 0);
}

}  // namespace
}  // namespace gemel
