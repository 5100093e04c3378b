"""Batches of a data set, made here, by other processes or by threads."""
import collections
import weakref

import numpy as np

from ... import ndarray as nd
from ...context import cpu_pinned
from ...io import random_state
from .sampler import BatchSampler, RandomSampler, SequentialSampler

__all__ = ["DataLoader", "default_batchify_fn", "default_mp_batchify_fn"]


def default_batchify_fn(data):
    """Put samples together: arrays are stacked, tuples put together part by part (into a list)."""
    first = data[0]
    if isinstance(first, nd.NDArray):
        return nd.stack(*data)
    if isinstance(first, tuple):
        return [default_batchify_fn(list(part)) for part in zip(*data)]
    array = np.asarray(data)
    return nd.array(array, dtype=array.dtype)


def default_mp_batchify_fn(data):
    """What `default_batchify_fn` does, for use in worker processes."""
    return default_batchify_fn(data)


def _worker_batchify(data):
    """The same as NumPy arrays, which become arrays only where they arrive."""
    from .transport import Raw
    first = data[0]
    if isinstance(first, nd.NDArray):
        return Raw(np.stack([one.asnumpy() for one in data]))
    if isinstance(first, tuple):
        return [_worker_batchify(list(part)) for part in zip(*data)]
    array = np.asarray(data)
    if array.dtype.hasobject:
        raise TypeError(f"[DataLoader] samples of type {type(first).__name__} make no array; "
                        "give a batchify_fn")
    return Raw(np.ascontiguousarray(array))


class _Make:
    """Makes a batch from indices; what workers are given."""

    def __init__(self, dataset, batchify):
        self._dataset = dataset
        self._batchify = batchify

    def __call__(self, indices):
        dataset = self._dataset
        return self._batchify([dataset[i] for i in indices])


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


def _on_device(batch, ctx):
    if isinstance(batch, nd.NDArray):
        return batch.as_in_context(ctx)
    if isinstance(batch, (list, tuple)):
        return type(batch)(_on_device(one, ctx) for one in batch)
    return batch


class _Round:
    """The indices of one round's batches, and how many of these were given."""

    def __init__(self, loader):
        state, loader._resumed = loader._resumed, None
        if state is not None:
            random_state.set_(state["random"])
        self.random = random_state.get()  # from which samplers draw the order
        self.batches = iter(loader._batch_sampler)
        self.given = state["batches"] if state is not None else 0
        for _ in range(self.given):
            next(self.batches, None)


class _WorkerIterator:
    """One round over the batches of a pool, in the sampler's order."""

    def __init__(self, loader):
        self._loader = loader
        self._pool = loader._start()
        self._round = _Round(loader)
        self._batches = self._round.batches
        self._pending = collections.deque()
        # Whatever ends this round, its batches on the way are given up.
        self._finalizer = weakref.finalize(self, _give_up, self._pool, self._pending)
        for _ in range(loader._prefetch):
            self._submit()

    def _submit(self):
        indices = next(self._batches, None)
        if indices is not None:
            self._pending.append(self._pool.submit(indices))

    def __iter__(self):
        return self

    def __next__(self):
        self._submit()
        if not self._pending:
            self._loader._current = None
            raise StopIteration
        try:
            batch = self._pool.get(self._pending.popleft(), self._loader._timeout)
        except BaseException:
            self._loader._stop(self._pool)
            raise
        self._round.given += 1
        self._loader._current = self._round
        return self._loader._placed(batch)

    next = __next__

    def __len__(self):
        return len(self._loader._batch_sampler)


def _give_up(pool, pending):
    pool.drop(pending)


class DataLoader:
    """Batches of a data set.

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
        Processes that make batches; 0 for none. They are forked when the loader is made, each with
        seeds of its own that follow from NumPy's generator. An exception of theirs, also their
        death, is raised by the iteration; then the next round starts new ones.
    pin_memory : bool
        Whether batches are in pinned memory of device `pin_device_id`.
    prefetch : int, optional
        Batches made ahead; twice the workers by default.
    thread_pool : bool
        Threads instead of processes.
    timeout : int
        Seconds that a batch may take.
    auto_reload : bool
        Make the first batches of the next round at the end of one.
    """

    def __init__(self, dataset, batch_size=None, shuffle=False, sampler=None, last_batch=None,
                 batch_sampler=None, batchify_fn=None, num_workers=0, pin_memory=False,
                 pin_device_id=0, prefetch=None, thread_pool=False, timeout=120,
                 auto_reload=False):
        self._pool = None
        self._iter = None
        self._current = None  # the round of the batch that was given last
        self._resumed = None  # a state that the next round is to begin with
        assert timeout > 0, f"timeout must be positive, given {timeout}"
        self._dataset = dataset
        self._timeout = timeout
        self._pinned = cpu_pinned(pin_device_id) if pin_memory else None
        self._thread_pool = thread_pool
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
        self._batch_sampler = batch_sampler
        self._num_workers = max(0, num_workers)
        self._prefetch = max(0, int(prefetch) if prefetch is not None else 2 * self._num_workers)
        in_process = self._num_workers > 0 and not thread_pool
        self._make = _Make(dataset, batchify_fn or
                           (_worker_batchify if in_process else default_batchify_fn))
        self._rows = _Rows(dataset) if batchify_fn is None and not self._num_workers else None
        self._auto_reload = auto_reload
        if self._num_workers:
            self._start()
            if auto_reload:
                self.refresh()

    def _start(self):
        """The pool; a new one where there is none or the last one broke."""
        if self._pool is None:
            from . import workers  # not with every import of the package: it is not light
            kind = workers.ThreadPool if self._thread_pool else workers.ProcessPool
            self._pool = kind(self._num_workers, self._make)
            self._pool_finalizer = weakref.finalize(self, self._pool.close)
        return self._pool

    def _stop(self, pool):
        pool.close()
        if self._pool is pool:
            self._pool_finalizer.detach()
            self._pool = None

    def _placed(self, batch):
        return batch if self._pinned is None else _on_device(batch, self._pinned)

    def _here(self):
        make = self._rows or self._make
        current = _Round(self)
        for indices in current.batches:
            batch = self._placed(make(indices))
            current.given += 1
            self._current = current
            yield batch
        self._current = None

    def state_dict(self):
        """Where the round is from which a batch was taken last, as a dictionary of plain values.

        What it restores is the order of the samples, for samplers that draw from NumPy's or Python's
        generator; what workers draw inside of samples is drawn anew.
        """
        current = self._current
        if current is None:
            return {"batches": 0, "random": random_state.get()}
        return {"batches": current.given, "random": current.random}

    def load_state_dict(self, state):
        """Let the next round be the rest of the one in which `state_dict` was called. The generators
        of NumPy and Python go to where that round began."""
        self._resumed = state
        self._iter = None

    def _reloading(self):
        rounds = self._iter if self._iter is not None else _WorkerIterator(self)
        self._iter = None
        yield from rounds
        self.refresh()

    def __iter__(self):
        if not self._num_workers:
            return self._here()
        return self._reloading() if self._auto_reload else _WorkerIterator(self)

    def __len__(self):
        return len(self._batch_sampler)

    def _prefetch_iter(self):
        self._iter = _WorkerIterator(self)

    def refresh(self):
        """Begin the next round now, in place of one that was begun ahead."""
        if self._num_workers:
            self._prefetch_iter()

    def clean(self):
        """Give up a round that was begun ahead."""
        self._iter = None
