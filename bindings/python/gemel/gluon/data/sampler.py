"""Samplers: in which order samples are read."""
import numpy as np

__all__ = ["Sampler", "SequentialSampler", "RandomSampler", "FilterSampler", "BatchSampler"]


class Sampler:
    """The base of samplers; a subclass offers `__iter__` and `__len__`."""

    def __len__(self):
        raise NotImplementedError

    def __iter__(self):
        raise NotImplementedError


class SequentialSampler(Sampler):
    """The numbers from `start` on."""

    def __init__(self, length, start=0):
        self._length = length
        self._start = start

    def __iter__(self):
        return iter(range(self._start, self._start + self._length))

    def __len__(self):
        return self._length


class RandomSampler(Sampler):
    """The numbers below `length` in an order drawn with NumPy's generator."""

    def __init__(self, length):
        self._length = length

    def __iter__(self):
        indices = np.arange(self._length)
        np.random.shuffle(indices)
        return iter(indices.tolist())

    def __len__(self):
        return self._length


class FilterSampler(Sampler):
    """The numbers of the samples for which `fn` is true."""

    def __init__(self, fn, dataset):
        self._indices = [i for i in range(len(dataset)) if fn(dataset[i])]

    def __iter__(self):
        return iter(self._indices)

    def __len__(self):
        return len(self._indices)


class BatchSampler(Sampler):
    """Another sampler's numbers in lists.

    Parameters
    ----------
    sampler : Sampler
    batch_size : int
    last_batch : str
        What to do with numbers that fill no batch: "keep", "discard", or "rollover" (to the next
        round). Another word is a `ValueError` when it is used.
    """

    def __init__(self, sampler, batch_size, last_batch="keep"):
        self._sampler = sampler
        self._batch_size = batch_size
        self._last_batch = last_batch
        self._left = []

    def _unknown(self):
        return ValueError("last_batch must be one of 'keep', 'discard', or 'rollover', but got "
                          f"{self._last_batch}")

    def __iter__(self):
        batch, self._left = self._left, []
        for i in self._sampler:
            batch.append(i)
            if len(batch) == self._batch_size:
                yield batch
                batch = []
        if batch:
            if self._last_batch == "keep":
                yield batch
            elif self._last_batch == "rollover":
                self._left = batch
            elif self._last_batch != "discard":
                raise self._unknown()

    def __len__(self):
        if self._last_batch == "keep":
            return -(-len(self._sampler) // self._batch_size)
        if self._last_batch == "discard":
            return len(self._sampler) // self._batch_size
        if self._last_batch == "rollover":
            return (len(self._left) + len(self._sampler)) // self._batch_size
        raise self._unknown()
