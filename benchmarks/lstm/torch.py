"""One training step of an LSTM layer: 650 units, 35 steps, batch 20, plain SGD."""
import torch

VERSION = torch.__version__
STEPS, BATCH, UNITS = 35, 20, 650
torch.set_num_threads(1)


def _eager():
    layer = torch.nn.LSTM(UNITS, UNITS)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
    data = torch.rand(STEPS, BATCH, UNITS).mul_(2).sub_(1).requires_grad_()
    head = torch.rand(STEPS, BATCH, UNITS).mul_(2).sub_(1)
    state = torch.zeros(1, BATCH, UNITS), torch.zeros(1, BATCH, UNITS)

    def repeat(count):
        for _ in range(count):
            optimizer.zero_grad()
            data.grad = None
            layer(data, state)[0].backward(head)
            optimizer.step()
    return repeat


CASES = {"eager": _eager}
