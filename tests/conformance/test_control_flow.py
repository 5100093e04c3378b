"""Loops and conditions, in graphs and on arrays."""
import json
import pathlib

import gemel as mx
import numpy as np
import pytest
from gemel.gluon import nn

_FILE = pathlib.Path(__file__).parent.parent / "data/symbol/control_flow-1.9.1.json"


def _numbers(*shape, seed=0):
    return np.random.RandomState(seed).randn(*shape).astype("float32")


def _recurrent_step(F, w, b):
    def step(row, state):
        new = F.tanh(F.dot(row, w) + F.broadcast_mul(state, b))
        return new * 2, new
    return step


def _run(symbol, values):
    """Outputs and gradients (of twice the sum of the outputs) of a bound symbol."""
    arrays = {name: mx.nd.array(value) for name, value in values.items()}
    gradients = {name: mx.nd.zeros(value.shape) for name, value in values.items()}
    executor = symbol.bind(mx.cpu(), arrays, args_grad=gradients)
    outputs = executor.forward(is_train=True)
    executor.backward([mx.nd.ones(one.shape) * 2 for one in outputs])
    return [one.asnumpy() for one in outputs], {name: one.asnumpy() for name, one in gradients.items()}


def _run_recorded(function, values):
    arrays = {name: mx.nd.array(value) for name, value in values.items()}
    for array in arrays.values():
        array.attach_grad()
    with mx.autograd.record():
        outputs = function(**arrays)
    mx.autograd.backward(outputs, [mx.nd.ones(one.shape) * 2 for one in outputs])
    return [one.asnumpy() for one in outputs], {name: one.grad.asnumpy() for name, one in arrays.items()}


