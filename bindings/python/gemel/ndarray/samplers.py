"""`mx.nd.random`: samplers that take numbers or arrays as distribution parameters."""
from numbers import Number

from .._core import NDArray
from ..base import _Null
from ..context import current_context
from . import _internal

__all__ = ["exponential", "gamma", "generalized_negative_binomial", "multinomial",
           "negative_binomial", "normal", "poisson", "randint", "randn", "shuffle", "uniform"]


def _draw(name, values, shape, dtype, ctx, out, kwargs):
    """The operator for numbers, or the one for arrays: all parameters have to be of one kind."""
    first = next(iter(values.values()))
    kind = NDArray if isinstance(first, NDArray) else Number
    if not isinstance(first, kind):
        raise ValueError(f"Distribution parameters must be either NDArray or numbers, but got {type(first)}.")
    for value in values.values():
        if not isinstance(value, kind):
            raise AssertionError("Distribution parameters must all have the same type, "
                                 f"but got both {type(first)} and {type(value)}.")
    if kind is NDArray:
        return getattr(_internal, "_sample_" + name)(*values.values(), shape=shape, dtype=dtype, out=out, **kwargs)
    return _numbers(getattr(_internal, "_random_" + name), values, shape, dtype, ctx, out, kwargs)


def _numbers(operator, values, shape, dtype, ctx, out, kwargs):
    if shape is _Null and out is None:
        shape = (1,)
    return operator(shape=shape, dtype=dtype, ctx=ctx or current_context(), out=out, **values, **kwargs)


def uniform(low=0, high=1, shape=_Null, dtype=_Null, ctx=None, out=None, **kwargs):
    """Evenly distributed numbers from `low` to `high`, `high` not included.

    Arrays as parameters give `shape` numbers for each of their elements.
    `dtype` is a floating-point type, float32 by default.
    """
    return _draw("uniform", {"low": low, "high": high}, shape, dtype, ctx, out, kwargs)


def normal(loc=0, scale=1, shape=_Null, dtype=_Null, ctx=None, out=None, **kwargs):
    """Normally distributed numbers with mean `loc` and standard deviation `scale`.

    Arrays as parameters give `shape` numbers for each of their elements.
    `dtype` is a floating-point type, float32 by default.
    """
    return _draw("normal", {"loc": loc, "scale": scale}, shape, dtype, ctx, out, kwargs)


def poisson(lam=1, shape=_Null, dtype=_Null, ctx=None, out=None, **kwargs):
    """Poisson distributed numbers with mean `lam`, as floating-point numbers.

    Arrays as parameters give `shape` numbers for each of their elements.
    `dtype` is a floating-point type, float32 by default.
    """
    return _draw("poisson", {"lam": lam}, shape, dtype, ctx, out, kwargs)


def exponential(scale=1, shape=_Null, dtype=_Null, ctx=None, out=None, **kwargs):
    """Exponentially distributed numbers with mean `scale`.

    Arrays as parameters give `shape` numbers for each of their elements.
    `dtype` is a floating-point type, float32 by default.
    """
    return _draw("exponential", {"lam": 1.0 / scale}, shape, dtype, ctx, out, kwargs)


def gamma(alpha=1, beta=1, shape=_Null, dtype=_Null, ctx=None, out=None, **kwargs):
    """Gamma distributed numbers with shape `alpha` and scale `beta`.

    Arrays as parameters give `shape` numbers for each of their elements.
    `dtype` is a floating-point type, float32 by default.
    """
    return _draw("gamma", {"alpha": alpha, "beta": beta}, shape, dtype, ctx, out, kwargs)


def negative_binomial(k=1, p=1, shape=_Null, dtype=_Null, ctx=None, out=None, **kwargs):
    """Failures before `k` successes of probability `p`, as floating-point numbers.

    Arrays as parameters give `shape` numbers for each of their elements.
    `dtype` is a floating-point type, float32 by default.
    """
    return _draw("negative_binomial", {"k": k, "p": p}, shape, dtype, ctx, out, kwargs)


def generalized_negative_binomial(mu=1, alpha=1, shape=_Null, dtype=_Null, ctx=None, out=None, **kwargs):
    """Poisson numbers whose mean is gamma distributed with mean `mu` and dispersion `alpha`.

    Arrays as parameters give `shape` numbers for each of their elements.
    `dtype` is a floating-point type, float32 by default.
    """
    return _draw("generalized_negative_binomial", {"mu": mu, "alpha": alpha}, shape, dtype, ctx, out, kwargs)


def randn(*shape, **kwargs):
    """Normally distributed numbers of the given shape; `loc`, `scale`, `dtype`, `ctx`, `out` by keyword."""
    return normal(kwargs.pop("loc", 0), kwargs.pop("scale", 1), shape=shape or _Null, **kwargs)


def randint(low, high, shape=_Null, dtype=_Null, ctx=None, out=None, **kwargs):
    """Integers from `low` to `high` - 1; `dtype` is int32 (the default) or int64."""
    return _numbers(_internal._random_randint, {"low": low, "high": high}, shape, dtype, ctx, out, kwargs)


def multinomial(data, shape=_Null, get_prob=False, out=None, dtype="int32", **kwargs):
    """Class numbers drawn with the probabilities in each row of `data`.

    With `get_prob` a second array holds the logarithm of each draw's probability; its gradient is
    the gradient of `data`.
    """
    return _internal._sample_multinomial(data, shape=shape, get_prob=get_prob, dtype=dtype, out=out, **kwargs)


def shuffle(data, **kwargs):
    """The rows of `data` in a random order."""
    return _internal._shuffle(data, **kwargs)
