"""Arrays lent to and borrowed from other libraries without a copy: DLPack and NumPy memory.

The other side sees memory, not the engine: lending waits for the tasks on the array, and who goes on
writing to it waits (`wait_to_read`) before the other side reads again.
"""
import numpy as np

from .. import _core
from .._core import NDArray

_CPU = (1, 0)
_VERSION = (1, 0)


def to_dlpack_for_read(data):
    """A DLPack capsule of the array's memory, once every write pushed so far is done."""
    return _core.to_dlpack(data, read_only=True)


def to_dlpack_for_write(data):
    """A DLPack capsule of the array's memory, once every read and write pushed so far is done."""
    return _core.to_dlpack(data)


def _dlpack(self, *, stream=None, max_version=None, dl_device=None, copy=None):
    """A DLPack capsule: of version 1 where `max_version` allows it, else of the form before.

    `stream` must be None, as arrays are in host memory. `dl_device` other than the CPU is a
    BufferError. `copy=True` lends a copy.
    """
    if stream is not None:
        raise ValueError(f"[__dlpack__] expected stream None for an array on a CPU, got {stream}")
    if dl_device is not None and tuple(dl_device) != _CPU:
        raise BufferError(f"[__dlpack__] expected the device {_CPU}, got {dl_device}")
    array = self.detach().copy() if copy else self
    versioned = max_version is not None and max_version[0] >= 1
    return _core.to_dlpack(array, versioned=versioned, is_copied=bool(copy))


def _dlpack_device(self):
    """The DLPack device (type, number): every array lies in host memory."""
    return _CPU


def _capsule_of(source):
    if not hasattr(source, "__dlpack__"):
        return source
    device = source.__dlpack_device__() if hasattr(source, "__dlpack_device__") else _CPU
    if int(device[0]) not in (1, 3):
        raise BufferError(f"[from_dlpack] expected an array in host memory, got one on device {tuple(device)}")
    try:
        return source.__dlpack__(max_version=_VERSION)
    except TypeError:  # a library from before version 1
        return source.__dlpack__()


def from_dlpack(dlpack, *, copy=None):
    """An array in the memory of a DLPack capsule, or of an object that has `__dlpack__`.

    Memory that is read-only, not row-major or not aligned is copied; then `copy=False` is a
    ValueError, and `copy=True` always copies. A capsule can be used once.
    """
    result = _core.from_dlpack(_capsule_of(dlpack), may_copy=copy is not False)
    if result is None:
        raise AssertionError("Invalid DLPack Tensor. DLTensor capsules can be consumed only once.")
    return result.copy() if copy else result


def from_numpy(ndarray, zero_copy=True, array_cls=NDArray):
    """An array with the values and the dtype of a NumPy array.

    With `zero_copy` it lies in the same memory, which must be C-contiguous (ValueError), and which
    NumPy may no longer write to. Else, or for a dtype that no array has, see `array`.
    """
    if not isinstance(ndarray, np.ndarray):
        raise AttributeError(f"[from_numpy] expected a NumPy array, got {type(ndarray).__name__}")
    if not zero_copy:
        from .ndarray import array
        return array(ndarray, dtype=ndarray.dtype)
    if not ndarray.flags["C_CONTIGUOUS"]:
        raise ValueError("Only c-contiguous arrays are supported for zero-copy")
    if ndarray.dtype.kind not in "biuf" or not ndarray.dtype.isnative or ndarray.dtype.itemsize > 8:
        raise ValueError(f"{ndarray.dtype} is not supported.")
    result = _core.borrow_numpy(ndarray)
    ndarray.flags["WRITEABLE"] = False
    return result


NDArray.to_dlpack_for_read = to_dlpack_for_read
NDArray.to_dlpack_for_write = to_dlpack_for_write
NDArray.__dlpack__ = _dlpack
NDArray.__dlpack_device__ = _dlpack_device
