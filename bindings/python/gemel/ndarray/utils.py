"""Files of arrays."""
from .. import _core
from .._core import NDArray


def _named(arrays, names, sparse):
    from .sparse import _from_parts
    for index, parts in sparse.items():
        arrays[index] = _from_parts(*parts)
    return dict(zip(names, arrays)) if names else arrays


def load(fname):
    """Read a file written by `save` (or by MXNet): a list of arrays, or a dict when they have names.

    A damaged file is an error that says where; nothing of it is returned.
    """
    return _named(*_core.load_arrays(str(fname)))


def load_frombuffer(buf):
    """The same from bytes in memory."""
    return _named(*_core.load_arrays_from_bytes(bytes(buf)))


def save(fname, data):
    """Write arrays to a file in MXNet's format; it replaces an older file only when it is complete.

    Parameters
    ----------
    fname : str
    data : NDArray, list of NDArray, or dict of str to NDArray
    """
    if isinstance(data, NDArray):
        data = [data]
    if isinstance(data, dict):
        names, arrays = list(data.keys()), list(data.values())
        if not all(isinstance(name, str) for name in names):
            raise TypeError("[save] the names of the arrays must be strings")
    elif isinstance(data, (list, tuple)):
        names, arrays = [], list(data)
    else:
        raise TypeError(f"[save] expected an NDArray, a list or a dict of them, got {type(data).__name__}")
    for array in arrays:
        if not isinstance(array, NDArray):
            raise TypeError(f"[save] expected NDArrays, got {type(array).__name__}")
    sparse = {i: (array.stype, array.shape, *array._stored()) for i, array in enumerate(arrays)
              if array.stype != "default"}
    _core.save_arrays(str(fname), [None if i in sparse else array for i, array in enumerate(arrays)], names, sparse)
