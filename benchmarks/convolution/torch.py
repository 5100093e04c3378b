"""The same in eager torch."""
from functools import partial

import torch
from convolution_layers import BATCH, cases

VERSION = torch.__version__
torch.set_num_threads(1)


def _make(layer, direction):
    data = torch.randn(BATCH, layer.channels, layer.size, layer.size)
    weight = torch.randn(layer.filters, layer.channels // layer.groups, layer.kernel, layer.kernel) * 0.05
    head = torch.randn(BATCH, layer.filters, layer.result, layer.result)
    stride, pad = [layer.stride] * 2, [layer.pad] * 2
    wanted = [direction == "data", direction == "weight", False]

    def forward():
        torch.conv2d(data, weight, None, stride, pad, 1, layer.groups)

    def backward():
        torch.ops.aten.convolution_backward(head, data, weight, None, stride, pad, [1, 1], False, [0, 0], layer.groups,
                                            wanted)

    def repeat(count):
        with torch.no_grad():
            for _ in range(count):
                (forward if direction == "forward" else backward)()
    return repeat


CASES = {layer.name(direction): partial(_make, layer, direction) for layer, direction in cases()}
