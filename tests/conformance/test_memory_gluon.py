"""A hybridized block plans forward and backward pass in one arena, which its calls share."""
import gc
import threading

import gemel as mx
import numpy as np
import pytest
from gemel import autograd, gluon


def block(hybridize=True):
    net = gluon.nn.HybridSequential(prefix="net_")
    with net.name_scope():
        for filters in (8, 16):
            net.add(gluon.nn.Conv2D(filters, 3, padding=1), gluon.nn.BatchNorm(), gluon.nn.Activation("relu"))
        net.add(gluon.nn.MaxPool2D(), gluon.nn.Dense(4))
    net.initialize(mx.init.Xavier(rnd_type="gaussian"))
    if hybridize:
        net.hybridize()
    return net


def images(rows, seed=0):
    return mx.nd.array(np.random.RandomState(seed).uniform(-1, 1, (rows, 3, 16, 16)).astype("float32"))


def twins():
    """A hybridized block and a plain one with the same values."""
    fast, plain = block(), block(hybridize=False)
    for net in (fast, plain):
        net(images(2))
    for one, other in zip(fast.collect_params().values(), plain.collect_params().values(), strict=True):
        other.set_data(one.data())
    return fast, plain


def gradients(net):
    return [param.grad().asnumpy() for param in net.collect_params().values() if param.grad_req != "null"]


def assert_alike(ours, expected):
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def planned_in_use():
    gc.collect()
    mx.nd.waitall()
    return mx.memory.stats()["plan"]["current"]


# ---- values ------------------------------------------------------------------------------------


def test_calls_recorded_before_any_backward_keep_their_values():
    results = []
    for net in twins():
        for param in net.collect_params().values():
            param.grad_req = "add" if param.grad_req != "null" else "null"
        net.collect_params().zero_grad()
        with autograd.record():
            outputs = [net(images(3, seed)) for seed in range(3)]
        net(images(3, 9))  # inference meanwhile
        for place in (1, 2, 0):
            outputs[place].backward(mx.nd.ones((3, 4)) * (place + 1))
        results.append([out.asnumpy() for out in outputs] + gradients(net))
    assert_alike(*results)


def test_a_retained_graph_gives_the_same_again():
    net, _ = twins()
    with autograd.record():
        out = net(images(3))
    seen = []
    for retain in (True, True, False):
        out.backward(retain_graph=retain)
        seen.append(gradients(net))
    for other in seen[1:]:
        for one, again in zip(seen[0], other, strict=True):
            np.testing.assert_array_equal(one, again)
    with pytest.raises(mx.MXNetError, match="retain_graph"):
        out.backward()


def test_chained_calls_and_detached_values():
    results = []
    for net in twins():
        with autograd.record():
            first = net(images(3))
            second = net(images(3, 1) * first.detach().mean())
            loss = (second * first).sum()
        kept = first.asnumpy()
        loss.backward()
        np.testing.assert_array_equal(first.asnumpy(), kept)  # outputs are their holder's
        results.append([kept, second.asnumpy()] + gradients(net))
    assert_alike(*results)


def test_what_is_recorded_outside_of_training_mode():
    results = []
    for net in twins():
        data = images(3)
        data.attach_grad()
        with autograd.record(train_mode=False):
            out = net(data)
        out.backward(train_mode=False)
        results.append([out.asnumpy(), data.grad.asnumpy()] + gradients(net))
    assert_alike(*results)


def test_outputs_without_a_gradient_and_partial_use():
    class Pair(gluon.HybridBlock):
        def hybrid_forward(self, F, x):
            return F.tanh(x) * 2, F.BlockGrad(x), F.exp(x)

    net = Pair()
    net.hybridize()
    data = mx.nd.array([0.5, -1])
    data.attach_grad()
    with autograd.record():
        out = net(data)[0]
    out.backward()
    np.testing.assert_allclose(data.grad.asnumpy(), 2 - 2 * np.tanh([0.5, -1]) ** 2, rtol=1e-5)


def test_threads_train_one_block():
    net, plain = twins()
    inputs = [images(2, seed) for seed in range(8)]
    expected, seen = [], [None] * len(inputs)
    for data in inputs:
        data.attach_grad()
        with autograd.record():
            out = plain(data)
        out.backward()
        expected.append([out.asnumpy(), data.grad.asnumpy()])

    def work(number):
        for place in range(number, len(inputs), 4):
            with autograd.record():
                outs = [net(inputs[place]), net(inputs[place])]
            values = autograd.grad(outs[0], [inputs[place]], retain_graph=True)[0]
            again = autograd.grad(outs[0], [inputs[place]])[0]
            np.testing.assert_array_equal(values.asnumpy(), again.asnumpy())
            seen[place] = [outs[1].asnumpy(), values.asnumpy()]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for ours, wanted in zip(seen, expected, strict=True):
        assert_alike(ours, wanted)


# ---- bytes -------------------------------------------------------------------------------------


def train(net, rows):
    with autograd.record():
        out = net(images(rows))
    out.backward()
    return mx.memory.explain(net).bytes


def test_a_step_takes_what_an_executor_takes():
    net, _ = twins()
    ours = train(net, 8)
    symbol = net(mx.sym.var("data"))
    requests = {name: "null" if name == "data" else "write" for name in symbol.list_arguments()}
    executor = symbol.simple_bind(mx.cpu(), grad_req=requests, data=(8, 3, 16, 16))
    assert ours == mx.memory.explain(executor).bytes


def test_shapes_training_and_evaluation_share_one_arena():
    before = planned_in_use()
    net, plans = block(), []
    net(images(2))
    for rows in (16, 4, 32, 8, 32):
        plans.append(train(net, rows))
        net(images(rows)).wait_to_read()
    # What inference prepared of the weights stays beside the arena, a few KB for each shape.
    assert max(plans) <= planned_in_use() - before <= 1.05 * max(plans)


def test_calls_that_wait_for_backward_have_an_arena_each():
    net, _ = twins()
    plan = train(net, 16)
    one = planned_in_use()
    with autograd.record():
        outs = [net(images(16, seed)) for seed in range(3)]
    assert planned_in_use() - one == pytest.approx(2 * plan, rel=0.01)
    for out in outs:
        out.backward()
    del out, outs
    assert planned_in_use() == pytest.approx(one, rel=0.01)


def test_a_budget_holds_for_the_whole_step():
    net = gluon.nn.HybridSequential()
    for _ in range(8):
        net.add(gluon.nn.Conv2D(32, 3, padding=1), gluon.nn.Activation("tanh"))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    whole = train(net, 32)
    expected = gradients(net)
    before = mx.runtime.get_setting("memory_budget")
    mx.runtime.set_setting("memory_budget", str(int(whole * 0.8)))
    try:
        net.hybridize()  # forgets its plans
        assert train(net, 32) <= 0.8 * whole
    finally:
        mx.runtime.set_setting("memory_budget", before)
    assert_alike(gradients(net), expected)
