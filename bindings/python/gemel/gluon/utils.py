"""Splitting of batches, clipping of gradients, and helpers of blocks."""
import math
import warnings

import numpy as np

from .. import ndarray as nd

__all__ = ["split_data", "split_and_load", "clip_global_norm", "shape_is_known", "HookHandle"]


def shape_is_known(shape):
    """Whether every dimension of a shape is known; None and () are not."""
    if shape is None or len(shape) == 0:
        return False
    return all(size > 0 for size in shape)


def split_data(data, num_slice, batch_axis=0, even_split=True):
    """Cut an array into slices along an axis.

    Parameters
    ----------
    data : NDArray
    num_slice : int
    batch_axis : int
    even_split : bool
        Whether slices of different sizes are a `ValueError`.
    """
    size = data.shape[batch_axis]
    if even_split and size % num_slice != 0:
        raise ValueError(
            f"data with shape {data.shape} cannot be evenly split into {num_slice} slices along "
            f"axis {batch_axis}. Use a batch size that's multiple of {num_slice} or set "
            "even_split=False to allow uneven partitioning of data.")
    step, extra = divmod(size, num_slice)
    edges = [0]
    for i in range(num_slice):
        edges.append(edges[-1] + step + (1 if i < extra else 0))
    if num_slice == 1:
        return [data]
    if batch_axis == 0:
        return [data[begin:end] for begin, end in zip(edges, edges[1:])]
    return [nd.slice_axis(data, axis=batch_axis, begin=begin, end=end)
            for begin, end in zip(edges, edges[1:])]


def split_and_load(data, ctx_list, batch_axis=0, even_split=True):
    """Cut an array (or anything that makes one) and put a slice on each device."""
    if not isinstance(data, nd.NDArray):
        data = nd.array(data, ctx=ctx_list[0])
    if len(ctx_list) == 1:
        return [data.as_in_context(ctx_list[0])]
    slices = split_data(data, len(ctx_list), batch_axis, even_split)
    return [part.as_in_context(ctx) for part, ctx in zip(slices, ctx_list)]


def clip_global_norm(arrays, max_norm, check_isfinite=True):
    """Scale arrays in place so that the norm of all together is at most `max_norm`.

    Parameters
    ----------
    arrays : list of NDArray
        Not empty.
    max_norm : float
    check_isfinite : bool
        Warn where the norm is not finite, and return a float; otherwise nothing is waited for and
        the norm is returned as an NDArray of shape (1,).
    """
    assert len(arrays) > 0
    ctx = arrays[0].context
    squares = [(array * array).sum().reshape((1,)).as_in_context(ctx) for array in arrays]
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    norm = total.sqrt()
    if check_isfinite:
        value = norm.asscalar()
        if not np.isfinite(value):
            warnings.warn(UserWarning("nan or inf is detected. Clipping results will be "
                                      "undefined."), stacklevel=2)
        scale = max_norm / (float(value) + 1e-8)
        if math.isnan(scale) or scale < 1.0:
            for array in arrays:
                array *= scale
        return value
    scale = (max_norm / (norm + 1e-8)).clip(0.0, 1.0)
    for array in arrays:
        array[:] = nd.broadcast_mul(array.reshape((-1,)),
                                    scale.as_in_context(array.context)).reshape(array.shape)
    return norm


class HookHandle:
    """Removes a hook again: by `detach`, or at the end of a `with` block."""

    def __init__(self):
        self._hooks = None
        self._key = None

    def attach(self, hooks, hook):
        """Add a hook to a dictionary of hooks."""
        assert self._hooks is None, "The same handle cannot be attached twice."
        self._hooks, self._key = hooks, id(self)
        hooks[self._key] = hook

    def detach(self):
        """Remove the hook; nothing happens where it is gone."""
        if self._hooks is not None:
            self._hooks.pop(self._key, None)

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_value, trace):
        self.detach()
