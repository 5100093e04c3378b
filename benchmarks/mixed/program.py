"""The paper's mixed loop: an executor computes gradients, imperative calls update 6 arrays."""
from networks import bound_perceptron, step_of
from subject import mx

VERSION = mx.__version__
BATCH = 32
RATE = 0.01


def _imperative():
    executor, pairs = bound_perceptron(mx, BATCH)
    step = step_of(executor)

    def repeat(count):
        for _ in range(count):
            step()
            for weight, gradient in pairs:
                weight -= RATE * gradient
            pairs[0][0].wait_to_read()
            weight.wait_to_read()
    return repeat


def _fused():
    executor, pairs = bound_perceptron(mx, BATCH)
    step, update = step_of(executor), mx.nd.sgd_update

    def repeat(count):
        for _ in range(count):
            step()
            for weight, gradient in pairs:
                update(weight, gradient, out=weight, lr=RATE)
            pairs[0][0].wait_to_read()
            weight.wait_to_read()
    return repeat


def _gradients():
    executor, pairs = bound_perceptron(mx, BATCH)
    step = step_of(executor)

    def repeat(count):
        for _ in range(count):
            step()
            pairs[0][1].wait_to_read()
    return repeat


CASES = {"w -= eta * g": _imperative, "sgd_update": _fused, "forward_backward alone": _gradients}
