"""`a[key]` and `a[key] = value` for basic keys: integers, slices, `...` and `None`.

As in 1.9.1, a result that is contiguous in memory is a view; otherwise it is a copy. Integer arrays
select along the first axes, one array an axis; their result is a copy.
"""
import numpy as np

from .. import _core
from .._core import NDArray

_is_recording = _core.autograd_is_recording


def _operators():
    from . import _internal, op
    return op, _internal


class _Plan:
    """A basic key, normalised: per axis (begin, stop, step), which axes vanish, where new ones go."""

    __slots__ = ("begin", "stop", "step", "sizes", "shape")

    def __init__(self, shape, key):
        key = list(key) if isinstance(key, tuple) else [key]
        given = sum(1 for part in key if part is not None and part is not Ellipsis)
        if given > len(shape):
            raise IndexError(f"too many indices: the array has {len(shape)} axes, got {given}")
        if Ellipsis not in [part for part in key if not isinstance(part, NDArray)]:
            key.append(Ellipsis)
        at = next(i for i, part in enumerate(key) if part is Ellipsis)
        key[at:at + 1] = [slice(None)] * (len(shape) - given)
        self.begin, self.stop, self.step, self.sizes, self.shape = [], [], [], [], []
        axis = 0
        for part in key:
            if part is None:
                self.shape.append(1)
                continue
            if part is Ellipsis:
                raise IndexError("an index can only have a single ellipsis ('...')")
            size = shape[axis]
            if isinstance(part, slice):
                begin, stop, step = part.indices(size)
                count = len(range(begin, stop, step))
                self.shape.append(count)
            else:
                begin = part.__index__()
                if not -size <= begin < size:
                    raise IndexError(f"index {begin} is out of bounds for axis {axis} with size {size}")
                begin %= size
                stop, step, count = begin + 1, 1, 1
            self.begin.append(begin)
            self.stop.append(stop)
            self.step.append(step)
            self.sizes.append(count)
            axis += 1

    def offset_if_contiguous(self, shape):
        """The offset of the first element when the selection is one run of memory, else None."""
        stride, offset, inner_is_whole = 1, 0, True
        for axis in reversed(range(len(shape))):
            count = self.sizes[axis]
            if count > 1 and (self.step[axis] != 1 or not inner_is_whole):
                return None
            if count != shape[axis]:
                inner_is_whole = False
            offset += self.begin[axis] * stride
            stride *= shape[axis]
        return offset

    def slice_arguments(self):
        """begin, end, step for the slice operators; a negative step may need an open end."""
        end = [None if step < 0 and stop < 0 else stop for stop, step in zip(self.stop, self.step)]
        return {"begin": tuple(self.begin), "end": tuple(end), "step": tuple(self.step)}


def _is_basic(key):
    if not isinstance(key, tuple):
        key = (key,)
    return all(part is None or part is Ellipsis or isinstance(part, slice)
               or (hasattr(part, "__index__") and not isinstance(part, (bool, np.bool_, NDArray, np.ndarray)))
               for part in key)


def _result_shape(plan):
    return tuple(plan.shape) or (1,)  # 1.9.1's arrays have at least one axis


def getitem(self, key):
    """`self[key]`; a view where the selection is contiguous (not while recording)."""
    if not _is_basic(key):
        return _take(self, key)
    shape = self.shape
    plan = _Plan(shape, key)
    op, _ = _operators()
    if 0 in plan.sizes:
        return NDArray(_result_shape(plan), self.dtype, self.ctx)
    if not (_is_recording() and self.grad_is_tracked):
        offset = plan.offset_if_contiguous(shape)
        if offset is not None:
            return self._view(offset, _result_shape(plan))
    return op.slice(self, **plan.slice_arguments()).reshape(_result_shape(plan))


def _index_array(self, part, axis):
    """One part of an advanced key as an integer NumPy array with its indices from 0, or None."""
    if isinstance(part, NDArray):
        part = part.asnumpy().astype("int64")
    part = np.asarray(part)
    if part.dtype == np.bool_ and part.ndim == 1 and len(part) == self.shape[axis]:
        part = np.flatnonzero(part)
    if not np.issubdtype(part.dtype, np.integer):
        return None
    size = self.shape[axis]
    outside = part[(part < -size) | (part >= size)]
    if outside.size:
        raise IndexError(f"index {outside.flat[0]} is out of bounds for axis {axis} with size {size}")
    return part % max(size, 1)


