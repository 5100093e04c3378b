#include "data/image_record_parameters.h"

namespace gemel::data {
namespace {

using P = ImageRecordParameters;

using Declare = DeclareRecordFields<P>;

void declare_source(Declare d) {
  d.files("");
  d("path_imgidx", &P::path_imgidx, "", "The .idx file of the .rec file.");
  d("aug_seq", &P::aug_seq, "aug_default", "Has no effect: there is one sequence of changes.");
  d("label_width", &P::label_width, "1", "Labels of an image.").range(1, 1 << 24);
  d.parts();
  d("device_id", &P::device_id, "0", "Has no effect: batches are in the memory of the host.");
  d.chunks();
  d("seed_aug", &P::seed_aug, "None", "Seed of the random changes; None for `seed`.");
  d.batches();
}

void declare_geometry(Declare d) {
  d("resize", &P::resize, "-1", "Length of the shorter edge before anything else; -1: as it is.");
  d("rand_crop", &P::rand_crop, "0", "Crop at a random place, not in the middle.");
  d("random_resized_crop", &P::random_resized_crop, "0",
    "Crop a random area of a random form and resize it.");
  d("max_rotate_angle", &P::max_rotate_angle, "0",
    "Rotate by a random angle up to this, in degrees.")
      .range(0, 360);
  d("max_aspect_ratio", &P::max_aspect_ratio, "0",
    "The form (width by height) changes by a random factor of [1 - this, 1 + this], or of "
    "[min_aspect_ratio, this] where that is given.");
  d("min_aspect_ratio", &P::min_aspect_ratio, "None", "Least random factor of the form.");
  d("max_shear_ratio", &P::max_shear_ratio, "0", "Shear by a random factor up to this.");
  d("max_crop_size", &P::max_crop_size, "-1",
    "Crop a square of a random size up to this and resize it; not with random_resized_crop.");
  d("min_crop_size", &P::min_crop_size, "-1", "Least random size of the crop.");
  d("max_random_scale", &P::max_random_scale, "1", "Resize by a random factor up to this.");
  d("min_random_scale", &P::min_random_scale, "1", "Least random factor of the size.");
  d("max_random_area", &P::max_random_area, "1",
    "With random_resized_crop: the largest part of the area.");
  d("min_random_area", &P::min_random_area, "1",
    "With random_resized_crop: the smallest part of the area.");
  d("max_img_size", &P::max_img_size, "1e+10", "Largest edge after a random scale.");
  d("min_img_size", &P::min_img_size, "0", "Smallest edge after a random scale.");
}

void declare_colors(Declare d) {
  d("brightness", &P::brightness, "0", "Brightness changes by a random part up to this.");
  d("contrast", &P::contrast, "0", "Contrast changes by a random part up to this.");
  d("saturation", &P::saturation, "0", "Saturation changes by a random part up to this.");
  d("pca_noise", &P::pca_noise, "0",
    "Deviation of noise along the principal components of colours.");
  d("random_h", &P::random_h, "0", "Hue changes by a random number up to this, of 180.");
  d("random_s", &P::random_s, "0", "Saturation changes by a random number up to this, of 255.");
  d("random_l", &P::random_l, "0", "Lightness changes by a random number up to this, of 255.");
  d("rotate", &P::rotate, "-1", "Rotate by this angle, in degrees, instead of a random one.");
  d("fill_value", &P::fill_value, "255", "Value of pixels that no image covers.").range(0, 255);
  d("inter_method", &P::inter_method, "1",
    "0 nearest, 1 linear, 2 cubic, 3 area, 4 Lanczos, 9 by the change of size, 10 random.")
      .range(0, 10);
  d("pad", &P::pad, "0", "Pixels around the image.").range(0, 1 << 20);
}

void declare_numbers(Declare d) {
  d("mirror", &P::mirror, "0", "Exchange left and right.");
  d("rand_mirror", &P::rand_mirror, "0", "Exchange left and right of every other image.");
  d("mean_img", &P::mean_img, "",
    "A file with the image to subtract; it is made from all records where there is none.");
  d("mean_r", &P::mean_r, "0", "Subtracted from red, or from gray.");
  d("mean_g", &P::mean_g, "0", "Subtracted from green.");
  d("mean_b", &P::mean_b, "0", "Subtracted from blue.");
  d("mean_a", &P::mean_a, "0", "Has no effect: alpha is dropped.");
  d("std_r", &P::std_r, "1", "Divides red, or gray.");
  d("std_g", &P::std_g, "1", "Divides green.");
  d("std_b", &P::std_b, "1", "Divides blue.");
  d("std_a", &P::std_a, "1", "Has no effect: alpha is dropped.");
  d("scale", &P::scale, "1", "Multiplies all values.");
  d("max_random_contrast", &P::max_random_contrast, "0",
    "What is left after the mean is multiplied by 1 plus a random number up to this.");
  d("max_random_illumination", &P::max_random_illumination, "0",
    "A random number up to this is added before the scale.");
}

}  // namespace

void ImageRecordParameters::declare(Fields<ImageRecordParameters>& f) {
  Declare d{f};
  declare_source(d);
  declare_geometry(d);
  declare_colors(d);
  declare_numbers(d);
  d("scaled_decode", &P::scaled_decode, "0",
    "Decode JPEG images that `resize` makes less than half as large at 1/2, 1/4 or 1/8 of their "
    "size: "
    "faster, and with less aliasing, but not 1.9.1's pixels.");
  d("on_damage", &P::on_damage, "stop",
    "At a damaged record or image: 'stop' with an error, or 'skip' it; another image of the batch "
    "stands for a damaged image.");
}

}  // namespace gemel::data
