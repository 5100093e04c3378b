"""Trainer on several devices, through a store and without one; stale gradients."""
import gemel as mx
import numpy as np
import pytest
from gemel import gluon
from gemel.gluon import nn

DEVICES = [mx.cpu(0), mx.cpu(1)]


def make(devices=None, **kwargs):
    net = nn.Dense(2, in_units=3, prefix="d_")
    net.initialize(mx.init.One(), ctx=devices or DEVICES)
    return net, gluon.Trainer(net.collect_params(), "sgd",
                              {"learning_rate": .1, "momentum": .9}, **kwargs)


def backward(net, devices=None):
    data = mx.nd.array(np.arange(12).reshape(4, 3))
    parts = gluon.utils.split_and_load(data, devices or DEVICES)
    with mx.autograd.record():
        losses = [(net(part) ** 2).sum() for part in parts]
    mx.autograd.backward(losses)


@pytest.mark.parametrize("options, on_store", [
    ({}, True), ({"kvstore": "local"}, True), ({"update_on_kvstore": True}, True),
    ({"update_on_kvstore": False}, False), ({"compression_params": None}, True)])
def test_devices_stay_equal(options, on_store):
    net, trainer = make(**options)
    for _ in range(2):
        backward(net)
        trainer.step(4)
    assert trainer._update_on_kvstore is on_store
    for weight in net.weight.list_data():  # MXNet 1.9.1's values
        np.testing.assert_allclose(weight.asnumpy()[0], [485.11, 559.69, 634.27], rtol=1e-5)


def test_without_a_store_devices_go_their_ways():
    net, trainer = make(kvstore=None)
    for _ in range(2):
        backward(net)
        trainer.step(4)
    first, second = (weight.asnumpy()[0] for weight in net.weight.list_data())
    np.testing.assert_allclose(first, [.7075, .67, .6325], rtol=1e-5)
    np.testing.assert_allclose(second, [391.8475, 442.21, 492.5726], rtol=1e-5)


def test_the_learning_rate_reaches_the_store():
    results = []
    for on_store in (False, True):
        net, trainer = make(update_on_kvstore=on_store)
        for rate in (.1, .01):
            trainer.set_learning_rate(rate)
            backward(net)
            trainer.step(4)
        results.append(net.weight.data(mx.cpu(1)).asnumpy())
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_reduce_and_update_apart():
    net, trainer = make(update_on_kvstore=False)
    backward(net)
    trainer.allreduce_grads()
    assert [one.asnumpy()[0].tolist() for one in net.weight.list_grad()] == [[864, 996, 1128]] * 2
    trainer.update(4)
    np.testing.assert_allclose(net.weight.data(mx.cpu(1)).asnumpy()[0], [-20.6, -23.9, -27.2],
                               rtol=1e-5)
    _, trainer = make()
    for refused in (trainer.allreduce_grads, lambda: trainer.update(1)):
        with pytest.raises(AssertionError, match="not supported. Try setting `update_on_kvstore`"):
            refused()


def test_stale_gradients():
    one = [mx.cpu()]
    net, trainer = make(one)
    with pytest.raises(UserWarning, match="Gradient of Parameter `d_bias` .* has not been updated"):
        trainer.step(1)
    backward(net, one)
    trainer.step(4)
    before = net.weight.data().asnumpy()
    with pytest.raises(UserWarning, match="has not been updated by backward since last `step`"):
        trainer.step(4)
    trainer.step(4, ignore_stale_grad=True)
    np.testing.assert_array_equal(net.weight.data().asnumpy(), before)
    backward(net, one)
    trainer.step(4)
    assert (net.weight.data().asnumpy() != before).all()


def test_stale_gradients_of_a_hybridized_block():
    net, trainer = make([mx.cpu()])
    net.hybridize()
    backward(net, [mx.cpu()])
    trainer.step(4)
    with pytest.raises(UserWarning):
        trainer.step(4)


def test_accumulated_gradients_and_multipliers():
    net = nn.Dense(1, in_units=2, use_bias=False)
    net.initialize(mx.init.One())
    net.weight.grad_req = "add"
    net.weight.lr_mult = .5
    trainer = gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 1., "wd": .1})
    for _ in range(2):
        with mx.autograd.record():
            loss = net(mx.nd.ones((1, 2))).sum()
        loss.backward()
    trainer.step(2)
    np.testing.assert_allclose(net.weight.data().asnumpy(), [[.45, .45]], rtol=1e-6)
    net.collect_params().zero_grad()
    assert net.weight.grad().asnumpy().tolist() == [[0, 0]]


def test_different_devices_and_deferred_parameters_are_refused():
    first, second = nn.Dense(2, in_units=2), nn.Dense(2, in_units=2)
    first.initialize(ctx=mx.cpu(0))
    second.initialize(ctx=mx.cpu(1))
    params = first.collect_params()
    params.update(second.collect_params())
    with pytest.raises(AssertionError, match="must be initialized on the same set of contexts"):
        gluon.Trainer(params, "sgd").step(1)
    deferred = nn.Dense(2)
    deferred.initialize()
    with pytest.raises(gluon.DeferredInitializationError):
        gluon.Trainer(deferred.collect_params(), "sgd").step(1)
