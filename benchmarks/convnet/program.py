"""Gemel and MXNet: the symbol's executor."""
import os

from convnet import graph
from subject import mx

VERSION = mx.__version__
DTYPE = os.environ.get("GEMEL_BENCH_DTYPE", "float32")


def _make(network, mode, batch, _):
    symbol = mx.sym.load(network.path)
    training = mode == "training"
    if not training:
        symbol = symbol.get_internals()[network.steps[-1].name + "_output"]
    request = {name: "write" if training and name not in ("data", "softmax_label") else "null"
               for name in symbol.list_arguments()}
    executor = symbol.simple_bind(mx.cpu(), grad_req=request, data=(batch, 3, 224, 224),
                                  type_dict={name: DTYPE for name in symbol.list_inputs()})
    for name, array in [*executor.arg_dict.items(), *executor.aux_dict.items()]:
        if name == "data":
            array[:] = graph.images(batch)
        elif name == "softmax_label":
            array[:] = graph.labels(batch)
        else:
            array[:] = network.arrays[name]
    mx.nd.waitall()

    def infer():
        executor.forward(is_train=False)
        return executor.outputs[0].asnumpy()[0]

    def train():
        if hasattr(executor, "forward_backward"):
            executor.forward_backward()
        else:
            executor.forward(is_train=True)
            executor.backward()
        mx.nd.waitall()
    return graph.runs(train if training else infer)


CASES = graph.cases(_make)
