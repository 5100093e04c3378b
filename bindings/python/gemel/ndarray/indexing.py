"""`a[key]` and `a[key] = value`, with NumPy's meaning.

As in 1.9.1, the selection of a basic key (integers, slices, `...`, `None`) is a view where it is
contiguous in memory, otherwise a copy; with index arrays it is a copy (advanced_indexing.py). An
element has shape (1,), as an array has at least one axis.
"""
import numpy as np

from .. import _core
from .._core import NDArray
from ..base import MXNetError
from ..util import is_np_shape
from . import advanced_indexing
from .indexing_key import is_basic, parts_of

_is_recording = _core.autograd_is_recording
_EXACT = 2**53  # a float holds integers up to here


def _operators():
    from . import _internal, op
    return op, _internal


class _Plan:
    """A basic key, normalised: per axis (begin, stop, step), which axes vanish, where new ones go."""

    __slots__ = ("begin", "stop", "step", "sizes", "shape")

    def __init__(self, shape, key):
        self.begin, self.stop, self.step, self.sizes, self.shape = [], [], [], [], []
        for part in parts_of(shape, key):
            if part is None:
                self.shape.append(1)
                continue
            if isinstance(part, slice):
                begin, stop, step = part.indices(shape[len(self.sizes)])
                count = len(range(begin, stop, step))
                self.shape.append(count)
            else:
                begin, stop, step, count = part, part + 1, 1, 1
            self.begin.append(begin)
            self.stop.append(stop)
            self.step.append(step)
            self.sizes.append(count)

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


def _result_shape(plan):
    return tuple(plan.shape) or (() if is_np_shape() else (1,))


def getitem(self, key):
    """`self[key]`; a view where the selection is contiguous (not while recording)."""
    view = self._leading_view(key, is_np_shape())
    if view is not None:
        return view
    if not is_basic(key):
        return advanced_indexing.getitem(self, key)
    shape = self.shape
    plan = _Plan(shape, key)
    if 0 in plan.sizes:
        return advanced_indexing.select_nothing(self, _result_shape(plan))
    if not (_is_recording() and self.grad_is_tracked):
        offset = plan.offset_if_contiguous(shape)
        if offset is not None:
            return self._view(offset, _result_shape(plan))
    op, _ = _operators()
    return op.slice(self, **plan.slice_arguments()).reshape(_result_shape(plan))


def _is_number(value):
    return isinstance(value, (bool, int, float, np.number, np.bool_)) and not isinstance(value, np.complexfloating)


def _as_array(self, value):
    """What stands right of `=` as an array of this one's dtype and device."""
    from .ndarray import array
    if isinstance(value, NDArray):
        value = value if value.ctx == self.ctx else value.as_in_context(self.ctx)
        return value.astype(self.dtype, copy=False)
    try:
        return array(value, ctx=self.ctx, dtype=self.dtype)
    except TypeError:
        raise TypeError(f"{type(self)} does not support assignment with non-array-like object {value} of type "
                        f"{type(value)}") from None


def _broadcast(self, value, shape):
    """The value as an array of `shape`; leading axes of size 1 that are too many fall away."""
    op, internal = _operators()
    if _is_number(value) and not (isinstance(value, (int, np.integer)) and abs(int(value)) > _EXACT):
        return internal._full(shape=shape, value=float(value), dtype=self.dtype, ctx=self.ctx)
    value = _as_array(self, value)
    if value.shape == shape:
        return value
    extra = value.ndim - len(shape)
    inner = value.shape[max(extra, 0):]
    fits = value.shape[:max(extra, 0)] == (1,) * extra if extra > 0 else True
    if not fits or any(have not in (1, want) for have, want in zip(reversed(inner), reversed(shape))):
        raise ValueError("operands could not be broadcast together with remapped shapes"
                         f"[original->remapped]: {value.shape} and requested shape {shape}")
    value = value.reshape((1,) * -min(extra, 0) + inner)
    return value if value.shape == shape else op.broadcast_to(value, shape=shape)


def _overwrite(target, value):
    """Writes a value into every element of an array."""
    _, internal = _operators()
    if isinstance(value, NDArray):
        if value.shape != target.shape or value.dtype != target.dtype:
            value = _broadcast(target, value, target.shape)
        value._copy_to(target)
    elif _is_number(value):
        if isinstance(value, (int, np.integer)) and abs(int(value)) > _EXACT:
            target._assign_from_numpy(np.full(target.shape, value, target.dtype))
        else:
            internal._full(value=float(value), dtype=target.dtype, out=target)
    elif isinstance(value, np.ndarray) and value.shape == target.shape and not isinstance(target.dtype, str):
        target._assign_from_numpy(np.ascontiguousarray(value, dtype=target.dtype))
    else:
        _broadcast(target, value, target.shape)._copy_to(target)


def setitem(self, key, value):
    """`self[key] = value` with a number, an NDArray or anything NumPy understands; it broadcasts."""
    if _is_recording() and (self.grad_is_tracked or (isinstance(value, NDArray) and value.grad_is_tracked)):
        raise MXNetError("Inplace operations (+=, -=, x[:]=, etc) are not supported when recording with autograd.")
    target = self._leading_view(key, is_np_shape())
    if target is not None:
        return _overwrite(target, value)
    if not is_basic(key):
        return advanced_indexing.setitem(self, key, value, _broadcast)
    shape = self.shape
    plan = _Plan(shape, key)
    if 0 in plan.sizes:
        return
    offset = plan.offset_if_contiguous(shape)
    if offset is not None:
        return _overwrite(self._view(offset, _result_shape(plan)), value)
    _, internal = _operators()
    if _is_number(value):
        internal._slice_assign_scalar(self, scalar=float(value), out=self, **plan.slice_arguments())
    else:
        value = _broadcast(self, value, _result_shape(plan)).reshape(tuple(plan.sizes))
        internal._slice_assign(self, value, out=self, **plan.slice_arguments())
