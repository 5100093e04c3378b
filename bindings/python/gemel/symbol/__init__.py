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
for _short in ("uniform", "normal"):
    setattr(random, _short, getattr(_internal, f"_random_{_short}"))  # noqa: F821  (filled above)
_operators.add_methods(Symbol, op)  # noqa: F821
