"""Random numbers: moments, seeds, shapes and types. The streams themselves are not 1.9.1's."""

import numpy as np
import pytest

import gemel as mx

COUNT = 200_000


def draw(name):
    if name == "uniform":
        return mx.nd.random.uniform(-1, 3, shape=(COUNT,))
    return mx.nd.random.normal(2, 3, shape=(COUNT,))


@pytest.mark.parametrize("name, mean, deviation", [("uniform", 1, 4 / 12**0.5), ("normal", 2, 3)])
def test_moments(name, mean, deviation):
    mx.random.seed(11)
    values = draw(name).asnumpy().astype(np.float64)
    assert abs(values.mean() - mean) < 5 * deviation / COUNT**0.5
    assert abs(values.std() - deviation) < 0.02 * deviation
    neighbours = np.corrcoef(values[:-1], values[1:])[0, 1]
    assert abs(neighbours) < 5 / COUNT**0.5


def test_uniform_stays_inside():
    mx.random.seed(1)
    values = draw("uniform").asnumpy()
    assert values.min() >= -1 and values.max() < 3
    histogram = np.histogram(values, bins=20, range=(-1, 3))[0]
    assert abs(histogram - COUNT / 20).max() < 6 * (COUNT / 20) ** 0.5


def test_normal_has_its_shape():
    mx.random.seed(2)
    values = (draw("normal").asnumpy() - 2) / 3
    for limit, share in ((1, 0.6827), (2, 0.9545), (3, 0.9973)):
        assert abs((abs(values) < limit).mean() - share) < 0.005
    assert abs((values**3).mean()) < 0.05 and abs((values**4).mean() - 3) < 0.15


@pytest.mark.parametrize("name", ["uniform", "normal"])
def test_seed(name):
    mx.random.seed(5)
    first, second = draw(name).asnumpy(), draw(name).asnumpy()
    mx.random.seed(5)
    assert np.array_equal(draw(name).asnumpy(), first)
    assert np.array_equal(draw(name).asnumpy(), second)
    mx.random.seed(6)
    assert not np.array_equal(draw(name).asnumpy(), first)


def test_types_and_shapes():
    assert mx.nd.random.uniform(shape=(2, 3), dtype="float64").dtype == np.float64
    assert mx.nd.random.normal(shape=(2, 3), dtype="float16").dtype == np.float16
    assert mx.nd.random.uniform().shape == (1,)
    assert mx.nd.random.uniform(shape=4).shape == (4,)


def test_out():
    target = mx.nd.zeros((50,))
    mx.nd.random.uniform(1, 2, out=target)
    assert target.asnumpy().min() >= 1


def test_symbolic():
    net = mx.sym.random.normal(0, 1, shape=(1000,))
    executor = net.simple_bind(mx.cpu())
    first = executor.forward()[0].asnumpy().copy()
    second = executor.forward()[0].asnumpy()
    assert not np.array_equal(first, second)


def test_dropout_keeps_the_share():
    mx.random.seed(3)
    with mx.autograd.train_mode():
        values = mx.nd.Dropout(mx.nd.ones((COUNT,)), p=0.3).asnumpy()
    assert abs((values == 0).mean() - 0.3) < 0.006
    np.testing.assert_allclose(values[values != 0], 1 / 0.7, rtol=1e-5)


def test_dropout_backward_uses_the_same_mask():
    x = mx.nd.ones((1000,))
    x.attach_grad()
    with mx.autograd.record():
        y = mx.nd.Dropout(x, p=0.5)
    y.backward()
    assert np.array_equal(x.grad.asnumpy(), y.asnumpy())