def _assert_same(one, other):
    for a, b in zip(one[0], other[0]):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert one[1].keys() == other[1].keys()
    for name in one[1]:
        np.testing.assert_allclose(one[1][name], other[1][name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_foreach_equals_the_recorded_loop():
    values = {"x": _numbers(4, 2, 5), "a": _numbers(2, 3), "b": _numbers(1, 1), "w": _numbers(5, 3)}
    x, a, b, w = (mx.sym.var(name) for name in "xabw")
    outputs, state = mx.sym.contrib.foreach(_recurrent_step(mx.sym, w, b), x, a)

    def imperative(x, a, b, w):
        return list(mx.nd.contrib.foreach(_recurrent_step(mx.nd, w, b), x, a))
    _assert_same(_run(mx.sym.Group([outputs, state]), values), _run_recorded(imperative, values))


def test_loops_nest():
    values = {"x": _numbers(3, 4, 2), "a": _numbers(2)}

    def make(F, x, a):
        def outer(row, state):
            outputs, state = F.contrib.foreach(lambda d, s: (d * s, F.sin(s * d)), row, state)
            return F.sum(outputs), state
        return list(F.contrib.foreach(outer, x, a))
    symbols = make(mx.sym, mx.sym.var("x"), mx.sym.var("a"))
    _assert_same(_run(mx.sym.Group(symbols), values),
                 _run_recorded(lambda x, a: make(mx.nd, x, a), values))


def test_while_loop_stops_and_leaves_zeros():
    values = {"i": np.ones(1, "float32"), "s": _numbers(2), "x": _numbers(2, seed=1), "b": _numbers(2, seed=2)}

    def make(F, i, s, x, b):
        outputs, states = F.contrib.while_loop(lambda i, s: i < 4, lambda i, s: (s * b, [i + 1, s * x]), [i, s],
                                               max_iterations=6)
        return [outputs, *states]
    symbols = make(mx.sym, *(mx.sym.var(name) for name in "isxb"))
    got = _run(mx.sym.Group(symbols), values)
    assert got[0][0].shape == (6, 2)
    assert not got[0][0][3:].any() and got[0][0][:3].all()
    assert got[0][1].tolist() == [4]
    _assert_same(got, _run_recorded(lambda i, s, x, b: make(mx.nd, i, s, x, b), values))


@pytest.mark.parametrize("choice", [0.0, 1.0])
def test_cond_takes_one_branch(choice):
    values = {"p": np.array([choice], "float32"), "x": _numbers(2), "w": _numbers(2, seed=1)}

    def make(F, p, x, w):
        return [F.contrib.cond(p, lambda: x * w, lambda: x + 3 * w)]
    symbols = make(mx.sym, *(mx.sym.var(name) for name in "pxw"))
    got = _run(mx.sym.Group(symbols), values)
    x, w = values["x"], values["w"]
    np.testing.assert_allclose(got[0][0], x * w if choice else x + 3 * w, rtol=1e-6)
    np.testing.assert_allclose(got[1]["x"], 2 * w if choice else [2, 2], rtol=1e-6)
    np.testing.assert_allclose(got[1]["w"], 2 * x if choice else [6, 6], rtol=1e-6)


def test_files_are_those_of_mxnet():
    text = _FILE.read_text()
    symbol = mx.sym.load_json(text)
    assert symbol.tojson() == text
    # 1.9.1's values for these inputs.
    outputs = symbol.eval(x=mx.nd.array([[1, 2], [-3, 4]]), a=mx.nd.array([.5]), b=mx.nd.array([1.0]),
                          w=mx.nd.array([2.0]))
    expected = json.loads((pathlib.Path(__file__).parent / "expected/control_flow.json").read_text())
    for one, values in zip(outputs, expected):
        rows = 2 if len(values) == 6 else len(values)  # 1.9.1 leaves the rows after the last one unset
        np.testing.assert_allclose(one.asnumpy()[:rows], np.array(values, "float32")[:rows], rtol=1e-5)


class _Scan(mx.gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.cell = nn.Dense(3, in_units=5, flatten=False)

    def hybrid_forward(self, F, x, state):
        outputs, state = F.contrib.foreach(
            lambda row, s: (F.tanh(self.cell(row) + s),) * 2, x, state)
        return outputs, state


def test_foreach_inside_a_hybridized_block():
    block = _Scan()
    block.initialize()
    x, state = mx.nd.array(_numbers(4, 2, 5)), mx.nd.array(_numbers(2, 3))
    results = []
    for hybrid in (False, True):
        block.hybridize(hybrid)
        with mx.autograd.record():
            outputs, last = block(x, state)
            loss = (outputs * outputs).sum() + last.sum()
        loss.backward()
        results.append([outputs.asnumpy(), last.asnumpy(), block.cell.weight.grad().asnumpy(),
                        block.cell.bias.grad().asnumpy()])
    for one, other in zip(*results):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_gradient_sees_the_same_dropout_mask():
    x, state = mx.sym.var("x"), mx.sym.var("s")
    outputs, _ = mx.sym.contrib.foreach(lambda d, s: (mx.sym.Dropout(d * 3, p=0.5), s), x, state)
    value = np.ones((5, 40), "float32")
    executor = outputs.bind(mx.cpu(), {"x": mx.nd.array(value), "s": mx.nd.zeros(1)},
                            args_grad={"x": mx.nd.zeros(value.shape)}, grad_req={"x": "write", "s": "null"})
    result = executor.forward(is_train=True)[0].asnumpy()
    executor.backward([mx.nd.ones(value.shape)])
    np.testing.assert_allclose(executor.grad_dict["x"].asnumpy(), result)
    assert 0 < (result == 0).mean() < 1
    assert len({row.tobytes() for row in result}) > 1  # every iteration has a mask of its own


def test_batch_norm_in_a_body_updates_its_states():
    x, state = mx.sym.var("x"), mx.sym.var("s")
    outputs, _ = mx.sym.contrib.foreach(
        lambda d, s: (mx.sym.BatchNorm(d, name="bn", momentum=0.5), s), x, state)
    assert outputs.list_arguments() == ["x", "s", "bn_gamma", "bn_beta", "bn_moving_mean", "bn_moving_var"]
    assert outputs.list_auxiliary_states() == []
    executor = outputs.simple_bind(mx.cpu(), x=(3, 8, 2), s=(1,))
    executor.arg_dict["x"][:] = 5 + _numbers(3, 8, 2)
    executor.forward(is_train=True)
    executor.backward([mx.nd.ones((3, 8, 2))])
    mean = executor.arg_dict["bn_moving_mean"].asnumpy()
    assert (mean > 3).all() and (mean < 6).all()


@pytest.mark.parametrize("F, x", [(mx.nd, mx.nd.ones((2, 2))), (mx.sym, mx.sym.var("x"))], ids=["nd", "sym"])
def test_wrong_calls_are_named(F, x):
    with pytest.raises(AssertionError, match="foreach input must be"):
        F.contrib.foreach(lambda d, s: (d, s), 5, [])
    with pytest.raises(AssertionError, match="foreach states must be"):
        F.contrib.foreach(lambda d, s: (d, s), x, 5)
    with pytest.raises(ValueError, match="max_iterations should be specified"):
        F.contrib.while_loop(lambda i: i < 3, lambda i: (i, i + 1), x)
    with pytest.raises(ValueError, match="at least one"):
        F.contrib.while_loop(lambda i: i < 3, lambda i: (i, i + 1), [], max_iterations=2)


def test_unused_values_and_unequal_branches_are_refused():
    x, y = mx.sym.var("x"), mx.sym.var("y")
    with pytest.raises(AssertionError, match="data arrays have to be used"):
        mx.sym.contrib.foreach(lambda d, s: (s, s), x, y)
    with pytest.raises(AssertionError, match="different format"):
        mx.sym.contrib.foreach(lambda d, s: (d, [s, s]), x, y)
    with pytest.raises(ValueError, match="Number of outputs differs"):
        mx.sym.contrib.cond(x, lambda: x, lambda: [x, y])
    with pytest.raises(ValueError, match="consistent"):
        mx.sym.contrib.while_loop(lambda i: i < 3, lambda i: (i, [i, i]), x, max_iterations=2)


def test_arrays_keep_their_nesting():
    outputs, states = mx.nd.contrib.foreach(
        lambda d, s: ([d, [d, d + 1]], [s[0], [s[1][0] + d]]), mx.nd.ones((3, 2)),
        [mx.nd.zeros(2), [mx.nd.ones(2)]])
    assert outputs[0].shape == (3, 2)
    assert outputs[1][1].asnumpy().tolist() == [[2, 2]] * 3
    assert states[1][0].asnumpy().tolist() == [4, 4]
    empty, last = mx.nd.contrib.while_loop(lambda i: i < 0, lambda i: (i, i), mx.nd.ones(1), max_iterations=3)
    assert empty == [] and last.asscalar() == 1
