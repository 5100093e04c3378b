"""The NDArray class and functions that make arrays.

An NDArray is a typed, contiguous view of memory that engine tasks fill: creation and operators
return at once, `asnumpy()`, `asscalar()` and `wait_to_read()` wait. Shapes are tuples of ints, dtypes
NumPy types (bfloat16 is the text "bfloat16").
"""
import numpy as np

from .. import _core
from .._core import NDArray
from ..context import current_context
from ..util import is_np_shape
from . import indexing, numpy_protocols

__all__ = ["NDArray", "array", "zeros", "ones", "empty", "full", "arange", "concatenate", "waitall"]

NDArray.__module__ = __name__
NDArray.__doc__ = __doc__
NDArray.__getitem__ = indexing.getitem
NDArray.__setitem__ = indexing.setitem

_reshape = _core.operator_function("Reshape", False)
_cast = _core.operator_function("Cast", False)
_copy = _core.operator_function("_copy", False)
_broadcast_to = _core.operator_function("broadcast_to", False)


def _known(dtype):
    """The dtype itself; TypeError for text that names none."""
    if isinstance(dtype, str) and dtype != "bfloat16":
        np.dtype(dtype)
    return dtype


def _method(function):
    setattr(NDArray, function.__name__, function)
    return function


@_method
def asnumpy(self):
    """A copy of the values as a NumPy array (bfloat16 as float32). Waits; raises a failed task's error."""
    if self.dtype == "bfloat16":
        return self.astype("float32").asnumpy()
    result = np.empty(self.shape, self.dtype)
    self._copy_into_numpy(result)
    return result


NDArray.stype = property(lambda self: "default", doc='The storage type; "default" is dense.')
NDArray.handle = property(lambda self: self, doc="The object itself: arrays need no separate handle.")
NDArray.writable = property(lambda self: True)
NDArray.T = property(lambda self: self.transpose(), doc="The array with its axes reversed.")


def _representation(self):
    shape = "x".join(str(n) for n in self.shape)
    return f"\n{self.asnumpy()}\n<NDArray {shape} @{self.ctx}>"


NDArray.__repr__ = _representation
NDArray.__array__ = numpy_protocols.to_array
NDArray.__array_ufunc__ = numpy_protocols.array_ufunc
NDArray.__array_function__ = numpy_protocols.array_function
NDArray.__array_priority__ = 1000.0


def _length(self):
    if not self.shape:
        raise TypeError("len() of an array without axes")
    return self.shape[0]


def _iterate(self):
    for i in range(len(self)):
        yield self[i]


def _truth(self):
    if self.size == 0:
        return False
    if self.size == 1:
        return bool(self.asscalar())
    raise ValueError("The truth value of an NDArray with multiple elements is ambiguous.")


def _index(self):
    if np.issubdtype(np.dtype(self.dtype), np.integer) and self.size == 1:
        return int(self.asscalar())
    raise TypeError(f"only an integer array of one element can be an index, got {self.dtype} {self.shape}")


NDArray.__len__ = _length
NDArray.__iter__ = _iterate
NDArray.__bool__ = _truth
NDArray.__index__ = _index
NDArray.__float__ = lambda self: float(self.asscalar())
NDArray.__int__ = lambda self: int(self.asscalar())
NDArray.__copy__ = lambda self: self.copy()
NDArray.__deepcopy__ = lambda self, memo: self.copy()
NDArray.__div__ = NDArray.__truediv__
NDArray.__rdiv__ = NDArray.__rtruediv__
NDArray.__idiv__ = NDArray.__itruediv__
NDArray.__nonzero__ = NDArray.__bool__


@_method
def __reduce__(self):
    # 1.9.1's form: NDArray(None), then the state.
    return type(self), (None,), self.__getstate__()


@_method
def __getstate__(self):
    return {"handle": bytearray(self._to_bytes()) if self._has_memory else None}


