"""Operations on whole arrays."""
from subject import mx

from array_rows import cases, positions, values

VERSION = mx.__version__
nd = mx.nd


def _array(shape, seed=0):
    return nd.array(values(shape, seed))


def _reductions():
    for name in ("sum", "mean", "max", "argmax"):
        for where, options in (("axis 0", {"axis": 0}), ("axis 1", {"axis": 1}), ("all", {})):
            yield f"{name}, {where}", lambda x, f=getattr(nd, name), options=options: lambda: f(x, **options)


def _indices(x):
    return nd.array(positions(x.shape[0]), dtype="int32")


def _take(x):
    at = _indices(x)
    return lambda: nd.take(x, at)


def _embedding(x):
    at, (count, width) = _indices(x), x.shape
    return lambda: nd.Embedding(at, x, input_dim=count, output_dim=width)


def _layer_norm(x):
    gamma, beta = (_array(x.shape[-1:], seed) for seed in (1, 2))
    return lambda: nd.LayerNorm(x, gamma, beta, eps=1e-5)


def _batch_norm(x):
    gamma, beta = (_array(x.shape[1:2], seed) for seed in (1, 2))
    mean, variance = nd.zeros(x.shape[1]), nd.ones(x.shape[1])
    return lambda: nd.BatchNorm(x, gamma, beta, mean, variance, eps=1e-3, fix_gamma=False)


def _both_ways(x, forward, *others):
    x, head = x.copy(), _array(x.shape, 3)
    for one in (x, *others):
        one.attach_grad()

    def compute():
        with mx.autograd.record():
            y = forward(x)
        y.backward(head)
        return x.grad
    return compute


def _layer_norm_both(x):
    gamma, beta = (_array(x.shape[-1:], seed) for seed in (1, 2))
    return _both_ways(x, lambda x: nd.LayerNorm(x, gamma, beta, eps=1e-5), gamma, beta)


CASES = cases({
    **dict(_reductions()),
    "transpose": lambda x: lambda: nd.transpose(x),
    "transpose (0, 2, 3, 1)": lambda x: lambda: nd.transpose(x, axes=(0, 2, 3, 1)),
    "take rows": _take, "take elements": _take, "embedding": _embedding,
    "sort": lambda x: lambda: nd.sort(x), "argsort": lambda x: lambda: nd.argsort(x),
    "topk 10": lambda x: lambda: nd.topk(x, k=10),
    "softmax": lambda x: lambda: nd.softmax(x), "log_softmax": lambda x: lambda: nd.log_softmax(x),
    "LayerNorm": _layer_norm,
    "BatchNorm (N, C), inference": _batch_norm, "BatchNorm (N, C, H, W), inference": _batch_norm,
    "softmax, forward and backward": lambda x: _both_ways(x, nd.softmax),
    "LayerNorm, forward and backward": _layer_norm_both}, _array, lambda result: result.wait_to_read())