def _tuples(self, key):
    """The indices of an advanced key over the first axes, as an array (axes, ...) for gather_nd."""
    parts = list(key) if isinstance(key, tuple) else [key]
    while parts and (parts[-1] is Ellipsis or (isinstance(parts[-1], slice) and parts[-1] == slice(None))):
        parts.pop()
    advanced = not any(part is None or part is Ellipsis or isinstance(part, slice) for part in parts)
    if advanced and len(parts) <= len(self.shape):
        arrays = [_index_array(self, part, axis) for axis, part in enumerate(parts)]
        if all(array is not None for array in arrays):
            from .ndarray import array
            return array(np.stack(np.broadcast_arrays(*arrays)), ctx=self.ctx, dtype="int64")
    raise IndexError(f"index {key!r} is not supported: expected integers, slices, '...' and None, or integer "
                     "arrays for the first axes")


def _take(self, key):
    op, _ = _operators()
    if isinstance(key, NDArray):
        return op.take(self, key, axis=0, mode="wrap")
    return op.gather_nd(self, _tuples(self, key))


def _scatter(self, key, value):
    """`self[key] = value` for an advanced key."""
    _, internal = _operators()
    indices = _tuples(self, key)
    shape = indices.shape[1:] + self.shape[indices.shape[0]:]
    if isinstance(value, NDArray):
        value = value.astype(self.dtype, copy=False).as_in_context(self.ctx)
        if value.shape != shape:
            value = value.reshape((1,) * (len(shape) - value.ndim) + value.shape).broadcast_to(shape)
    else:
        from .ndarray import array
        value = array(np.broadcast_to(np.asarray(value), shape), ctx=self.ctx, dtype=self.dtype)
    internal._scatter_set_nd(self, value, indices, shape=self.shape, out=self)


def setitem(self, key, value):
    """`self[key] = value` with a number, an NDArray or anything NumPy understands; it broadcasts."""
    op, internal = _operators()
    if _is_recording() and self.grad_is_tracked:
        from ..base import MXNetError
        raise MXNetError("Inplace operations (+=, -=, x[:]=, etc) are not supported when recording with autograd.")
    if not _is_basic(key):
        return _scatter(self, key, value)
    shape = self.shape
    plan = _Plan(shape, key)
    if 0 in plan.sizes:
        return
    offset = plan.offset_if_contiguous(shape)
    target_shape = _result_shape(plan)
    target = None if offset is None else self._view(offset, target_shape)
    if isinstance(value, (bool, int, float, np.number, np.bool_)):
        if target is not None:
            internal._full(shape=target_shape, value=float(value), dtype=self.dtype, out=target)
        else:
            internal._slice_assign_scalar(self, scalar=float(value), out=self, **plan.slice_arguments())
        return
    if not isinstance(value, NDArray):
        value = np.asarray(value, dtype=None if isinstance(self.dtype, str) else self.dtype)
        if target is not None and value.shape == target_shape and not isinstance(self.dtype, str):
            target._assign_from_numpy(np.ascontiguousarray(value))
            return
        from .ndarray import array
        value = array(value, ctx=self.ctx, dtype=self.dtype)
    if value.ctx != self.ctx:
        value = value.as_in_context(self.ctx)
    if value.shape != target_shape:
        extra = value.ndim - len(target_shape)
        if extra > 0 and value.shape[:extra] == (1,) * extra:
            value = value.reshape(value.shape[extra:])
        if value.ndim < len(target_shape):
            value = value.reshape((1,) * (len(target_shape) - value.ndim) + value.shape)
        if value.shape != target_shape:
            value = op.broadcast_to(value, shape=target_shape)
    if target is not None:
        internal._copy(value, out=target)
    else:
        selected = tuple(plan.sizes)
        internal._slice_assign(self, value.astype(self.dtype, copy=False).reshape(selected), out=self,
                               **plan.slice_arguments())
