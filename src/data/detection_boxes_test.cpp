#include "data/detection_boxes.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace gemel::data {
namespace {

const std::vector<float> two_objects = {3, 6, 9,   1,   .1f, .2f, .5f, .6f,
                                        7, 0, .4f, .3f, .9f, .8f, 8};

TEST(DetectionLabel, IsReadAndWritten) {
  const DetectionLabel label(two_objects, "here");
  ASSERT_EQ(label.objects.size(), 2u);
  EXPECT_EQ(label.objects[1].rest, std::vector<float>{8});
  std::vector<float> written(static_cast<size_t>(label.size()));
  label.write(written.data());
  EXPECT_EQ(written, two_objects);
}

TEST(DetectionLabel, WhatIsNoneIsRefused) {
  for (const std::vector<float>& numbers : {std::vector<float>{},
                                            {2},
                                            {2, 5, 1},
                                            {1, 5, 0, 0, 1, 1},
                                            {2, 4, 0, 0, 1, 1},
                                            {2, 1e30f, 0, 0, 1, 1, 1},
                                            {2, -5, 0, 0, 1, 1, 1},
                                            {2, NAN, 0, 0, 1, 1, 1}})
    EXPECT_THROW(DetectionLabel(numbers, "here"), Error) << numbers.size();
}

TEST(DetectionLabel, MovesWithTheImage) {
  DetectionLabel label(two_objects, "here");
  label.mirror();
  EXPECT_FLOAT_EQ(label.objects[0].box.left, .5f);
  EXPECT_FLOAT_EQ(label.objects[0].box.right, .9f);
  label.move_to({.5f, 0, 1, .5f});
  EXPECT_FLOAT_EQ(label.objects[0].box.left, 0);
  EXPECT_FLOAT_EQ(label.objects[0].box.right, .8f);
  EXPECT_FLOAT_EQ(label.objects[0].box.top, .4f);
  EXPECT_FLOAT_EQ(label.objects[0].box.bottom, 1);
}

CropSampler sampler() { return {{.3f, .6f}, {.5f, 2}, {0, 1}, {0, 1}, {0, 1}, 50}; }

TEST(Crops, LieInTheImageAndKeepTheirSizeAndForm) {
  for (uint64_t place = 0; place < 200; ++place) {
    ImageRandom random(1, 0, place);
    const Box crop = sampler().draw(random, 1.5f);
    EXPECT_GE(crop.left, 0);
    EXPECT_GE(crop.top, 0);
    EXPECT_LE(crop.right, 1 + 1e-6f);
    EXPECT_LE(crop.bottom, 1 + 1e-6f);
    const float form = 1.5f * (crop.right - crop.left) / (crop.bottom - crop.top);
    EXPECT_GT(form, .5f * .99f);
    EXPECT_LT(form, 2 * 1.01f);
    EXPECT_NEAR(crop.area(), .09f + .135f, .136f);
  }
}

TEST(Crops, AreAcceptedByWhatTheyShareWithAnObject) {
  const DetectionLabel label(two_objects, "here");
  const Box exact = label.objects[0].box, far{.95f, .95f, 1, 1};
  CropSampler strict = sampler();
  EXPECT_TRUE(strict.accepts(far, label));
  strict.overlap = {.9f, 1};
  EXPECT_TRUE(strict.accepts(exact, label));
  EXPECT_FALSE(strict.accepts(far, label));
  strict.overlap = {0, 1};
  strict.object_coverage = {.5f, 1};
  EXPECT_TRUE(strict.accepts({0, 0, 1, .5f}, label));
  EXPECT_FALSE(strict.accepts({.1f, .2f, .2f, .3f}, label));
}

TEST(Crops, LeaveOutWhatIsOutside) {
  const Box left_half{0, 0, .5f, 1}, object{.4f, .4f, .8f, .8f};
  EXPECT_FALSE((CropEmission{true, 0}).keeps(left_half, object));
  EXPECT_TRUE((CropEmission{false, .2f}).keeps(left_half, object));
  EXPECT_FALSE((CropEmission{false, .3f}).keeps(left_half, object));
  for (uint64_t place = 0; place < 50; ++place) {
    DetectionLabel label(two_objects, "here");
    ImageRandom random(2, 0, place);
    const auto crop = draw_crop({sampler(), sampler()}, {true, .3f}, 1, random, label);
    ASSERT_TRUE(crop);
    EXPECT_FALSE(label.objects.empty());
  }
  DetectionLabel label(two_objects, "here");
  ImageRandom random(2, 0, 0);
  CropSampler impossible = sampler();
  impossible.overlap = {.99f, 1};
  EXPECT_FALSE(draw_crop({impossible}, {true, .3f}, 1, random, label));
  EXPECT_EQ(label.objects.size(), 2u);
}

}  // namespace
}  // namespace gemel::data
