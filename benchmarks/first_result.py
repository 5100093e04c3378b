"""`first_result.py MODE BATCH TUNE`: prints wall clock, CPU time and version of binding ResNet-50 and its first result.

Runs in a fresh process of either system. With TUNE seconds above 0 it tunes instead, which fills the record.
"""
import sys
import time

from networks import convnet, step_of
from subject import mx


def bound(symbol, training, batch):
    """The executor, its arrays zero."""
    request = {name: "write" if training and name not in ("data", "softmax_label") else "null"
               for name in symbol.list_arguments()}
    return symbol.simple_bind(mx.cpu(), grad_req=request, data=(batch, 3, 224, 224))


def main(mode, batch, tune):
    """One start."""
    symbol, training = convnet("resnet50")(mx), mode == "training"
    mx.nd.ones((1,)).asnumpy()   # the threads and pools of the system itself
    if tune:
        bound(symbol, training, batch).tune(budget=tune)
        return
    wall, cpu = time.perf_counter(), time.process_time()
    executor = bound(symbol, training, batch)
    if training:
        step_of(executor)()
        mx.nd.waitall()
    else:
        executor.forward(is_train=False)
        executor.outputs[0].asnumpy()
    print(time.perf_counter() - wall, time.process_time() - cpu, mx.__version__)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
