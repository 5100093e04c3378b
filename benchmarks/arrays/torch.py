"""Operations on whole tensors."""
import torch
from torch.nn import functional

from array_rows import cases, positions, values

VERSION = torch.__version__
torch.set_num_threads(1)


def _reductions():
    for name in ("sum", "mean", "amax", "argmax"):
        for where, axis in (("axis 0", 0), ("axis 1", 1), ("all", None)):
            options = {} if axis is None else {"dim": axis}
            yield (f"{name.replace('amax', 'max')}, {where}",
                   lambda x, f=getattr(torch, name), options=options: lambda: f(x, **options))


def _indices(x):
    return torch.from_numpy(positions(x.shape[0]))


def _take(x):
    at = _indices(x)
    return lambda: torch.index_select(x, 0, at)


def _embedding(x):
    at = _indices(x)
    return lambda: functional.embedding(at, x)


def _factors(count):
    return torch.from_numpy(values((count,), 1)), torch.from_numpy(values((count,), 2))


def _layer_norm(x):
    gamma, beta = _factors(x.shape[-1])
    return lambda: functional.layer_norm(x, x.shape[-1:], gamma, beta, 1e-5)


def _batch_norm(x):
    gamma, beta = _factors(x.shape[1])
    mean, variance = torch.zeros(x.shape[1]), torch.ones(x.shape[1])
    return lambda: functional.batch_norm(x, mean, variance, gamma, beta, False, 0.1, 1e-3)


def _both_ways(x, forward, *others):
    x = x.detach().requires_grad_()
    head = torch.from_numpy(values(tuple(x.shape), 3))

    def compute():
        forward(x).backward(head)
        for one in (x, *others):
            one.grad = None
    return compute


def _layer_norm_both(x):
    gamma, beta = (one.requires_grad_() for one in _factors(x.shape[-1]))
    return _both_ways(x, lambda x: functional.layer_norm(x, x.shape[-1:], gamma, beta, 1e-5), gamma, beta)


CASES = cases({
    **dict(_reductions()),
    "transpose": lambda x: lambda: x.t().contiguous(),
    "transpose (0, 2, 3, 1)": lambda x: lambda: x.permute(0, 2, 3, 1).contiguous(),
    "take rows": _take, "take elements": _take, "embedding": _embedding,
    "sort": lambda x: lambda: torch.sort(x, dim=-1), "argsort": lambda x: lambda: torch.argsort(x, dim=-1),
    "topk 10": lambda x: lambda: torch.topk(x, 10, dim=-1),
    "softmax": lambda x: lambda: torch.softmax(x, -1), "log_softmax": lambda x: lambda: torch.log_softmax(x, -1),
    "LayerNorm": _layer_norm,
    "BatchNorm (N, C), inference": _batch_norm, "BatchNorm (N, C, H, W), inference": _batch_norm,
    "softmax, forward and backward": lambda x: _both_ways(x, lambda x: torch.softmax(x, -1)),
    "LayerNorm, forward and backward": _layer_norm_both},
    lambda shape: torch.from_numpy(values(shape)), lambda result: None)
