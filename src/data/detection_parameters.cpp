#include "data/detection_parameters.h"

namespace gemel::data {
namespace {

using P = DetectionParameters;

using Declare = DeclareRecordFields<P>;

void declare_source(Declare d) {
  d.files("./data/imgrec.rec");
  d("aug_seq", &P::aug_seq, "det_aug_default", "Has no effect: there is one sequence of changes.");
  d("label_width", &P::label_width, "-1", "Numbers of each label; -1: as many as a record has.");
  d.parts();
  d.chunks();
  d("label_pad_width", &P::label_pad_width, "0",
    "Numbers that labels are filled up to; 0 or -1: as many as the longest label of the part has.");
  d("label_pad_value", &P::label_pad_value, "-1", "What labels are filled up with.");
  d.batches();
}

void declare_crops(Declare d) {
  d("resize", &P::resize, "-1", "Length of the shorter edge before anything else; -1: as it is.");
  d("rand_crop_prob", &P::rand_crop_prob, "0", "Probability of a random crop.");
  d("min_crop_scales", &P::min_crop_scales, "[0]",
    "Least size of each sampler's crops: the square root of their part of the area.");
  d("max_crop_scales", &P::max_crop_scales, "[1]", "Largest size.");
  d("min_crop_aspect_ratios", &P::min_crop_aspect_ratios, "[1]", "Least width by height.");
  d("max_crop_aspect_ratios", &P::max_crop_aspect_ratios, "[1]", "Largest width by height.");
  d("min_crop_overlaps", &P::min_crop_overlaps, "[0]",
    "Least intersection by union of the crop and an object.");
  d("max_crop_overlaps", &P::max_crop_overlaps, "[1]", "Largest intersection by union.");
  d("min_crop_sample_coverages", &P::min_crop_sample_coverages, "[0]",
    "Least part of the crop that an object covers.");
  d("max_crop_sample_coverages", &P::max_crop_sample_coverages, "[1]", "Largest part of the crop.");
  d("min_crop_object_coverages", &P::min_crop_object_coverages, "[0]",
    "Least part of an object that is in the crop.");
  d("max_crop_object_coverages", &P::max_crop_object_coverages, "[1]",
    "Largest part of an object.");
  d("num_crop_sampler", &P::num_crop_sampler, "1",
    "Samplers, of which one at random is tried first; a tuple that is shorter repeats its last "
    "number.")
      .range(0, 1 << 16);
  d.f.choice("crop_emit_mode", &P::by_center, {{"center", true}, {"overlap", false}})
      .fallback("center")
      .doc("Objects stay in a crop that holds their centre, or enough of their area.");
  d("emit_overlap_thresh", &P::emit_overlap_thresh, "0.300000012",
    "For 'overlap': objects of which not more than this part is inside are left out.");
  d("max_crop_trials", &P::max_crop_trials, "[25]",
    "Crops that a sampler draws before it gives up.");
  d("rand_pad_prob", &P::rand_pad_prob, "0", "Probability of a larger image around the image.");
  d("max_pad_scale", &P::max_pad_scale, "1", "Largest factor of its edges.");
}

void declare_colors(Declare d) {
  d("max_random_hue", &P::max_random_hue, "0",
    "Hue changes by a random number up to this, of 180.");
  d("random_hue_prob", &P::random_hue_prob, "0", "Probability of that.");
  d("max_random_saturation", &P::max_random_saturation, "0",
    "Saturation changes by a random number up to this, of 255.");
  d("random_saturation_prob", &P::random_saturation_prob, "0", "Probability of that.");
  d("max_random_illumination", &P::max_random_illumination, "0",
    "Lightness changes by a random number up to this, of 255.");
  d("random_illumination_prob", &P::random_illumination_prob, "0", "Probability of that.");
  d("max_random_contrast", &P::max_random_contrast, "0",
    "Pixels are multiplied by 1 plus a random number up to this.");
  d("random_contrast_prob", &P::random_contrast_prob, "0", "Probability of that.");
  d("rand_mirror_prob", &P::rand_mirror_prob, "0",
    "Probability that left and right change places.");
  d("fill_value", &P::fill_value, "127", "Value of pixels around the image.").range(0, 255);
  d("inter_method", &P::inter_method, "1",
    "0 nearest, 1 linear, 2 cubic, 3 area, 4 Lanczos, 9 by the change of size, 10 random.")
      .range(0, 10);
  d.f.choice("resize_mode", &P::resize_mode,
             {{"fit", P::ResizeMode::fit},
              {"force", P::ResizeMode::force},
              {"shrink", P::ResizeMode::shrink}})
      .fallback("force")
      .doc(
          "force: the result's size, whatever the form; fit: as large as fits into it, zeros at "
          "the "
          "right or below; shrink: the same, but never larger than it is.");
  d("mean_img", &P::mean_img, "",
    "A file with the image to subtract; it is made from all records where there is none.");
  d("mean_r", &P::mean_r, "0", "Subtracted from red, or from gray.");
  d("mean_g", &P::mean_g, "0", "Subtracted from green.");
  d("mean_b", &P::mean_b, "0", "Subtracted from blue.");
  d("mean_a", &P::mean_a, "0", "Has no effect: alpha is dropped.");
  d("std_r", &P::std_r, "0", "Divides red, or gray, unless it is 0.");
  d("std_g", &P::std_g, "0", "Divides green, unless it is 0.");
  d("std_b", &P::std_b, "0", "Divides blue, unless it is 0.");
  d("std_a", &P::std_a, "0", "Has no effect: alpha is dropped.");
  d("scale", &P::scale, "1", "Multiplies all values.");
}

}  // namespace

void DetectionParameters::declare(Fields<DetectionParameters>& f) {
  Declare d{f};
  declare_source(d);
  declare_crops(d);
  declare_colors(d);
  d("on_damage", &P::on_damage, "stop",
    "At a damaged record, label or image: 'stop' with an error, or 'skip' it; another image of the "
    "batch stands for it.");
}

std::vector<CropSampler> DetectionParameters::samplers(const std::string& who) const {
  std::vector<CropSampler> result;
  for (size_t i = 0; i < static_cast<size_t>(num_crop_sampler); ++i) {
    const auto range = [&](const char* what, const std::vector<double>& low,
                           const std::vector<double>& high) -> CropSampler::Range {
      GEMEL_CHECK(!low.empty() && !high.empty(), "[{}] {}: expected at least one number", who,
                  what);
      const double from = low[std::min(i, low.size() - 1)], to = high[std::min(i, high.size() - 1)];
      GEMEL_CHECK(from >= 0 && from <= to, "[{}] {}: expected 0 <= least <= largest, got {} and {}",
                  who, what, from, to);
      return {static_cast<float>(from), static_cast<float>(to)};
    };
    const int kinds = max_crop_trials.ndim();
    GEMEL_CHECK(kinds > 0, "[{}] max_crop_trials: expected at least one number", who);
    result.push_back(
        {range("crop_scales", min_crop_scales, max_crop_scales),
         range("crop_aspect_ratios", min_crop_aspect_ratios, max_crop_aspect_ratios),
         range("crop_overlaps", min_crop_overlaps, max_crop_overlaps),
         range("crop_sample_coverages", min_crop_sample_coverages, max_crop_sample_coverages),
         range("crop_object_coverages", min_crop_object_coverages, max_crop_object_coverages),
         static_cast<int>(max_crop_trials[std::min(static_cast<int>(i), kinds - 1)])});
  }
  return result;
}

ImageRecordParameters DetectionParameters::common() const {
  static const ParameterSpec spec = make_spec<ImageRecordParameters>();
  const auto defaults = spec.parse("ImageDetRecordIter",
                                   {{"data_shape", print_value(data_shape)}, {"batch_size", "1"}});
  auto p = static_cast<const ImageRecordParameters&>(*defaults);
  static_cast<RecordSourceParameters&>(p) = *this;
  p.mean_img = mean_img;
  return p;
}

}  // namespace gemel::data
