"""The iterators that are written in C++, one function for each."""
import warnings

import numpy

from .. import _core
from ..ndarray.sparse import csr_matrix
from .io import DataBatch, DataDesc, DataIter

__all__ = ["MXDataIter", *_core.data_iterators()]


class MXDataIter(DataIter):
    """Batches of an iterator that is written in C++.

    Parameters
    ----------
    handle : DataIterator of `_core`
    data_name, label_name : str
        Names of the data and of the label.
    """

    def __init__(self, handle, data_name="data", label_name="softmax_label", **_):
        self.handle = handle
        self.provide_data = self._described(handle.data_description(), data_name)
        self.provide_label = self._described(handle.label_description(), label_name)
        super().__init__(self.provide_data[0].shape[0])
        self._batch = None

    @staticmethod
    def _described(descriptions, name):
        return [DataDesc(name, shape, dtype) for _, shape, dtype in descriptions]

    def reset(self):
        self._batch = None
        self.handle.reset()

    def iter_next(self):
        self._batch = self.handle.next()
        return self._batch is not None

    def next(self):
        if not self.iter_next():
            raise StopIteration
        return DataBatch([self.getdata()], [self.getlabel()], self.getpad(), self.getindex())

    def getdata(self):
        """The data of the current batch."""
        return self._array(0, self.provide_data)

    def getlabel(self):
        """The labels of the current batch."""
        return self._array(1, self.provide_label)

    def _array(self, which, described):
        """A dense array, or the csr matrix of which the batch has the three parts."""
        parts = self._batch[which]
        if len(parts) == 1:
            return parts[0]
        return csr_matrix(tuple(parts), shape=described[0].shape, dtype=described[0].dtype)

    def getpad(self):
        return self._batch[2]

    def state_dict(self):
        """Where the next batch begins, as a dictionary that can be saved; not all kinds know it."""
        return {"position": list(self.handle.position())}

    def load_state_dict(self, state):
        """Go to where an iterator with the same parameters was at its `state_dict`: the batches that
        follow are the same ones."""
        self._batch = None
        self.handle.set_position(list(state["position"]))

    @property
    def damaged(self):
        """How many damaged records and images were passed over (`on_damage="skip"`)."""
        return self.handle.damaged

    def getindex(self):
        """The numbers of the current batch's samples, a uint64 array."""
        return numpy.array(self._batch[3], dtype=numpy.uint64)


def _constructor(name, documentation, fields):
    def make(*args, **kwargs):
        if args:
            raise TypeError(f"{name} can only accept keyword arguments")
        names = {key: kwargs.pop(key) for key in ("data_name", "label_name") if key in kwargs}
        given = {key: value for key, value in kwargs.items() if key in known}
        for key in kwargs.keys() - known:
            warnings.warn(f"[{name}] there is no parameter '{key}'; it is ignored", stacklevel=2)
        return MXDataIter(_core.make_data_iterator(name, given), **names)
    known = {field[0] for field in fields}
    make.__name__ = make.__qualname__ = name
    lines = [documentation, "", "Parameters", "----------"]
    for field, kind, fallback, text in fields:
        state = "required" if fallback is None else f"optional, default={fallback!r}"
        lines += [f"{field} : {kind}, {state}", f"    {text}"]
    make.__doc__ = "\n".join([*lines, "", "Returns", "-------", "MXDataIter"])
    return make


for _name, (_documentation, _fields) in _core.data_iterators().items():
    globals()[_name] = _constructor(_name, _documentation, _fields)
