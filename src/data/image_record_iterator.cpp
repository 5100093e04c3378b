#include "data/image_record_iterator.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "array/convert.h"
#include "base/log.h"
#include "data/files.h"
#include "engine/engine.h"
#include "kernels/parallel.h"

namespace gemel::data {
namespace {

MeanImageFiles mean_image_files{};

}  // namespace

LabelList read_label_list(const std::string& path) {
  LabelList labels;
  const std::string text = read_file(path);
  for_each_line(text, [&](std::string_view line, int64_t number, size_t) {
    if (line.find_first_not_of('\t') == std::string_view::npos) return;
    const size_t name = line.rfind('\t');
    uint64_t id = 0;
    auto [at, error] = std::from_chars(line.data(), line.data() + line.size(), id);
    bool good = error == std::errc() && name != std::string_view::npos;
    std::vector<float> values;
    while (good && at < line.data() + name) {
      float value = 0;
      const auto [after, wrong] = std::from_chars(at + 1, line.data() + name, value);
      good = *at == '\t' && wrong == std::errc();
      values.push_back(value);
      at = after;
    }
    GEMEL_CHECK(good, "{}, line {}: expected a number, labels and a name, got '{}'", path, number,
                line.substr(0, 60));
    labels[id] = std::move(values);
  });
  return labels;
}

void set_mean_image_files(const MeanImageFiles& files) { mean_image_files = files; }

RecordSequence::Options source_of(const ImageRecordParameters& p) {
  RecordSequence::Options options;
  options.files = p.path_imgrec;
  options.index = p.path_imgidx;
  options.num_parts = p.num_parts;
  options.part_index = p.part_index;
  options.shuffle = p.shuffle;
  options.seed = static_cast<uint64_t>(p.seed) + static_cast<uint64_t>(p.shuffle_chunk_seed);
  options.on_damage = p.on_damage == "skip" ? OnDamage::skip : OnDamage::stop;
  return options;
}

struct ImageRecordIterator::Lane {
  std::unique_ptr<ImageWork> work;
  std::vector<float> planes;
  Ref<engine::Tag> tag = engine::make_tag("images");
};

struct ImageRecordIterator::Ahead {
  int64_t position = 0;  // before it was read
  bool finished = false;
  std::vector<std::string> records, where;
  std::vector<int64_t> epoch, number;  // of each record
  int64_t count = 0, pad = 0;          // count 0: the end of the epoch
  NDArray data, label;
  std::vector<uint64_t> index;
  std::vector<char> failed;
  std::string failure;  // of the first image that failed, where they are skipped
  Ref<engine::Tag> read = engine::make_tag("records");
  std::vector<Ref<engine::Tag>> made;
};

ImageRecordIterator::ImageRecordIterator(std::string name, const ImageRecordParameters& parameters,
                                         MakeImageWork make_work,
                                         std::shared_ptr<const LabelList> listed_labels)
    : name_(std::move(name)),
      p_(parameters),
      make_work_(std::move(make_work)),
      reader_(engine::make_tag("reader")),
      listed_labels_(std::move(listed_labels)) {
  GEMEL_CHECK(!p_.path_imgrec.empty(), "[{}] expected path_imgrec, a file of records", name_);
  GEMEL_CHECK(p_.data_shape.ndim() == 3 && (p_.data_shape[0] == 1 || p_.data_shape[0] == 3) &&
                  p_.data_shape[1] > 0 && p_.data_shape[2] > 0,
              "[{}] expected a data_shape of 1 or 3 channels, height and width, got {}", name_,
              p_.data_shape);
  GEMEL_CHECK(p_.part_index < p_.num_parts, "[{}] expected part_index below num_parts {}, got {}",
              name_, p_.num_parts, p_.part_index);
  GEMEL_CHECK(p_.on_damage == "stop" || p_.on_damage == "skip",
              "[{}] on_damage: expected stop or skip, got {}", name_, p_.on_damage);
  channels_ = p_.data_shape[0];
  height_ = p_.data_shape[1];
  width_ = p_.data_shape[2];
  dtype_ = p_.dtype == DType::none ? DType::float32 : p_.dtype;
  if (!p_.path_imglist.empty() && !listed_labels_)
    listed_labels_ = std::make_shared<LabelList>(read_label_list(p_.path_imglist));
  records_ = std::make_unique<RecordSequence>(source_of(p_));
  if (!p_.mean_img.empty()) load_mean_image();
  const int lanes = std::clamp(p_.preprocess_threads, 1, std::max(1, engine::compute_workers()));
  for (int i = 0; i < lanes; ++i) {
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->work = make_work_(mean_image_.empty() ? nullptr : mean_image_.data(), false);
  }
  if (p_.verbose)
    log::info("{}: {}, part {} of {}, {} threads", name_, p_.path_imgrec, p_.part_index,
              p_.num_parts, lanes);
}

ImageRecordIterator::~ImageRecordIterator() { drop_ahead(); }

void ImageRecordIterator::drop_ahead() {
  for (auto& ahead : ahead_) {
    try {
      wait_for(*ahead);
    } catch (...) {  // nobody asked for this batch
    }
  }
  ahead_.clear();
}

void ImageRecordIterator::load_mean_image() {
  GEMEL_ASSERT(mean_image_files.load);
  NDArray mean = mean_image_files.load(p_.mean_img);
  if (!mean) {
    if (p_.verbose) log::info("{}: making the mean image {}", name_, p_.mean_img);
    ImageRecordParameters plain = p_;
    plain.mean_img.clear();
    plain.round_batch = plain.verbose = plain.shuffle = false;
    plain.dtype = DType::float32;
    ImageRecordIterator all(
        name_, plain, [this](const float*, bool) { return make_work_(nullptr, true); },
        listed_labels_);
    std::vector<double> sum(static_cast<size_t>(channels_ * height_ * width_));
    int64_t count = 0;
    for (Batch batch; all.next(batch);) {
      const float* data = batch.data[0].data<float>();
      for (int64_t i = 0; i < p_.batch_size - batch.pad; ++i, ++count)
        for (double& one : sum) one += *data++;
    }
    mean = NDArray(p_.data_shape, DType::float32);
    for (size_t i = 0; i < sum.size(); ++i)
      mean.data<float>()[i] =
          static_cast<float>(sum[i] / static_cast<double>(std::max<int64_t>(count, 1)));
    mean_image_files.save(p_.mean_img, mean);
  }
  GEMEL_CHECK(mean.shape() == p_.data_shape && mean.dtype() == DType::float32,
              "[{}] {}: expected a float32 image of shape {}, got {}", name_, p_.mean_img,
              p_.data_shape, mean.shape());
  mean.wait_to_read();
  mean_image_.assign(mean.data<float>(), mean.data<float>() + mean.size());
}

// Runs as a task; the sequence belongs to whoever holds reader_.
void ImageRecordIterator::read(Ahead& ahead) {
  ahead.position = records_->position();
  ahead.finished = finished_;
  std::span<const std::byte> record;
  const auto take = [&] {
    if (!records_->next(record)) return false;
    ahead.records.emplace_back(reinterpret_cast<const char*>(record.data()), record.size());
    ahead.where.push_back(records_->where());
    ahead.epoch.push_back(records_->epoch());
    ahead.number.push_back(records_->position() - 1);
    return true;
  };
  try {
    if (finished_) return;
    while (static_cast<int64_t>(ahead.records.size()) < p_.batch_size && take()) {
    }
    ahead.count = static_cast<int64_t>(ahead.records.size());
    if (ahead.count == p_.batch_size) return;
    finished_ = true;
    if (ahead.count == 0) return;
    ahead.pad = p_.batch_size - ahead.count;
    if (!p_.round_batch) return;
    records_->start(records_->epoch() + 1, 0);
    while (static_cast<int64_t>(ahead.records.size()) < p_.batch_size) {
      if (take()) continue;
      records_->start(records_->epoch(), 0);  // fewer records than a batch
    }
    taken_ahead_ = records_->position();
  } catch (...) {
    finished_ = true;  // a file that cannot be read ends the epoch
    ahead.count = 0;
    throw;
  }
}

std::span<const float> ImageRecordIterator::labels_of(const ImageRecord& record,
                                                      const std::string& where) const {
  if (!listed_labels_ || listed_labels_->empty()) return record.labels;
  const auto found = listed_labels_->find(record.id);
  GEMEL_CHECK(found != listed_labels_->end(), "[{}] {}: {} has no label for the number {}", name_,
              where, p_.path_imglist, record.id);
  return found->second;
}

void ImageRecordIterator::one_image(Lane& lane, Ahead& ahead, int64_t i) {
  const std::string& where = ahead.where[i];
  const ImageRecord record = unpack_image_record(std::as_bytes(std::span(ahead.records[i])), where);
  ahead.index[i] = record.id;
  const int64_t values = channels_ * height_ * width_;
  const uint64_t seed = static_cast<uint64_t>(p_.seed_aug.value_or(p_.seed));
  const ImageRandom random(seed, static_cast<uint64_t>(ahead.epoch[i]),
                           static_cast<uint64_t>(ahead.number[i]));
  float* planes = ahead.data.data<float>() + i * values;
  if (dtype_ != DType::float32) {
    lane.planes.resize(static_cast<size_t>(values));
    planes = lane.planes.data();
  }
  lane.work->run(record, labels_of(record, where), where, random, planes,
                 ahead.label.data<float>() + i * p_.label_width);
  if (dtype_ == DType::float32) return;
  if (dtype_ == DType::uint8 || dtype_ == DType::int8) {
    const float low = dtype_ == DType::uint8 ? 0 : -128, high = dtype_ == DType::uint8 ? 255 : 127;
    auto* out = ahead.data.data<uint8_t>() + i * values;
    for (int64_t k = 0; k < values; ++k)
      out[k] = static_cast<uint8_t>(std::lrint(std::clamp(planes[k], low, high)));
    return;
  }
  const Tensor from(reinterpret_cast<std::byte*>(planes), p_.data_shape, DType::float32, {});
  Tensor to = ahead.data.tensor();
  convert(from, Tensor(to.address + i * values * size_of(dtype_), p_.data_shape, dtype_, {}));
}

void ImageRecordIterator::work(Lane& lane, Ahead& ahead, int64_t begin, int64_t end) {
  const kernels::SingleThread alone;  // the threads are busy with other images
  for (int64_t i = begin; i < std::min<int64_t>(end, static_cast<int64_t>(ahead.records.size()));
       ++i) {
    try {
      one_image(lane, ahead, i);
    } catch (const Error& error) {
      if (p_.on_damage == "stop") throw;
      ahead.failed[i] = 1;
      if (ahead.failure.empty() && begin == 0) ahead.failure = error.what();
    }
    std::string().swap(ahead.records[i]);
  }
}

void ImageRecordIterator::push_batch() {
  auto ahead = std::make_shared<Ahead>();
  Shape shape{p_.batch_size};
  for (int64_t size : p_.data_shape) shape.push_back(size);
  ahead->data = NDArray(shape, dtype_);
  ahead->label = NDArray(Shape{p_.batch_size, p_.label_width}, DType::float32);
  ahead->index.resize(static_cast<size_t>(p_.batch_size));
  ahead->failed.resize(static_cast<size_t>(p_.batch_size));
  engine::Tag* const writes[] = {reader_.get(), ahead->read.get()};
  engine::push(
      [this, ahead] { read(*ahead); },
      {.writes = writes, .resource = engine::Resource::io, .name = "ImageRecordIter.read"});
  const auto lanes = static_cast<int64_t>(lanes_.size());
  for (int64_t i = 0; i < lanes; ++i) {
    const int64_t begin = p_.batch_size * i / lanes, end = p_.batch_size * (i + 1) / lanes;
    ahead->made.push_back(engine::make_tag("batch"));
    Lane* lane = lanes_[i].get();
    engine::Tag* const lane_reads[] = {ahead->read.get()};
    engine::Tag* const lane_writes[] = {lane->tag.get(), ahead->made.back().get()};
    engine::push([this, ahead, lane, begin, end] { work(*lane, *ahead, begin, end); },
                 {.reads = lane_reads, .writes = lane_writes, .name = "ImageRecordIter.decode"});
  }
  ahead_.push_back(std::move(ahead));
}

// Every task is done when this returns or throws what one of them threw.
void ImageRecordIterator::wait_for(Ahead& ahead) {
  std::exception_ptr failure;
  const auto wait = [&](engine::Tag& tag) {
    try {
      engine::wait_for_read(tag);
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  };
  wait(*ahead.read);
  for (auto& tag : ahead.made) wait(*tag);
  if (failure) std::rethrow_exception(failure);
}

// Images that failed get the pixels and labels of one that did not.
void ImageRecordIterator::replace_failed(Ahead& ahead) {
  const auto good = std::find(ahead.failed.begin(), ahead.failed.end(), 0) - ahead.failed.begin();
  const int64_t bytes = ahead.data.bytes() / p_.batch_size;
  auto* data = ahead.data.data<std::byte>();
  auto* label = ahead.label.data<float>();
  for (int64_t i = 0; i < p_.batch_size; ++i) {
    if (!ahead.failed[i]) continue;
    GEMEL_CHECK(good < p_.batch_size, "[{}] no image of a batch can be read: {}", name_,
                ahead.failure);
    std::copy_n(data + good * bytes, bytes, data + i * bytes);
    std::copy_n(label + good * p_.label_width, p_.label_width, label + i * p_.label_width);
    ahead.index[i] = ahead.index[good];
    ++damaged_;
  }
}

bool ImageRecordIterator::next(Batch& batch) {
  while (static_cast<int64_t>(ahead_.size()) <= p_.prefetch_buffer) push_batch();
  const auto ahead = ahead_.front();
  ahead_.pop_front();
  wait_for(*ahead);
  if (ahead->count == 0) {
    seen_end_ = true;
    drop_ahead();
    return false;
  }
  // With fewer records than a batch and nothing to fill it up, the rest is zero.
  const auto filled = static_cast<int64_t>(ahead->records.size());
  if (filled < p_.batch_size) {
    const int64_t bytes = ahead->data.bytes() / p_.batch_size;
    std::fill_n(ahead->data.data<std::byte>() + filled * bytes, (p_.batch_size - filled) * bytes,
                std::byte{});
    std::fill_n(ahead->label.data<float>() + filled * p_.label_width,
                (p_.batch_size - filled) * p_.label_width, 0.0f);
  }
  replace_failed(*ahead);
  batch.data = {ahead->data};
  batch.label = {p_.label_width == 1 ? ahead->label.reshape(Shape{p_.batch_size}) : ahead->label};
  batch.index = ahead->index;
  batch.pad = ahead->pad;
  seen_end_ |= ahead->pad > 0;
  push_batch();  // so that `ahead_` is never empty between two calls: the next place is known
  return true;
}

void ImageRecordIterator::reset() {
  drop_ahead();
  records_->start(++epoch_, seen_end_ ? taken_ahead_ : 0);
  finished_ = seen_end_ = false;
  taken_ahead_ = 0;
}

std::vector<int64_t> ImageRecordIterator::position() const {
  bool finished = finished_;
  int64_t position = records_->position();
  if (!ahead_.empty()) {
    Ahead& ahead = *ahead_.front();
    engine::wait_for_read(*ahead.read);
    finished = ahead.finished;
    position = ahead.position;
  }
  return {epoch_, finished ? 0 : position, finished, finished ? taken_ahead_ : 0};
}

void ImageRecordIterator::set_position(const std::vector<int64_t>& position) {
  GEMEL_CHECK(position.size() == 4 && position[0] >= 0 && position[1] >= 0 && position[3] >= 0,
              "[{}] expected a state that state_dict() of such an iterator gave", name_);
  drop_ahead();
  epoch_ = position[0];
  records_->start(epoch_, position[1]);
  finished_ = seen_end_ = position[2] != 0;
  taken_ahead_ = position[3];
}

int64_t ImageRecordIterator::damaged() const {
  engine::wait_for_read(*reader_);
  return damaged_ + records_->damaged();
}

std::vector<Description> ImageRecordIterator::data_description() const {
  Shape shape{p_.batch_size};
  for (int64_t size : p_.data_shape) shape.push_back(size);
  return {{"data", shape, dtype_}};
}

std::vector<Description> ImageRecordIterator::label_description() const {
  Shape shape{p_.batch_size};
  if (p_.label_width != 1) shape.push_back(p_.label_width);
  return {{"softmax_label", shape, DType::float32}};
}

namespace {

// Images with a fixed number of labels.
class Classification final : public ImageWork {
 public:
  Classification(const std::string& name, const ImageRecordParameters& p, const float* mean)
      : name_(name),
        p_(p),
        augmenter_(p_, p_, p.data_shape[0], p.data_shape[1], p.data_shape[2], mean) {}

  void run(const ImageRecord& record, std::span<const float> given, const std::string& where,
           ImageRandom random, float* planes, float* label) override {
    GEMEL_CHECK(static_cast<int64_t>(given.size()) == p_.label_width,
                "[{}] {}: expected label_width {} labels, got {}", name_, where, p_.label_width,
                given.size());
    std::copy(given.begin(), given.end(), label);
    augmenter_.run(record.content, where, random, planes);
  }

 private:
  std::string name_;
  ImageRecordParameters p_;
  ImageAugmenter augmenter_;
};

std::unique_ptr<Iterator> make(const char* name, DType dtype, const Parameters& parameters) {
  ImageRecordParameters p = static_cast<const ImageRecordParameters&>(parameters);
  if (dtype != DType::none) p.dtype = dtype;
  check_interpolation(name, p.inter_method);
  if (p.dtype == DType::uint8 || p.dtype == DType::int8) {
    // Pixels as they are, in int8 less the mean.
    p.scale = p.std_r = p.std_g = p.std_b = 1;
    p.max_random_contrast = p.max_random_illumination = 0;
    if (p.dtype == DType::uint8) p.mean_r = p.mean_g = p.mean_b = 0;
  }
  return std::make_unique<ImageRecordIterator>(name, p, [=](const float* mean, bool plain) {
    ImageRecordParameters own = p;
    if (plain) {
      own.mean_r = own.mean_g = own.mean_b = 0;
      own.scale = own.std_r = own.std_g = own.std_b = 1;
      own.rand_mirror = own.mirror = false;
    }
    return std::make_unique<Classification>(name, own, mean);
  });
}

IteratorInfo kind(const char* name, DType dtype, const char* doc) {
  return {name, doc, make_spec<ImageRecordParameters>(),
          [=](const Parameters& parameters) { return make(name, dtype, parameters); }};
}

const IteratorRegistration iterators[] = {
    IteratorRegistration(
        kind("ImageRecordIter", DType::none,
             "Batches of images from RecordIO files that `gemel im2rec` made: data "
             "(batch, channels, height, width), labels (batch,) or (batch, "
             "label_width). JPEG and PNG images are decoded, changed as the "
             "parameters say, and put together by the engine's workers ahead of "
             "their use.")),
    IteratorRegistration(kind("ImageRecordIter_v1", DType::none, "The same as ImageRecordIter.")),
    IteratorRegistration(kind("ImageRecordUInt8Iter", DType::uint8,
                              "ImageRecordIter with pixels as they are, in uint8.")),
    IteratorRegistration(
        kind("ImageRecordUInt8Iter_v1", DType::uint8, "The same as ImageRecordUInt8Iter.")),
    IteratorRegistration(kind("ImageRecordInt8Iter", DType::int8,
                              "ImageRecordIter with pixels less the mean, in int8.")),
};

}  // namespace
}  // namespace gemel::data
