"""Each pass of each layer alone, as an executor runs it."""
from functools import partial

from convolution_layers import BATCH, cases

import gemel as mx

VERSION = mx.__version__


def _make(layer, direction):
    net = mx.sym.Convolution(mx.sym.Variable("data"), kernel=(layer.kernel,) * 2, stride=(layer.stride,) * 2,
                             pad=(layer.pad,) * 2, num_filter=layer.filters, num_group=layer.groups, no_bias=True, name="conv")
    executor = net.simple_bind(
        mx.cpu(), data=(BATCH, layer.channels, layer.size, layer.size),
        grad_req={"data": "write" if direction == "data" else "null",
                  "conv_weight": "write" if direction == "weight" else "null"})
    for array in executor.arg_dict.values():
        array[:] = mx.nd.random.normal(0, 0.05, shape=array.shape)
    training = direction != "forward"
    executor.forward(is_train=training)
    head = mx.nd.random.normal(0, 1, shape=executor.outputs[0].shape)
    mx.nd.waitall()

    def repeat(count):
        for _ in range(count):
            if training:
                executor.backward(head)
            else:
                executor.forward(is_train=False)
            mx.nd.waitall()
    return repeat


CASES = {layer.name(direction): partial(_make, layer, direction) for layer, direction in cases()}
