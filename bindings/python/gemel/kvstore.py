"""Key-value stores: arrays by key, summed over devices.

`create("local")` and `create("device")` join the devices of this process.
"""

import warnings

from . import _core
from . import optimizer as opt
from .base import MXNetError
from .ndarray.sparse import retain, unique_rows

__all__ = ["KVStoreBase", "KVStore", "create"]

_LOCAL_TYPES = ("local", "device", "local_update_cpu", "local_allreduce_cpu",
                "local_allreduce_device")


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


class KVStore(KVStoreBase):
    """A store of this process.

    Keys are all integers or all strings; mixing them, initialising a key twice and using a key
    that was not initialised raise `MXNetError`.
    """

    def __init__(self, name):
        self._type = name
        self._values = {}
        self._key_type = None
        self._updater = None
        self._updater_func = None

    def _check_key(self, key):
        kind = str if isinstance(key, str) else int
        if self._key_type is None:
            self._key_type = kind
        if kind is not self._key_type:
            raise MXNetError(f"[kvstore] expected {self._key_type.__name__} keys as before, got "
                             f"{key!r}: Mixed key types are not allowed")

    def _stored(self, key):
        self._check_key(key)
        try:
            return self._values[key]
        except KeyError:
            raise MXNetError(f"[kvstore] key {key} has not been inited: call init or broadcast "
                             "with it first") from None

    def init(self, key, value):
        """Store first values: `value` is an NDArray for a key, or a list for a list of keys."""
        for one, values in _pairs(key, value):
            self._check_key(one)
            if one in self._values:
                raise MXNetError(f"[kvstore] duplicate init of key {one}. Please double check if "
                                 "you called kv.init or kv.broadcast with this key multiple times")
            self._values[one] = values[0].copy()

    def push(self, key, value, priority=0):
        """Sum the arrays of each key and store the sum, or hand it to the updater.

        A key may occur more than once; its arrays are summed. Shapes must be the stored one's.
        """
        merged = {}
        for one, values in _pairs(key, value):
            merged.setdefault(one, []).extend(values)
        for one, values in merged.items():
            stored = self._stored(one)
            total = values[0]
            for other in values:
                if other.shape != stored.shape:
                    raise MXNetError(f"[kvstore] push of key {one}: expected shape "
                                     f"{stored.shape}, got {other.shape}")
            if len(values) > 1:
                total = total.as_in_context(stored.context) + \
                    values[1].as_in_context(stored.context)
                for other in values[2:]:
                    total += other.as_in_context(stored.context)
            if self._updater is not None:
                self._updater(one, total.as_in_context(stored.context), stored)
            else:
                total.copyto(stored)

    def pull(self, key, out=None, priority=0, ignore_sparse=True):
        """Copy the stored value of each key into each of its `out` arrays."""
        assert out is not None
        for one, outputs in _pairs(key, out):
            stored = self._stored(one)
            if stored.stype != "default" and ignore_sparse:
                warnings.warn(f"[kvstore] pull of key {one} is ignored because its value is "
                              "sparse: use row_sparse_pull, or ignore_sparse=False", stacklevel=2)
                continue
            for target in outputs:
                if target.shape != stored.shape:
                    raise MXNetError(f"[kvstore] pull of key {one}: expected an array of shape "
                                     f"{stored.shape}, got {target.shape}")
                stored.copyto(target)

    def pushpull(self, key, value, out=None, priority=0):
        """`push`, then `pull` into `out` (into `value` where `out` is not given)."""
        self.push(key, value, priority)
        self.pull(key, value if out is None else out, priority)

    def broadcast(self, key, value, out, priority=0):
        """`init`, then `pull`."""
        self.init(key, value)
        self.pull(key, out, priority)

    def row_sparse_pull(self, key, out=None, priority=0, row_ids=None):
        """Copy the rows `row_ids` of row_sparse values into row_sparse `out` arrays.

        Parameters
        ----------
        key : int, str or list of them
        out : RowSparseNDArray or list of them
        row_ids : NDArray or list of NDArray
            One for each of `out`, or one for all; repeated numbers count once.
        """
        assert out is not None
        assert row_ids is not None
        if isinstance(row_ids, (list, tuple)) and len(row_ids) == 1:
            row_ids = row_ids[0]
        pairs = [(one, target) for one, outputs in _pairs(key, out) for target in outputs]
        shared = not isinstance(row_ids, (list, tuple))
        assert shared or len(row_ids) == len(pairs), \
            f"[kvstore] expected row_ids for each of {len(pairs)} arrays, got {len(row_ids)}"
        for i, (one, target) in enumerate(pairs):
            stored = self._stored(one)
            for array, what in ((stored, "value"), (target, "out")):
                if array.stype != "row_sparse":
                    raise MXNetError(f"[kvstore] row_sparse_pull of key {one}: expected {what} of "
                                     f"row_sparse storage, got {array.stype}: use pull")
            rows = row_ids if shared else row_ids[i]
            retain(stored, unique_rows(rows, stored.context)).copyto(target)

    def set_gradient_compression(self, compression_params):
        """Compression is for links between machines or GPUs; raises `MXNetError` otherwise."""
        raise MXNetError(f"[kvstore] gradient compression is not supported for type {self._type}")

    def set_optimizer(self, optimizer):
        """Update stored values by this optimizer on every push."""
        self._set_updater(opt.get_updater(optimizer))

    def _set_updater(self, updater):
        """Call `updater(key, summed array, stored array)` on every push."""
        self._updater = updater

    set_updater = _set_updater

    @staticmethod
    def is_capable(capability):
        if capability.lower() == KVStoreBase.OPTIMIZER:
            return True
        raise MXNetError(f"Unknown capability: {capability}")

    @property
    def type(self):
        return self._type

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
    if lower in _LOCAL_TYPES:
        return KVStore(name)
    raise MXNetError(f"[kvstore] expected one of {', '.join(_LOCAL_TYPES)} or a registered "
                     f"class, got unknown type {name!r}")


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
