#include "device/device.h"

#include <gtest/gtest.h>

namespace gemel {
namespace {

TEST(Device, TextRoundTrips) {
  for (const char* text : {"cpu(0)", "cpu(3)", "gpu(1)", "cpu_pinned(0)", "cpu_shared(2)"})
    EXPECT_EQ(to_string(device_from_string(text)), text);
  EXPECT_EQ(device_from_string("gpu"), (Device{DeviceKind::gpu, 0}));
}

TEST(Device, RefusesOtherTexts) {
  for (const char* text :
       {"", "tpu", "cpu(", "cpu()", "cpu(1", "cpu(-1)", "cpu(1)x", "cpu(1x)", "Cpu"})
    EXPECT_THROW(device_from_string(text), Error) << text;
}

TEST(Device, TheProcessorIsAlwaysThere) {
  EXPECT_TRUE(is_available({}));
  EXPECT_TRUE(is_available({DeviceKind::cpu, 7}));
}

}  // namespace
}  // namespace gemel
