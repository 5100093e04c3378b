"""`mx.sym.random`: samplers that take numbers or symbols as distribution parameters."""
from numbers import Number

from ..base import _Null
from . import _internal
from .symbol import Symbol

__all__ = ["exponential", "gamma", "generalized_negative_binomial", "multinomial",
           "negative_binomial", "normal", "poisson", "randint", "randn", "shuffle", "uniform"]


def _draw(name, values, shape, dtype, kwargs):
    """The operator for numbers, or the one for symbols: all parameters have to be of one kind."""
    first = next(iter(values.values()))
    kind = Symbol if isinstance(first, Symbol) else Number
    if not isinstance(first, kind):
        raise ValueError(f"Distribution parameters must be either Symbol or numbers, but got {type(first)}.")
    for value in values.values():
        if not isinstance(value, kind):
            raise AssertionError("Distribution parameters must all have the same type, "
                                 f"but got both {type(first)} and {type(value)}.")
    if kind is Symbol:
        return getattr(_internal, "_sample_" + name)(*values.values(), shape=shape, dtype=dtype, **kwargs)
    return getattr(_internal, "_random_" + name)(shape=shape, dtype=dtype, **values, **kwargs)


def uniform(low=0, high=1, shape=_Null, dtype=_Null, **kwargs):
    """Evenly distributed numbers from `low` to `high`, `high` not included.

    Symbols as parameters give `shape` numbers for each of their elements.
    """
    return _draw("uniform", {"low": low, "high": high}, shape, dtype, kwargs)


def normal(loc=0, scale=1, shape=_Null, dtype=_Null, **kwargs):
    """Normally distributed numbers with mean `loc` and standard deviation `scale`.

    Symbols as parameters give `shape` numbers for each of their elements.
    """
    return _draw("normal", {"loc": loc, "scale": scale}, shape, dtype, kwargs)


def poisson(lam=1, shape=_Null, dtype=_Null, **kwargs):
    """Poisson distributed numbers with mean `lam`, as floating-point numbers.

    Symbols as parameters give `shape` numbers for each of their elements.
    """
    return _draw("poisson", {"lam": lam}, shape, dtype, kwargs)


def exponential(scale=1, shape=_Null, dtype=_Null, **kwargs):
    """Exponentially distributed numbers with mean `scale`.

    Symbols as parameters give `shape` numbers for each of their elements.
    """
    return _draw("exponential", {"lam": 1.0 / scale}, shape, dtype, kwargs)


def gamma(alpha=1, beta=1, shape=_Null, dtype=_Null, **kwargs):
    """Gamma distributed numbers with shape `alpha` and scale `beta`.

    Symbols as parameters give `shape` numbers for each of their elements.
    """
    return _draw("gamma", {"alpha": alpha, "beta": beta}, shape, dtype, kwargs)


def negative_binomial(k=1, p=1, shape=_Null, dtype=_Null, **kwargs):
    """Failures before `k` successes of probability `p`, as floating-point numbers.

    Symbols as parameters give `shape` numbers for each of their elements.
    """
    return _draw("negative_binomial", {"k": k, "p": p}, shape, dtype, kwargs)


def generalized_negative_binomial(mu=1, alpha=1, shape=_Null, dtype=_Null, **kwargs):
    """Poisson numbers whose mean is gamma distributed with mean `mu` and dispersion `alpha`.

    Symbols as parameters give `shape` numbers for each of their elements.
    """
    return _draw("generalized_negative_binomial", {"mu": mu, "alpha": alpha}, shape, dtype, kwargs)


def randn(*shape, **kwargs):
    """Normally distributed numbers of the given shape; `loc`, `scale` and `dtype` by keyword."""
    return normal(kwargs.pop("loc", 0), kwargs.pop("scale", 1), shape=shape or _Null, **kwargs)


def randint(low, high, shape=_Null, dtype=_Null, **kwargs):
    """Integers from `low` to `high` - 1; `dtype` is int32 (the default) or int64."""
    return _internal._random_randint(low=low, high=high, shape=shape, dtype=dtype, **kwargs)


def multinomial(data, shape=_Null, get_prob=True, dtype="int32", **kwargs):
    """Class numbers drawn with the probabilities in each row of `data`.

    With `get_prob` a second output holds the logarithm of each draw's probability; its gradient is
    the gradient of `data`.
    """
    return _internal._sample_multinomial(data, shape=shape, get_prob=get_prob, dtype=dtype, **kwargs)


def shuffle(data, **kwargs):
    """The rows of `data` in a random order."""
    return _internal._shuffle(data, **kwargs)
