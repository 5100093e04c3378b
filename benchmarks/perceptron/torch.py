"""One training step of a 784-128-64-10 perceptron, batch 32, plain SGD."""
import torch
from torch import nn

VERSION = torch.__version__
BATCH = 32
torch.set_num_threads(1)


def _eager():
    net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    loss = nn.CrossEntropyLoss()
    data, label = torch.rand(BATCH, 784), torch.full((BATCH,), 3)

    def repeat(count):
        for _ in range(count):
            optimizer.zero_grad()
            loss(net(data), label).backward()
            optimizer.step()
    return repeat


CASES = {"eager": _eager}
