"""Functions of nd.contrib and sym.contrib that are written over operators."""
import math

import gemel as mx
import numpy as np
import pytest


def test_finite_infinite_and_not_a_number():
    data = mx.nd.array([1, math.inf, -math.inf, math.nan])
    contrib = mx.nd.contrib
    assert contrib.isfinite(data).asnumpy().tolist() == [1, 0, 0, 0]
    assert contrib.isinf(data).asnumpy().tolist() == [0, 1, 1, 0]
    assert contrib.isnan(data).asnumpy().tolist() == [0, 0, 0, 1]
    assert contrib.isnan(data).dtype == np.float32


def test_zipfian_classes():
    mx.random.seed(3)
    true = mx.nd.array([0, 3])
    sampled, of_true, of_sampled = mx.nd.contrib.rand_zipfian(true, 20000, 10)
    assert sampled.dtype == np.int64 and of_true.dtype == np.float64
    classes = np.arange(10)
    expected = np.log((classes + 2) / (classes + 1)) / np.log(11)
    found = np.bincount(sampled.asnumpy(), minlength=10) / 20000
    assert found == pytest.approx(expected, abs=.015)
    assert of_true.asnumpy() == pytest.approx(expected[[0, 3]] * 20000)
    assert of_sampled.asnumpy() == pytest.approx(expected[sampled.asnumpy()] * 20000)


def test_zipfian_symbol():
    sampled, of_true, _ = mx.sym.contrib.rand_zipfian(mx.sym.var("true"), 5, 10)
    outputs = mx.sym.Group([sampled, of_true]).bind(mx.cpu(), {"true": mx.nd.array([3])}).forward()
    assert outputs[0].shape == (5,) and 0 <= outputs[0].asnumpy().min()
    assert outputs[1].asnumpy()[0] == pytest.approx(0.46529044)  # as MXNet gives


@pytest.mark.parametrize("scale, expected", [(1.0, 0.68377024), (math.nan, 1), (0.0, 1)])
def test_adamw_takes_numbers_and_skips_bad_scales(scale, expected):
    weight, grad = mx.nd.ones(3), mx.nd.ones(3)
    mean, variance = mx.nd.zeros(3), mx.nd.zeros(3)
    mx.nd.contrib.adamw_update(weight, grad, mean, variance, rescale_grad=scale, lr=.1, eta=1, out=weight)
    assert weight.asnumpy() == pytest.approx(expected)
    copy, half = mx.nd.ones(3), mx.nd.ones(3, dtype="float16")
    mx.nd.contrib.mp_adamw_update(half, grad.astype("float16"), mx.nd.zeros(3), mx.nd.zeros(3), copy,
                                  mx.nd.array([scale]), lr=.1, eta=1, out=half)
    assert copy.asnumpy() == pytest.approx(expected)
