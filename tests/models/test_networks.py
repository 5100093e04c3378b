"""Networks of the model zoo and training curves against what MXNet 1.9.1 computed (record.py)."""
import json
import sys
from pathlib import Path

import gemel as mx
import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from networks import CURVES, NETWORKS, curve, measure  # noqa: E402
from record import write_symbols  # noqa: E402

EXPECTED = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
QUICK = ("googlenet", "resnet18-v1", "mobilenet")


@pytest.fixture(scope="module", name="symbols")
def folder_of_symbols(tmp_path_factory):
    folder = tmp_path_factory.mktemp("symbols")
    write_symbols(folder)
    return folder


def cases(names):
    return [pytest.param(name, marks=() if name in QUICK or name in CURVES else pytest.mark.slow)
            for name in names]


@pytest.mark.parametrize("name", cases(NETWORKS))
def test_scores_and_gradients_are_those_of_mxnet(symbols, name):
    _, shape, dtype = NETWORKS[name]
    scores, gradients = measure(mx, str(symbols / f"{name}.json"), shape, dtype)
    expected_scores, expected = EXPECTED["networks"][name]
    np.testing.assert_allclose(scores, expected_scores, rtol=2e-4, atol=1e-6)
    assert gradients.keys() == expected.keys()
    largest = max(norm for _, norm in expected.values())
    for key, (along, norm) in expected.items():
        assert gradients[key] == pytest.approx([along, norm], abs=2e-4 * norm + 1e-6 * largest), key


@pytest.mark.parametrize("name", cases(CURVES))
def test_two_hundred_steps_follow_those_of_mxnet(symbols, name):
    _, shape, rate = CURVES[name]
    found, expected = curve(mx, str(symbols / f"{name}.json"), shape, rate), EXPECTED["curves"][name]
    assert np.mean(expected[-20:]) < 0.5 * np.mean(expected[:20])
    np.testing.assert_allclose(found, expected, atol=0.04, rtol=0)
    np.testing.assert_allclose(found[:20], expected[:20], atol=5e-3, rtol=0)
