"""Steps of mixed shapes for a long time: the memory of the process does not grow."""

import os
import random

import pytest

import gemel as mx

STEPS = int(os.environ.get("GEMEL_TEST_STEPS", "1000000"))
SHAPES = [(1, 8), (2, 8), (5, 8), (16, 8), (33, 8), (64, 8), (200, 8), (1000, 8)]


def resident():
    """Bytes of the process in memory."""
    mx.nd.waitall()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Steps:
    """What one program does over and over, each time with other shapes."""

    def __init__(self):
        self.random = random.Random(7)
        self.net = mx.gluon.nn.HybridSequential()
        self.net.add(mx.gluon.nn.Dense(16, activation="relu", in_units=8), mx.gluon.nn.Dense(3, in_units=16))
        self.net.initialize()
        self.net.hybridize()
        self.trainer = mx.gluon.Trainer(self.net.collect_params(), "sgd", {"learning_rate": 0.001})
        self.symbol = mx.sym.tanh(mx.sym.Variable("x") * 2)
        self.tag = mx.engine.tag()
        self.inputs = [mx.nd.random.uniform(shape=shape) for shape in SHAPES]
        self.kinds = [self.imperative] * 12 + [self.recorded] * 4 + [self.trained, self.symbolic, self.failing, self.task]

    def imperative(self, x):
        y = mx.nd.exp(x) * 0.5 + x[0:1]
        y[0] = 3
        return mx.nd.sum(y, axis=1)

    def recorded(self, x):
        x.attach_grad()
        with mx.autograd.record():
            y = mx.nd.tanh(x * x)
        y.backward()
        return x.grad

    def trained(self, x):
        with mx.autograd.record():
            loss = mx.nd.sum(self.net(x) ** 2)
        loss.backward()
        self.trainer.step(x.shape[0])
        return loss

    def symbolic(self, x):
        return self.symbol.bind(mx.cpu(), {"x": x}).forward()[0]

    def failing(self, x):
        try:
            mx.nd.dot(x, x)
        except ValueError:
            pass
        tag = mx.engine.tag()
        mx.engine.push(self.fail, writes=[tag])
        try:
            tag.wait_to_read()
        except RuntimeError:
            pass
        return x

    @staticmethod
    def fail():
        raise RuntimeError("planted")

    def task(self, x):
        mx.engine.push(int, reads=[x], writes=[self.tag])
        return x

    def run(self, steps):
        for number in range(steps):
            result = self.random.choice(self.kinds)(self.random.choice(self.inputs))
            if number % 16 == 0:
                result.wait_to_read()
                self.tag.wait_to_read()
        mx.nd.waitall()


def growth(warm, steps):
    """By which part the resident memory grows in `steps` steps after `warm`."""
    program = Steps()
    program.run(warm)
    before = resident()
    program.run(steps)
    return resident() / before - 1


def test_a_few_steps_keep_their_memory():
    assert growth(4000, 4000) <= 0.01


@pytest.mark.slow
def test_a_million_steps_keep_their_memory():
    assert growth(STEPS // 20, STEPS) <= 0.01