@_method
def __setstate__(self, state):
    if state["handle"] is not None:
        self._assign_from_bytes(bytes(state["handle"]))


@_method
def copyto(self, other):
    """Copy into another array of the same shape (converted to its dtype), or onto a device.

    Returns the target, which is new when `other` is a Context.
    """
    if isinstance(other, NDArray):
        if other.stype != "default":
            return other._assign(self)
        if other._shares_memory(self) and other._address == self._address:
            import warnings
            warnings.warn("You are attempting to copy an array to itself", RuntimeWarning)
            return other
        if other.shape != self.shape:
            raise ValueError(f"[copyto] expected a target of shape {self.shape}, got {other.shape}")
        if other.dtype == self.dtype:
            self._copy_to(other)
        else:
            _cast(self, dtype=other.dtype, out=other)
        return other
    from ..context import Context
    if isinstance(other, Context):
        target = NDArray(self.shape, self.dtype, other)
        self._copy_to(target)
        return target
    raise TypeError(f"[copyto] expected an NDArray or a Context, got {type(other).__name__}")


@_method
def copy(self):
    """A new array with the same values; part of the tape while recording."""
    return _copy(self)


@_method
def as_in_context(self, context):
    """This array if it is on `context`, else a copy there."""
    return self if self.ctx == context else self.copyto(context)


NDArray.as_in_ctx = as_in_context
NDArray.as_nd_ndarray = lambda self: self


@_method
def astype(self, dtype, copy=True):
    """The values converted to `dtype`; with `copy=False` the array itself when nothing changes."""
    if not copy:
        wanted = dtype if dtype == "bfloat16" else np.dtype(dtype).name
        have = self.dtype if isinstance(self.dtype, str) else np.dtype(self.dtype).name
        if wanted == have:
            return self
    return _cast(self, dtype="float32" if dtype is None else dtype)


