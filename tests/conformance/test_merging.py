"""Common subexpressions: merged, and never to another result."""
import gemel as mx
import numpy as np
import pytest
from gemel import _core


def _run(symbol, values, training=True):
    executor = symbol.bind(mx.cpu(), {name: mx.nd.array(value) for name, value in values.items()},
                           args_grad={name: mx.nd.zeros(value.shape) for name, value in values.items()})
    outputs = [one.asnumpy() for one in executor.forward(is_train=training)]
    executor.backward([mx.nd.ones(one.shape) for one in outputs])
    return outputs + [executor.grad_dict[name].asnumpy() for name in values], executor.debug_str()


@pytest.fixture
def merging():
    yield lambda on: _core.set_setting("fusion", "1" if on else "0")
    _core.set_setting("fusion", "1")


def _twice(x, w):
    def branch():
        return mx.sym.tanh(mx.sym.FullyConnected(x, weight=w, no_bias=True, num_hidden=4) * 2)
    return mx.sym.Group([branch() + branch(), branch()])


def test_equal_branches_run_once_with_equal_bits(merging):
    rng = np.random.RandomState(0)
    values = {"x": rng.randn(3, 5).astype("float32"), "w": rng.randn(4, 5).astype("float32")}
    results = []
    for on in (False, True):
        merging(on)
        results.append(_run(_twice(mx.sym.var("x"), mx.sym.var("w")), values))
    for one, other in zip(results[0][0], results[1][0]):
        np.testing.assert_array_equal(one, other)
    products = [text.count("FullyConnected fullyconnected") for _, text in results]
    assert products[0] > products[1]


def test_random_operators_stay_apart():
    x = mx.sym.var("x")
    first, second = (mx.sym.Dropout(x, p=0.5) for _ in range(2))
    outputs, _ = _run(mx.sym.Group([first, second]), {"x": np.ones((200,), "float32")})
    assert outputs[0].tolist() != outputs[1].tolist()


def test_different_parameters_stay_apart():
    x = mx.sym.var("x")
    outputs, _ = _run(mx.sym.Group([mx.sym.sum(x, axis=0), mx.sym.sum(x, axis=1), mx.sym.sum(x, axis=0)]),
                      {"x": np.arange(6, dtype="float32").reshape(2, 3)})
    assert outputs[0].tolist() == outputs[2].tolist() == [3, 5, 7]
    assert outputs[1].tolist() == [3, 12]


def test_many_calls_of_one_input_are_told_apart_by_their_parameters():
    data = mx.sym.var("data")
    parts = [mx.sym.slice_axis(data, axis=0, begin=i % 300, end=i % 300 + 1) for i in range(600)]
    executor = mx.sym.Concat(*parts, dim=0).simple_bind(mx.cpu(), grad_req="null", data=(300, 2))
    values = np.arange(600, dtype="float32").reshape(300, 2)
    executor.arg_dict["data"][:] = values
    assert np.array_equal(executor.forward()[0].asnumpy(), np.concatenate([values, values]))
    assert executor.debug_str().count("slice_axis ") == 300
