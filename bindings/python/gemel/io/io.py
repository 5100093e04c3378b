"""Descriptions of data, batches, and iterators over arrays in memory."""
import threading
from collections import namedtuple

import numpy as np

from .. import ndarray as nd
from . import random_state
from .utils import init_data

__all__ = ["DataDesc", "DataBatch", "DataIter", "NDArrayIter", "ResizeIter", "PrefetchingIter"]


class DataDesc(namedtuple("DataDesc", ["name", "shape"])):
    """The name, shape, dtype and layout of one input.

    It is a pair `(name, shape)` with the attributes `dtype` (float32 by default) and `layout`.
    """

    def __new__(cls, name, shape, dtype=np.float32, layout="NCHW"):
        self = super().__new__(cls, name, tuple(shape))
        self.dtype = dtype
        self.layout = layout
        return self

    def __repr__(self):
        return f"DataDesc[{self.name},{self.shape},{self.dtype},{self.layout}]"

    @staticmethod
    def get_batch_axis(layout):
        """The position of "N" in a layout; 0 without a layout, -1 if it has none."""
        return 0 if layout is None else layout.find("N")

    @staticmethod
    def get_list(shapes, types):
        """Descriptions from pairs `(name, shape)` and, unless None, pairs `(name, dtype)`."""
        if types is None:
            return [DataDesc(name, shape) for name, shape in shapes]
        dtypes = dict(types)
        return [DataDesc(name, shape, dtypes[name]) for name, shape in shapes]


class DataBatch:
    """One batch.

    Parameters
    ----------
    data : list of NDArray
    label : list of NDArray, optional
    pad : int, optional
        How many samples at the end only fill the batch up.
    index : array, optional
        Numbers of the samples.
    bucket_key : object, optional
        Which bucket's network the batch is for.
    provide_data, provide_label : list of DataDesc, optional
    """

    def __init__(self, data, label=None, pad=None, index=None, bucket_key=None,
                 provide_data=None, provide_label=None):
        if data is not None:
            assert isinstance(data, (list, tuple)), "Data must be list of NDArrays"
        if label is not None:
            assert isinstance(label, (list, tuple)), "Label must be list of NDArrays"
        self.data = data
        self.label = label
        self.pad = pad
        self.index = index
        self.bucket_key = bucket_key
        self.provide_data = provide_data
        self.provide_label = provide_label

    def __str__(self):
        data = [one.shape for one in self.data]
        label = [one.shape for one in self.label] if self.label else None
        return f"{self.__class__.__name__}: data shapes: {data} label shapes: {label}"


class DataIter:
    """The base of iterators over batches.

    A subclass offers `iter_next`, `getdata`, `getlabel`, `getpad`, `getindex`, and the properties
    `provide_data` and `provide_label`.
    """

    def __init__(self, batch_size=0):
        self.batch_size = batch_size

    def __iter__(self):
        return self

    def reset(self):
        """Go back to the first batch."""

    def next(self):
        """The next `DataBatch`; `StopIteration` at the end."""
        if self.iter_next():
            return DataBatch(data=self.getdata(), label=self.getlabel(), pad=self.getpad(),
                             index=self.getindex())
        raise StopIteration

    def __next__(self):
        return self.next()

    def iter_next(self):
        """Go to the next batch; False at the end."""

    def getdata(self):
        """The data of the current batch, a list of NDArray."""

    def getlabel(self):
        """The labels of the current batch, a list of NDArray."""

    def getindex(self):
        """The numbers of the current batch's samples, or None."""
        return None

    def getpad(self):
        """How many samples at the end of the current batch only fill it up."""

    def state_dict(self):
        """Where the next batch begins, as a dictionary of plain values and arrays that can be saved."""
        raise NotImplementedError(f"{type(self).__name__} does not know its state")

    def load_state_dict(self, state):
        """Go to where an iterator with the same parameters was at its `state_dict`: the batches that
        follow are the same ones."""
        raise NotImplementedError(f"{type(self).__name__} cannot go to a state")


