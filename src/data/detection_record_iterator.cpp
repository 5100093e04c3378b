// ImageDetRecordIter: ImageRecordIter's batches with labels of any number of boxes.
#include "data/detection_work.h"
#include "data/image_record_iterator.h"

namespace gemel::data {
namespace {

// Of the listed labels, or of those of a part's records.
int64_t longest_label(const ImageRecordParameters& p, const LabelList* listed) {
  int64_t longest = 0;
  const auto count = [&](size_t labels) {
    longest = std::max(longest, static_cast<int64_t>(labels));
  };
  if (listed) {
    for (const auto& [id, labels] : *listed) count(labels.size());
    return longest;
  }
  auto options = source_of(p);
  options.shuffle = false;
  RecordSequence records(options);
  for (std::span<const std::byte> record; records.next(record);) {
    try {
      count(unpack_image_record(record, records.where()).labels.size());
    } catch (const Error&) {
      if (options.on_damage == OnDamage::stop) throw;
    }
  }
  return longest;
}

std::unique_ptr<Iterator> make_detection(const Parameters& parameters) {
  const auto& p = static_cast<const DetectionParameters&>(parameters);
  check_interpolation("ImageDetRecordIter", p.inter_method);
  GEMEL_CHECK(p.max_pad_scale >= 1,
              "[ImageDetRecordIter] max_pad_scale: expected at least 1, got {}", p.max_pad_scale);
  p.samplers("ImageDetRecordIter");
  ImageRecordParameters common = p.common();
  std::shared_ptr<const LabelList> listed;
  if (!common.path_imglist.empty())
    listed = std::make_shared<LabelList>(read_label_list(common.path_imglist));
  const int64_t longest = p.label_width > 0 ? p.label_width : longest_label(common, listed.get());
  const int64_t width = p.label_pad_width > 0 ? p.label_pad_width : longest;
  GEMEL_CHECK(
      width >= longest,
      "[ImageDetRecordIter] label_pad_width: expected at least {}, the numbers of the longest "
      "label, got {}",
      longest, width);
  common.label_width = static_cast<int>(width + 4);
  return std::make_unique<ImageRecordIterator>(
      "ImageDetRecordIter", common,
      [p, width](const float* mean, bool plain) {
        DetectionParameters own = p;
        if (plain) {
          own.mean_r = own.mean_g = own.mean_b = own.std_r = own.std_g = own.std_b = 0;
          own.scale = 1;
          own.rand_crop_prob = own.rand_pad_prob = own.rand_mirror_prob = own.random_hue_prob =
              own.random_saturation_prob = own.random_illumination_prob = own.random_contrast_prob =
                  0;
        }
        return make_detection_work(own, width + 4, mean);
      },
      std::move(listed));
}

const IteratorRegistration detection_iterator(
    {"ImageDetRecordIter",
     "Batches of images with boxes from RecordIO files: data (batch, channels, height, width), "
     "labels "
     "(batch, numbers). A row of labels is: channels, height and width of the image in the result, "
     "the numbers of its label, the label as the record has it with boxes changed as the image "
     "was, "
     "and then label_pad_value. A record's label is the length of its header (2 or more), the "
     "numbers of an object (5 or more), the rest of the header, and the objects: class, left, top, "
     "right, bottom as parts of the width and height, and so on.",
     make_spec<DetectionParameters>(), make_detection});

}  // namespace
}  // namespace gemel::data
