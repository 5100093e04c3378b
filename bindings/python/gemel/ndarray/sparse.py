"""Sparse arrays: `row_sparse` (some rows are stored) and `csr` (some values of a matrix are stored).

They are NDArrays: an operator that has a sparse form (sparse_operators.py) works on what is stored, any other
meets the dense values, made on first need. Their parts `data`, `indices` and `indptr` are dense NDArrays;
indices are int64.
"""
from builtins import slice as _py_slice  # operators of such names come into this module

import numpy as np

from .. import _core
from .._core import NDArray
from ..context import Context, current_context

__all__ = ["BaseSparseNDArray", "CSRNDArray", "RowSparseNDArray", "csr_matrix", "row_sparse_array", "array", "zeros",
           "empty", "cast_storage", "retain"]


class NotSupportedForSparseNDArray(Exception):
    """A function of dense arrays was called on a sparse one."""

    def __init__(self, function, alias, *args):
        kinds = ", ".join(str(type(arg)) for arg in args)
        super().__init__(f"Function {alias or function.__name__} with arguments ({kinds}) is not supported for "
                         "SparseNDArray and only available in NDArray.")


def _dense(values, dtype, context):
    from .ndarray import array as dense_array
    if isinstance(values, NDArray):
        return values.astype(dtype, copy=False).as_in_context(context)
    return dense_array(values, context, dtype)


