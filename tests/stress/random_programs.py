"""Random programs that mix imperative, recorded and symbolic code with views, in-place writes and errors.

`Program(number).run()` gives the outcome of every array: its bytes, or the text of its error. Whatever
the engine, the number of threads, the memory plan and the deferral of calls, the outcome is the same.
"""

import contextlib
import random

import numpy as np

import gemel as mx

# Large ones are computed by workers, and are what deferral and second threads are for.
SHAPES = [(3,), (4, 5), (2, 3, 4), (7, 7), (64, 48), (300, 300)]
UNARY = ["exp", "tanh", "sigmoid", "relu", "sin", "abs", "square", "negative", "sqrt", "cos", "floor", "erf"]
BINARY = ["broadcast_add", "broadcast_sub", "broadcast_mul", "broadcast_maximum", "broadcast_hypot"]
REDUCTIONS = ["sum", "mean", "max", "min", "norm"]


class PlantedError(Exception):
    """What a user's task raises in these programs."""


def planted():
    raise PlantedError("planted")


class Program:
    """One program; `number` decides all of it."""

    def __init__(self, number, steps=40):
        self.number = number
        self.steps = steps

    def run(self):
        """Runs it; returns the outcomes."""
        self.random = random.Random(self.number)
        self.outcomes = []
        mx.random.seed(self.number)
        values = np.random.RandomState(self.number)
        shapes = [self.random.choice(SHAPES) for _ in range(3)]
        self.arrays = [mx.nd.array(values.uniform(-1, 1, shape).astype("float32")) for shape in shapes * 2]
        self.scope = None
        for _ in range(self.steps):
            step = self.random.choices(STEPS, WEIGHTS)[0]
            try:
                step(self)
            except Exception as error:  # an error at the call is part of the outcome
                self.outcomes.append(text_of(error))
            del self.arrays[:-14]
        self.end_bulk()
        for array in self.arrays:
            self.outcomes.append(outcome_of(array))
        with contextlib.suppress(Exception):
            mx.nd.waitall()
        return self.outcomes

    def any(self):
        return self.random.choice(self.arrays)

    def keep(self, array):
        self.arrays.append(array)

    def pair(self):
        """Two arrays of one shape, if there are any."""
        first = self.any()
        same = [array for array in self.arrays if array.shape == first.shape]
        return first, self.random.choice(same)

    # Imperative calls.

    def unary(self):
        self.keep(getattr(mx.nd, self.random.choice(UNARY))(self.any()))

    def binary(self):
        self.keep(getattr(mx.nd, self.random.choice(BINARY))(*self.pair()))

    def scalar(self):
        array = self.any()
        self.keep(self.random.choice([lambda a: a * 0.5, lambda a: a + 1.25, lambda a: 1 - a, lambda a: a > 0])(array))

    def chain(self):
        a, b = self.pair()
        self.keep(mx.nd.relu(a * b + 0.5) * 0.25 - mx.nd.exp(-mx.nd.abs(b)))

    def reduce(self):
        array = self.any()
        axis = self.random.randrange(len(array.shape))
        self.keep(getattr(mx.nd, self.random.choice(REDUCTIONS))(array, axis=axis, keepdims=True))

    def dot(self):
        array = self.any()
        if len(array.shape) == 2:
            self.keep(mx.nd.tanh(mx.nd.dot(array, array, transpose_b=True) * 0.1))

    def sample(self):
        self.keep(mx.nd.random.uniform(-1, 1, shape=self.random.choice(SHAPES)))

    def shuffle_axes(self):
        self.keep(mx.nd.transpose(self.any()))

    def bad_call(self):
        a = self.any()
        self.keep(mx.nd.dot(a, mx.nd.zeros((a.shape[-1] + 1, 2))))

    # Views and writes.

    def view(self):
        array = self.any()
        end = self.random.randint(1, array.shape[0])
        self.keep(array[self.random.randrange(end) : end])

    def reshaped(self):
        self.keep(self.any().reshape((-1,)))

    def in_place(self):
        a, b = self.pair()
        change = self.random.randrange(4)
        if change == 0:
            a += b
        elif change == 1:
            a *= 0.5
        elif change == 2:
            a[:] = b
        else:
            a -= 0.1

    def write_part(self):
        array = self.any()
        at = self.random.randrange(array.shape[0])
        array[at : at + 1] = self.random.uniform(-1, 1)

    def write_out(self):
        a, b = self.pair()
        mx.nd.tanh(a, out=b)

    # Recorded code.

    def recorded(self):
        a, b = (array.copy() for array in self.pair())
        a.attach_grad()
        b.attach_grad(self.random.choice(["write", "add"]))
        with mx.autograd.record():
            c = mx.nd.tanh(a * b) + a
            for _ in range(self.random.randrange(3)):
                c = c * mx.nd.sigmoid(c) + b[0:1]
            loss = mx.nd.sum(c, axis=0)
        loss.backward()
        if self.random.random() < 0.3:
            a[:] = 0  # after the pass: gradients are not touched
        self.keep(a.grad)
        self.keep(b.grad)

    def trained_block(self):
        array = self.any()
        if len(array.shape) != 2:
            return
        net = mx.gluon.nn.HybridSequential()
        net.add(mx.gluon.nn.Dense(8, activation="tanh"), mx.gluon.nn.Dense(3))
        net.initialize(mx.init.Xavier())
        if self.random.random() < 0.7:
            net.hybridize()
        trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "momentum": 0.5})
        for _ in range(2):
            with mx.autograd.record():
                loss = mx.nd.sum(net(array) ** 2, axis=1)
            loss.backward()
            trainer.step(array.shape[0])
        self.keep(loss)
        self.keep(list(net.collect_params().values())[0].data())

    # Symbolic code.

    def symbolic(self):
        a, b = self.pair()
        x, y = mx.sym.Variable("x"), mx.sym.Variable("y")
        net = mx.sym.tanh(x * y + x)
        for _ in range(self.random.randrange(4)):
            net = self.random.choice([
                lambda s: mx.sym.sigmoid(s) - y, lambda s: s * 0.5 + mx.sym.square(x),
                lambda s: mx.sym.relu(s), lambda s: mx.sym.broadcast_add(s, mx.sym.sum(s, axis=0, keepdims=True))])(net)  # fmt: skip
        executor = net.bind(mx.cpu(), {"x": a, "y": b}, args_grad={"x": mx.nd.zeros(a.shape)}, grad_req={"x": "write", "y": "null"})
        executor.forward(is_train=True)
        executor.backward(mx.nd.ones(a.shape))
        if self.random.random() < 0.3:
            a *= 0.5  # the executor reads a the next time
            executor.forward()
        self.keep(executor.outputs[0])
        self.keep(executor.grad_dict["x"])

    # Errors, order and waits.

    def users_task(self):
        a, b = self.pair()
        tag = mx.engine.tag()
        mx.engine.push(lambda: None, reads=[a], writes=[tag])
        mx.engine.push(lambda: None, reads=[tag, b])

    def plant_error(self):
        mx.engine.push(planted, writes=[self.any()])

    def heal(self):
        self.any()[:] = 0.25

    def wait(self):
        array = self.any()
        if self.random.random() < 0.5:
            self.outcomes.append(outcome_of(array))
        else:
            array.wait_to_read()

    def forget(self):
        del self.arrays[self.random.randrange(len(self.arrays) - 3)]

    def begin_or_end_bulk(self):
        if not self.end_bulk():
            self.scope = mx.engine.bulk(self.random.randint(2, 20))
            self.scope.__enter__()

    def end_bulk(self):
        if self.scope is None:
            return False
        self.scope.__exit__(None, None, None)
        self.scope = None
        return True


CHOICES = {
    Program.unary: 8, Program.binary: 6, Program.scalar: 6, Program.chain: 6, Program.reduce: 4, Program.dot: 3,
    Program.sample: 2, Program.shuffle_axes: 2, Program.bad_call: 1, Program.view: 4, Program.reshaped: 2,
    Program.in_place: 8, Program.write_part: 3, Program.write_out: 3, Program.recorded: 4, Program.trained_block: 1,
    Program.symbolic: 3, Program.users_task: 2, Program.plant_error: 1, Program.heal: 1, Program.wait: 3,
    Program.forget: 3, Program.begin_or_end_bulk: 2,
}  # fmt: skip
STEPS, WEIGHTS = list(CHOICES), list(CHOICES.values())


def text_of(error):
    """The kind and the last line of an error, without what differs from run to run."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[-1] if str(error) else ''}"


def outcome_of(array):
    """Shape and bytes of an array, or its error."""
    try:
        value = array.asnumpy()
    except Exception as error:
        return text_of(error)
    return (value.shape, value.tobytes())
