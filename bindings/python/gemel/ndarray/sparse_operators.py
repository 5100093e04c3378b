"""Operators on sparse arrays.

`call` runs instead of an operator when an input or `out` is sparse. A rule for the operator works on what is
stored; without one, and for gradients, the operator gets the dense values, as in 1.9.1.
"""
import numpy as np

from .. import _core
from .._core import NDArray
from . import sparse
from .sparse import BaseSparseNDArray, CSRNDArray, RowSparseNDArray

_RULES = {}


def _rule(*names):
    def register(function):
        for name in names:
            _RULES[name] = function
        return function
    return register


@_rule(*_core.zero_keeping_operators())
def _on_data(function, data, *args, **kwargs):
    """Functions that give zero for zero."""
    names = ("a_min", "a_max") if function.operator == "clip" else ("scalar",)
    if not _core.keeps_zeros(function.operator, {**dict(zip(names, args)), **kwargs}):
        return NotImplemented
    return data._with_data(function(data.data, *args, **kwargs))


@_rule("zeros_like")
def _zeros_like(function, data):
    return sparse.zeros(data.stype, data.shape, data.context, data.dtype)


def _places(csr):
    """The flat place of each stored value."""
    indptr = csr.indptr.asnumpy()
    return np.repeat(np.arange(csr.shape[0]), np.diff(indptr)) * csr.shape[1] + csr.indices.asnumpy()


def _check(lhs, rhs):
    return lhs.shape == rhs.shape and lhs.dtype == rhs.dtype


def _combined(lhs, rhs, sign):
    """lhs + sign * rhs where both are csr or both row_sparse."""
    left, right = lhs.data.asnumpy(), rhs.data.asnumpy()
    values = np.concatenate([left, right if sign > 0 else (0 - right).astype(right.dtype)])
    if isinstance(lhs, CSRNDArray):
        return sparse._csr_of_places(values, np.concatenate([_places(lhs), _places(rhs)]), lhs.shape, lhs.context)
    rows, inverse = np.unique(np.concatenate([lhs.indices.asnumpy(), rhs.indices.asnumpy()]), return_inverse=True)
    data = np.zeros((len(rows), *lhs.shape[1:]), values.dtype)
    np.add.at(data, inverse.ravel(), values)
    return RowSparseNDArray._of((sparse._dense(data, data.dtype, lhs.context),
                                 sparse._dense(rows, "int64", lhs.context), None), lhs.shape)


@_rule("elemwise_add", "broadcast_add", "_plus", "elemwise_sub", "broadcast_sub")
def _add(function, lhs, rhs):
    if lhs.stype != rhs.stype or not _check(lhs, rhs):
        return NotImplemented
    return _combined(lhs, rhs, -1 if function.operator.endswith("sub") else 1)


@_rule("add_n", "ElementWiseSum")
def _add_n(function, *arrays):
    if any(array.stype != "row_sparse" or not _check(array, arrays[0]) for array in arrays):
        return NotImplemented
    total = arrays[0]
    for array in arrays[1:]:
        total = _combined(total, array, 1)
    return total


@_rule("elemwise_mul", "broadcast_mul", "elemwise_div", "broadcast_div")
def _multiply(function, lhs, rhs):
    """What lhs stores, times or over the values of rhs there."""
    division = function.operator.endswith("div")
    if lhs.stype == "default" or lhs.dtype != rhs.dtype or (division and rhs.stype != "default"):
        return NotImplemented
    if rhs.stype != "default":
        if lhs.stype != rhs.stype or lhs.shape != rhs.shape:
            return NotImplemented
        return _products(lhs, rhs)
    if isinstance(lhs, RowSparseNDArray):
        if rhs.shape != lhs.shape:
            return NotImplemented
        return lhs._with_data(function(lhs.data, rhs.take(lhs.indices)))
    rhs = rhs.broadcast_to(lhs.shape) if rhs.size == 1 else rhs
    if rhs.ndim != 2 or any(have not in (1, want) for have, want in zip(rhs.shape, lhs.shape)):
        return NotImplemented
    rows, columns = np.divmod(_places(lhs), lhs.shape[1])
    values = rhs[rows if rhs.shape[0] > 1 else np.zeros_like(rows),
                 columns if rhs.shape[1] > 1 else np.zeros_like(columns)]
    return lhs._with_data(function(lhs.data, values)) if len(rows) else lhs.copy()


