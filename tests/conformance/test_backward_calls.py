"""backward keeps the calls of a graph that it has met: what differs from one time to the next must count."""
import numpy as np
import pytest

import gemel as mx
from gemel import autograd


def variable(*values, grad_req="write"):
    array = mx.nd.array(values)
    array.attach_grad(grad_req=grad_req)
    return array


def test_scalars_and_structure_differ():
    x = variable(1, 2)
    for scale in (2.0, 3.0, 2.0, -1.5):
        with autograd.record():
            y = x * scale + 1
        y.backward()
        assert x.grad.asnumpy().tolist() == [scale, scale]
    for power in (1, 2, 3, 2):
        with autograd.record():
            y = x
            for _ in range(power):
                y = y * x
        y.backward()
        np.testing.assert_allclose(x.grad.asnumpy(), (power + 1) * np.array([1, 2.0]) ** power)


def test_the_same_structure_on_other_arrays_and_shapes():
    for size in (3, 1, 5):
        x, w = variable(*range(size)), variable(*range(1, size + 1), grad_req="add")
        for _ in range(2):
            with autograd.record():
                y = x * w
            y.backward()
        assert x.grad.asnumpy().tolist() == list(range(1, size + 1))
        assert w.grad.asnumpy().tolist() == [2 * i for i in range(size)]


def test_a_head_gradient_in_the_memory_of_a_gradient():
    x, w = variable(1, 2), variable(3, 4)
    x.grad[:] = 5
    with autograd.record():
        y = x * w
    y.backward(x.grad)
    assert x.grad.asnumpy().tolist() == [15, 20]
    assert w.grad.asnumpy().tolist() == [5, 10]
    with autograd.record():
        y = x + w
    w.grad[:] = 7
    y.backward(w.grad)
    assert x.grad.asnumpy().tolist() == [7, 7] and w.grad.asnumpy().tolist() == [7, 7]


def test_a_gradient_that_the_graph_reads():
    x, w = variable(1, 2), variable(3, 4)
    x.grad[:] = 2
    with autograd.record():
        y = x * w * x.grad
    y.backward()
    assert x.grad.asnumpy().tolist() == [6, 8] and w.grad.asnumpy().tolist() == [2, 4]


def test_the_head_is_a_variable():
    x = variable(1, 2)
    with autograd.record():
        pass
    x.backward()
    assert x.grad.asnumpy().tolist() == [1, 1]
    x.backward(mx.nd.array([3, 4]))
    assert x.grad.asnumpy().tolist() == [3, 4]


def test_retained_and_freed_graphs():
    x = variable(2)
    with autograd.record():
        y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.asscalar() == 4
    with pytest.raises(ValueError, match="retain_graph"):
        y.backward()


def test_scopes_nest_and_keep_the_modes():
    assert not autograd.is_recording() and not autograd.is_training()
    scope = autograd.record()
    with scope:
        assert autograd.is_recording() and autograd.is_training()
        with autograd.pause(), scope, autograd.predict_mode():
            assert autograd.is_recording() and not autograd.is_training()
        assert autograd.is_recording() and autograd.is_training()
        with pytest.raises(KeyError), autograd.record(train_mode=False):
            assert not autograd.is_training()
            raise KeyError
        assert autograd.is_training()
    assert not autograd.is_recording() and not autograd.is_training()


@pytest.mark.parametrize("hybrid", [True, False])
def test_gradients_of_gradients_through_a_block(hybrid):
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Dense(3, activation="tanh", in_units=2), mx.gluon.nn.Dense(1, in_units=3))
    net.initialize(mx.init.Constant(0.5))
    if hybrid:
        net.hybridize()
    x = mx.nd.array([[0.1, 0.2], [0.3, -0.4]])
    x.attach_grad()
    with autograd.record():
        first, = autograd.grad(net(x), [x], create_graph=True)
        loss = (first * first).sum()
    loss.backward()
    t = np.tanh(0.5 * x.asnumpy().sum(1))
    slope = 0.75 * (1 - t * t)
    expected = 2 * 2 * slope * 0.75 * -2 * t * (1 - t * t) * 0.5
    np.testing.assert_allclose(first.asnumpy(), np.stack([slope, slope], 1), rtol=1e-5)
    np.testing.assert_allclose(x.grad.asnumpy(), np.stack([expected, expected], 1), rtol=1e-4)
    weight = list(net.collect_params().values())[0]
    assert np.abs(weight.grad().asnumpy()).max() > 0
