"""Layers, losses and cells against MXNet 1.9.1 (original/layers.py): names, texts, numbers."""
import json
import sys
from pathlib import Path

import gemel as mx
import numpy as np
import pytest

ORIGINAL = Path(__file__).parent / "original"
sys.path.insert(0, str(ORIGINAL))
import cells  # noqa: E402
import layers  # noqa: E402

CASES = {**layers.CASES, **cells.CASES}
RECORDED = json.loads((ORIGINAL / "layers.json").read_text())
NUMBERS = layers.recorded(RECORDED["shapes"], np.load(ORIGINAL / "layers.npy"))


def case_of(name):
    for operator in CASES[name].needs:
        if operator not in mx._core.operator_names():
            pytest.skip(f"needs the operator {operator}")
    return CASES[name]


def compare(numbers, expected):
    assert list(numbers) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(numbers[name].reshape(value.shape), value, rtol=2e-4, atol=2e-5,
                                   err_msg=name)


@pytest.mark.parametrize("name", list(CASES))
def test_as_the_original(name):
    facts, numbers = layers.run(mx, case_of(name))
    expected = RECORDED["facts"][name]
    for key in ("arguments", "auxiliary"):  # their order follows the expression's
        assert sorted(facts.pop(key, [])) == sorted(expected.get(key, []))
    assert facts.pop("outputs", None) == expected.get("outputs")
    assert facts == {key: expected[key] for key in facts}
    compare(numbers, NUMBERS[name])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.symbol])
def test_hybridized(name):
    _, numbers = layers.run(mx, case_of(name), hybridize=True)
    compare(numbers, NUMBERS[name])
