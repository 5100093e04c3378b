"""Key-value stores: arrays by key, summed over devices.

`create("local")` and `create("device")` join the devices of this process.
"""

import warnings

from . import _core
from . import optimizer as opt
from .base import MXNetError

__all__ = ["KVStoreBase", "KVStore", "create"]


class KVStoreBase:
    """What every store offers; a subclass registered with `register` is made by `create`."""

    OPTIMIZER = "optimizer"
    kv_registry = {}

    @staticmethod
    def register(klass):
        """Register a store class under its own name in lower case (a decorator)."""
        assert isinstance(klass, type)
        KVStoreBase.kv_registry[klass.__name__.lower()] = klass
        return klass

    def broadcast(self, key, value, out, priority=0):
        """Store `value` under `key` and copy it into `out` everywhere."""
        raise NotImplementedError()

    def pushpull(self, key, value, out=None, priority=0):
        """Sum `value` over devices and workers into `out` (into `value` if not given)."""
        raise NotImplementedError()

    def set_optimizer(self, optimizer):
        """Update the stored value by the optimizer on every push."""
        raise NotImplementedError()

    @staticmethod
    def is_capable(capability):
        """Whether the store has a capability, such as `KVStoreBase.OPTIMIZER`."""
        raise NotImplementedError()

    def save_optimizer_states(self, fname, dump_optimizer=False):
        """Write the optimizer's states into a file."""
        raise NotImplementedError()

    def load_optimizer_states(self, fname):
        """Read the optimizer's states from a file."""
        raise NotImplementedError()

    @property
    def type(self):
        """The store's type as a string."""
        raise NotImplementedError()

    @property
    def rank(self):
        """The number of this worker."""
        raise NotImplementedError()

    @property
    def num_workers(self):
        """How many workers there are."""
        raise NotImplementedError()


def _pairs(key, value):
    """`[(key, list of arrays)]` from one key or a list of keys with a value each."""
    if not isinstance(key, (list, tuple)):
        return [(key, list(value) if isinstance(value, (list, tuple)) else [value])]
    assert len(key) == len(value), \
        f"[kvstore] expected a value for each of {len(key)} keys, got {len(value)}"
    pairs = []
    for one, values in zip(key, value):
        pairs.extend(_pairs(one, values))
    return pairs


def _flat(key, value):
    """Keys and arrays, one of each: a key with several arrays occurs several times."""
    keys, arrays = [], []
    for one, values in _pairs(key, value):
        keys.extend([one] * len(values))
        arrays.extend(values)
    return keys, arrays


def _pull_whole(store, key, target, priority):
    """`target` gets the whole value, where one of the two is sparse."""
    from .ndarray import zeros
    dense = zeros(target.shape, target.context, target.dtype)
    store.pull([key], [dense], priority)
    target[:] = dense