class BaseSparseNDArray(NDArray):
    """What both kinds share."""

    stype = None
    _parts = None  # (data, indices, indptr or None); None: only the dense values are current

    def __init__(self, handle=None, writable=True):
        super().__init__(None)

    @classmethod
    def _of(cls, parts, shape):
        self = cls()
        self._parts, self._shape = tuple(parts), tuple(shape)
        return self

    def _stored(self):
        if self._parts is None:
            self._parts = _core.sparse_from_dense(_core.plain_array(self), self.stype)
        return self._parts

    def _materialize(self):
        """Gives the object its dense values; the extension calls this when it needs them."""
        self._become(_core.sparse_to_dense(self.stype, self._shape, *self._parts))

    def _plain(self):
        """The dense values as an ordinary NDArray that shares this one's gradient."""
        return _core.plain_array(self)

    def _assign(self, other):
        """Take the values of another array."""
        other = other.astype(self.dtype, copy=False).as_in_context(self.context)
        if other.shape != self.shape:
            raise ValueError(f"expected values of shape {self.shape}, got {other.shape}")
        source = other if other.stype == self.stype else other.tostype("default").tostype(self.stype)
        self._parts, self._shape = tuple(part.copy() if part is not None else None for part in source._stored()), self.shape
        self._forget()
        return self

    def _with_data(self, data):
        return type(self)._of((data, *self._stored()[1:]), self.shape)

    @property
    def shape(self):
        return self._shape

    @property
    def ndim(self):
        return len(self._shape)

    @property
    def size(self):
        raise NotImplementedError("a sparse array has no size: see data.size")

    @property
    def dtype(self):
        return self._stored()[0].dtype

    @property
    def context(self):
        return self._stored()[0].context

    ctx = context

    @property
    def data(self):
        """The stored values, as a dense array."""
        return self._stored()[0]

    @property
    def indices(self):
        """The rows (row_sparse) or the columns (csr) of the stored values."""
        return self._stored()[1]

    @property
    def _num_aux(self):
        return len(self._aux_parts())

    @property
    def _aux_types(self):
        return [part.dtype for part in self._aux_parts()]

    def _aux_parts(self):
        return self._stored()[1:2]

    def _aux_type(self, i):
        return self._aux_parts()[i].dtype

    def _aux_data(self, i):
        return self._aux_parts()[i]

    def _data(self):
        return self.data

    def __repr__(self):
        return f"\n<{type(self).__name__} {'x'.join(map(str, self.shape))} @{self.context}>"

    def __len__(self):
        return self.shape[0]

    def __bool__(self):
        raise ValueError("The truth value of an NDArray with multiple elements is ambiguous.")

    def __reduce__(self):
        return type(self), (None,), self.__getstate__()

    def __getstate__(self):
        return {"handle": bytearray(_core.sparse_to_bytes(self.stype, self.shape, *self._stored()))}

    def __setstate__(self, state):
        stype, shape, data, indices, indptr = _core.sparse_from_bytes(bytes(state["handle"]))
        if stype != self.stype:
            raise ValueError(f"expected the bytes of a {self.stype} array, got {stype}")
        self._parts, self._shape = (data, indices, indptr), tuple(shape)

    def __deepcopy__(self, memo):
        return self.copy()

    __copy__ = __deepcopy__

    def asnumpy(self):
        """The dense values as a NumPy array."""
        return self.tostype("default").asnumpy()

    def asscalar(self):
        raise NotImplementedError("a sparse array is no scalar")

    def wait_to_read(self):
        for part in self._stored():
            if part is not None:
                part.wait_to_read()

    wait_to_write = wait_to_read

    def copy(self):
        return type(self)._of((part.copy() if part is not None else None for part in self._stored()), self.shape)

    def detach(self):
        return type(self)._of(self._stored(), self.shape)

    def astype(self, dtype, copy=True):
        """The stored values converted to `dtype`."""
        data = self.data.astype(dtype, copy=copy)
        return self if data is self.data else self._with_data(data)

    def attach_grad(self, grad_req="write", stype=None):
        self._plain()
        super().attach_grad(grad_req, stype)

    def as_in_context(self, context):
        return self if self.context == context else self.copyto(context)

    as_in_ctx = as_in_context

    def copyto(self, other):
        """Copy into an array of this or of default storage type, or onto a device."""
        if isinstance(other, Context):
            return type(self)._of((part.copyto(other) if part is not None else None for part in self._stored()), self.shape)
        if isinstance(other, NDArray):
            if other.stype == "default":
                other[:] = self.tostype("default")
                return other
            if other.stype != self.stype:
                raise TypeError(f"copyto does not support destination NDArray stype {other.stype}")
            return other._assign(self)
        raise TypeError(f"copyto does not support type {type(other)}")

    def tostype(self, stype):
        """The array in another storage type: the same or "default"."""
        if stype == self.stype:
            return self
        if stype == "default":
            return self._plain() if self._parts is None or _core.autograd_is_recording() else \
                _core.sparse_to_dense(self.stype, self.shape, *self._parts)
        raise ValueError(f"cast_storage from {self.stype} to {stype} is not supported")

    def check_format(self, full_check=True):
        """MXNetError unless the indices belong to an array of this shape; `full_check` looks at every one."""
        _core.sparse_check(self.stype, self.shape, *self._stored(), full_check)

    def __setitem__(self, key, value):
        if not isinstance(key, _py_slice) or key != _py_slice(None):
            raise ValueError(f"{type(self).__name__} only supports [:] for assignment")
        if isinstance(value, NDArray):
            self._assign(value)
        elif isinstance(value, (int, float, np.number)):
            if self.stype == "csr":
                raise ValueError("Assigning numeric types to CSRNDArray is not implemented yet.")
            from .ndarray import full
            self._assign(full(self.shape, value, self.context, self.dtype))
        else:
            self._assign(_dense(value, self.dtype, self.context))

    def reshape(self, *shape, **kwargs):
        raise NotSupportedForSparseNDArray(self.reshape, None, *shape)

    def _slice(self, start, stop):
        raise NotSupportedForSparseNDArray(self._slice, None, start, stop)

    def _at(self, index):
        raise NotSupportedForSparseNDArray(self._at, None, index)


def _arithmetic(name, reversed_operands=False):
    def method(self, other):
        from . import ndarray
        function = getattr(ndarray, name)
        return function(other, self) if reversed_operands else function(self, other)
    return method


for _name, _function in {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "mod": "modulo",
                         "pow": "power"}.items():
    setattr(BaseSparseNDArray, f"__{_name}__", _arithmetic(_function))
    setattr(BaseSparseNDArray, f"__r{_name}__", _arithmetic(_function, True))
    setattr(BaseSparseNDArray, f"__i{_name}__",
            lambda self, other, _compute=_arithmetic(_function): self._assign(_compute(self, other)))
