"""The setting blocked_layouts: networks for inference keep values between convolutions in blocks of
16 channels, and nobody sees it: outputs, shapes, inner outputs and monitored values are as without."""

import re

import numpy as np
import pytest

import gemel as mx


@pytest.fixture
def blocked():
    before = mx.runtime.get_setting("blocked_layouts")
    yield lambda value: mx.runtime.set_setting("blocked_layouts", value)
    mx.runtime.set_setting("blocked_layouts", before)


def convolution(data, name, filters, kernel=3, stride=1, pad=None):
    pad = kernel // 2 if pad is None else pad
    return mx.sym.Convolution(
        data,
        name=name,
        num_filter=filters,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        pad=(pad, pad),
    )


def relu(data):
    return mx.sym.Activation(data, act_type="relu")


def inception(data):
    """Branches of unlike kernels that are joined; one has channels that fill no block."""
    first = relu(convolution(data, "first", 32, 3, 2))
    reduced = relu(convolution(first, "reduced", 24, 1))
    branches = [
        relu(convolution(first, "one", 16, 1)),
        relu(convolution(reduced, "three", 32)),
        relu(convolution(reduced, "five", 16, 5)),
        mx.sym.Pooling(first, kernel=(3, 3), pad=(1, 1), pool_type="max", name="pool"),
    ]
    joined = mx.sym.Concat(*branches, name="joined")
    return mx.sym.Pooling(joined, kernel=(3, 3), stride=(2, 2), pooling_convention="full", name="p")


def residual(data):
    """Sums with a shortcut, batch normalisation that no convolution takes up, an LRN between."""
    a = relu(mx.sym.BatchNorm(convolution(data, "a", 32), name="norm_a", fix_gamma=False))
    b = mx.sym.BatchNorm(convolution(a, "b", 32), name="norm_b")
    total = relu(a + b)
    c = convolution(mx.sym.LRN(total, nsize=5), "c", 48, 3, 2)
    d = mx.sym.sigmoid(mx.sym.BatchNorm(c + convolution(total, "short", 48, 1, 2), name="norm_c"))
    return mx.sym.Pooling(convolution(d, "d", 40, 5), global_pool=True, pool_type="avg", name="g")


def chain(data):
    """Three convolutions that read each other alone."""
    x = data
    for i, filters in enumerate((16, 64, 20)):
        x = relu(convolution(x, f"conv{i}", filters))
    return mx.sym.FullyConnected(x, num_hidden=10, name="dense")


NETWORKS = [inception, residual, chain]


def bind(network, batch=2, size=23, seed=3):
    shape = (batch, 3, size, size + 3)
    executor = network.simple_bind(mx.cpu(), grad_req="null", data=shape)
    random = np.random.RandomState(seed)
    for name, array in sorted({**executor.arg_dict, **executor.aux_dict}.items()):
        values = random.uniform(-1, 1, array.shape)
        if name.endswith(("var", "gamma")):
            values = 0.5 + abs(values)
        elif array.ndim == 4 and name != "data":
            values *= (3 / np.prod(array.shape[1:])) ** 0.5
        array[:] = values
    return executor


def steps(executor):
    return [line.split()[0] for line in executor.debug_str().splitlines() if line]


def values_in_blocks(executor):
    return len(re.findall(r"\(\d+,\d+,\d+,\d+,16\)", executor.debug_str()))


@pytest.mark.parametrize("build", NETWORKS)
@pytest.mark.parametrize("batch", [1, 3])
def test_outputs_are_those_of_plain_arrays(blocked, build, batch):
    network = build(mx.sym.Variable("data"))
    outputs = []
    for value in ("0", "1"):
        blocked(value)
        executor = bind(network, batch)
        outputs.append(executor.forward(is_train=False)[0].asnumpy())
        assert (values_in_blocks(executor) > 0) == (value == "1")
    assert outputs[0].shape == outputs[1].shape
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=2e-5, atol=2e-5)


