// RecordIO files.
#include <optional>

#include "c_api/objects.h"
#include "data/record_io.h"

namespace gemel::c_api {
namespace {

struct RecordObject {
  std::optional<data::RecordReader> reader;
  std::optional<data::RecordWriter> writer;
};
using Records = Table<RecordObject, Kind::record>;

data::RecordReader& reader_of(RecordIOHandle handle) {
  auto& reader = Records::instance().get(handle).reader;
  GEMEL_CHECK(reader, "[{}] expected a reader of records, got a writer", current_function);
  return *reader;
}

data::RecordWriter& writer_of(RecordIOHandle handle) {
  auto& writer = Records::instance().get(handle).writer;
  GEMEL_CHECK(writer, "[{}] expected a writer of records, got a reader", current_function);
  return *writer;
}

}  // namespace
}  // namespace gemel::c_api

using namespace gemel;
using namespace gemel::c_api;

int MXRecordIOReaderCreate(const char* uri, RecordIOHandle* out) {
  return call(__func__, [&] {
    given(out, "the result");
    RecordObject object;
    object.reader.emplace(data::open_source(text_of(uri, "the path")));
    *out = Records::instance().add(std::move(object));
  });
}

int MXRecordIOReaderFree(RecordIOHandle handle) {
  return call(__func__, [&] {
    reader_of(handle);
    Records::instance().free(handle);
  });
}

// A null `buf` with size 0 is the end; an empty record has an address.
int MXRecordIOReaderReadRecord(RecordIOHandle handle, char const** buf, size_t* size) {
  return call(__func__, [&] {
    given(buf, "the record");
    given(size, "its size");
    std::span<const std::byte> record;
    const bool found = reader_of(handle).next(record);
    *buf = !found ? nullptr : record.empty() ? "" : reinterpret_cast<const char*>(record.data());
    *size = found ? record.size() : 0;
  });
}

int MXRecordIOReaderSeek(RecordIOHandle handle, size_t pos) {
  return call(__func__, [&] { reader_of(handle).seek(static_cast<int64_t>(pos)); });
}

int MXRecordIOReaderTell(RecordIOHandle handle, size_t* pos) {
  return call(__func__,
              [&] { *given(pos, "the position") = static_cast<size_t>(reader_of(handle).tell()); });
}

int MXRecordIOWriterCreate(const char* uri, RecordIOHandle* out) {
  return call(__func__, [&] {
    given(out, "the result");
    RecordObject object;
    object.writer.emplace(text_of(uri, "the path"));
    *out = Records::instance().add(std::move(object));
  });
}

// The file is in its place when this returns.
int MXRecordIOWriterFree(RecordIOHandle handle) {
  return call(__func__, [&] {
    data::RecordWriter writer = std::move(writer_of(handle));
    Records::instance().free(handle);
    writer.close();
  });
}

int MXRecordIOWriterTell(RecordIOHandle handle, size_t* pos) {
  return call(__func__,
              [&] { *given(pos, "the position") = static_cast<size_t>(writer_of(handle).tell()); });
}

int MXRecordIOWriterWriteRecord(RecordIOHandle handle, const char* buf, size_t size) {
  return call(__func__, [&] {
    if (size > 0) given(buf, "the record");
    writer_of(handle).write({reinterpret_cast<const std::byte*>(buf), size});
  });
}
