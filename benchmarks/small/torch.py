"""Calls on small tensors."""
import torch

VERSION = torch.__version__
torch.set_num_threads(1)


def _add():
    a, b = torch.ones(10), torch.ones(10)

    def repeat(count):
        for _ in range(count):
            a + b  # pylint: disable=pointless-statement
    return repeat


def _add_in_place():
    a, b = torch.ones(10), torch.ones(10)

    def repeat(count):
        nonlocal a
        for _ in range(count):
            a += b
    return repeat


def _dot():
    a, b = torch.ones(8, 8), torch.ones(8, 8)
    dot = torch.mm

    def repeat(count):
        for _ in range(count):
            dot(a, b)
    return repeat


def _record():
    a, b = torch.ones(10, requires_grad=True), torch.ones(10)
    head = torch.ones(10)

    def repeat(count):
        for _ in range(count):
            (a + b).backward(head)
            a.grad = None
    return repeat


CASES = {"a + b": _add, "a + b, waited for": _add, "a += b": _add_in_place, "dot 8x8": _dot,
         "record, a + b, backward": _record}
