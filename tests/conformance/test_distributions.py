"""Random distributions: moments and frequencies for fixed seeds, all three forms, arguments."""

import inspect

import numpy as np
import pytest

import gemel as mx

COUNT = 40000
# name, arguments, mean, variance
MOMENTS = [
    ("uniform", {"low": -1, "high": 3}, 1, 16 / 12),
    ("normal", {"loc": 2, "scale": 3}, 2, 9),
    ("exponential", {"scale": 4}, 4, 16),
    ("gamma", {"alpha": 0.5, "beta": 3}, 1.5, 4.5),
    ("gamma", {"alpha": 7, "beta": 0.5}, 3.5, 1.75),
    ("poisson", {"lam": 3}, 3, 3),
    ("poisson", {"lam": 80}, 80, 80),
    ("negative_binomial", {"k": 3, "p": 0.4}, 4.5, 11.25),
    ("generalized_negative_binomial", {"mu": 3, "alpha": 0.4}, 3, 6.6),
]


def check_moments(values, mean, variance):
    assert abs(values.mean() - mean) < 5 * np.sqrt(variance / values.size)
    assert abs(values.var() / variance - 1) < 0.1


@pytest.mark.parametrize("name, arguments, mean, variance", MOMENTS, ids=lambda v: str(v)[:12])
def test_moments(name, arguments, mean, variance):
    mx.random.seed(11)
    sampler = getattr(mx.nd.random, name)
    check_moments(sampler(shape=(COUNT,), **arguments).asnumpy(), mean, variance)
    arrays = {key: mx.nd.array([value, value]) for key, value in arguments.items()}
    rows = sampler(shape=(COUNT,), **arrays).asnumpy()
    assert rows.shape == (2, COUNT)
    for row in rows:
        check_moments(row, mean, variance)
    assert not np.array_equal(rows[0], rows[1])


def cumulated_normal(x):
    from math import erf

    return np.array([0.5 * (1 + erf(v / np.sqrt(2))) for v in x])


CUMULATED = [
    ("uniform", {}, lambda x: x),
    ("normal", {}, cumulated_normal),
    ("exponential", {}, lambda x: 1 - np.exp(-x)),
    ("gamma", {"alpha": 2}, lambda x: 1 - np.exp(-x) * (1 + x)),
]


@pytest.mark.parametrize("name, arguments, cumulated", CUMULATED, ids=lambda v: str(v)[:10])
def test_kolmogorov_smirnov(name, arguments, cumulated):
    mx.random.seed(5)
    values = np.sort(getattr(mx.nd.random, name)(shape=(4000,), **arguments).asnumpy())
    steps = np.arange(1, 4001) / 4000
    assert np.abs(cumulated(values.astype("float64")) - steps).max() < 1.95 / np.sqrt(4000)


def chi_square(values, probabilities):
    counts = np.bincount(values.astype("int64"), minlength=len(probabilities))
    counts = counts[: len(probabilities)]
    expected = np.asarray(probabilities) * len(values)
    return ((counts - expected) ** 2 / expected).sum()


def test_frequencies():
    mx.random.seed(3)
    probabilities = np.array([0.1, 0.2, 0.3, 0.4])
    draws = mx.nd.random.multinomial(mx.nd.array(probabilities), shape=(10000,))
    assert draws.dtype == np.int32
    assert chi_square(draws.asnumpy(), probabilities) < 20
    whole = mx.nd.random.randint(0, 5, shape=(10000,)).asnumpy()
    assert chi_square(whole, [0.2] * 5) < 22
    lam = np.exp(-2) * np.cumprod([1, 2, 1, 2 / 3, 0.5, 0.4, 1 / 3])
    counts = mx.nd.random.poisson(2, shape=(10000,)).asnumpy()
    assert chi_square(counts, lam) < 28


