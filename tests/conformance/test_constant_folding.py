"""Expressions of constants are computed once, and give the same bits as when they run."""
import os
import subprocess
import sys

import gemel as mx
import numpy as np
import pytest


def _positions(length, width):
    """The usual table of sines and cosines, of constants only."""
    place = mx.sym.arange(0, length).reshape((-1, 1))
    rate = mx.sym.exp(mx.sym.arange(0, width, 2) * (-np.log(10000.0) / width)).reshape((1, -1))
    angle = mx.sym.broadcast_mul(place, rate)
    return mx.sym.concat(mx.sym.sin(angle), mx.sym.cos(angle), dim=1)


def _steps(executor):
    return [line for line in executor.debug_str().splitlines() if "[" in line]


def test_a_table_is_one_step():
    net = mx.sym.broadcast_add(mx.sym.var("x"), mx.sym.expand_dims(_positions(6, 8), axis=0))
    executor = net.simple_bind(mx.cpu(), x=(2, 6, 8), grad_req="null")
    assert [line.split()[0] for line in _steps(executor)] == ["_constant", "broadcast_add"]
    place, rate = np.arange(6.0).reshape(-1, 1), np.exp(np.arange(0, 8, 2) * (-np.log(10000) / 8))
    expected = np.concatenate([np.sin(place * rate), np.cos(place * rate)], axis=1)
    np.testing.assert_allclose(executor.forward(x=mx.nd.ones((2, 6, 8)))[0].asnumpy()[1],
                               expected + 1, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("constant", [
    lambda: mx.sym.random.uniform(shape=(2, 3)) + 1,
    lambda: mx.sym.sum(mx.sym.ones((1000, 1000))) * 2,
])
def test_draws_and_large_values_are_left_to_the_run(constant):
    net = mx.sym.broadcast_add(mx.sym.var("x"), constant())
    executor = net.simple_bind(mx.cpu(), x=(2, 3), grad_req="null")
    assert "_constant" not in executor.debug_str()


def test_gradients_pass_by_the_constants():
    scale = mx.sym.arange(1, 4) * 2
    net = mx.sym.broadcast_mul(mx.sym.var("x"), scale.reshape((1, 3)))
    executor = net.simple_bind(mx.cpu(), x=(2, 3))
    executor.forward(is_train=True)
    executor.backward(mx.nd.ones((2, 3)))
    np.testing.assert_array_equal(executor.grad_dict["x"].asnumpy(), [[2, 4, 6]] * 2)


def test_an_updated_constant_starts_anew_in_every_run():
    net = mx.sym.sgd_mom_update(mx.sym.var("w"), mx.sym.var("g"), mx.sym.zeros((3,)) + 1, lr=0.1,
                                momentum=0.5)
    executor = net.simple_bind(mx.cpu(), w=(3,), g=(3,), grad_req="null")
    first = executor.forward()[0].asnumpy()
    np.testing.assert_array_equal(executor.forward()[0].asnumpy(), first)


_PROGRAM = """
import sys; sys.path.insert(0, {here!r})
import gemel as mx
from test_constant_folding import _positions
net = mx.sym.tanh(mx.sym.broadcast_add(mx.sym.var("x"), _positions(6, 8)))
print(net.eval(x=mx.nd.ones((6, 8)) / 3)[0].asnumpy().tobytes().hex())
"""


def test_the_bits_are_those_of_a_run_without_passes():
    program = _PROGRAM.format(here=os.path.dirname(__file__))
    bits = [subprocess.run([sys.executable, "-c", program], env={**os.environ, **setting},
                           capture_output=True, text=True, check=True, timeout=60).stdout
            for setting in ({}, {"GEMEL_FUSION": "0"})]
    assert bits[0] == bits[1] != ""
