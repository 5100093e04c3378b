// Images with boxes: what ImageDetRecordIter does to each.
#pragma once
#include "data/detection_parameters.h"
#include "data/image_work.h"

namespace gemel::data {

// A row of labels is: channels, height and width of the image in the result, the numbers of its
// label, these numbers, and label_pad_value for what is left of `width`.
std::unique_ptr<ImageWork> make_detection_work(const DetectionParameters& parameters, int64_t width,
                                               const float* mean_image);

}  // namespace gemel::data
