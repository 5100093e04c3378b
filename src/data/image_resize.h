// Parts of images in another size.
#pragma once
#include "data/image_codec.h"
#include "data/image_random.h"
#include "kernels/image/resize.h"

namespace gemel::data {

// The sizes of an image whose shorter edge becomes `edge`.
void shorter_edge(int64_t edge, int64_t& height, int64_t& width);

using kernels::Interpolation;

// One of the five kinds from an `inter_method`: 0 to 4, 9 (by the change of size) or 10 (at
// random).
Interpolation choose_interpolation(int method, ImageRandom& random, int64_t height, int64_t width,
                                   int64_t to_height, int64_t to_width);
// Error(Input) that names `who` for any other number.
void check_interpolation(const std::string& who, int method);

// Copies `part` of an image to (top, left) of another with as many channels.
void copy_part(const Image& from, const Region& part, Image& to, int64_t top, int64_t left);

// The whole image in another size.
void resize_image(const Image& from, int64_t height, int64_t width,
                  kernels::Interpolation interpolation, Image& to);

using kernels::WindowResize;
// The window of the resize; `from` holds at least what is needed (see Image::top and left).
void resize_window(const WindowResize& step, const Image& from, Image& to);

// Left and right exchanged, in place.
void mirror_image(Image& image);

}  // namespace gemel::data
