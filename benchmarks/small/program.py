"""Calls on small arrays."""
from subject import mx

VERSION = mx.__version__


def _arrays(*shape):
    a, b = mx.nd.ones(shape), mx.nd.ones(shape)
    mx.nd.waitall()
    return a, b


def _add():
    a, b = _arrays(10)

    def repeat(count):
        for _ in range(count):
            c = a + b
        c.wait_to_read()
    return repeat


def _add_waited():
    a, b = _arrays(10)

    def repeat(count):
        for _ in range(count):
            (a + b).wait_to_read()
    return repeat


def _add_in_place():
    a, b = _arrays(10)

    def repeat(count):
        nonlocal a
        for _ in range(count):
            a += b
        a.wait_to_read()
    return repeat


def _dot():
    a, b = _arrays(8, 8)
    dot = mx.nd.dot

    def repeat(count):
        for _ in range(count):
            c = dot(a, b)
        c.wait_to_read()
    return repeat


def _record():
    a, b = _arrays(10)
    a.attach_grad()
    record = mx.autograd.record

    def repeat(count):
        for _ in range(count):
            with record():
                c = a + b
            c.backward()
        a.grad.wait_to_read()
    return repeat


CASES = {"a + b": _add, "a + b, waited for": _add_waited, "a += b": _add_in_place, "dot 8x8": _dot,
         "record, a + b, backward": _record}
