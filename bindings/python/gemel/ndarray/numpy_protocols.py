"""What `np.f(array)` does when an argument is an NDArray.

A NumPy function of arithmetic or comparison is our operator, so that `np.add(a, b)` is `a + b`, part of
the tape while recording; so is a function of one real argument. Any other NumPy function is NumPy's, on
copies of the values. Either way a result that is an array is an NDArray on the first argument's device;
numbers, what is written into a given NumPy array, and the results of conversions stay NumPy's.
"""
import operator

import numpy as np

from .. import _core
from .._core import NDArray

_BINARY = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.true_divide: operator.truediv,
    np.remainder: operator.mod, np.power: operator.pow, np.equal: operator.eq, np.not_equal: operator.ne,
    np.greater: operator.gt, np.greater_equal: operator.ge, np.less: operator.lt, np.less_equal: operator.le,
}
_UNARY = {"absolute": "abs"} | {name: name for name in (
    "exp", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "square", "reciprocal", "sin", "cos", "tan",
    "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "floor", "ceil", "trunc",
    "sign", "negative")}
_ours = {}  # ufunc: operator function
# Libraries call these to be sure that they have NumPy arrays.
_CONVERSIONS = {np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_arrays}


def to_array(self, dtype=None, copy=None):
    """The values as a NumPy array of their own; `copy=False` is a ValueError, as values are always copied."""
    if copy is False:
        raise ValueError("[__array__] an NDArray's values are always copied; np.from_dlpack shares them")
    values = self.asnumpy()
    return values if dtype is None else values.astype(dtype, copy=False)


def _unary(ufunc):
    """Our operator for a ufunc of one argument, or None."""
    if ufunc not in _ours:
        name = _UNARY.get(ufunc.__name__)
        _ours[ufunc] = _core.operator_function(name, False) if name else None
    return _ours[ufunc]


def _is_operand(value):
    return isinstance(value, (NDArray, np.ndarray, np.number, np.bool_, bool, int, float))


def _plain(value):
    """The same arguments with NumPy arrays for NDArrays."""
    if isinstance(value, NDArray):
        return value.asnumpy()
    if isinstance(value, (list, tuple)):
        items = [_plain(item) for item in value]
        return type(value)(items) if type(value) in (list, tuple) else value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _wrapped(value, context):
    """A result with NDArrays for NumPy arrays of a dtype that an NDArray can have."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.dtype.itemsize <= 8:
        from .ndarray import array
        return array(value, context, value.dtype)
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(_wrapped(item, context) for item in value)
    return value


def _first(values):
    for value in values:
        if isinstance(value, NDArray):
            return value
        if isinstance(value, (list, tuple)):
            found = _first(value)
            if found is not None:
                return found
    return None


def _store(result, out):
    """Writes a result of NumPy into `out`, an NDArray or a NumPy array."""
    if isinstance(out, NDArray):
        out[:] = np.asarray(result, dtype=out.asnumpy().dtype).reshape(out.shape)
    else:
        np.copyto(out, result, casting="same_kind")
    return out


def array_ufunc(self, ufunc, method, *inputs, **kwargs):
    """NumPy calls this for `np.add(array, ...)` and for `ndarray + array`."""
    if method == "__call__" and not kwargs and all(map(_is_operand, inputs)):
        if ufunc in _BINARY:
            left, right = inputs
            if isinstance(left, np.generic):  # else NumPy would ask here again
                left = left.item()
            elif isinstance(left, np.ndarray):
                from .ndarray import array
                left = array(left, self.ctx, self.dtype)
            return _BINARY[ufunc](left, right)
        if len(inputs) == 1 and np.issubdtype(inputs[0].dtype, np.floating) and _unary(ufunc):
            return _unary(ufunc)(inputs[0])
    outs = kwargs.pop("out", None)
    result = getattr(ufunc, method)(*_plain(inputs), **_plain(kwargs))
    if outs is None:
        return _wrapped(result, self.ctx)
    results = result if isinstance(result, tuple) else (result,)
    stored = tuple(_store(value, out) if out is not None else _wrapped(value, self.ctx)
                   for value, out in zip(results, outs))
    return stored if isinstance(result, tuple) else stored[0]


def array_function(self, function, types, args, kwargs):
    """NumPy calls this for its functions that are no ufuncs, such as `np.mean` and `np.concatenate`."""
    kwargs = dict(kwargs)
    first = _first([*args, *kwargs.values()])
    context = self.ctx if first is None else first.ctx
    out = kwargs.get("out")
    if isinstance(out, NDArray):
        del kwargs["out"]
        return _store(function(*_plain(args), **_plain(kwargs)), out)
    result = function(*_plain(args), **_plain(kwargs))
    return result if function in _CONVERSIONS else _wrapped(result, context)