def _products(lhs, rhs):
    csr = isinstance(lhs, CSRNDArray)
    left, right = (_places(lhs), _places(rhs)) if csr else (lhs.indices.asnumpy(), rhs.indices.asnumpy())
    both, i, j = np.intersect1d(left, right, return_indices=True)
    values = lhs.data.asnumpy()[i] * rhs.data.asnumpy()[j]
    if csr:
        return sparse._csr_of_places(values, both, lhs.shape, lhs.context)
    return RowSparseNDArray._of((sparse._dense(values, values.dtype, lhs.context),
                                 sparse._dense(both, "int64", lhs.context), None), lhs.shape)


@_rule("dot")
def _dot(function, lhs, rhs, transpose_a=False, transpose_b=False, forward_stype=None):
    if isinstance(lhs, CSRNDArray):
        if rhs.ndim != 2:
            raise ValueError(f"[dot] expected two axes on the right of a csr matrix, got {rhs.shape}")
        right = rhs.tostype("default")
        right = right.T if transpose_b else right
        if right.dtype != lhs.dtype or np.dtype(lhs.dtype).kind != "f" or right.shape[0] != lhs.shape[not transpose_a]:
            return NotImplemented
        lhs.check_format()
        result = _core.csr_dot(lhs.data, lhs.indices, lhs.indptr, right, bool(transpose_a), lhs.shape[1])
        wanted = forward_stype or ("row_sparse" if transpose_a else "default")
        return result if wanted == "default" else result.tostype(wanted)
    if isinstance(rhs, CSRNDArray) and not transpose_a and lhs.stype == "default" and lhs.ndim == 2:
        product = _dot(function, rhs, lhs, transpose_a=not transpose_b, transpose_b=True, forward_stype="default")
        if product is NotImplemented:
            return product
        return product.T.tostype("csr" if forward_stype is None else forward_stype)
    return NotImplemented


@_rule("Concat", "concat")
def _concat(function, *arrays, dim=1, **kwargs):
    if dim != 0 or any(array.stype != "csr" or array.dtype != arrays[0].dtype for array in arrays) \
            or len({array.shape[1] for array in arrays}) != 1:
        return NotImplemented
    from .ndarray import concatenate
    starts = np.cumsum([0, *(array.data.size for array in arrays)])
    indptr = np.concatenate([[0], *(array.indptr.asnumpy()[1:] + start for array, start in zip(arrays, starts))])
    context = arrays[0].context
    parts = (concatenate([array.data for array in arrays]), concatenate([array.indices for array in arrays]),
             sparse._dense(indptr, "int64", context))
    return CSRNDArray._of(parts, (sum(array.shape[0] for array in arrays), arrays[0].shape[1]))


@_rule("slice")
def _slice(function, data, begin, end, step=()):
    if data.stype != "csr" or any(part not in (None, 1) for part in step):
        return NotImplemented
    begin, end = (part if isinstance(part, (tuple, list)) else (part,) for part in (begin, end))
    bounds = [slice(*pair).indices(size)[:2] for pair, size in zip(zip(begin, end), data.shape)]
    rows = data[slice(*bounds[0])]
    if len(bounds) == 1:
        return rows
    row, column = np.divmod(_places(rows), data.shape[1])
    inside = (column >= bounds[1][0]) & (column < bounds[1][1])
    shape = (rows.shape[0], bounds[1][1] - bounds[1][0])
    return sparse._csr_of_places(rows.data.asnumpy()[inside], (row * shape[1] + column - bounds[1][0])[inside], shape,
                                 data.context)


