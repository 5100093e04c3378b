"""Batches of a data set."""
import numpy as np

from ... import ndarray as nd
from .sampler import BatchSampler, RandomSampler, SequentialSampler

__all__ = ["DataLoader", "default_batchify_fn"]


def default_batchify_fn(data):
    """Put samples together: arrays are stacked, tuples put together part by part (into a list)."""
    first = data[0]
    if isinstance(first, nd.NDArray):
        return nd.stack(*data)
    if isinstance(first, tuple):
        return [default_batchify_fn(list(part)) for part in zip(*data)]
    array = np.asarray(data)
    return nd.array(array, dtype=array.dtype)


class _Rows:
    """Reads whole batches out of arrays at once, where a data set consists only of arrays."""

    def __init__(self, dataset):
        from .dataset import ArrayDataset
        self._arrays = None
        if type(dataset) is not ArrayDataset:
            return
        arrays = [one.asnumpy() if isinstance(one, nd.NDArray) else one for one in dataset._data]
        if all(isinstance(one, np.ndarray) for one in arrays):
            self._arrays = arrays

    def __bool__(self):
        return self._arrays is not None

    def __call__(self, indices):
        parts = [nd.array(one[indices], dtype=one.dtype) for one in self._arrays]
        return parts[0] if len(parts) == 1 else parts


class DataLoader:
    """Batches of a data set, made in this process.

    Parameters
    ----------
    dataset : Dataset
        Or anything with `__getitem__` and `__len__`.
    batch_size : int
        Needed unless there is a `batch_sampler`.
    shuffle : bool
        Not together with `sampler`.
    sampler : Sampler, optional
    last_batch : str, optional
        "keep" (the default), "discard" or "rollover".
    batch_sampler : Sampler, optional
        Not together with the four above.
    batchify_fn : callable, optional
        Puts a list of samples together.
    num_workers : int
        Batches are made in this process, whatever the number; a warning where it is not 0.
    """

    def __init__(self, dataset, batch_size=None, shuffle=False, sampler=None, last_batch=None,
                 batch_sampler=None, batchify_fn=None, num_workers=0, pin_memory=False,
                 pin_device_id=0, prefetch=None, thread_pool=False, timeout=120,
                 auto_reload=False):
        self._dataset = dataset
        if batch_sampler is None:
            if batch_size is None:
                raise ValueError("batch_size must be specified unless batch_sampler is specified")
            if sampler is None:
                sampler = RandomSampler(len(dataset)) if shuffle \
                    else SequentialSampler(len(dataset))
            elif shuffle:
                raise ValueError("shuffle must not be specified if sampler is specified")
            batch_sampler = BatchSampler(sampler, batch_size, last_batch or "keep")
        elif batch_size is not None or shuffle or sampler is not None or last_batch is not None:
            raise ValueError("batch_size, shuffle, sampler and last_batch must not be specified "
                             "if batch_sampler is specified.")
        if num_workers:
            import warnings
            warnings.warn("DataLoader makes batches in this process: num_workers is ignored")
        self._batch_sampler = batch_sampler
        self._batchify_fn = batchify_fn or default_batchify_fn
        self._rows = _Rows(dataset) if batchify_fn is None else None

    def __iter__(self):
        dataset = self._dataset
        if self._rows:
            for indices in self._batch_sampler:
                yield self._rows(indices)
            return
        for indices in self._batch_sampler:
            yield self._batchify_fn([dataset[i] for i in indices])

    def __len__(self):
        return len(self._batch_sampler)
