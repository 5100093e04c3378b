"""Imperative arrays: `mx.nd`."""
import sys as _sys

from .. import operator_namespaces as _operators
from . import ndarray
from .ndarray import (NDArray, add, arange, array, concatenate, divide, empty, equal, full, greater,
                      greater_equal, lesser, lesser_equal, logical_and, logical_or, logical_xor,
                      maximum, minimum, modulo, moveaxis, multiply, not_equal, onehot_encode, ones,
                      power, subtract, true_divide, waitall, zeros, linspace, eye,
                      histogram, split_v2,
                      _operand)
from .dlpack import from_dlpack, from_numpy, to_dlpack_for_read, to_dlpack_for_write
from .utils import load, load_frombuffer, save
from . import utils

_namespaces = _operators.fill(globals(), symbolic=False)
for _name, _module in _namespaces.items():
    if _name == "sparse":  # the module sparse.py takes these operators in
        continue
    _sys.modules[f"{__name__}.{_name}"] = _module
    globals()[_name] = _module
from . import samplers as _samplers  # noqa: E402  (needs the operators)
for _name in _samplers.__all__:
    setattr(random, _name, getattr(_samplers, _name))  # noqa: F821  (filled above)
from . import control_flow as _control_flow  # noqa: E402  (needs the operators)
for _name in _control_flow.__all__:
    setattr(contrib, _name, getattr(_control_flow, _name))  # noqa: F821
from .. import contrib_functions as _contrib_functions  # noqa: E402
_contrib_functions.install(contrib, _sys.modules[__name__], lambda value: array([value]), True)  # noqa: F821
_operators.add_methods(NDArray, op)  # noqa: F821

from . import sparse as _sparse_arrays, sparse_operators as _sparse_operators  # noqa: E402
_sparse_operators.install(globals(), _namespaces["sparse"])

from .._core import CachedOp  # noqa: E402
