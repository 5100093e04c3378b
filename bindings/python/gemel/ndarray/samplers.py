"""`mx.nd.random`: samplers that take numbers or arrays as distribution parameters."""
from .._core import NDArray


def _sampler(random_op, sample_op, names, defaults):
    def sample(*args, shape=None, dtype=None, ctx=None, out=None, **kwargs):
        values = dict(zip(names, defaults))
        values.update(zip(names, args[:len(names)]))
        rest = args[len(names):]
        if rest:
            shape = rest[0]
        if len(rest) > 1:
            dtype = rest[1]
        values.update({name: kwargs.pop(name) for name in names if name in kwargs})
        if kwargs:
            raise TypeError(f"[random] unexpected arguments: {', '.join(kwargs)}")
        extra = {} if dtype is None else {"dtype": dtype}
        arrays = [isinstance(value, NDArray) for value in values.values()]
        if any(arrays):
            if not all(arrays):
                raise ValueError("[random] distribution parameters must all be NDArrays or all be numbers")
            if shape is not None:
                extra["shape"] = shape
            return sample_op(*values.values(), out=out, **extra)
        if shape is None and out is None:
            shape = (1,)
        if shape is not None:
            extra["shape"] = shape
        if ctx is not None:
            extra["ctx"] = ctx
        return random_op(out=out, **values, **extra)
    return sample


def install(random):
    """Replace the raw operators in the `random` namespace by the samplers of 1.9.1's interface."""
    from . import _internal
    for name, names, defaults in (("uniform", ("low", "high"), (0, 1)),
                                  ("normal", ("loc", "scale"), (0, 1))):
        sampler = _sampler(getattr(_internal, f"_random_{name}"), getattr(_internal, f"_sample_{name}", None),
                           names, defaults)
        sampler.__name__ = name
        sampler.__doc__ = (f"Draws from the {name} distribution with parameters {' and '.join(names)} "
                           "(numbers, or arrays of equal shape); `shape`, `dtype`, `ctx`, `out`.")
        setattr(random, name, sampler)

    def randn(*shape, loc=0, scale=1, dtype=None, ctx=None, out=None):
        """Standard normal draws of the given shape."""
        return random.normal(loc, scale, shape=shape or None, dtype=dtype, ctx=ctx, out=out)

    random.randn = randn
    if hasattr(_internal, "_random_randint"):
        def randint(low, high, shape=None, dtype=None, ctx=None, out=None):
            """Integers from [low, high)."""
            extra = {k: v for k, v in (("dtype", dtype), ("ctx", ctx)) if v is not None}
            return _internal._random_randint(low=low, high=high, shape=(1,) if shape is None and out is None else shape,
                                             out=out, **extra)
        random.randint = randint
    if hasattr(_internal, "_shuffle"):
        random.shuffle = _internal._shuffle