class NDArrayIter(DataIter):
    """Batches of arrays in memory.

    Parameters
    ----------
    data, label : NDArray, numpy.ndarray, list of them, or dict from name to array
        Samples along the first axis. NumPy arrays become float32; a dictionary is sorted by name.
    batch_size : int
    shuffle : bool
        Draw a new order (with NumPy's generator) for every epoch.
    last_batch_handle : str
        What to do with the samples that fill no batch: "pad" (fill up from the start), "discard",
        or "roll_over" (keep them for the next epoch).
    data_name, label_name : str
        Names of inputs that are not in a dictionary.
    layout : str
    """

    def __init__(self, data, label=None, batch_size=1, shuffle=False, last_batch_handle="pad",
                 data_name="data", label_name="softmax_label", layout="NCHW"):
        super().__init__(batch_size)
        self.data = init_data(data, False, data_name)
        self.label = init_data(label, True, label_name)
        self.num_data = self.data[0][1].shape[0]
        self.shuffle = shuffle
        self.last_batch_handle = last_batch_handle
        self.layout = layout
        self.idx = np.arange(self.num_data)
        self.cursor = -batch_size
        self._rolled = None  # (data, label) that the last epoch left over
        self._sources = None
        self._order = None  # of the samples as they were given; replaced, never changed
        if shuffle:
            self._order = np.arange(self.num_data)
            self._sources = [value.asnumpy() for _, value in self.data + self.label]
            self._shuffle_data()
        self.num_source = len(self.data)

    @property
    def data_list(self):
        """All arrays: the data, then the labels."""
        return [value for _, value in self.data + self.label]

    def _describe(self, source):
        return [DataDesc(name, (self.batch_size,) + tuple(value.shape[1:]), value.dtype,
                         self.layout) for name, value in source]

    @property
    def provide_data(self):
        """Descriptions of the data in a batch."""
        return self._describe(self.data)

    @property
    def provide_label(self):
        """Descriptions of the labels in a batch."""
        return self._describe(self.label)

    def _shuffle_data(self):
        np.random.shuffle(self.idx)
        self._rearrange(self.idx)

    def _rearrange(self, order):
        # One gather for the whole epoch; the batches are then views.
        self._order = self._order[order]
        self._sources = [source[order] for source in self._sources]
        arrays = [nd.array(source, dtype=source.dtype) for source in self._sources]
        names = [name for name, _ in self.data + self.label]
        ordered = list(zip(names, arrays))
        self.data, self.label = ordered[:len(self.data)], ordered[len(self.data):]

    def state_dict(self):
        """The place in the epoch and, with `shuffle`, the order and the state of the generators."""
        rolled = self._rolled and [[one.asnumpy() for one in part] for part in self._rolled]
        state = {"cursor": self.cursor, "rolled": rolled}
        if self.shuffle:
            state.update(order=self._order, idx=self.idx.copy(), random=random_state.get())
        return state

    def load_state_dict(self, state):
        """Go to a state. With `shuffle` the generators of Python and NumPy go to theirs, too."""
        rolled = state["rolled"]
        if self.shuffle:
            where = np.empty(self.num_data, np.int64)
            where[self._order] = np.arange(self.num_data)
            self._rearrange(where[np.asarray(state["order"])])
            self.idx = np.array(state["idx"])
            random_state.set_(state["random"])
        self.cursor = state["cursor"]
        self._rolled = rolled and tuple([nd.array(one, dtype=one.dtype) for one in part]
                                        for part in rolled)

    def hard_reset(self):
        """Go back to the first batch and forget what was left over."""
        if self.shuffle:
            self._shuffle_data()
        self.cursor = -self.batch_size
        self._rolled = None

    def reset(self):
        left = self.num_data - self.cursor
        if self.last_batch_handle == "roll_over" and 0 < left < self.batch_size:
            if self._rolled is None:
                self._rolled = (self._slice(self.data, self.cursor, self.num_data),
                                self._slice(self.label, self.cursor, self.num_data))
            self.cursor = -self.batch_size - left
        else:
            self.cursor = -self.batch_size
            self._rolled = None
        if self.shuffle:
            self._shuffle_data()

    def iter_next(self):
        if self._rolled is not None and self.cursor >= 0:
            self._rolled = None
        self.cursor += self.batch_size
        if self.last_batch_handle in ("discard", "roll_over"):
            return self.cursor + self.batch_size <= self.num_data
        return self.cursor < self.num_data

    def next(self):
        if not self.iter_next():
            raise StopIteration
        return DataBatch(self._batch(self.data, 0), self._batch(self.label, 1), self.getpad(),
                         None)

    @staticmethod
    def _slice(source, start, end):
        return [value[start:end] for _, value in source]

    def _batch(self, source, which):
        start, end = self.cursor, self.cursor + self.batch_size
        if start >= 0 and end <= self.num_data:
            return [value[start:end] for _, value in source]
        if start < 0:
            rolled = self._rolled[which] if self._rolled is not None else ()
            return [nd.concat(left, value[0:end], dim=0)
                    for left, (_, value) in zip(rolled, source)]
        # Fill up from the start, around several times where there is less than a batch.
        result = []
        for _, value in source:
            pieces, missing = [value[start:self.num_data]], end - self.num_data
            while missing > 0:
                pieces.append(value[0:min(missing, self.num_data)])
                missing -= self.num_data
            result.append(nd.concat(*pieces, dim=0))
        return result

    def getdata(self):
        return self._batch(self.data, 0)

    def getlabel(self):
        return self._batch(self.label, 1)

    def getpad(self):
        if self.last_batch_handle == "pad" and self.cursor + self.batch_size > self.num_data:
            return self.cursor + self.batch_size - self.num_data
        if self.last_batch_handle == "roll_over" and -self.batch_size < self.cursor < 0:
            return -self.cursor
        return 0


