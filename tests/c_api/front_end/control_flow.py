"""foreach, while_loop and cond from MXNet's own front end: in symbols and in hybridized blocks."""

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

rows = nd.array(np.arange(6).reshape(3, 2))
weight = nd.array([[1, 2], [3, 4]])


def bound(symbol, **arrays):
    return symbol.bind(mx.cpu(), arrays, {name: nd.zeros(array.shape) for name, array in arrays.items()})


# A sum over rows that uses an outer operator's result and an outer variable.
data, state, w = mx.sym.Variable("data"), mx.sym.Variable("state"), mx.sym.Variable("w")
doubled = w * 2
outputs, last = mx.sym.contrib.foreach(
    lambda row, s: (mx.sym.dot(row, doubled) + s, mx.sym.dot(row, w) + s), data, state)
graph = mx.sym.Group([outputs, last])
assert sorted(graph.list_arguments()) == ["data", "state", "w"]
again = mx.sym.load_json(graph.tojson())
assert again.tojson() == graph.tojson()
for symbol in (graph, again):
    executor = bound(symbol, data=rows, state=nd.ones((2,)), w=weight)
    executor.forward(is_train=True)
    s, expected = np.ones(2), []
    for row in rows.asnumpy():
        expected.append(row @ (2 * weight.asnumpy()) + s)
        s = row @ weight.asnumpy() + s
    np.testing.assert_allclose(executor.outputs[0].asnumpy(), expected)
    np.testing.assert_allclose(executor.outputs[1].asnumpy(), s)
    executor.backward([nd.zeros((3, 2)), nd.ones((2,))])
    np.testing.assert_allclose(executor.grad_dict["state"].asnumpy(), [1, 1])
    np.testing.assert_allclose(executor.grad_dict["w"].asnumpy(), np.tile(rows.asnumpy().sum(0)[:, None], (1, 2)))

# A loop.
i, total = mx.sym.Variable("i"), mx.sym.Variable("total")
steps, finals = mx.sym.contrib.while_loop(lambda i, total: i <= 4, lambda i, total: ([total + i], [i + 1, total + i]),
                                          [i, total], max_iterations=6)
executor = bound(mx.sym.Group(list(steps) + list(finals)), i=nd.ones((1,)), total=nd.zeros((1,)))
executor.forward(is_train=True)
np.testing.assert_allclose(executor.outputs[0].asnumpy()[:4, 0], [1, 3, 6, 10])
assert [output.asscalar() for output in executor.outputs[1:]] == [5, 10]

# A choice.
a, b = mx.sym.Variable("a"), mx.sym.Variable("b")
choice = mx.sym.contrib.cond(a * b < 5, lambda: (a + 5) * (b + 5), lambda: (a - 5) * (b - 5))
for first, second, expected, gradient in ((1, 2, 42, 7), (3, 4, 2, -1)):
    executor = bound(choice, a=nd.array([first]), b=nd.array([second]))
    executor.forward(is_train=True)
    assert executor.outputs[0].asscalar() == expected
    executor.backward([nd.ones((1,))])
    assert executor.grad_dict["a"].asscalar() == gradient


class Recurrence(gluon.HybridBlock):
    """A cell applied along the first axis, by foreach."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.cell = gluon.rnn.RNNCell(4, input_size=3)

    def hybrid_forward(self, F, x, h):
        return F.contrib.foreach(lambda row, states: self.cell(row, states), x, [h])


block = Recurrence()
block.initialize(mx.init.Xavier())
x, h = nd.random.normal(shape=(5, 2, 3)), nd.zeros((2, 4))
results = []
for hybridized in (False, True):
    if hybridized:
        block.hybridize()
    with autograd.record():
        y, states = block(x, h)
        loss = (y * y).sum() + states[0].sum()
    loss.backward()
    results.append([y.asnumpy(), states[0].asnumpy()] + [p.grad().asnumpy() for p in block.collect_params().values()])
for eager, compiled in zip(*results):
    np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-5)


class Loop(gluon.HybridBlock):
    """A loop and a choice that depend on the data."""

    def hybrid_forward(self, F, x, limit):
        _, (n, power) = F.contrib.while_loop(lambda n, power: n < limit, lambda n, power: ([], [n + 1, power * 2]),
                                             [F.zeros((1,)), x], max_iterations=5)
        return F.contrib.cond(n > 2, lambda: power + 1, lambda: power - 1)


loop = Loop()
loop.hybridize()
assert loop(nd.array([3.0]), nd.array([2.0])).asscalar() == 11
assert loop(nd.array([3.0]), nd.array([3.0])).asscalar() == 25
