"""autograd: scopes, heads, requests, retained graphs, detaching, errors."""

import numpy as np
import pytest

import gemel as mx
from gemel import autograd


def variable(values, request="write"):
    array = mx.nd.array(values)
    array.attach_grad(request)
    return array


def test_scopes():
    assert not autograd.is_recording() and not autograd.is_training()
    with autograd.record():
        assert autograd.is_recording() and autograd.is_training()
        with autograd.pause():
            assert not autograd.is_recording() and not autograd.is_training()
        with autograd.predict_mode():
            assert autograd.is_recording() and not autograd.is_training()
    with autograd.train_mode():
        assert autograd.is_training() and not autograd.is_recording()
    with autograd.record(train_mode=False):
        assert not autograd.is_training()
    assert not autograd.is_recording() and not autograd.is_training()


def test_scopes_end_with_an_exception():
    with pytest.raises(KeyError):
        with autograd.record():
            raise KeyError("x")
    assert not autograd.is_recording()


def test_chain():
    x = variable([1, 2, 3])
    with autograd.record():
        y = (x * x + 2 * x).sum()
    y.backward()
    assert x.grad.asnumpy().tolist() == [4, 6, 8]


def test_head_gradient():
    x = variable([1, 2, 3])
    with autograd.record():
        y = x * x
    y.backward(mx.nd.array([1, 10, 100]))
    assert x.grad.asnumpy().tolist() == [2, 40, 600]


def test_several_heads():
    x = variable([1, 2])
    with autograd.record():
        y, z = x * 2, x * x
    autograd.backward([y, z], [mx.nd.ones((2,)), mx.nd.array([10, 10])])
    assert x.grad.asnumpy().tolist() == [22, 42]


def test_write_replaces_and_add_adds():
    x, a = variable([1, 2]), variable([1, 2], "add")
    for _ in range(3):
        with autograd.record():
            y = x * x + a * a
        y.backward()
    assert x.grad.asnumpy().tolist() == [2, 4]
    assert a.grad.asnumpy().tolist() == [6, 12]


def test_null_request():
    x, n = variable([1, 2]), variable([3, 4], "null")
    with autograd.record():
        y = x * n
    y.backward()
    assert x.grad.asnumpy().tolist() == [3, 4]


def test_retain_graph():
    x = variable([3])
    with autograd.record():
        y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.asscalar() == 6
    with pytest.raises(mx.base.MXNetError):
        y.backward()


def test_detach_and_block_grad():
    x = variable([2])
    with autograd.record():
        y = x * x
        z = y.detach() * x + mx.nd.BlockGrad(y) * x
    z.backward()
    assert x.grad.asscalar() == 8


def test_pause_leaves_work_out():
    x = variable([2])
    with autograd.record():
        y = x * x
        with autograd.pause():
            factor = y * 10
        z = y * factor
    z.backward()
    assert x.grad.asscalar() == 160


def test_views_carry_gradients():
    x = variable([[1, 2], [3, 4]])
    with autograd.record():
        y = x[1] * 3 + x.reshape((4,))[0:2]
    y.backward()
    assert x.grad.asnumpy().tolist() == [[1, 1], [3, 3]]


def test_train_mode_reaches_dropout():
    x = mx.nd.ones((200,))
    with autograd.record():
        dropped = mx.nd.Dropout(x, p=0.5)
    assert sorted(set(dropped.asnumpy().tolist())) == [0, 2]
    with autograd.record(train_mode=False):
        kept = mx.nd.Dropout(x, p=0.5)
    assert np.array_equal(kept.asnumpy(), x.asnumpy())


def test_grad_returns_instead_of_storing():
    x = variable([1, 2])
    with autograd.record():
        y = x * x * x
    (gradient,) = autograd.grad(y, [x], retain_graph=True)
    assert gradient.asnumpy().tolist() == [3, 12]
    assert x.grad.asnumpy().tolist() == [0, 0]


def test_second_order():
    """1.9.1 has it for some operators only; here the gradient is made of operators."""
    x = variable([1, 2])
    with autograd.record():
        y = x * x * x
        first = autograd.grad(y, [x], create_graph=True, retain_graph=True)[0]
        total = (first * first).sum()
    total.backward()
    np.testing.assert_allclose(x.grad.asnumpy(), [36, 288], rtol=1e-5)


def test_in_place_on_recorded_arrays_is_an_error():
    x = variable([1, 2])
    with autograd.record():
        y = x * 2
        with pytest.raises(mx.base.MXNetError):
            y += 1
            y.backward()


def test_nothing_recorded():
    with pytest.raises(mx.base.MXNetError):
        (mx.nd.ones((2,)) * 2).backward()


def test_mark_variables():
    x, gradient = mx.nd.array([1, 2]), mx.nd.zeros((2,))
    autograd.mark_variables([x], [gradient])
    with autograd.record():
        y = x * 5
    y.backward()
    assert gradient.asnumpy().tolist() == [5, 5]


def test_values_are_kept_as_they_were():
    """What backward needs is the value at the time of the call."""
    x = variable([1, 2])
    weight = mx.nd.array([3, 4])
    with autograd.record():
        y = x * weight
    weight[:] = 0
    y.backward()
    assert x.grad.asnumpy().tolist() in ([3, 4], [0, 0])


def test_custom_function():
    class Double(autograd.Function):
        def forward(self, x):
            self.save_for_backward(x)
            return x * 2

        def backward(self, dy):
            (x,) = self.saved_tensors
            return dy * x * 100

    x = variable([1, 2])
    with autograd.record():
        y = Double()(x) + x
    y.backward()
    assert y.asnumpy().tolist() == [3, 6]
    assert x.grad.asnumpy().tolist() == [101, 201]
