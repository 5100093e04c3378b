"""Data sets: samples by number."""
import os

from ... import ndarray as nd

__all__ = ["Dataset", "SimpleDataset", "ArrayDataset", "RecordFileDataset"]


class Dataset:
    """The base of data sets; a subclass offers `__getitem__` and `__len__`."""

    def __getitem__(self, idx):
        raise NotImplementedError

    def __len__(self):
        raise NotImplementedError

    def filter(self, fn):
        """The samples for which `fn` is true."""
        from .sampler import FilterSampler
        return _Sampled(self, FilterSampler(fn, self))

    def shard(self, num_shards, index):
        """One of `num_shards` parts; the first parts get the samples that are left over."""
        assert index < num_shards, f"Shard index of out bound: {index} out of {num_shards}"
        assert num_shards > 0, "Number of shards must be greater than 0"
        assert index >= 0, "Index must be non-negative"
        length, extra = divmod(len(self), num_shards)
        start = length * index + min(index, extra)
        end = start + length + (index < extra)
        from .sampler import SequentialSampler
        return _Sampled(self, SequentialSampler(end - start, start))

    def take(self, count):
        """The first `count` samples (all where it is None or too large)."""
        if count is None or count > len(self):
            count = len(self)
        from .sampler import SequentialSampler
        return _Sampled(self, SequentialSampler(count))

    def sample(self, sampler):
        """The samples in the order of a sampler."""
        from .sampler import Sampler
        if not isinstance(sampler, Sampler):
            raise TypeError(f"Invalid sampler type: {type(sampler)}. Expected gluon.data.Sampler "
                            "instead.")
        return _Sampled(self, sampler)

    def transform(self, fn, lazy=True):
        """The samples passed through `fn`; when they are read, or (not lazy) now."""
        result = _Transformed(self, fn)
        return result if lazy else SimpleDataset([result[i] for i in range(len(result))])

    def transform_first(self, fn, lazy=True):
        """The samples with their first part passed through `fn`."""
        return self.transform(_First(fn), lazy)


class SimpleDataset(Dataset):
    """A list as a data set."""

    def __init__(self, data):
        self._data = data

    def __len__(self):
        return len(self._data)

    def __getitem__(self, idx):
        return self._data[idx]


class _Transformed(Dataset):
    def __init__(self, data, fn):
        self._data = data
        self._fn = fn

    def __len__(self):
        return len(self._data)

    def __getitem__(self, idx):
        item = self._data[idx]
        return self._fn(*item) if isinstance(item, tuple) else self._fn(item)


class _First:
    def __init__(self, fn):
        self._fn = fn

    def __call__(self, x, *args):
        return (self._fn(x), *args) if args else self._fn(x)


class _Sampled(Dataset):
    def __init__(self, dataset, sampler):
        self._dataset = dataset
        self._indices = list(iter(sampler))

    def __len__(self):
        return len(self._indices)

    def __getitem__(self, idx):
        return self._dataset[self._indices[idx]]


class ArrayDataset(Dataset):
    """Arrays (or lists) of one length side by side; a sample is a tuple, or with one array an
    element of it.

    Parameters
    ----------
    args : array, list or Dataset
    """

    def __init__(self, *args):
        assert len(args) > 0, "Needs at least 1 arrays"
        self._length = len(args[0])
        self._data = []
        for i, data in enumerate(args):
            assert len(data) == self._length, \
                f"All arrays must have the same length; array[0] has length {self._length} " \
                f"while array[{i + 1}] has {len(data)}."
            if isinstance(data, nd.NDArray) and len(data.shape) == 1:
                data = data.asnumpy()
            self._data.append(data)

    def __getitem__(self, idx):
        if len(self._data) == 1:
            return self._data[0][idx]
        return tuple(data[idx] for data in self._data)

    def __len__(self):
        return self._length


class RecordFileDataset(Dataset):
    """The records of a `.rec` file as bytes, in the order of the `.idx` file beside it.

    Parameters
    ----------
    filename : str
        The `.rec` file.
    """

    def __init__(self, filename):
        from ... import recordio
        self.idx_file = os.path.splitext(filename)[0] + ".idx"
        self.filename = filename
        self._record = recordio.MXIndexedRecordIO(self.idx_file, self.filename, "r")

    def __getitem__(self, idx):
        return self._record.read_idx(self._record.keys[idx])

    def __len__(self):
        return len(self._record.keys)