@_method
def reshape(self, *shape, **kwargs):
    """The same memory with another shape, with 1.9.1's codes (0 keep, -1 infer, -2 rest, -3 join, -4 split)."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    elif not shape:
        assert kwargs.get("shape"), "Shape must be provided."
        shape = kwargs.pop("shape")
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
    reverse = kwargs.pop("reverse", False)
    if kwargs:
        raise TypeError(f"[reshape] unexpected arguments: {', '.join(kwargs)}")
    if _core.autograd_is_recording() and self.grad_is_tracked:
        return _reshape(self, shape=shape, reverse=reverse)
    return self._reshape(shape, reverse)


NDArray._gradient_as_stored = None


@_method
def attach_grad(self, grad_req="write", stype=None):
    """Make this array a variable of autograd, with a gradient array of zeros.

    With `stype="row_sparse"`, `grad` is a RowSparseNDArray with the rows that are not zero.
    """
    if stype not in (None, "default", "row_sparse", "csr"):
        raise ValueError(f"unknown storage type{stype}")
    gradient = None if grad_req == "null" else zeros(self.shape, self.ctx, self.dtype)
    self._mark_variable(gradient, grad_req)
    if stype == "row_sparse":
        from .sparse import RowSparseNDArray
        self._gradient_as_stored = RowSparseNDArray._of_dense
    elif self._gradient_as_stored is not None:
        self._gradient_as_stored = None


@_method
def backward(self, out_grad=None, retain_graph=False, train_mode=True):
    """Compute the gradients of this array with respect to the variables it was computed from."""
    _core.autograd_backward_one(self, out_grad, retain_graph, train_mode)


@_method
def broadcast_to(self, shape):
    """The array repeated along axes of size 1; axes that it lacks are put in front. ValueError if it does not fit."""
    if self.shape == shape:
        return self
    axes = (1,) * (len(shape) - self.ndim) + self.shape
    if len(axes) != len(shape) or any(have != want and have != 1 for have, want in zip(axes, shape)):
        raise ValueError("operands could not be broadcast together with remapped shapes"
                         f"[original->remapped]: {self.shape} and requested shape {shape}")
    return _broadcast_to(self if axes == self.shape else self.reshape(axes), shape=tuple(shape))


@_method
def slice_assign_scalar(self, value, begin, end, step):
    """Write a number into the slice; see the `slice` operator."""
    from . import _internal
    return _internal._slice_assign_scalar(self, scalar=float(value), begin=begin, end=end, step=step, out=self)


@_method
def _full(self, value):
    """Every element set to a number."""
    self[:] = value
    return self


@_method
def _sync_copyfrom(self, source_array):
    """The values of something array-like of the same shape copied into this array."""
    values = np.asarray(source_array, dtype=self.dtype)
    if values.shape != self.shape:
        raise ValueError(f"Shape inconsistent: expected {self.shape} vs got {values.shape}")
    self._assign_from_numpy(np.ascontiguousarray(values))


@_method
def slice_assign(self, rhs, begin, end, step=None):
    """Write `rhs` into the slice; see the `slice` operator."""
    from . import _internal
    return _internal._slice_assign(self, rhs, begin=begin, end=end, step=step or (), out=self)


@_method
def tostype(self, stype):
    """The array in another storage type: "default", "csr" (two axes) or "row_sparse"."""
    from .sparse import cast_storage
    return self if stype == "default" else cast_storage(self, stype)


def waitall():
    """Wait for everything that was pushed; raises what failed and nobody has seen yet."""
    _core.engine_wait_all()


def empty(shape, ctx=None, dtype=None, stype=None):
    """An array with whatever is in memory; of a sparse storage type one in which nothing is stored."""
    if stype not in (None, "default"):
        from . import sparse
        return sparse.empty(stype, shape, ctx, dtype)
    return NDArray(shape, dtype, ctx)


def array(source_array, ctx=None, dtype=None):
    """An array from numbers, lists or another array. The dtype of an NDArray is kept; others become float32."""
    if hasattr(source_array, "tocsr") or getattr(source_array, "stype", "default") != "default":
        from . import sparse
        return sparse.array(source_array, ctx, dtype)
    if isinstance(source_array, NDArray):
        dtype = source_array.dtype if dtype is None else dtype
        result = source_array.astype(dtype)
        return result if ctx is None else result.as_in_context(ctx)
    dtype = np.float32 if dtype is None else dtype
    if dtype == "bfloat16":
        return array(source_array, ctx, np.float32).astype("bfloat16")
    try:
        values = np.ascontiguousarray(np.asarray(source_array, dtype=dtype))
    except (TypeError, ValueError) as error:
        raise TypeError(f"[array] source_array must be array like: {error}") from None
    shape = np.shape(source_array) or (1,)
    result = NDArray(shape, dtype, ctx)
    result._assign_from_numpy(values.reshape(shape))
    return result


def _operand(value, ctx, dtype):
    """The other operand of `array + value`: an array-like of the array's dtype, or None."""
    if isinstance(value, (np.ndarray, list, tuple)):
        return array(value, ctx, dtype)
    return None


def _created(name, shape, ctx, dtype, out=None, **kwargs):
    from . import _internal
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    # The operators take 0 (and, without np-shape semantics, no axes) for "not known".
    if out is None and (0 in shape or not shape and is_np_shape()):
        out = NDArray(shape, "float32" if dtype is None else dtype, ctx)
    return getattr(_internal, name)(shape=shape, ctx=ctx or current_context(),
                                    dtype="float32" if dtype is None else _known(dtype), out=out, **kwargs)


def zeros(shape, ctx=None, dtype=None, stype=None, out=None, **kwargs):
    """An array of zeros of storage type `stype` ("default", "csr" or "row_sparse")."""
    if stype not in (None, "default"):
        from . import sparse
        return sparse.zeros(stype, shape, ctx, dtype)
    return _created("_zeros", shape, ctx, dtype, out)


