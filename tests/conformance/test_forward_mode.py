"""Gradients belong to the mode and the random numbers of the forward pass, whatever backward() is told."""
import numpy as np
import pytest

import gemel as mx
from gemel import autograd, nd


@pytest.mark.parametrize("backward_mode", [False, True])
@pytest.mark.parametrize("forward_mode", [False, True])
def test_dropout(forward_mode, backward_mode):
    x = nd.ones((40, 50))
    x.attach_grad()
    with autograd.record(train_mode=forward_mode):
        y = nd.Dropout(x, p=0.5)
    y.backward(train_mode=backward_mode)
    assert np.array_equal(x.grad.asnumpy(), y.asnumpy())
    assert (y.asnumpy() == 1).all() != forward_mode


@pytest.mark.parametrize("hybridize", [False, True])
@pytest.mark.parametrize("backward_mode", [False, True])
def test_batch_norm_in_inference(hybridize, backward_mode):
    net = mx.gluon.nn.BatchNorm(in_channels=2)
    net.initialize()
    net.running_mean.set_data(nd.array([0.5, 1]))
    net.running_var.set_data(nd.array([4.0, 9]))
    if hybridize:
        net.hybridize()
    x = nd.array([[1.0, 2], [3, 5], [4, 4]])
    x.attach_grad()
    with autograd.record(train_mode=False):
        y = (net(x) ** 2).sum()
    y.backward(train_mode=backward_mode)
    scale = 1 / np.sqrt(np.array([4.0, 9]) + 1e-5)
    expected = 2 * (x.asnumpy() - [0.5, 1]) * scale ** 2
    np.testing.assert_allclose(x.grad.asnumpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(net.running_mean.data().asnumpy(), [0.5, 1])


def test_each_call_keeps_its_own_mode():
    x = nd.ones((30, 30))
    x.attach_grad()
    with autograd.record(train_mode=True):
        dropped = nd.Dropout(x, p=0.5)
        with autograd.predict_mode():
            y = nd.Dropout(dropped * 3, p=0.5)
    y.backward()
    assert np.array_equal(x.grad.asnumpy(), 3 * dropped.asnumpy())
    assert np.array_equal(y.asnumpy(), 3 * dropped.asnumpy())


class Dropped(mx.gluon.HybridBlock):
    def hybrid_forward(self, F, x):
        y = F.Dropout(x * x * x, p=0.5)
        return F.Dropout(F.sin(y), p=0.3)


def second_derivative(hybridize, train_mode):
    mx.random.seed(3)
    net = Dropped()
    if hybridize:
        net.hybridize()
    x = nd.array(np.linspace(0.1, 2, 60).reshape(6, 10))
    x.attach_grad()
    with autograd.record(train_mode=train_mode):
        y = net(x)
        g = autograd.grad(y, x, create_graph=True, retain_graph=True)[0]
        z = (g * g).sum()
    z.backward()
    return y.asnumpy(), g.asnumpy(), x.grad.asnumpy()


@pytest.mark.parametrize("train_mode", [False, True])
def test_create_graph_through_hybridized_dropout_draws_the_same_numbers(train_mode):
    hybrid, plain = second_derivative(True, train_mode), second_derivative(False, train_mode)
    for ours, expected in zip(hybrid, plain):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)
    assert ((hybrid[1] == 0) == (hybrid[0] == 0)).all()
    assert (hybrid[0] == 0).any() == train_mode


def test_repeating_leaves_the_generator_where_it_was():
    after = []
    for hybridize in (False, True):
        second_derivative(hybridize, True)
        after.append(nd.random.uniform(shape=5).asnumpy())
    assert np.array_equal(*after)
