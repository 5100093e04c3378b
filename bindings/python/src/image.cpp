// Images as arrays (height, width, channels) and as bytes.
#include "data/image_codec.h"

#include <nanobind/stl/tuple.h>

#include <cstring>

#include "common.h"

namespace gemel::python {
namespace {

void exchange_red_and_blue(data::Image& image) {
  if (image.channels != 3) return;
  for (size_t i = 0; i + 2 < image.pixels.size(); i += 3)
    std::swap(image.pixels[i], image.pixels[i + 2]);
}

data::Image image_of(const NDArray& array) {
  const Shape& shape = array.shape();
  GEMEL_CHECK((shape.ndim() == 2 || (shape.ndim() == 3 && (shape[2] == 1 || shape[2] == 3))) &&
                  array.dtype() == DType::uint8,
              "[encode] expected a uint8 image (height, width, 1 or 3), got {} of shape {}",
              name_of(array.dtype()), shape);
  data::Image image;
  image.allocate(shape[0], shape[1], shape.ndim() == 2 ? 1 : shape[2]);
  array.copy_to_host(image.pixels.data(), static_cast<int64_t>(image.pixels.size()));
  return image;
}

// By OpenCV, through gemel.image.codec; nothing where it is not installed.
data::Image decode_by_python(std::span<const std::byte> bytes, int64_t channels) {
  nb::gil_scoped_acquire acquired;
  data::Image image;
  try {
    nb::object pixels = nb::module_::import_("gemel.image.codec")
                            .attr("decode_other")(nb::bytes(bytes.data(), bytes.size()), channels);
    if (pixels.is_none()) return image;
    const auto [height, width, content] = nb::cast<std::tuple<int64_t, int64_t, nb::bytes>>(pixels);
    image.allocate(height, width, channels);
    GEMEL_CHECK(content.size() == image.pixels.size(),
                "[decode] expected {} bytes of pixels, got {}", image.pixels.size(),
                content.size());
    std::memcpy(image.pixels.data(), content.data(), content.size());
  } catch (nb::python_error& error) {
    fail(ErrorKind::Input, "[decode] {}", error.what());
  }
  return image;
}

}  // namespace

void bind_image(nb::module_& m) {
  data::set_other_decoder(&decode_by_python);
  // (bytes, colour or gray, RGB or BGR, what it is called in errors) -> array
  m.def("decode_image", [](nb::bytes content, bool color, bool rgb, const std::string& name) {
    NDArray array;
    {
      nb::gil_scoped_release released;
      data::Image image = data::decode_image(
          {static_cast<const std::byte*>(content.data()), content.size()}, color ? 3 : 1, name);
      if (!rgb) exchange_red_and_blue(image);
      array = NDArray(Shape{image.height, image.width, image.channels}, DType::uint8);
      array.copy_from_host(image.pixels.data(), array.bytes());
    }
    return wrap(std::move(array));
  });
  // (array, "jpeg" or "png", quality or compression, RGB or BGR) -> bytes
  m.def("encode_image", [](nb::handle array, const std::string& format, int level, bool rgb) {
    const NDArray& pixels = require_array(array, "encode");
    std::string bytes;
    {
      nb::gil_scoped_release released;
      data::Image image = image_of(pixels);
      if (!rgb) exchange_red_and_blue(image);
      GEMEL_CHECK(format == "jpeg" || format == "png", "[encode] expected jpeg or png, got {}",
                  format);
      bytes = format == "jpeg" ? data::encode_jpeg(image, level) : data::encode_png(image, level);
    }
    return nb::bytes(bytes.data(), bytes.size());
  });
}

}  // namespace gemel::python
