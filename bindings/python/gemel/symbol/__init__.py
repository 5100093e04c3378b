"""Declarative graphs: `mx.sym`."""
import sys as _sys

from .. import operator_namespaces as _operators
from . import symbol
from .symbol import (Group, Symbol, Variable, arange, eye, full, histogram, hypot, linspace, load,
                     load_json, maximum, minimum, ones, pow, power, split_v2, var, zeros,
                     _name_and_attributes)

_namespaces = _operators.fill(globals(), symbolic=True)
for _name, _module in _namespaces.items():
    _sys.modules[f"{__name__}.{_name}"] = _module
    globals()[_name] = _module
from . import samplers as _samplers  # noqa: E402  (needs the operators)
for _name in _samplers.__all__:
    setattr(random, _name, getattr(_samplers, _name))  # noqa: F821  (filled above)
from . import control_flow as _control_flow  # noqa: E402  (needs the operators)
for _name in _control_flow.__all__:
    setattr(contrib, _name, getattr(_control_flow, _name))  # noqa: F821
from .. import contrib_functions as _contrib_functions  # noqa: E402
_contrib_functions.install(contrib, _sys.modules[__name__],  # noqa: F821
                           lambda value: full((1,), value), False)  # noqa: F821
from ..ndarray import sparse_operators as _sparse_operators  # noqa: E402
_sparse_operators.fill_namespace(sparse, globals())  # noqa: F821  (made above)
_operators.add_methods(Symbol, op)  # noqa: F821
