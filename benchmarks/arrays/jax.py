"""Operations on whole arrays, each compiled."""
import jax
import jax.numpy as jnp

from array_rows import cases, positions, values

VERSION = jax.__version__


def _compiled(function, *others):
    """A builder of a case whose function takes the array and others made from its shape."""
    run = jax.jit(function)

    def build(x):
        rest = [jnp.asarray(one(x.shape)) for one in others]
        return lambda: run(x, *rest)
    return build


def _reductions():
    for name in ("sum", "mean", "max", "argmax"):
        for where, axis in (("axis 0", 0), ("axis 1", 1), ("all", None)):
            yield f"{name}, {where}", _compiled(lambda x, f=getattr(jnp, name), axis=axis: f(x, axis=axis))


def _layer_norm(x, gamma, beta):
    centred = x - x.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * gamma + beta


def _batch_norm(x, mean, variance, gamma, beta):
    shape = (1, -1) + (1,) * (x.ndim - 2)
    scale = gamma * jax.lax.rsqrt(variance + 1e-3)
    return (x - mean.reshape(shape)) * scale.reshape(shape) + beta.reshape(shape)


def _softmax_gradient(x, head):
    return jax.vjp(lambda x: jax.nn.softmax(x, axis=-1), x)[1](head)


def _layer_norm_gradient(x, gamma, beta, head):
    return jax.vjp(_layer_norm, x, gamma, beta)[1](head)


def _last(seed):
    return lambda shape: values(shape[-1:], seed)


_take = _compiled(lambda x, at: jnp.take(x, at, axis=0, mode="clip"), lambda shape: positions(shape[0]))
_batch = _compiled(_batch_norm, lambda shape: values(shape[1:2], 4), lambda shape: values(shape[1:2], 5) ** 2,
                   lambda shape: values(shape[1:2], 1), lambda shape: values(shape[1:2], 2))
CASES = cases({
    **dict(_reductions()),
    "transpose": _compiled(jnp.transpose),
    "transpose (0, 2, 3, 1)": _compiled(lambda x: x.transpose(0, 2, 3, 1)),
    "take rows": _take, "take elements": _take, "embedding": _take,
    "sort": _compiled(jnp.sort), "argsort": _compiled(jnp.argsort),
    "topk 10": _compiled(lambda x: jax.lax.top_k(x, 10)),
    "softmax": _compiled(lambda x: jax.nn.softmax(x, axis=-1)),
    "log_softmax": _compiled(lambda x: jax.nn.log_softmax(x, axis=-1)),
    "LayerNorm": _compiled(_layer_norm, _last(1), _last(2)),
    "BatchNorm (N, C), inference": _batch, "BatchNorm (N, C, H, W), inference": _batch,
    "softmax, forward and backward": _compiled(_softmax_gradient, lambda shape: values(shape, 3)),
    "LayerNorm, forward and backward": _compiled(_layer_norm_gradient, _last(1), _last(2),
                                                 lambda shape: values(shape, 3))},
    lambda shape: jnp.asarray(values(shape)), jax.block_until_ready)
