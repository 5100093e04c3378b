// Batches of images from RecordIO files, made ahead of their use by tasks of the engine: one that
// reads (io), and for each thread one that decodes and changes its share of the batch (compute).
// Batches, their order and their random changes depend on the parameters only.
#pragma once
#include <deque>
#include <memory>
#include <unordered_map>

#include "data/image_record_parameters.h"
#include "data/image_work.h"
#include "data/iterator.h"
#include "data/record_sequence.h"

namespace gemel::data {

// Where mean images are kept; set by the folder that knows files of arrays.
struct MeanImageFiles {
  NDArray (*load)(const std::string& path);  // "none" where there is no such file
  void (*save)(const std::string& path, const NDArray& image);
};
void set_mean_image_files(const MeanImageFiles& files);

// What an iterator reads, and in which order.
RecordSequence::Options source_of(const ImageRecordParameters& parameters);
// Lines of a number, labels and a name, with tabs between them: from number to labels.
using LabelList = std::unordered_map<uint64_t, std::vector<float>>;
LabelList read_label_list(const std::string& path);

class ImageRecordIterator final : public Iterator {
 public:
  // What `parameters` say of the source, the batches and the result; `make_work` does the rest, on
  // a row of `label_width` numbers for each image.
  // `listed_labels` are those of path_imglist where they were read already.
  ImageRecordIterator(std::string name, const ImageRecordParameters& parameters,
                      MakeImageWork make_work,
                      std::shared_ptr<const LabelList> listed_labels = nullptr);
  ~ImageRecordIterator() override;
  void reset() override;
  bool next(Batch& batch) override;
  std::vector<Description> data_description() const override;
  std::vector<Description> label_description() const override;
  // Epoch, records read in it, 1 at its end, and records of the next one that its last batch holds.
  std::vector<int64_t> position() const override;
  void set_position(const std::vector<int64_t>& position) override;
  int64_t damaged() const override;

 private:
  struct Ahead;  // a batch that is being made
  struct Lane;   // what one thread works with

  void push_batch();
  void read(Ahead& ahead);
  void work(Lane& lane, Ahead& ahead, int64_t begin, int64_t end);
  void one_image(Lane& lane, Ahead& ahead, int64_t i);
  void wait_for(Ahead& ahead);
  void drop_ahead();
  void replace_failed(Ahead& ahead);
  void load_mean_image();
  std::span<const float> labels_of(const ImageRecord& record, const std::string& where) const;

  std::string name_;
  ImageRecordParameters p_;
  MakeImageWork make_work_;
  int64_t channels_, height_, width_;
  DType dtype_;
  std::unique_ptr<RecordSequence> records_;  // used by tasks that hold reader_
  Ref<engine::Tag> reader_;
  bool finished_ = false;    // where reading is: the epoch has ended
  int64_t taken_ahead_ = 0;  // records of the next epoch in the last batch
  int64_t epoch_ = 0;        // where the caller is
  bool seen_end_ = false;    // the caller has the last batch
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::deque<std::shared_ptr<Ahead>> ahead_;
  std::shared_ptr<const LabelList> listed_labels_;  // null: the labels are the records' own
  std::vector<float> mean_image_;
  int64_t damaged_ = 0;
};

}  // namespace gemel::data
