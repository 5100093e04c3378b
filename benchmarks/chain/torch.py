"""A pointwise chain over 10 million float32."""
import torch

VERSION = torch.__version__
SIZE = 10_000_000
torch.set_num_threads(1)
torch.set_grad_enabled(False)


def _chain(a, b, c, d):
    return torch.relu(a * b + c) * 0.5 - torch.exp(-d)


def _repeater(function):
    arrays = [torch.rand(SIZE) * 2 - 1 for _ in range(4)]

    def repeat(count):
        for _ in range(count):
            function(*arrays)
    return repeat


CASES = {"compiled": lambda: _repeater(torch.compile(_chain)), "eager": lambda: _repeater(_chain)}