def test_multinomial():
    rows = mx.nd.array([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]])
    draws, logarithms = mx.nd.random.multinomial(rows, shape=(2, 3), get_prob=True)
    assert draws.shape == logarithms.shape == (2, 2, 3)
    assert (draws[0].asnumpy() == 1).all() and set(np.unique(draws[1].asnumpy())) <= {0, 2}
    np.testing.assert_allclose(logarithms[1].asnumpy(), np.log(0.5), rtol=1e-6)
    assert mx.nd.random.multinomial(mx.nd.array([0.5, 0.5])).shape == (1,)


def test_multinomial_gradient():
    p = mx.nd.array([[0.25, 0.75]])
    p.attach_grad()
    with mx.autograd.record():
        draws, logarithms = mx.nd.random.multinomial(p, shape=(50,), get_prob=True)
        loss = logarithms.sum()
    loss.backward()
    count = (draws.asnumpy() == 1).sum()
    expected = [[(50 - count) / 0.25, count / 0.75]]
    np.testing.assert_allclose(p.grad.asnumpy(), expected, rtol=1e-5)


def test_unique_zipfian():
    mx.random.seed(1)
    draws, tries = mx.nd._internal._sample_unique_zipfian(100, shape=(20, 40))
    assert draws.shape == (20, 40) and draws.dtype == np.int64 and tries.shape == (20,)
    for row in draws.asnumpy():
        assert len(set(row)) == 40 and row.min() >= 0 and row.max() < 100
    assert (tries.asnumpy() >= 40).all()
    assert (draws.asnumpy() < 10).mean() > 0.2


@pytest.mark.parametrize("space", [mx.nd.random, mx.random])
def test_signatures(space):
    """Names and defaults of 1.9.1."""
    tail = "shape=_Null, dtype=_Null, ctx=None, out=None, **kwargs"
    for name, head in [
        ("uniform", "low=0, high=1"),
        ("normal", "loc=0, scale=1"),
        ("gamma", "alpha=1, beta=1"),
        ("exponential", "scale=1"),
        ("poisson", "lam=1"),
        ("negative_binomial", "k=1, p=1"),
        ("generalized_negative_binomial", "mu=1, alpha=1"),
        ("randint", "low, high"),
    ]:
        found = str(inspect.signature(getattr(space, name)))
        assert found.replace("<no value>", "_Null").count("=") == f"({head}, {tail})".count("=")
        assert list(inspect.signature(getattr(space, name)).parameters)[-5:] == [
            "shape", "dtype", "ctx", "out", "kwargs",
        ]  # fmt: skip


def test_arguments():
    assert mx.nd.random.uniform().shape == (1,)
    assert mx.nd.random.uniform(0, 1, (2, 3), "float64").dtype == np.float64
    assert mx.nd.random.randn(2, 3, loc=4).shape == (2, 3)
    assert mx.nd.random.poisson_like(mx.nd.ones((2, 2)), lam=3).shape == (2, 2)
    out = mx.nd.zeros(4)
    assert mx.nd.random.gamma(2, 3, out=out) is out and (out.asnumpy() > 0).all()
    with pytest.raises(AssertionError, match="same type"):
        mx.nd.random.uniform(mx.nd.array([1.0]), 2)
    with pytest.raises(ValueError, match="NDArray or numbers"):
        mx.nd.random.uniform("a", 1)
    with pytest.raises(mx.base.MXNetError, match="lam"):
        mx.nd.random.exponential(-1).asnumpy()


def test_symbols():
    drawn = mx.sym.random.gamma(mx.sym.var("a"), mx.sym.var("b"), shape=(3,))
    assert drawn.infer_shape(a=(2,), b=(2,))[1] == [(2, 3)]
    assert len(mx.sym.random.multinomial(mx.sym.var("p")).list_outputs()) == 2
    value = mx.sym.random.poisson(4, shape=(5,)).eval(ctx=mx.cpu())[0].asnumpy()
    assert value.shape == (5,) and (value == np.floor(value)).all()