for _name, _function in {"eq": "equal", "ne": "not_equal", "gt": "greater", "ge": "greater_equal", "lt": "lesser",
                         "le": "lesser_equal"}.items():
    setattr(BaseSparseNDArray, f"__{_name}__", _arithmetic(_function))
BaseSparseNDArray.__hash__ = object.__hash__
BaseSparseNDArray.__neg__ = lambda self: self * -1
BaseSparseNDArray.__abs__ = lambda self: self.abs()


class CSRNDArray(BaseSparseNDArray):
    """A matrix of which row i stores `data[indptr[i]:indptr[i + 1]]` at the columns `indices[...]` there."""

    stype = "csr"

    @property
    def indptr(self):
        """Where each row begins in `data` and `indices`, and where the last one ends."""
        return self._stored()[2]

    def _aux_parts(self):
        return self._stored()[2], self._stored()[1]

    def asscipy(self):
        """The matrix as a `scipy.sparse.csr_matrix`."""
        from scipy.sparse import csr_matrix as scipy_matrix
        data, indices, indptr = (part.asnumpy() for part in self._stored())
        return scipy_matrix((data, indices, indptr), shape=self.shape, dtype=self.dtype)

    def __getitem__(self, key):
        """A row or a range of rows, as a csr matrix of its own."""
        if isinstance(key, (int, np.integer)):
            if not -self.shape[0] <= key < self.shape[0]:
                raise IndexError(f"index {key} is out of bounds for axis 0 with size {self.shape[0]}")
            begin = int(key) % self.shape[0]
            return self._rows(begin, begin + 1)
        if isinstance(key, _py_slice):
            if key.step not in (None, 1):
                raise ValueError("CSRNDArray only supports continuous slicing on axis 0")
            begin, end, _ = key.indices(self.shape[0])
            return self if (begin, end) == (0, self.shape[0]) else self._rows(begin, max(begin, end))
        if isinstance(key, tuple):
            raise ValueError("Multi-dimension indexing is not supported")
        raise ValueError(f"Undefined behaviour for {key}")

    def _rows(self, begin, end):
        data, indices, indptr = self._stored()
        bounds = indptr[begin:end + 1].asnumpy()
        first, last = int(bounds[0]), int(bounds[-1])
        parts = (data[first:last].copy(), indices[first:last].copy(), _dense(bounds - first, "int64", self.context))
        return CSRNDArray._of(parts, (end - begin, self.shape[1]))


class RowSparseNDArray(BaseSparseNDArray):
    """An array of which only the rows `indices` are stored, as `data`."""

    stype = "row_sparse"
    _view = None  # (dense array, its rows or None): what a view shows

    @classmethod
    def _of_dense(cls, dense, rows=None):
        """A view of a dense array: its rows `rows`, else those that are not zero at the time of asking."""
        self = cls()
        self._shape, self._view = dense.shape, (dense, rows)
        self._become(dense)
        return self

    def _stored(self):
        if self._view is None:
            return super()._stored()
        dense, rows = self._view
        if rows is None:
            return _core.sparse_from_dense(_core.plain_array(dense), "row_sparse")
        return _core.plain_array(dense).detach().take(rows), rows, None

    def _assign(self, other):
        if self._view is None:
            return super()._assign(other)
        if other.shape != self.shape:
            raise ValueError(f"expected values of shape {self.shape}, got {other.shape}")
        self._view[0][:] = other.tostype("default")
        return self

    def tostype(self, stype):
        if stype == "default" and self._view and not _core.autograd_is_recording():
            return _core.sparse_to_dense(self.stype, self._shape, *self._stored())
        return super().tostype(stype)

    @property
    def grad(self):
        """The gradient array of a variable, row_sparse; None without attach_grad()."""
        gradient = self._plain().grad
        return None if gradient is None else RowSparseNDArray._of_dense(gradient)

    def __getitem__(self, key):
        if isinstance(key, (int, np.integer)):
            raise Exception("__getitem__ with int key is not implemented for RowSparseNDArray yet")
        if not isinstance(key, _py_slice) or key != _py_slice(None):
            raise Exception("RowSparseNDArray only supports [:] for __getitem__")
        return self

    def retain(self, indices):
        """The array with only the rows `indices`."""
        return retain(self, indices)


