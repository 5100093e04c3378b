"""Names and signatures of Gluon and of `mx.rnn` are those that MXNet 1.9.1 shows."""
import importlib
import inspect
import json
import sys
from pathlib import Path

import pytest

ORIGINAL = Path(__file__).parent / "original"
sys.path.insert(0, str(ORIGINAL))
import signatures  # noqa: E402

EXPECTED = json.loads((ORIGINAL / "signatures.json").read_text())
# Names that do not exist here: their operators, files or decoders are not there.
WITHOUT = {"gluon.contrib.cnn", "gluon.contrib.estimator", "RecordFileDataset",
           "ImageFolderDataset", "ImageRecordDataset", "BaseConvRNNCell", "ConvRNNCell",
           "ConvLSTMCell", "ConvGRUCell"}
CASES = [(module, name) for module, names in EXPECTED["modules"].items() for name in names
         if not WITHOUT & {module, name}]


def shown(cls, name):
    value = inspect.getattr_static(cls, name, None)
    if isinstance(value, property):
        return "property" if value.fset is None else "property with setter"
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    return signatures.text(value) if callable(value) else None


@pytest.mark.parametrize("module, name", CASES, ids=[f"{m}.{n}" for m, n in CASES])
def test_signature(module, name):
    value = getattr(importlib.import_module(f"gemel.{module}"), name)
    if not inspect.isclass(value):
        assert signatures.text(value) == EXPECTED["functions"][name]
        return
    key = f"{module}.{name}" if module == "rnn" else name
    expected = EXPECTED["classes"][key]
    found = {member: shown(value, member) for member in expected}
    assert found == expected
