"""A pointwise chain over 10 million float32, as a symbol and call by call."""
from subject import mx

VERSION = mx.__version__
SIZE = 10_000_000


def _symbol():
    a, b, c, d = (mx.sym.Variable(name) for name in "abcd")
    y = mx.sym.relu(a * b + c) * 0.5 - mx.sym.exp(-d)
    arrays = {name: mx.nd.random.uniform(-1, 1, shape=(SIZE,)) for name in "abcd"}
    executor = y.bind(mx.cpu(), arrays, grad_req="null")

    def repeat(count):
        for _ in range(count):
            executor.forward(is_train=False)
            executor.outputs[0].wait_to_read()
    return repeat


def _imperative():
    a, b, c, d = (mx.nd.random.uniform(-1, 1, shape=(SIZE,)) for _ in range(4))

    def repeat(count):
        for _ in range(count):
            y = mx.nd.relu(a * b + c) * 0.5 - mx.nd.exp(-d)
            y.wait_to_read()
    return repeat


CASES = {"symbol": _symbol, "imperative": _imperative}
