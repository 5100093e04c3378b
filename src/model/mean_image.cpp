// Mean images of image iterators: files of one array, named mean_img.
#include <filesystem>

#include "base/io.h"
#include "data/image_record_iterator.h"
#include "model/params.h"

namespace gemel {
namespace {

NDArray load(const std::string& path) {
  if (!std::filesystem::exists(local_path(path))) return {};
  const NamedArrays content = load_arrays(path);
  GEMEL_CHECK(content.arrays.size() == 1, "{}: expected one array, the mean image, got {}", path,
              content.arrays.size());
  return content.arrays[0];
}

void save(const std::string& path, const NDArray& image) {
  save_arrays(path, {{image}, {"mean_img"}, {}});
}

const bool known = (data::set_mean_image_files({load, save}), true);

}  // namespace
}  // namespace gemel
