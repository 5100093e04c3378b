"""Gradients by autograd, then imperative updates of 6 tensors."""
import torch
from torch import nn

VERSION = torch.__version__
BATCH = 32
RATE = 0.01
torch.set_num_threads(1)


def _step():
    net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    loss = nn.CrossEntropyLoss()
    data, label = torch.rand(BATCH, 784), torch.full((BATCH,), 3)
    parameters = list(net.parameters())

    def step():
        for parameter in parameters:
            parameter.grad = None
        loss(net(data), label).backward()
    return step, parameters


def _imperative():
    step, parameters = _step()

    def repeat(count):
        for _ in range(count):
            step()
            with torch.no_grad():
                for parameter in parameters:
                    parameter -= RATE * parameter.grad
    return repeat


def _gradients():
    step, _ = _step()

    def repeat(count):
        for _ in range(count):
            step()
    return repeat


CASES = {"w -= eta * g": _imperative, "forward_backward alone": _gradients}
