"""Declarative graphs: `mx.sym`."""
import sys as _sys

from .. import operator_namespaces as _operators
from . import symbol
from .symbol import (Group, Symbol, Variable, arange, full, hypot, load, load_json, maximum, minimum,
                     ones, pow, power, var, zeros, _name_and_attributes)

_namespaces = _operators.fill(globals(), symbolic=True)
for _name, _module in _namespaces.items():
    _sys.modules[f"{__name__}.{_name}"] = _module
    globals()[_name] = _module
from . import samplers as _samplers  # noqa: E402  (needs the operators)
for _name in _samplers.__all__:
    setattr(random, _name, getattr(_samplers, _name))  # noqa: F821  (filled above)
_operators.add_methods(Symbol, op)  # noqa: F821