def unique_rows(rows, context):
    """Numbers of rows in order, each once, as an int64 array."""
    return _dense(np.unique(rows.asnumpy().astype("int64")), "int64", context)


_CLASSES = {"csr": CSRNDArray, "row_sparse": RowSparseNDArray}


def _from_parts(stype, shape, data, indices, indptr=None):
    return _CLASSES[stype]._of((data, indices, indptr), shape)


def _source_dtype(source, dtype):
    """1.9.1's rule: what has a dtype keeps it, lists become float32."""
    if dtype is not None:
        return dtype
    return getattr(source, "dtype", np.float32)


def _from_dense(source, stype, context, dtype):
    dense = _dense(source, _source_dtype(source, dtype), context)
    return cast_storage(dense, stype)


def csr_matrix(arg1, shape=None, ctx=None, dtype=None):
    """A csr matrix.

    Parameters
    ----------
    arg1 : array_like of two axes, CSRNDArray or scipy matrix, (rows, columns), (data, indices, indptr), or
        (data, (row, column)), of which entries at one place add up
    shape : tuple of int, optional
        By default as small as the indices allow.
    ctx : Context
    dtype : str or numpy.dtype
        By default that of `arg1`, float32 for lists.
    """
    context = ctx or current_context()
    if isinstance(arg1, tuple):
        if len(arg1) == 2 and not isinstance(arg1[1], (tuple, list)):
            return zeros("csr", arg1, context, dtype)
        if len(arg1) == 2:
            return _csr_from_coordinates(*arg1, shape, context, dtype)
        if len(arg1) == 3:
            data, indices, indptr = arg1
            data = _dense(data, _source_dtype(data, dtype), context)
            indices, indptr = _dense(indices, "int64", context), _dense(indptr, "int64", context)
            if shape is None:
                if not indices.size:
                    raise ValueError("invalid shape: there are no indices to infer it from")
                shape = (indptr.shape[0] - 1, int(indices.max().asscalar()) + 1)
            _core.sparse_check_parts("csr", shape, data, indices, indptr)
            return CSRNDArray._of((data, indices, indptr), shape)
        raise ValueError(f"Unexpected length of input tuple: {len(arg1)}")
    if isinstance(arg1, CSRNDArray):
        _check_shape(arg1.shape, shape)
        return arg1.astype(arg1.dtype if dtype is None else dtype).as_in_context(context)
    if hasattr(arg1, "tocsr"):
        arg1 = arg1.tocsr()
        return csr_matrix((arg1.data, arg1.indices, arg1.indptr), shape or arg1.shape, context, dtype)
    if isinstance(arg1, BaseSparseNDArray):
        raise ValueError(f"Unexpected input type: {type(arg1).__name__}")
    result = _from_dense(arg1, "csr", context, dtype)
    _check_shape(result.shape, shape)
    return result


def _csr_from_coordinates(data, places, shape, context, dtype):
    kind = dtype if dtype is not None else getattr(data, "dtype", None)
    data = np.asarray(data.asnumpy() if isinstance(data, NDArray) else data, dtype=kind)
    row, column = (np.asarray(part.asnumpy() if isinstance(part, NDArray) else part, np.int64) for part in places)
    if shape is None:
        shape = (int(row.max()) + 1, int(column.max()) + 1)
    if row.size and (row.min() < 0 or column.min() < 0 or row.max() >= shape[0] or column.max() >= shape[1]):
        raise ValueError(f"row or column index outside of the shape {shape}")
    return _csr_of_places(data, row * shape[1] + column, shape, context)


def _csr_of_places(values, places, shape, context):
    """A csr matrix from values at flat places; values at one place add up."""
    unique, inverse = np.unique(places, return_inverse=True)
    data = np.zeros(len(unique), values.dtype)
    np.add.at(data, inverse.ravel(), values)
    counts = np.bincount(unique // shape[1], minlength=shape[0]) if len(unique) else np.zeros(shape[0], int)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return CSRNDArray._of((_dense(data, data.dtype, context), _dense(unique % shape[1], "int64", context),
                           _dense(indptr, "int64", context)), shape)


def _check_shape(have, wanted):
    if wanted is not None and tuple(wanted) != tuple(have):
        raise ValueError(f"Shape mismatch detected: expected {tuple(wanted)}, got {tuple(have)}")


