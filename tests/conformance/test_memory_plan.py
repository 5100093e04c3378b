"""executor.memory_plan(): known before anything runs; sharing more never costs more."""

import gemel as mx
import pytest

MODES = ("naive", "inplace", "coshare", "both")


def perceptron():
    net = mx.sym.var("data")
    for number, size in enumerate((128, 64)):
        net = mx.sym.FullyConnected(net, num_hidden=size, name=f"fc{number}")
        net = mx.sym.Activation(net, act_type="relu")
    return mx.sym.SoftmaxOutput(
        mx.sym.FullyConnected(net, num_hidden=10, name="last"), name="softmax"
    )


def chain():
    net = mx.sym.var("data")
    for _ in range(12):
        net = mx.sym.exp(mx.sym.negative(net))
    return net


def convolutional():
    net = mx.sym.var("data")
    for filters in (4, 8):
        net = mx.sym.Convolution(net, kernel=(3, 3), num_filter=filters)
        net = mx.sym.BatchNorm(net)
        net = mx.sym.Activation(net, act_type="tanh")
        net = mx.sym.Pooling(net, kernel=(2, 2), stride=(2, 2), pool_type="max")
    return mx.sym.SoftmaxOutput(
        mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=10), name="softmax"
    )


NETWORKS = {
    "perceptron": (perceptron, (32, 784)),
    "chain": (chain, (64, 256)),
    "convolutional": (convolutional, (4, 1, 20, 20)),
}


def plan_of(name, request):
    network, shape = NETWORKS[name]
    return network().simple_bind(mx.cpu(), grad_req=request, data=shape).memory_plan()


@pytest.mark.parametrize("request_", ["write", "null"])
@pytest.mark.parametrize("name", NETWORKS)
def test_order(name, request_):
    plan = plan_of(name, request_)
    assert sorted(plan) == sorted(MODES)
    assert plan["both"] <= plan["inplace"] <= plan["naive"]
    assert plan["both"] <= plan["coshare"] <= plan["naive"]
    assert all(isinstance(size, int) and size >= 0 for size in plan.values())


def test_a_network_shares():
    plan = plan_of("convolutional", "null")
    assert 0 < plan["both"] < plan["naive"]


def test_training_needs_more_than_inference():
    for name in ("perceptron", "convolutional"):
        assert plan_of(name, "null")["both"] <= plan_of(name, "write")["both"]


def test_a_plan_grows_with_the_batch():
    small = perceptron().simple_bind(mx.cpu(), data=(8, 784)).memory_plan()
    large = perceptron().simple_bind(mx.cpu(), data=(64, 784)).memory_plan()
    assert all(small[mode] < large[mode] for mode in MODES)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_timeline_stays_below_the_plan(name):
    network, shape = NETWORKS[name]
    executor = network().simple_bind(mx.cpu(), data=shape)
    for mode in MODES:
        steps = executor.memory_timeline(mode)
        assert steps
        assert max(size for _, size in steps) <= executor.memory_plan()[mode]


def test_the_plan_is_the_same_after_a_run():
    executor = perceptron().simple_bind(mx.cpu(), data=(8, 784))
    before = executor.memory_plan()
    executor.forward(is_train=True)
    executor.backward()
    mx.nd.waitall()
    assert executor.memory_plan() == before


def test_debug_str_names_the_total():
    text = perceptron().simple_bind(mx.cpu(), data=(8, 784)).debug_str()
    assert "Total" in text and "MB allocated" in text