class ResizeIter(DataIter):
    """Another iterator with a different number of batches per epoch.

    Parameters
    ----------
    data_iter : DataIter
    size : int
        Batches per epoch; the inner iterator starts over when it ends.
    reset_internal : bool
        Whether `reset` resets the inner iterator too.
    """

    def __init__(self, data_iter, size, reset_internal=True):
        super().__init__(data_iter.batch_size)
        self.data_iter = data_iter
        self.size = size
        self.reset_internal = reset_internal
        self.cur = 0
        self.current_batch = None
        self.provide_data = data_iter.provide_data
        self.provide_label = data_iter.provide_label

    def reset(self):
        self.cur = 0
        if self.reset_internal:
            self.data_iter.reset()

    def state_dict(self):
        """The batches of this epoch so far, and the state of the inner iterator."""
        return {"cur": self.cur, "inner": self.data_iter.state_dict()}

    def load_state_dict(self, state):
        self.cur = state["cur"]
        self.data_iter.load_state_dict(state["inner"])

    def iter_next(self):
        if self.cur == self.size:
            return False
        try:
            self.current_batch = self.data_iter.next()
        except StopIteration:
            self.data_iter.reset()
            self.current_batch = self.data_iter.next()
        self.cur += 1
        return True

    def getdata(self):
        return self.current_batch.data

    def getlabel(self):
        return self.current_batch.label

    def getindex(self):
        return self.current_batch.index

    def getpad(self):
        return self.current_batch.pad


class PrefetchingIter(DataIter):
    """Reads the next batch of one or more iterators on a thread while this one is used.

    Parameters
    ----------
    iters : DataIter or list of DataIter
        Their batches are put together.
    rename_data, rename_label : list of dict, optional
        New names, for each iterator.
    """

    def __init__(self, iters, rename_data=None, rename_label=None):
        iters = iters if isinstance(iters, list) else [iters]
        assert iters
        super().__init__(iters[0].provide_data[0][1][0])
        self.iters = iters
        self.rename_data = rename_data
        self.rename_label = rename_label
        self.current_batch = None
        self._pending = None
        self._start()

    def _start(self):
        pending = {"batches": None, "error": None, "states": None}

        def read():
            try:
                pending["states"] = [one.state_dict() for one in self.iters]
            except (AttributeError, NotImplementedError, RuntimeError):
                pass  # iterators of another kind: state_dict() says so
            try:
                pending["batches"] = [one.next() for one in self.iters]
            except BaseException as error:  # pylint: disable=broad-except
                pending["error"] = error  # raised where the batch is asked for
        thread = threading.Thread(target=read, daemon=True)
        pending["thread"] = thread
        thread.start()
        self._pending = pending

    def _renamed(self, attribute, renames):
        descriptions = []
        for i, one in enumerate(self.iters):
            for item in getattr(one, attribute):
                item = item if isinstance(item, DataDesc) else DataDesc(*item)
                name = renames[i].get(item.name, item.name) if renames else item.name
                descriptions.append(DataDesc(name, item.shape, item.dtype, item.layout))
        return descriptions

    @property
    def provide_data(self):
        """Descriptions of the data in a batch."""
        return self._renamed("provide_data", self.rename_data)

    @property
    def provide_label(self):
        """Descriptions of the labels in a batch."""
        return self._renamed("provide_label", self.rename_label)

    def reset(self):
        self._pending["thread"].join()
        for one in self.iters:
            one.reset()
        self._start()

    def state_dict(self):
        """The states of the iterators where the next batch begins."""
        self._pending["thread"].join()
        states = self._pending["states"]
        if states is None:
            states = [one.state_dict() for one in self.iters]  # raises what it is
        return {"iters": states}

    def load_state_dict(self, state):
        self._pending["thread"].join()
        for one, inner in zip(self.iters, state["iters"]):
            one.load_state_dict(inner)
        self._start()

    def iter_next(self):
        self._pending["thread"].join()
        error, batches = self._pending["error"], self._pending["batches"]
        if isinstance(error, StopIteration):
            return False
        if error is not None:
            raise error
        self.current_batch = DataBatch(
            [array for batch in batches for array in batch.data],
            [array for batch in batches for array in batch.label or ()],
            batches[0].pad, batches[0].index)
        self._start()
        return True

    def next(self):
        if self.iter_next():
            return self.current_batch
        raise StopIteration

    def getdata(self):
        return self.current_batch.data

    def getlabel(self):
        return self.current_batch.label

    def getindex(self):
        return self.current_batch.index

    def getpad(self):
        return self.current_batch.pad
