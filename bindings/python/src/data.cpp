// Data iterators: what src/data registers, by name.
#include "data/iterator.h"

#include "common.h"

namespace gemel::python {
namespace {

nb::list descriptions(const std::vector<data::Description>& all) {
  nb::list list;
  for (const auto& one : all)
    list.append(nb::make_tuple(one.name, tuple_of(one.shape), numpy_dtype(one.dtype)));
  return list;
}

}  // namespace

void bind_data(nb::module_& m) {
  nb::class_<data::Iterator>(m, "DataIterator")
      .def("reset", &data::Iterator::reset, nb::call_guard<nb::gil_scoped_release>())
      .def("position", &data::Iterator::position, nb::call_guard<nb::gil_scoped_release>())
      .def("set_position", &data::Iterator::set_position, nb::call_guard<nb::gil_scoped_release>())
      .def_prop_ro("damaged", &data::Iterator::damaged)
      // (data, label, pad, index), or None at the end of the epoch.
      .def("next",
           [](data::Iterator& self) -> nb::object {
             data::Batch batch;
             {
               nb::gil_scoped_release released;
               if (!self.next(batch)) batch.data.clear();
             }
             if (batch.data.empty()) return nb::none();
             return nb::make_tuple(wrap_all(std::move(batch.data)),
                                   wrap_all(std::move(batch.label)), batch.pad, batch.index);
           })
      .def("data_description",
           [](const data::Iterator& self) { return descriptions(self.data_description()); })
      .def("label_description",
           [](const data::Iterator& self) { return descriptions(self.label_description()); });
  m.def("make_data_iterator", [](const std::string& name, nb::dict parameters) {
    Attributes attributes;
    for (auto [key, value] : parameters)
      attributes.emplace(nb::cast<std::string>(key), parameter_text(value));
    nb::gil_scoped_release released;
    // Its end waits for tasks, which may want the interpreter (see decode_by_python).
    const auto end = [](data::Iterator* iterator) {
      nb::gil_scoped_release waiting;
      delete iterator;
    };
    return std::shared_ptr<data::Iterator>(data::make_iterator(name, attributes).release(), end);
  });
  // name -> (documentation, [(parameter, type, default or None, documentation)])
  m.def("data_iterators", [] {
    nb::dict all;
    for (const auto& info : data::iterators()) {
      nb::list fields;
      for (const auto& field : info.spec.fields)
        fields.append(nb::make_tuple(field.name, field.type, field.fallback_text, field.doc_text));
      all[info.name.c_str()] = nb::make_tuple(info.doc, fields);
    }
    return all;
  });
}

}  // namespace gemel::python
