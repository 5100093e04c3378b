"""Devices: on which one an array lies and an operator runs."""
import threading

from .base import classproperty

__all__ = ["Context", "cpu", "gpu", "cpu_pinned", "current_context", "num_gpus", "gpu_memory_info"]


class _Current(threading.local):
    value = None


_current = _Current()


class Context:
    """One device: a type ("cpu", "gpu", "cpu_pinned", "cpu_shared") and a number. The type "null" runs
    every schedule and computes no element, to try what a program does with memory and order.

    Used in a `with` statement it is the default device of the thread inside the block.

    Parameters
    ----------
    device_type : str or Context
        Name of the device type, or a context to copy. An unknown name raises `KeyError`.
    device_id : int
        Number of the device, 0 by default.
    """

    devtype2str = {1: "cpu", 2: "gpu", 3: "cpu_pinned", 5: "cpu_shared", 99: "null"}
    devstr2type = {"cpu": 1, "gpu": 2, "cpu_pinned": 3, "cpu_shared": 5, "null": 99}

    __slots__ = ("device_typeid", "device_id", "_outer")

    def __init__(self, device_type, device_id=0):
        if isinstance(device_type, Context):
            self.device_typeid = device_type.device_typeid
            self.device_id = device_type.device_id
        else:
            self.device_typeid = Context.devstr2type[device_type]
            self.device_id = device_id
        self._outer = None

    @property
    def device_type(self):
        """The device type's name, e.g. "cpu"."""
        return Context.devtype2str[self.device_typeid]

    def __eq__(self, other):
        return (isinstance(other, Context) and self.device_typeid == other.device_typeid
                and self.device_id == other.device_id)

    def __hash__(self):
        return hash((self.device_typeid, self.device_id))

    def __repr__(self):
        return f"{self.device_type}({self.device_id})"

    __str__ = __repr__

    def __reduce__(self):
        return Context, (self.device_type, self.device_id)

    def __enter__(self):
        self._outer = (_current.value, self._outer)
        _current.value = self
        return self

    def __exit__(self, exc_type, exc_value, trace):
        _current.value, self._outer = self._outer

    def empty_cache(self):
        """Give pooled memory of this device that no array uses back to the system."""
        from . import memory
        memory.empty_cache(self)

    @classproperty
    def default_ctx(cls):  # pylint: disable=no-self-argument
        """The device that is current in this thread."""
        return current_context()


_CPU0 = Context("cpu", 0)


def cpu(device_id=0):
    """The CPU, as a context. The number does not choose among cores: they are one device."""
    return Context("cpu", device_id)


def gpu(device_id=0):
    """The GPU with this number, as a context."""
    return Context("gpu", device_id)


def cpu_pinned(device_id=0):
    """Page-locked CPU memory, from which copies to a GPU are fast."""
    return Context("cpu_pinned", device_id)


def current_context():
    """The device of the innermost `with` statement of this thread, else `cpu(0)`."""
    return _current.value or _CPU0


def num_gpus():
    """How many GPUs can be used (0 without a driver)."""
    from . import _core
    query = getattr(_core, "num_gpus", None)
    return query() if query is not None else 0


def gpu_memory_info(device_id=0):
    """Free and total bytes of a GPU's memory, `(free, total)`; an error without that GPU."""
    from . import _core
    from .base import MXNetError
    query = getattr(_core, "gpu_memory_info", None)
    if query is None:
        raise MXNetError(f"[gpu_memory_info] expected a usable GPU {device_id}, found no GPU")
    return query(device_id)