def ones(shape, ctx=None, dtype=None, out=None, **kwargs):
    """An array of ones."""
    return _created("_ones", shape, ctx, dtype, out)


def full(shape, val, ctx=None, dtype=None, out=None):
    """An array of one value, or of values that broadcast to `shape`."""
    if isinstance(val, (int, float, np.number)):
        return _created("_full", shape, ctx, dtype, out, value=float(val))
    out = empty(shape, ctx, dtype) if out is None else out
    out[:] = val
    return out


def arange(start, stop=None, step=1.0, repeat=1, infer_range=None, ctx=None, dtype=None):
    """Evenly spaced values from [start, stop), each `repeat` times."""
    from . import _internal
    if stop is None:
        start, stop = 0, start
    return _internal._arange(start=start, stop=stop, step=step, repeat=repeat, ctx=ctx or current_context(),
                             dtype="float32" if dtype is None else dtype)


def linspace(start, stop, num, endpoint=True, ctx=None, dtype=None):
    """`num` evenly spaced values of [start, stop], or of [start, stop) without `endpoint`."""
    from . import _internal
    return _internal._linspace(start=start, stop=stop, num=num, endpoint=endpoint,
                               ctx=ctx or current_context(),
                               dtype="float32" if dtype is None else dtype)


def eye(N, M=0, k=0, ctx=None, dtype=None, **kwargs):
    """Ones on the k-th diagonal of an (N, M) matrix (N, N by default), zeros elsewhere."""
    from . import _internal
    return _internal._eye(N=N, M=M, k=k, ctx=ctx or current_context(),
                          dtype="float32" if dtype is None else dtype, **kwargs)


def concatenate(arrays, axis=0, always_copy=True):
    """The arrays joined along an axis; they must have one dtype."""
    assert isinstance(arrays, (list, tuple)) and arrays, "expected a list of one array or more"
    assert all(array.dtype == arrays[0].dtype for array in arrays), "expected arrays of one dtype"
    if len(arrays) == 1 and not always_copy:
        return arrays[0]
    from . import op
    return op.concat(*arrays, dim=axis)


def moveaxis(tensor, source, destination):
    """The array with some axes moved to other places; `source` and `destination` as in NumPy."""
    order = list(range(tensor.ndim))
    source = [source] if isinstance(source, int) else list(source)
    destination = [destination] if isinstance(destination, int) else list(destination)
    if len(source) != len(destination):
        raise ValueError("`source` and `destination` arguments must have the same number of elements")
    for name, axes in (("Source", source), ("Destination", destination)):
        for axis in axes:
            if not -tensor.ndim <= axis < tensor.ndim:
                raise ValueError(f"{name} should verify 0 <= {name.lower()} < tensor.ndim. Got {axis}")
    source = [axis % tensor.ndim for axis in source]
    destination = [axis % tensor.ndim for axis in destination]
    order = [axis for axis in order if axis not in source]
    for to, axis in sorted(zip(destination, source)):
        order.insert(to, axis)
    return tensor.transpose(axes=order)


def onehot_encode(indices, out):
    """One-hot rows of `indices` written into `out`."""
    from . import _internal
    return _internal._onehot_encode(indices, out, out=out)


def split_v2(ary, indices_or_sections, axis=0, squeeze_axis=False):
    """The array cut into equal sections, or before the given indices, along an axis: a list of arrays."""
    from . import _internal
    size = ary.shape[axis]
    if isinstance(indices_or_sections, int):
        if size % indices_or_sections:
            raise ValueError("array split does not result in an equal division")
        sections, indices = indices_or_sections, []
    elif isinstance(indices_or_sections, tuple):
        sections, indices = 0, [0, *indices_or_sections]
    else:
        raise ValueError("indices_or_sections must either int or tuple of ints")
    return _internal._split_v2(ary, indices=indices, axis=axis, squeeze_axis=squeeze_axis, sections=sections)


