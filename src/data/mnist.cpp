// Images and labels in the IDX format of the MNIST database (http://yann.lecun.com/exdb/mnist).
#include <algorithm>
#include <numeric>
#include <random>

#include "base/io.h"
#include "base/log.h"
#include "data/memory_batches.h"

namespace gemel::data {
namespace {

struct MnistParameters : CommonParameters {
  using P = MnistParameters;
  std::string image, label;
  int batch_size = 128, seed = 0, num_parts = 1, part_index = 0;
  bool shuffle = true, flat = false, silent = false;
  static void declare(Fields<P>& f) {
    f.field("image", &P::image).fallback("./train-images-idx3-ubyte").doc("File of the images.");
    f.field("label", &P::label).fallback("./train-labels-idx1-ubyte").doc("File of the labels.");
    f.field("batch_size", &P::batch_size)
        .fallback("128")
        .range(1, 1 << 30)
        .doc("Images in a batch.");
    f.field("shuffle", &P::shuffle).fallback("1").doc("Draw an order, the same for every epoch.");
    f.field("flat", &P::flat).fallback("0").doc("Give an image one axis instead of three.");
    f.field("seed", &P::seed).fallback("0").doc("Seed of the order.");
    f.field("silent", &P::silent).fallback("0").doc("Log nothing.");
    f.field("num_parts", &P::num_parts)
        .fallback("1")
        .range(1, 1 << 30)
        .doc("Parts that share the images.");
    f.field("part_index", &P::part_index).fallback("0").range(0, 1 << 30).doc("The part to read.");
    declare_common(f);
  }
};

uint32_t read_big_endian(Reader& reader, std::string_view what) {
  return __builtin_bswap32(reader.read<uint32_t>(what));
}

int64_t read_count(Reader& reader, uint32_t magic) {
  const uint32_t found = read_big_endian(reader, "the magic number");
  if (found != magic) reader.refuse("expected the magic number {}, got {}", magic, found);
  return read_big_endian(reader, "the number of items");
}

std::unique_ptr<Iterator> make_mnist(const Parameters& parameters) {
  const auto& p = static_cast<const MnistParameters&>(parameters);
  GEMEL_CHECK(p.part_index < p.num_parts,
              "[MNISTIter] expected part_index below num_parts {}, got {}", p.num_parts,
              p.part_index);
  Reader images = Reader::open(p.image), labels = Reader::open(p.label);
  const int64_t total = read_count(images, 2051), rows = read_big_endian(images, "the height"),
                columns = read_big_endian(images, "the width");
  const int64_t label_count = read_count(labels, 2049);
  GEMEL_CHECK(label_count == total,
              "[MNISTIter] expected a label for each of {} images, got {} in {}", total,
              label_count, p.label);
  constexpr int64_t largest = 1 << 15;  // so that no product of the three numbers overflows
  if (rows > largest || columns > largest)
    images.refuse("expected images of at most {0}x{0} pixels, got {1}x{2}", largest, rows, columns);
  const int64_t pixels = rows * columns;
  images.require(total * pixels, "the pixels of all images");
  const int64_t begin = total * p.part_index / p.num_parts,
                count = total * (p.part_index + 1) / p.num_parts - begin;
  images.skip(begin * pixels, "images");
  labels.skip(begin, "labels");
  const auto bytes = images.read_bytes(count * pixels, "images");
  const auto classes = labels.read_bytes(count, "labels");

  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  if (p.shuffle) {
    std::mt19937 generator(p.seed);
    for (int64_t i = count - 1; i > 0; --i) std::swap(order[i], order[generator() % (i + 1)]);
  }
  const Shape shape = p.flat ? Shape{count, pixels} : Shape{count, 1, rows, columns};
  Samples samples{NDArray(shape, DType::float32), NDArray(Shape{count}, DType::float32), {}};
  for (int64_t i = 0; i < count; ++i) {
    float* target = samples.data.data<float>() + i * pixels;
    const std::byte* source = bytes.data() + order[i] * pixels;
    for (int64_t j = 0; j < pixels; ++j) target[j] = static_cast<uint8_t>(source[j]) * (1.0f / 256);
    samples.label.data<float>()[i] = static_cast<uint8_t>(classes[order[i]]);
  }
  if (!p.silent)
    log::info("MNISTIter: load {} images, shuffle={}, shape={}", count, p.shuffle, shape);
  samples.data = converted(samples.data, p.dtype);
  return std::make_unique<MemoryBatches>(std::move(samples), p.batch_size, LastBatch::discard);
}

const IteratorRegistration mnist_iterator({"MNISTIter",
                                           "Batches of the MNIST database: pixels of [0, 1) as "
                                           "(batch, 1, height, width), labels as (batch,). Images "
                                           "that fill no batch are left out.",
                                           make_spec<MnistParameters>(), make_mnist});

}  // namespace
}  // namespace gemel::data
