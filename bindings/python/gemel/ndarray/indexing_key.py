"""What stands between the brackets of `a[key]`, made uniform: one part an axis, or a new axis.

Parts are `None` (a new axis), slices, ints, and index arrays: NDArrays, or NumPy arrays of int64.
Errors follow 1.9.1: IndexError for a place that does not exist, ValueError for an object that is no
index, TypeError for a list with something else than numbers in it.
"""
import numpy as np

from .._core import NDArray


def _is_integer(part):
    return hasattr(part, "__index__") and not isinstance(part, (NDArray, np.ndarray))


def is_basic(key):
    """Whether a key has nothing but integers, slices, `...` and `None`: such a selection may be a view."""
    if isinstance(key, tuple):
        return all(is_basic(part) for part in key if not isinstance(part, tuple)) \
            and not any(isinstance(part, tuple) for part in key)
    return key is None or key is Ellipsis or isinstance(key, slice) or _is_integer(key)


def _mask_arrays(mask, shape, axis):
    """One index array for each axis of a boolean mask that lies over `axis` and those behind it."""
    for i, size in enumerate(mask.shape):
        if axis + i < len(shape) and shape[axis + i] != size:
            raise IndexError(f"boolean index did not match the array along axis {axis + i}: its size is "
                             f"{shape[axis + i]}, that of the mask {size}")
    return list(np.nonzero(mask))


def _checked(part, axis, size):
    """A NumPy index array as int64 counted from the front."""
    part = part.astype(np.int64)  # drops fractions, as 1.9.1 does
    outside = part[(part < -size) | (part >= size)]
    if outside.size:
        raise IndexError(f"index {outside.flat[0]} is out of bounds for axis {axis} with size {size}")
    return np.where(part < 0, part + size, part)


def _as_index(part):
    """A part as 1.9.1 understands it; sequences become NumPy arrays, masks NumPy arrays of bool."""
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    if isinstance(part, NDArray):
        return part.asnumpy() if part.dtype is np.bool_ else part
    if _is_integer(part):
        return part.__index__()
    if isinstance(part, np.ndarray) and part.dtype.kind in "biuf":
        return int(part) if part.ndim == 0 and part.dtype.kind in "iu" else part
    if isinstance(part, (list, tuple, range)):
        if any(isinstance(item, NDArray) for item in part):
            part = [item.asnumpy() if isinstance(item, NDArray) else item for item in part]
        try:
            part = np.asarray(part if len(part) else np.zeros(0, np.int64))
        except ValueError as error:
            raise TypeError(f"[index] a list in an index must be array like: {error}") from None
        if part.dtype.kind not in "biuf":
            raise TypeError(f"[index] a list in an index must hold numbers, got {part.dtype}")
        return part
    raise ValueError(f"NDArray does not support slicing with key {part} of type {type(part)}.")


def _axes_of(part):
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype == np.bool_ else 1


def parts_of(shape, key):
    """The parts of `key` for an array of `shape`: every axis has one, masks are index arrays."""
    parts = [_as_index(part) for part in (key if isinstance(key, tuple) else (key,))]
    ellipses = sum(part is Ellipsis for part in parts)
    if ellipses > 1:
        raise IndexError("Cannot use more than one ellipsis (`...`) for indexing")
    given = sum(map(_axes_of, parts))
    if given > len(shape):
        raise IndexError(f"too many indices ({given}) for array with {len(shape)} dimensions")
    if not ellipses:
        parts.append(Ellipsis)
    result, axis = [], 0
    for part in parts:
        if part is None:
            result.append(None)
        elif part is Ellipsis:
            result += [slice(None)] * (len(shape) - given)
            axis += len(shape) - given
        elif isinstance(part, np.ndarray) and part.dtype == np.bool_:
            result += _mask_arrays(part, shape, axis)
            axis += part.ndim
        else:
            if isinstance(part, np.ndarray):
                part = _checked(part, axis, shape[axis])
            elif isinstance(part, int):
                part = checked_integer(part, axis, shape[axis])
            result.append(part)
            axis += 1
    return result


def checked_integer(index, axis, size):
    """An integer index counted from the front."""
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of bounds for axis {axis} with size {size}")
    return index % size