def row_sparse_array(arg1, shape=None, ctx=None, dtype=None):
    """A row_sparse array.

    Parameters
    ----------
    arg1 : array_like, RowSparseNDArray, a shape, or (data, indices)
    shape : tuple of int, optional
        By default as small as the indices allow.
    ctx : Context
    dtype : str or numpy.dtype
        By default that of `arg1`, float32 for lists.
    """
    context = ctx or current_context()
    if isinstance(arg1, tuple):
        if len(arg1) < 2:
            raise ValueError(f"Unexpected length of input tuple: {len(arg1)}")
        if len(arg1) > 2 or isinstance(arg1[0], (int, np.integer)):
            return zeros("row_sparse", arg1, context, dtype)
        data, indices = arg1
        data, indices = _dense(data, _source_dtype(data, dtype), context), _dense(indices, "int64", context)
        if shape is None:
            if not indices.size:
                raise ValueError("invalid shape: there are no indices to infer it from")
            shape = (int(indices.max().asscalar()) + 1, *data.shape[1:])
        _core.sparse_check_parts("row_sparse", shape, data, indices, None)
        return RowSparseNDArray._of((data, indices, None), shape)
    if isinstance(arg1, RowSparseNDArray):
        _check_shape(arg1.shape, shape)
        return arg1.astype(arg1.dtype if dtype is None else dtype).as_in_context(context)
    if isinstance(arg1, BaseSparseNDArray):
        raise ValueError(f"Unexpected input type: {type(arg1).__name__}")
    result = _from_dense(arg1, "row_sparse", context, dtype)
    _check_shape(result.shape, shape)
    return result


def array(source_array, ctx=None, dtype=None):
    """A copy of a sparse array (NDArray or scipy csr matrix)."""
    if isinstance(source_array, NDArray):
        if source_array.stype == "default":
            raise ValueError("Please use `tostype` to create BaseSparseNDArray from an NDArray")
        return source_array.copy().astype(source_array.dtype if dtype is None else dtype) \
            .as_in_context(ctx or current_context())
    if hasattr(source_array, "tocsr"):
        return csr_matrix(source_array, ctx=ctx, dtype=dtype)
    raise ValueError("Please use mx.nd.array to create an NDArray with source_array of type ", type(source_array))


def zeros(stype, shape, ctx=None, dtype=None, **kwargs):
    """An array of zeros of a storage type."""
    if stype == "default":
        from .ndarray import zeros as dense_zeros
        return dense_zeros(shape, ctx, dtype, **kwargs)
    if stype not in _CLASSES:
        raise ValueError("unknown storage type" + stype)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return _from_parts(stype, shape, *_core.sparse_zeros(stype, shape, dtype, ctx or current_context()))


def empty(stype, shape, ctx=None, dtype=None):
    """A sparse array in which nothing is stored."""
    if stype not in _CLASSES:
        raise Exception("unknown stype : " + str(stype))
    return zeros(stype, shape, ctx, dtype)


def cast_storage(data, stype):
    """The array in another storage type."""
    if stype == data.stype:
        return data.copy()
    if data.stype != "default" or stype == "default":
        return data.tostype(stype)
    if stype == "csr" and data.ndim != 2:
        raise ValueError("To convert to a CSR, the NDArray should be 2 Dimensional. Current shape is "
                         f"{data.shape}")
    return _from_parts(stype, data.shape, *_core.sparse_from_dense(data, stype))


def retain(data, indices):
    """The rows `indices` of a row_sparse array; rows that it does not store are zero."""
    if not isinstance(indices, NDArray):
        indices = _dense(indices, "int64", data.context)
    wanted, have = indices.asnumpy().astype(np.int64), data.indices.asnumpy()
    where = {row: place for place, row in enumerate(have)}
    rows = np.zeros((len(wanted), *data.shape[1:]), data.dtype)
    values = data.data.asnumpy()
    for place, row in enumerate(wanted):
        if row in where:
            rows[place] = values[where[row]]
    return RowSparseNDArray._of((_dense(rows, data.dtype, data.context), _dense(wanted, "int64", data.context), None),
                                data.shape)
