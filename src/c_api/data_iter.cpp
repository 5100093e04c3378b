// Data iterators.
#include "c_api/expected_names.h"
#include "c_api/objects.h"
#include "c_api/operator_info.h"
#include "data/iterator.h"

namespace gemel::c_api {
namespace {

struct IteratorObject {
  std::unique_ptr<data::Iterator> iterator;
  data::Batch batch;  // the current one
};
using Iterators = Table<IteratorObject, Kind::iterator>;

// What a creator's handle stands for: iterators, then names of those that do not exist yet.
struct IteratorText {
  std::string name, description;
  const data::IteratorInfo* info = nullptr;
  std::vector<std::string> kept;
  std::vector<const char*> names, types, descriptions;
};

const std::vector<IteratorText>& iterator_texts() {
  static const auto& texts = *new std::vector<IteratorText>([] {
    std::vector<IteratorText> made;
    for (const data::IteratorInfo& info : data::iterators())
      made.push_back({info.name, info.doc, &info, {}, {}, {}, {}});
    for (const char* name : expected_iterators)
      if (std::none_of(made.begin(), made.end(), [&](const auto& t) { return t.name == name; }))
        made.push_back({name, "", nullptr, {}, {}, {}, {}});
    for (IteratorText& text : made) {
      if (!text.info) continue;
      for (const Field& field : text.info->spec.fields)
        text.kept.push_back(parameter_type_text(field));
      for (size_t i = 0; i < text.kept.size(); ++i) {
        const Field& field = text.info->spec.fields[i];
        text.names.push_back(field.name.c_str());
        text.types.push_back(text.kept[i].c_str());
        text.descriptions.push_back(field.doc_text.c_str());
      }
    }
    return made;
  }());
  return texts;
}

const IteratorText& iterator_text(const void* creator) {
  const HandleParts parts = unpack_handle(creator);
  if (parts.kind != static_cast<uint8_t>(Kind::iterator_creator) ||
      parts.slot >= iterator_texts().size())
    refuse_handle(Kind::iterator_creator, creator);
  return iterator_texts()[parts.slot];
}

const data::Batch& current_batch(DataIterHandle handle) {
  const data::Batch& batch = Iterators::instance().get(handle).batch;
  GEMEL_CHECK(!batch.data.empty(), "[{}] there is no batch: call MXDataIterNext first",
              current_function);
  return batch;
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXListDataIters(uint32_t* out_size, DataIterCreator** out_array) {
  return call(__func__, [&] {
    static auto& creators = *new std::vector<void*>([] {
      std::vector<void*> made;
      for (uint32_t i = 0; i < iterator_texts().size(); ++i)
        made.push_back(pack_handle(Kind::iterator_creator, 1, i));
      return made;
    }());
    *given(out_size, "the number of iterators") = static_cast<uint32_t>(creators.size());
    *given(out_array, "the iterators") = creators.data();
  });
}

int MXDataIterGetIterInfo(DataIterCreator creator, const char** name, const char** description,
                          uint32_t* num_args, const char*** arg_names, const char*** arg_type_infos,
                          const char*** arg_descriptions) {
  return call(__func__, [&] {
    const IteratorText& text = iterator_text(creator);
    if (name) *name = text.name.c_str();
    if (description) *description = text.description.c_str();
    if (num_args) *num_args = static_cast<uint32_t>(text.names.size());
    if (arg_names) *arg_names = const_cast<const char**>(text.names.data());
    if (arg_type_infos) *arg_type_infos = const_cast<const char**>(text.types.data());
    if (arg_descriptions) *arg_descriptions = const_cast<const char**>(text.descriptions.data());
  });
}

int MXDataIterCreateIter(DataIterCreator handle, uint32_t num_param, const char** keys,
                         const char** vals, DataIterHandle* out) {
  return call(__func__, [&] {
    given(out, "the result");
    const IteratorText& text = iterator_text(handle);
    GEMEL_CHECK(text.info, "[{}] the iterator {} is not available in this version of Gemel",
                current_function, text.name);
    *out = Iterators::instance().add(
        {data::make_iterator(text.name, attributes_of(num_param, keys, vals)), {}});
  });
}

int MXDataIterFree(DataIterHandle handle) {
  return call(__func__, [&] {
    if (handle) Iterators::instance().free(handle);
  });
}

int MXDataIterNext(DataIterHandle handle, int* out) {
  return call(__func__, [&] {
    IteratorObject& object = Iterators::instance().get(handle);
    data::Batch batch;
    *given(out, "the answer") = object.iterator->next(batch);
    object.batch = std::move(batch);
  });
}

int MXDataIterBeforeFirst(DataIterHandle handle) {
  return call(__func__, [&] {
    IteratorObject& object = Iterators::instance().get(handle);
    object.iterator->reset();
    object.batch = {};
  });
}

int MXDataIterGetData(DataIterHandle handle, NDArrayHandle* out) {
  return call(__func__,
              [&] { *given(out, "the data") = new_handle(current_batch(handle).data[0]); });
}

int MXDataIterGetLabel(DataIterHandle handle, NDArrayHandle* out) {
  return call(__func__, [&] {
    const data::Batch& batch = current_batch(handle);
    *given(out, "the label") = new_handle(batch.label.empty() ? NDArray() : batch.label[0]);
  });
}

int MXDataIterGetIndex(DataIterHandle handle, uint64_t** out_index, uint64_t* out_size) {
  return call(__func__, [&] {
    const data::Batch& batch = current_batch(handle);
    *given(out_size, "the size") = batch.index.size();
    *given(out_index, "the numbers") = Returned::fresh().numbers(batch.index);
  });
}

int MXDataIterGetPadNum(DataIterHandle handle, int* pad) {
  return call(__func__,
              [&] { *given(pad, "the number") = static_cast<int>(current_batch(handle).pad); });
}
