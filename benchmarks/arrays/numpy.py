"""Operations on whole arrays."""
import numpy as np

from array_rows import cases, positions, values

VERSION = np.__version__


def _reductions():
    for name in ("sum", "mean", "max", "argmax"):
        for where, axis in (("axis 0", 0), ("axis 1", 1), ("all", None)):
            yield f"{name}, {where}", lambda x, f=getattr(np, name), axis=axis: lambda: f(x, axis=axis)


def _take(x):
    at = positions(x.shape[0])
    return lambda: x.take(at, axis=0)


def _topk(x):
    rows = np.arange(x.shape[0])[:, None]

    def compute():
        first = np.argpartition(x, -10, axis=1)[:, -10:]
        return first[rows, np.argsort(-x[rows, first], axis=1)]
    return compute


CASES = cases({
    **dict(_reductions()),
    "transpose": lambda x: lambda: np.ascontiguousarray(x.T),
    "transpose (0, 2, 3, 1)": lambda x: lambda: np.ascontiguousarray(x.transpose(0, 2, 3, 1)),
    "take rows": _take, "take elements": _take, "embedding": _take,
    "sort": lambda x: lambda: np.sort(x, axis=-1), "argsort": lambda x: lambda: np.argsort(x, axis=-1),
    "topk 10": _topk}, values, lambda result: None)