@_rule("take")
def _take(function, data, indices, axis=0, mode="clip"):
    if data.stype != "csr" or axis != 0 or indices.stype != "default" or indices.ndim != 1:
        return NotImplemented
    rows = indices.asnumpy().astype(np.int64)
    rows = rows % data.shape[0] if mode == "wrap" else np.clip(rows, 0, data.shape[0] - 1)
    return _concat(None, *(data[int(row)] for row in rows), dim=0) if len(rows) else NotImplemented


@_rule("sgd_update", "sgd_mom_update", "adam_update", "_sparse_adagrad_update")
def _lazy_update(function, weight, grad, *states, lazy_update=True, **kwargs):
    """Only the rows that the gradient stores are updated, with their weight decay and their states."""
    if not isinstance(grad, RowSparseNDArray) or not lazy_update \
            or any(array.stype != "default" for array in (weight, *states)):
        return NotImplemented
    rows = grad.indices
    if not rows.size:
        return weight
    parts = [array.take(rows) for array in (weight, *states)]
    function(parts[0], grad.data, *parts[1:], out=parts[0], **kwargs)
    for array, part in zip((weight, *states), parts):
        array[rows] = part
    return weight


def _dense(value):
    if isinstance(value, BaseSparseNDArray):
        return value.tostype("default")
    if isinstance(value, (list, tuple)):
        return type(value)(_dense(item) for item in value)
    return value


def _store(result, out):
    if out is None or out is result:
        return result
    if isinstance(out, BaseSparseNDArray):
        return out._assign(result)
    if isinstance(out, NDArray):
        out[:] = result.tostype("default")
        return out
    return [_store(*pair) for pair in zip(result, out)]


def call(function, args, kwargs):
    """The operator `function` on arguments of which one is sparse."""
    kwargs = dict(kwargs)
    out = kwargs.get("out")
    arrays = [value for value in (*args, *kwargs.values()) if isinstance(value, NDArray)]
    recorded = _core.autograd_is_recording() and any(array.grad_is_tracked for array in arrays)
    rule = _RULES.get(function.operator)
    if rule is not None and not recorded:
        named = [kwargs[name] for name in ("data", "lhs", "rhs") if isinstance(kwargs.get(name), NDArray)]
        rest = {name: value for name, value in kwargs.items()
                if name not in ("out", "name") and not isinstance(value, NDArray)}
        if any(isinstance(array, BaseSparseNDArray) for array in (*args, *named)):
            result = rule(function, *args, *named, **rest)
            if result is not NotImplemented:
                return _store(result, out)
    if isinstance(out, BaseSparseNDArray):
        del kwargs["out"]
        return _store(function(*map(_dense, args), **{key: _dense(value) for key, value in kwargs.items()}), out)
    return function(*map(_dense, args), **{key: _dense(value) for key, value in kwargs.items()})


_core.set_sparse_type(BaseSparseNDArray, call)


_WITH_SPARSE_FORMS = """add subtract multiply divide dot concat clip where norm mean slice abs sqrt square sign relu
sigmoid add_n elemwise_add elemwise_sub elemwise_mul elemwise_div stop_gradient make_loss zeros_like sum negative exp
log1p expm1 sin cos tan sinh cosh tanh arcsin arccos arctan arcsinh arccosh arctanh floor ceil trunc rint round fix
degrees radians cbrt rsqrt log log2 log10 gamma gammaln sgd_update sgd_mom_update adam_update ftrl_update Embedding
FullyConnected LinearRegressionOutput LogisticRegressionOutput MAERegressionOutput broadcast_add broadcast_sub
broadcast_mul broadcast_div broadcast_plus broadcast_minus ElementWiseSum""".split()


def fill_namespace(namespace, package):
    """Put the operators that take sparse arrays into `nd.sparse` or `sym.sparse`."""
    for name in _WITH_SPARSE_FORMS:
        if name in package:
            namespace.__dict__.setdefault(name, package[name])


def install(package, namespace):
    """Put the functions of sparse arrays into `mx.nd` and, with the operators, into `mx.nd.sparse`."""
    package["cast_storage"] = sparse.cast_storage
    for name, value in vars(namespace).items():
        if not name.startswith("__"):
            sparse.__dict__.setdefault(name, value)
    fill_namespace(sparse, package)
    package["sparse"] = sparse
