"""Signatures of the public classes and functions of a package's modules, as text.

Run in MXNet 1.9.1's environment this writes signatures.json, which test_signatures.py compares with.
"""
import importlib
import inspect
import json
import os
import re
import sys
from pathlib import Path

MODULES = ["gluon", "gluon.block", "gluon.nn", "gluon.rnn", "gluon.loss", "gluon.utils",
           "gluon.parameter", "gluon.trainer", "gluon.data", "gluon.data.vision",
           "gluon.data.vision.transforms", "gluon.contrib.nn", "gluon.contrib.rnn",
           "gluon.contrib.cnn", "gluon.contrib.data", "gluon.contrib.estimator",
           "gluon.model_zoo.vision", "rnn"]
SPECIAL = ("__init__", "__call__", "__len__", "__getitem__", "__iter__", "__enter__", "__exit__",
           "__repr__")


def text(function):
    """The signature with objects among the defaults written as their class."""
    try:
        signature = str(inspect.signature(function))
    except (TypeError, ValueError):
        return None
    signature = re.sub(r"<(?:\w+\.)*(\w+) object at 0x\w+>", r"<\1>", signature)
    signature = re.sub(r"<function (\w+) at 0x\w+>", r"<\1>", signature)
    return signature.replace(os.path.expanduser("~"), "~")


def members(cls):
    """Public methods and properties that the class itself defines."""
    found = {}
    for name, value in vars(cls).items():
        if name.startswith("_") and name not in SPECIAL:
            continue
        if isinstance(value, property):
            found[name] = "property" if value.fset is None else "property with setter"
        elif isinstance(value, (staticmethod, classmethod)):
            found[name] = text(value.__func__)
        elif callable(value):
            found[name] = text(value)
    return found


def collect(package):
    """{"modules": {module: names}, "classes": {name: members}, "functions": {name: signature}}"""
    modules, classes, functions = {}, {}, {}
    for module_name in MODULES:
        module = importlib.import_module(f"{package}.{module_name}")
        top = f"{package}.{module_name.split('.')[0]}"
        names = modules[module_name] = []
        for name in sorted(dir(module)):
            value = getattr(module, name)
            if name.startswith("_") or not getattr(value, "__module__", "").startswith(top):
                continue
            if inspect.isclass(value):
                classes[f"{module_name}.{name}" if module_name == "rnn" else name] = members(value)
            elif callable(value):
                functions[name] = text(value)
            names.append(name)
    return {"modules": modules, "classes": classes, "functions": functions}


if __name__ == "__main__":
    path = Path(__file__).with_name("signatures.json")
    path.write_text(json.dumps(collect(sys.argv[1]), indent=0, sort_keys=True) + "\n")
