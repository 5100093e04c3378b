"""Operator calls through MXNet's own front end (ctypes), whatever library it has loaded."""
import mxnet as mx

VERSION = mx.__version__


def _repeated(call):
    def repeat(count):
        for _ in range(count):
            result = call()
        result.wait_to_read()
    return repeat


def _add():
    a, b = mx.nd.ones((10,)), mx.nd.ones((10,))
    return _repeated(lambda: a + b)


def _dot():
    a, b = mx.nd.ones((8, 8)), mx.nd.ones((8, 8))
    return _repeated(lambda: mx.nd.dot(a, b))


def _sum():
    a = mx.nd.ones((8, 8))
    return _repeated(lambda: mx.nd.sum(a, axis=1))


CASES = {"a + b": _add, "dot 8x8": _dot, "sum over an axis": _sum}