NDArray.split_v2 = split_v2


def histogram(a, bins=10, range=None):
    """(counts, edges) of the values in equal bins of `range`, or in bins between the edges in an NDArray."""
    from . import _internal
    if isinstance(bins, NDArray):
        return _internal._histogram(data=a, bins=bins)
    if isinstance(bins, int):
        if range is None:
            import warnings
            warnings.warn("range is not specified, using numpy's result to ensure consistency with numpy")
            counts, edges = np.histogram(a.asnumpy(), bins=bins)
            return array(counts), array(edges)
        return _internal._histogram(data=a, bin_cnt=bins, range=range)
    raise ValueError("bins argument should be either an integer or an NDArray")


def _binary(name, scalar, reversed_scalar, plain):
    def function(lhs, rhs):
        from . import _internal, op
        if isinstance(lhs, NDArray):
            if isinstance(rhs, NDArray):
                return getattr(op, name)(lhs, rhs)
            if not isinstance(rhs, (int, float, np.number, np.bool_)):
                raise TypeError(f"type {type(rhs)} not supported")
            return getattr(_internal, scalar)(lhs, scalar=float(rhs))
        if isinstance(rhs, NDArray):
            if not isinstance(lhs, (int, float, np.number, np.bool_)):
                raise TypeError(f"type {type(lhs)} not supported")
            return getattr(_internal, reversed_scalar)(rhs, scalar=float(lhs))
        return plain(lhs, rhs)
    function.__doc__ = f"`{name}` of two arrays, an array and a number, or two numbers."
    return function


add = _binary("broadcast_add", "_plus_scalar", "_plus_scalar", lambda a, b: a + b)
subtract = _binary("broadcast_sub", "_minus_scalar", "_rminus_scalar", lambda a, b: a - b)
multiply = _binary("broadcast_mul", "_mul_scalar", "_mul_scalar", lambda a, b: a * b)
divide = _binary("broadcast_div", "_div_scalar", "_rdiv_scalar", lambda a, b: a / b)
true_divide = divide
modulo = _binary("broadcast_mod", "_mod_scalar", "_rmod_scalar", lambda a, b: a % b)
power = _binary("broadcast_power", "_power_scalar", "_rpower_scalar", lambda a, b: a ** b)
maximum = _binary("broadcast_maximum", "_maximum_scalar", "_maximum_scalar", max)
minimum = _binary("broadcast_minimum", "_minimum_scalar", "_minimum_scalar", min)
equal = _binary("broadcast_equal", "_equal_scalar", "_equal_scalar", lambda a, b: float(a == b))
not_equal = _binary("broadcast_not_equal", "_not_equal_scalar", "_not_equal_scalar", lambda a, b: float(a != b))
greater = _binary("broadcast_greater", "_greater_scalar", "_lesser_scalar", lambda a, b: float(a > b))
greater_equal = _binary("broadcast_greater_equal", "_greater_equal_scalar", "_lesser_equal_scalar",
                        lambda a, b: float(a >= b))
lesser = _binary("broadcast_lesser", "_lesser_scalar", "_greater_scalar", lambda a, b: float(a < b))
lesser_equal = _binary("broadcast_lesser_equal", "_lesser_equal_scalar", "_greater_equal_scalar",
                       lambda a, b: float(a <= b))
logical_and = _binary("broadcast_logical_and", "_logical_and_scalar", "_logical_and_scalar",
                      lambda a, b: float(bool(a) and bool(b)))
logical_or = _binary("broadcast_logical_or", "_logical_or_scalar", "_logical_or_scalar",
                     lambda a, b: float(bool(a) or bool(b)))
logical_xor = _binary("broadcast_logical_xor", "_logical_xor_scalar", "_logical_xor_scalar",
                      lambda a, b: float(bool(a) != bool(b)))
