// The parameters of ImageDetRecordIter.
#pragma once
#include "data/detection_boxes.h"
#include "data/image_record_parameters.h"

namespace gemel::data {

struct DetectionParameters : Parameters, RecordSourceParameters {
  enum class ResizeMode { force, shrink, fit };

  std::string mean_img;
  int label_width, label_pad_width, resize, num_crop_sampler, max_random_hue, max_random_saturation,
      max_random_illumination, fill_value, inter_method;
  bool by_center;
  float label_pad_value, rand_crop_prob, emit_overlap_thresh, rand_pad_prob, max_pad_scale,
      random_hue_prob, random_saturation_prob, random_illumination_prob, max_random_contrast,
      random_contrast_prob, rand_mirror_prob, mean_r, mean_g, mean_b, mean_a, std_r, std_g, std_b,
      std_a, scale;
  std::vector<double> min_crop_scales, max_crop_scales, min_crop_aspect_ratios,
      max_crop_aspect_ratios, min_crop_overlaps, max_crop_overlaps, min_crop_sample_coverages,
      max_crop_sample_coverages, min_crop_object_coverages, max_crop_object_coverages;
  Shape max_crop_trials;
  ResizeMode resize_mode;

  static void declare(Fields<DetectionParameters>& f);
  // Error(Input) that names `who` for ranges that hold nothing.
  std::vector<CropSampler> samplers(const std::string& who) const;
  // The source, the batches and the size of the result, without a width of labels.
  ImageRecordParameters common() const;
};

}  // namespace gemel::data
