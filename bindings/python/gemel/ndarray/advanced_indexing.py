"""`a[key]` and `a[key] = value` where the key has index arrays: the result is a copy.

As in NumPy, the index arrays (and integers beside them) broadcast together; their axes stand where the
arrays stood, or in front when a slice or a new axis stands between them. An index array that is an
NDArray is not waited for: a place outside is then an IndexError of whoever reads the result.
"""
import numpy as np

from .._core import NDArray
from .indexing_key import parts_of


def _operators():
    from . import _internal, op
    return op, _internal


def _is_array(part):
    return isinstance(part, (NDArray, np.ndarray))


def _broadcast_shape(arrays):
    try:
        return np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise ValueError(f"[index] index arrays of shapes {shapes} do not broadcast together") from None


class _Selection:
    """The selection as indices for gather_nd: over which axes, of which shape, in which order.

    `leading` is the shape that the indices select, `shape` that of the result (it has the new axes).
    """

    def __init__(self, array, key):
        parts = parts_of(array.shape, key)
        arrays = [part for part in parts if _is_array(part)]
        self.block = _broadcast_shape(arrays)
        chosen = [i for i, part in enumerate(parts) if _is_array(part) or isinstance(part, int)]
        together = chosen == list(range(chosen[0], chosen[0] + len(chosen)))
        front = chosen[0] if together else 0  # where the axes of the block go
        self.context = array.ctx
        self.parts = [part for part in parts if part is not None]
        self.sizes = array.shape
        while isinstance(self.parts[-1], slice) and self.parts[-1].indices(self.sizes[len(self.parts) - 1]) \
                == (0, self.sizes[len(self.parts) - 1], 1):
            self.parts.pop()  # whole trailing axes come along
        self._lay_out(parts, front)

    def _lay_out(self, parts, front):
        """Walks the key once to find the shape of the result and each slice's place in it."""
        self.shape, self.leading, self.place = [], [], {}
        axis = 0
        for i, part in enumerate(parts):
            if i == front:
                self.first = len(self.leading)
                self.shape += self.block
                self.leading += self.block
            if part is None:
                self.shape.append(1)
            elif isinstance(part, slice):
                size = len(range(*part.indices(self.sizes[axis])))
                self.shape.append(size)
                if axis < len(self.parts):
                    self.place[axis] = len(self.leading)
                    self.leading.append(size)
            axis += part is not None

    def __bool__(self):
        return 0 not in self.shape

    def _index_of(self, axis, part):
        """The indices along one axis, of a shape that broadcasts to `leading`."""
        shape = [1] * len(self.leading)
        if isinstance(part, slice):
            shape[self.place[axis]] = self.leading[self.place[axis]]
            return np.arange(*part.indices(self.sizes[axis])).reshape(shape)
        if isinstance(part, int):
            return np.full(shape, part)
        last = self.first + len(self.block)
        shape[last - part.ndim:last] = part.shape
        return part.reshape(shape)

    def indices(self):
        """The index array of gather_nd: (axes, *leading)."""
        from .ndarray import array
        op, _ = _operators()
        indices = [self._index_of(axis, part) for axis, part in enumerate(self.parts)]
        leading = tuple(self.leading) or (1,)
        if not any(isinstance(index, NDArray) for index in indices):
            return array(np.stack([np.broadcast_to(index, leading) for index in indices]), self.context, np.int64)
        indices = [index if isinstance(index, NDArray) else array(index, self.context, np.int64)
                   for index in indices]
        return op.stack(*(op.broadcast_to(index.as_in_context(self.context).astype(np.int64, copy=False),
                                          shape=leading) for index in indices))

    def along_one_axis(self):
        """(axis, indices) where one NumPy array selects along one axis and all else is whole."""
        *before, last = self.parts
        whole = all(isinstance(part, slice) and part.indices(size) == (0, size, 1)
                    for part, size in zip(before, self.sizes))
        return (len(before), last) if whole and isinstance(last, np.ndarray) else None


def select_nothing(self, shape):
    """The empty selection of `shape`; a gradient through it is zeros."""
    if not self.grad_is_tracked:
        return NDArray(shape, self.dtype, self.ctx)
    op, _ = _operators()
    return op.gather_nd(self.reshape((-1,)), NDArray((1, *shape), np.int64, self.ctx))


def getitem(self, key):
    """`self[key]`; a copy, part of the tape while recording."""
    from .ndarray import array
    op, _ = _operators()
    selection = _Selection(self, key)
    shape = tuple(selection.shape) or (1,)
    if not selection:
        return select_nothing(self, shape)
    single = selection.along_one_axis()
    if single:
        axis, indices = single
        result = op.take(self, array(indices, self.ctx, np.int64), axis=axis)
    else:
        result = op.gather_nd(self, selection.indices())
    return result if result.shape == shape else result.reshape(shape)


def setitem(self, key, value, prepare):
    """`self[key] = value`; `prepare(self, value, shape)` gives the value as an array of that shape."""
    _, internal = _operators()
    selection = _Selection(self, key)
    if not selection:
        return
    value = prepare(self, value, tuple(selection.shape) or (1,))
    inner = self.shape[len(selection.parts):]
    value = value.reshape((tuple(selection.leading) or (1,)) + inner)
    internal._scatter_set_nd(self, value, selection.indices(), shape=self.shape, out=self)
