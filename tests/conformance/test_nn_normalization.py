"""Normalisation layers: outputs that a user can ask for, errors, second derivatives."""

import numpy as np
import pytest

import gemel as mx


def test_layer_norm_shows_mean_and_deviation():
    x = mx.nd.array([[1, 2, 3], [4, 6, 11]])
    y, mean, deviation = mx.nd.LayerNorm(x, mx.nd.ones(3), mx.nd.zeros(3), output_mean_var=True)
    assert mean.shape == deviation.shape == (2, 1)
    np.testing.assert_allclose(mean.asnumpy().ravel(), [2, 7])
    np.testing.assert_allclose(deviation.asnumpy().ravel(), x.asnumpy().std(1), rtol=1e-5)
    np.testing.assert_allclose((y * deviation + mean).asnumpy(), x.asnumpy(), rtol=1e-5)


def test_hidden_outputs_are_not_listed():
    data = mx.sym.Variable("data")
    for symbol in (mx.sym.LayerNorm(data), mx.sym.InstanceNorm(data), mx.sym.GroupNorm(data)):
        assert len(symbol.list_outputs()) == 1
        assert symbol.list_arguments()[1].endswith("_gamma")


def test_group_norm_needs_divisible_channels():
    with pytest.raises(mx.base.MXNetError, match="divisible by num_groups 3"):
        mx.nd.GroupNorm(mx.nd.ones((2, 4, 3)), mx.nd.ones(3), mx.nd.ones(3), num_groups=3)


@pytest.mark.parametrize("axis", [-1, 1])
def test_second_derivative(axis):
    """The gradient of a gradient's square against finite differences."""
    numbers = np.random.RandomState(3).uniform(-1, 1, (2, 3, 4))
    size = numbers.shape[axis]

    def loss(values):
        x = mx.nd.array(values, dtype="float64")
        gamma = mx.nd.ones(size, dtype="float64") * 1.5
        beta = mx.nd.zeros(size, dtype="float64")
        x.attach_grad()
        with mx.autograd.record():
            y = mx.nd.LayerNorm(x, gamma, beta, axis=axis)
            (dx,) = mx.autograd.grad((y * y * y).sum(), [x], create_graph=True)
            total = (dx * dx).sum()
        total.backward()
        return float(total.asscalar()), x.grad.asnumpy()

    _, gradient = loss(numbers)
    step = np.zeros_like(numbers)
    step[1, 2, 1] = 1e-5
    difference = (loss(numbers + step)[0] - loss(numbers - step)[0]) / 2e-5
    assert abs(difference - gradient[1, 2, 1]) < 1e-4 * max(1, abs(difference))
