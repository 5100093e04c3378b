"""Operators written in Python, and what is known about all others."""
from collections import namedtuple

from . import _core
from .custom_operators import CustomOp, CustomOpProp, get_all_registered, register
from .python_operators import NDArrayOp, NumpyOp, PythonOp

__all__ = ["CustomOp", "CustomOpProp", "register", "get_all_registered", "get_all_registered_operators",
           "get_operator_arguments", "OperatorArguments", "PythonOp", "NumpyOp", "NDArrayOp"]

OperatorArguments = namedtuple("OperatorArguments", ["narg", "names", "types"])


def get_all_registered_operators():
    """Names of all operators."""
    return _core.operator_names()


def get_operator_arguments(op_name):
    """Names and types of an operator's arguments, as `OperatorArguments`."""
    description = _core.operator_function(op_name, True).describe()
    names = list(description["inputs"] or ())
    types = ["NDArray-or-Symbol"] * len(names)
    for parameter in description["parameters"]:
        names.append(parameter["name"])
        text = "required" if parameter["default"] is None else f"optional, default={parameter['default']}"
        types.append(f"{parameter['type']}, {text}")
    return OperatorArguments(len(names), names, types)