def test_convolutions_at_the_ends_of_a_chain_read_and_write_plain_arrays(blocked):
    blocked("1")
    executor = bind(chain(mx.sym.Variable("data")))
    executor.forward(is_train=False)
    names = steps(executor)
    assert "_from_blocked" not in names and "_to_blocked" not in names
    assert names.count("_prepared_convolution") == 3
    assert values_in_blocks(executor) == 2


def test_convolutions_read_new_parameters(blocked):
    blocked("1")
    executor = bind(chain(mx.sym.Variable("data")))
    before = executor.forward(is_train=False)[0].asnumpy()
    executor.arg_dict["conv1_weight"][:] *= 2
    after = executor.forward(is_train=False)[0].asnumpy()
    assert abs(after - before).max() > 1e-3
    executor.arg_dict["conv1_weight"][:] /= 2
    np.testing.assert_array_equal(executor.forward(is_train=False)[0].asnumpy(), before)


def test_inner_outputs_are_plain(blocked):
    network = inception(mx.sym.Variable("data"))
    inner = network.get_internals()
    group = mx.sym.Group([inner["joined_output"], inner["pool_output"], network])
    results = []
    for value in ("0", "1"):
        blocked(value)
        results.append([x.asnumpy() for x in bind(group).forward(is_train=False)])
    for plain, got in zip(*results, strict=True):
        assert plain.shape == got.shape
        np.testing.assert_allclose(got, plain, rtol=2e-5, atol=2e-5)


def test_monitored_values_are_plain(blocked):
    network = residual(mx.sym.Variable("data"))
    seen = []
    for value in ("0", "1"):
        blocked(value)
        executor, values = bind(network), {}
        executor.set_monitor_callback(
            lambda name, array, values=values: values.update({name: array.asnumpy()})
        )
        executor.forward(is_train=False)
        seen.append(values)
    assert seen[0].keys() == seen[1].keys()
    for name, plain in seen[0].items():
        assert plain.shape == seen[1][name].shape, name
        np.testing.assert_allclose(seen[1][name], plain, rtol=3e-5, atol=3e-5, err_msg=name)


def test_values_that_winograd_cannot_carry_pass_through(blocked):
    network = chain(mx.sym.Variable("data"))
    outputs = []
    for value in ("0", "1"):
        blocked(value)
        executor = bind(network)
        executor.arg_dict["data"][0, 0, 5, 5] = np.inf
        outputs.append(executor.forward(is_train=False)[0].asnumpy())
    np.testing.assert_array_equal(np.isfinite(outputs[0]), np.isfinite(outputs[1]))
    np.testing.assert_allclose(outputs[1][1], outputs[0][1], rtol=2e-5, atol=2e-5)


def test_training_after_inference_is_the_same_with_and_without(blocked):
    network = inception(mx.sym.Variable("data"))
    gradients = []
    for value in ("0", "1"):
        blocked(value)
        shape = (2, 3, 23, 26)
        executor = network.simple_bind(mx.cpu(), grad_req="write", data=shape)
        random = np.random.RandomState(1)
        for _, array in sorted(executor.arg_dict.items()):
            array[:] = random.uniform(-0.3, 0.3, array.shape)
        executor.forward(is_train=False)
        executor.forward(is_train=True)
        executor.backward(mx.nd.ones(executor.outputs[0].shape))
        gradients.append({k: v.asnumpy() for k, v in executor.grad_dict.items()})
    for name, plain in gradients[0].items():
        np.testing.assert_allclose(gradients[1][name], plain, rtol=1e-4, atol=1e-4, err_msg=name)


def test_a_hybridized_block_runs_in_blocks_too(blocked):
    net = mx.gluon.nn.HybridSequential()
    for filters in (16, 32):
        net.add(mx.gluon.nn.Conv2D(filters, 3, padding=1), mx.gluon.nn.Activation("relu"))
    net.add(mx.gluon.nn.MaxPool2D(2))
    net.initialize(mx.init.Xavier())
    x = mx.nd.random.uniform(-1, 1, (2, 3, 14, 14))
    expected = net(x).asnumpy()
    net.hybridize(static_alloc=True)
    blocked("1")
    np.testing.assert_allclose(net(x).asnumpy(), expected, rtol=2e-5, atol=2e-5)
