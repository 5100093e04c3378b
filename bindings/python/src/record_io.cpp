// RecordIO files.
#include "data/record_io.h"

#include "data/http.h"

#include <nanobind/stl/unique_ptr.h>

#include <mutex>

#include "common.h"

namespace gemel::python {
namespace {

// A reader that several threads of Python may share.
struct SharedReader {
  std::mutex mutex;
  data::RecordReader reader;

  template <typename Body>
  auto locked(Body&& body) {
    nb::gil_scoped_release released;  // before the lock: who holds it may wait for the interpreter
    std::lock_guard lock(mutex);
    return body(reader);
  }

  // The next record as bytes, or None at the end.
  nb::object read() {
    std::span<const std::byte> record;
    const auto bytes_if = [&](bool found) -> nb::object {
      return found ? nb::object(nb::bytes(record.data(), record.size())) : nb::none();
    };
    // What lies in memory is there sooner than the interpreter would be given away and taken back.
    if (!reader.source().waits() && mutex.try_lock()) {
      const std::lock_guard lock(mutex, std::adopt_lock);
      return bytes_if(reader.next(record));
    }
    return locked([&](data::RecordReader&) {
      const bool found = reader.next(record);
      nb::gil_scoped_acquire acquired;
      return bytes_if(found);
    });
  }
};

std::span<const std::byte> content_of(const nb::bytes& bytes) {
  return {static_cast<const std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace

void bind_record_io(nb::module_& m) {
  nb::class_<SharedReader>(m, "RecordReader")
      .def(
          "__init__",
          [](SharedReader* self, const std::string& path, bool skip, int64_t num_parts,
             int64_t part_index) {
            nb::gil_scoped_release released;
            new (self)
                SharedReader{{},
                             data::RecordReader(data::open_source(path),
                                                skip ? data::OnDamage::skip : data::OnDamage::stop,
                                                num_parts, part_index)};
          },
          nb::arg("path"), nb::arg("skip_damaged") = false, nb::arg("num_parts") = 1,
          nb::arg("part_index") = 0)
      .def("read", &SharedReader::read)
      .def("seek",
           [](SharedReader& self, int64_t position) {
             self.locked([&](data::RecordReader& reader) { reader.seek(position); });
           })
      .def("reset",
           [](SharedReader& self) {
             self.locked([](data::RecordReader& reader) { reader.reset(); });
           })
      .def("tell",
           [](SharedReader& self) {
             return self.locked([](data::RecordReader& reader) { return reader.tell(); });
           })
      .def_prop_ro("damaged", [](SharedReader& self) { return self.reader.damaged(); })
      .def_prop_ro("skipped_bytes", [](SharedReader& self) { return self.reader.skipped_bytes(); });
  nb::class_<data::RecordWriter>(m, "RecordWriter")
      .def(nb::init<std::string_view>(), nb::arg("path"))
      .def("write",
           [](data::RecordWriter& self, nb::bytes record) { self.write(content_of(record)); })
      .def("tell", &data::RecordWriter::tell)
      .def("close", &data::RecordWriter::close);
  m.def("has_remote_files", &data::has_http);
  // The content of a file, also of one on another machine.
  m.def("read_file", [](const std::string& path) {
    std::string content;
    {
      nb::gil_scoped_release released;
      content = read_file(path);
    }
    return nb::bytes(content.data(), content.size());
  });
  // Replaces a file atomically.
  m.def("write_file", [](const std::string& path, nb::bytes content) {
    write_file(path, std::string_view(content.c_str(), content.size()));
  });
}

}  // namespace gemel::python
