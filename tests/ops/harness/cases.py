"""The registered operators and their samples as test cases."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

import gemel as mx
from gemel import _core
from harness import calls, inputs

EXPECTED = Path(__file__).resolve().parents[1] / "expected"
OPERATORS = [op for op in _core.list_operators() if not op["hidden"]]


@dataclass(frozen=True)
class Case:
    name: str
    index: int

    def __str__(self):
        return f"{self.name}-{self.index}"

    @property
    def op(self):
        return by_name()[self.name]

    @property
    def sample(self):
        return self.op["samples"][self.index]

    @property
    def shapes(self):
        return [tuple(shape) for shape in self.sample["shapes"]]

    @property
    def attributes(self):
        return dict(self.sample["attributes"])

    @property
    def key(self):
        return f"{self.name}/{self.index}"

    def dtypes(self, dtype):
        """The types of all inputs when the first has `dtype`; None where the type rule refuses it."""
        if self.op["mutates"]:
            return [dtype] * len(self.shapes)
        found = calls.infer_dtypes(mx, self.name, len(self.shapes), self.attributes, dtype)
        return found if not found or found[0] == dtype else None

    def numbers(self, dtypes, shapes=None):
        """numpy arrays with exactly the values that arrays of `dtypes` hold."""
        drawn = inputs.draw(self.name, self.index, self.sample, shapes or self.shapes)
        return [inputs.convert(array, dtype) for array, dtype in zip(drawn, dtypes)]

    def arrays(self, dtypes, shapes=None):
        return [array_of(n, d) for n, d in zip(self.numbers(dtypes, shapes), dtypes)]

    def call(self, arrays, **options):
        return calls.imperative(mx, self.name, arrays, self.attributes, **options)

    def reference(self, arrays):
        """The last (reference) implementation's outputs."""
        return list(_core.invoke_reference(self.name, arrays, list(self.attributes.items())))

    def heads(self, shapes):
        return inputs.draw(self.name, self.index, {"low": -1, "high": 1}, shapes, "head")


@lru_cache(maxsize=None)
def by_name():
    return {op["name"]: op for op in OPERATORS}


def cases(keep=lambda op: True):
    return [Case(op["name"], i) for op in OPERATORS if keep(op) for i in range(len(op["samples"]))]


def array_of(numbers, dtype):
    if dtype == "bfloat16":
        return mx.nd.array(numbers, dtype="float32").astype("bfloat16")
    return mx.nd.array(numbers, dtype=dtype)


def dtype_name(array):
    return calls.type_name(array.dtype, "")


def numpy_of(array):
    """asnumpy(), with bfloat16 widened."""
    return (array.astype("float32") if dtype_name(array) == "bfloat16" else array).asnumpy()


@lru_cache(maxsize=None)
def recorded(operator):
    """What tools/record_expectations.py wrote for one operator; empty where it wrote nothing."""
    path = EXPECTED / f"{operator}.npz"
    if not path.exists():
        return {}
    with np.load(path) as file:
        return dict(file)


def expected_values(case, kind):
    """Position -> recorded array of one sample."""
    prefix = f"{case.index}/{kind}/"
    found = recorded(case.name)
    return {int(k[len(prefix) :]): v for k, v in found.items() if k.startswith(prefix)}


def expected_table(case, part):
    """The recorded dtypes or shapes of one sample."""
    text = recorded(case.name).get(part)
    return json.loads(bytes(text)).get(str(case.index), {}) if text is not None else {}