class KVStore(KVStoreBase):
    """A store of this process.

    Keys are all integers or all strings; mixing them, initialising a key twice and using a key
    that was not initialised raise `MXNetError`.
    """

    def __init__(self, name):
        self._store = _core.LocalStore(name)
        self._updater = None
        self._pushed = {}  # key -> storage type of what is being pushed

    def init(self, key, value):
        """Store first values: `value` is an NDArray for a key, or a list for a list of keys."""
        for one, values in _pairs(key, value):
            self._store.init(one, values[0], values[0].stype)

    def push(self, key, value, priority=0):
        """Sum the arrays of each key and store the sum, or hand it to the updater.

        A key may occur more than once; its arrays are summed. Shapes must be the stored one's.
        """
        keys, arrays = _flat(key, value)
        self._pushed = {}
        for one, array in zip(keys, arrays):
            known = self._pushed.setdefault(one, array.stype)
            self._pushed[one] = known if known == array.stype else "default"
        self._store.push(keys, arrays)

    def pull(self, key, out=None, priority=0, ignore_sparse=True):
        """Copy the stored value of each key into each of its `out` arrays.

        With `ignore_sparse` the arrays of sparse values are left alone, as `row_sparse_pull` fills them.
        """
        assert out is not None
        for one, target in zip(*_flat(key, out)):
            stype = self._store.storage_type(one)
            if stype != "default" and ignore_sparse:
                warnings.warn(f"[kvstore] pull of key {one} is ignored because its value is "
                              "sparse: use row_sparse_pull, or ignore_sparse=False", stacklevel=2)
            elif stype != "default" or target.stype != "default":
                _pull_whole(self._store, one, target, priority)
            else:
                self._store.pull([one], [target], priority)

    def pushpull(self, key, value, out=None, priority=0):
        """`push`, then `pull` into `out` (into `value` where `out` is not given)."""
        self.push(key, value, priority)
        self.pull(key, value if out is None else out, priority)

    def broadcast(self, key, value, out, priority=0):
        """`init`, then `pull`."""
        self.init(key, value)
        self.pull(key, out, priority)

    def row_sparse_pull(self, key, out=None, priority=0, row_ids=None):
        """Copy the rows `row_ids` of each key's row_sparse value into its `out` arrays.

        Parameters
        ----------
        key : str, int, or a sequence of them
        out : RowSparseNDArray, or a list of them
            They then store just these rows, in order, each once.
        row_ids : NDArray, or a list of them
            Of any integer or float dtype; one for all, or one for each array of `out`.

        Raises
        ------
        MXNetError
            Where the value or `out` is not row_sparse.
        IndexError
            For a row that does not exist.
        """
        assert out is not None
        assert row_ids is not None
        keys, targets = _flat(key, out)
        rows = list(row_ids) if isinstance(row_ids, (list, tuple)) else [row_ids]
        if len(rows) == 1:
            rows *= len(targets)
        assert len(rows) == len(targets), \
            f"[kvstore] expected row_ids for each of {len(targets)} arrays, got {len(rows)}"
        for one, target, wanted in zip(keys, targets, rows):
            if target.stype != "row_sparse":
                raise MXNetError(f"[kvstore] row_sparse_pull of key {one}: expected out of row_sparse storage, "
                                 f"got {target.stype}: use pull")
            stype, shape, *parts = self._store.pull_rows(one, wanted)
            target._assign(type(target)._of(parts, shape))

    def set_gradient_compression(self, compression_params):
        """Compression is for links between machines or GPUs; raises `MXNetError` otherwise."""
        raise MXNetError(f"[kvstore] gradient compression is not supported for type {self.type}")

    def set_optimizer(self, optimizer):
        """Update stored values by this optimizer on every push."""
        self._set_updater(opt.get_updater(optimizer))

    def _set_updater(self, updater):
        """Call `updater(key, summed array, stored array)` on every push."""
        self._updater = updater
        self._store.set_updater(None if updater is None else self._update)

    def _update(self, key, received, stored):
        """Hands sparse values over as sparse arrays; dense memory holds what is stored."""
        if self._pushed[key] != "default":
            received = received.tostype(self._pushed[key])
        stype = self._store.storage_type(key)
        if stype == "default":
            self._updater(key, received, stored)
            return
        value = stored.tostype(stype)
        self._updater(key, received, value)
        stored[:] = value.tostype("default")

    set_updater = _set_updater

    @staticmethod
    def is_capable(capability):
        if capability.lower() == KVStoreBase.OPTIMIZER:
            return True
        raise MXNetError(f"Unknown capability: {capability}")

    @property
    def type(self):
        return self._store.type

    @property
    def rank(self):
        return 0

    @property
    def num_workers(self):
        return 1

    def _barrier(self):
        """Wait for all workers (here: there is one)."""

    def save_optimizer_states(self, fname, dump_optimizer=False):
        """Write the updater's states; an error without an optimizer."""
        assert self._updater is not None, "Cannot save states for distributed training"
        data = self._updater.get_states(dump_optimizer)
        from .model import write_atomically
        write_atomically(fname, data)

    def load_optimizer_states(self, fname):
        """Read the updater's states; an error without an optimizer."""
        assert self._updater is not None, "Cannot load states for distributed training"
        with open(fname, "rb") as stream:
            self._updater.set_states(stream.read())


def create(name="local"):
    """Make a store.

    Parameters
    ----------
    name : str
        "local" or "device", or the name of a registered class. Anything that is not a string
        raises `TypeError`, an unknown name `MXNetError`.
    """
    if not isinstance(name, str):
        raise TypeError("name must be a string")
    lower = name.lower()
    if lower in KVStoreBase.kv_registry:
        return KVStoreBase.kv_registry[lower]()
    return KVStore(name)


def _as_store(kvstore, num_device, arg_params):
    """`(store or None, update_on_kvstore)` for a module or trainer with `num_device` devices."""
    if kvstore is None:
        return None, False
    if isinstance(kvstore, KVStoreBase):
        return kvstore, isinstance(kvstore, KVStore)
    if not isinstance(kvstore, str):
        raise TypeError("kvstore must be KVStore, str or None")
    if num_device == 1 and "dist" not in kvstore:
        return None, False
    update_on_kvstore = _core.get_setting("update_on_kvstore") == "1"
    if kvstore == "local":
        largest = max((value.size for value in arg_params.values()), default=0)
        update_on_kvstore = update_on_kvstore and largest <= 1024 * 1024 * 16
    return create(kvstore), update_on_kvstore
