// What becomes of one image record in a batch: the part in which kinds of image iterators differ.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "data/image_random.h"
#include "data/record_io.h"

namespace gemel::data {

// One for each thread.
class ImageWork {
 public:
  virtual ~ImageWork() = default;
  // Writes the image's numbers (channels x height x width) and its row of labels. `given` are the
  // record's labels, or those that a list has for it. Throws Error that names `where`.
  virtual void run(const ImageRecord& record, std::span<const float> given,
                   const std::string& where, ImageRandom random, float* planes, float* label) = 0;
};

// `mean_image` of the size of an image's numbers, or null. A plain work leaves out all that is
// random and all scaling: mean images are made with it.
using MakeImageWork =
    std::function<std::unique_ptr<ImageWork>(const float* mean_image, bool plain)>;

}  // namespace gemel::data
