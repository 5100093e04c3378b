"""Repeated operator calls find their parameters again; near misses must not."""
import numpy as np
import pytest

import gemel as mx


def test_numbers_that_differ_are_told_apart():
    x = mx.nd.array([1.0, -2.0, 3.0])
    for _ in range(3):
        for low, high in ((0.0, 1.0), (0, 2), (-1.0, 2.5), (-0.0, 1.0)):
            np.testing.assert_array_equal(mx.nd.clip(x, a_min=low, a_max=high).asnumpy(),
                                          np.clip(x.asnumpy(), low, high))


def test_more_keyword_sets_than_are_remembered():
    x = mx.nd.ones((2, 3, 4))
    for _ in range(3):
        for axis in (0, 1, 2, (0, 1), (1, 2), None, -1):
            expected = x.asnumpy().sum(axis=axis)
            given = mx.nd.sum(x, axis=axis) if axis is not None else mx.nd.sum(x)
            np.testing.assert_array_equal(given.asnumpy().reshape(expected.shape), expected)


def test_number_of_inputs_is_checked_every_time():
    x, weight, bias = mx.nd.ones((2, 3)), mx.nd.ones((4, 3)), mx.nd.ones((4,))
    assert mx.nd.FullyConnected(x, weight, num_hidden=4, no_bias=True).shape == (2, 4)
    for _ in range(3):
        with pytest.raises(Exception, match="expected 2 inputs"):
            mx.nd.FullyConnected(x, weight, bias, num_hidden=4, no_bias=True)
    for _ in range(3):
        with pytest.raises(Exception, match="FullyConnected"):
            mx.nd.FullyConnected(x, weight, num_hidden=4)


def test_out_is_written_and_returned_every_time():
    x, target = mx.nd.ones((3,)), mx.nd.zeros((3,))
    for factor in (2.0, 3.0, 2.0, 3.0):
        assert mx.nd.broadcast_mul(x, mx.nd.full((3,), factor), out=target) is target
        np.testing.assert_array_equal(target.asnumpy(), [factor] * 3)


def test_lists_may_change_between_calls():
    x, shape = mx.nd.arange(6), [2, 3]
    assert mx.nd.reshape(x, shape=shape).shape == (2, 3)
    shape[:] = [3, 2]
    assert mx.nd.reshape(x, shape=shape).shape == (3, 2)


def test_recorded_calls_keep_their_gradients():
    x = mx.nd.array([1.0, 2.0])
    x.attach_grad()
    for _ in range(3):
        with mx.autograd.record():
            y = mx.nd.sum(mx.nd.clip(x, a_min=0.0, a_max=1.5))
        y.backward()
        np.testing.assert_array_equal(x.grad.asnumpy(), [1.0, 0.0])
