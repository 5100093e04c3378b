"""Inference keeps what depends on parameters only, and does more in one step: results stay those of
the graph as it was written, whatever a program does to its parameters between two runs."""

import contextlib

import gemel as mx
import numpy as np
import pytest
from gemel import _core
from gemel.gluon import nn

rng = np.random.RandomState(3)


@contextlib.contextmanager
def setting(name, value, otherwise):
    _core.set_setting(name, value)
    try:
        yield
    finally:
        _core.set_setting(name, otherwise)


def unfused():
    return setting("fusion", "0", "1")


def random(*shape):
    return rng.uniform(-1, 1, shape).astype("float32")


def residual_net():
    data = mx.sym.Variable("data")
    conv = mx.sym.Convolution(data, num_filter=16, kernel=(3, 3), pad=(1, 1), name="c1")
    norm = mx.sym.BatchNorm(conv, fix_gamma=False, name="n1")
    conv = mx.sym.Convolution(
        mx.sym.Activation(norm, act_type="relu"), num_filter=16, kernel=(3, 3), pad=(1, 1),
        no_bias=True, name="c2")  # fmt: skip
    norm = mx.sym.BatchNorm(conv, fix_gamma=True, eps=1e-3, name="n2")
    both = mx.sym.Activation(norm + data, act_type="relu")
    dense = mx.sym.FullyConnected(both, num_hidden=4, name="fc")
    return mx.sym.BatchNorm(dense, fix_gamma=False, name="n3")


def fill(executor):
    for name, array in {**executor.arg_dict, **executor.aux_dict}.items():
        array[:] = random(*array.shape) + (2 if name.endswith(("var", "gamma")) else 0)


def written_out(executor, symbol, **arrays):
    """The outputs by the operators as they stand, one call after the other."""
    with unfused():
        plain = symbol.bind(
            mx.cpu(), {**executor.arg_dict, **arrays}, aux_states=executor.aux_dict)  # fmt: skip
        return plain.forward(is_train=False)[0].asnumpy()


def bound(batch=2, size=24):
    symbol = residual_net()
    executor = symbol.simple_bind(mx.cpu(), grad_req="null", data=(batch, 16, size, size))
    fill(executor)
    return symbol, executor


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5 * np.abs(want).max())


def agree(executor, symbol):
    got = executor.forward(is_train=False)[0].asnumpy()
    close(got, written_out(executor, symbol))
    return got


def test_fused_steps_agree_with_the_graph_as_written():
    symbol, executor = bound()
    first = agree(executor, symbol)
    assert (executor.forward(is_train=False)[0].asnumpy() == first).all()


@pytest.mark.parametrize("name", ["c1_weight", "c1_bias", "n1_gamma", "n2_beta", "fc_weight"])
def test_a_parameter_that_is_written_counts_in_the_next_run(name):
    symbol, executor = bound()
    first = agree(executor, symbol)
    executor.arg_dict[name][:] = random(*executor.arg_dict[name].shape)
    assert (agree(executor, symbol) != first).any()
    executor.arg_dict[name] *= 0.5
    agree(executor, symbol)


@pytest.mark.parametrize("name", ["n1_moving_mean", "n2_moving_var"])
def test_statistics_that_are_written_count_in_the_next_run(name):
    symbol, executor = bound()
    first = agree(executor, symbol)
    executor.aux_dict[name][:] = np.abs(random(16)) + 0.5
    assert (agree(executor, symbol) != first).any()


def test_parameters_copied_in_count():
    symbol, executor = bound()
    first = agree(executor, symbol)
    new = {"c2_weight": mx.nd.array(random(16, 16, 3, 3))}
    executor.copy_params_from(new, allow_extra_params=True)
    assert (agree(executor, symbol) != first).any()
    new["c2_weight"].copyto(executor.arg_dict["c2_weight"])
    agree(executor, symbol)


def test_memory_that_was_handed_out_is_never_trusted():
    symbol, executor = bound()
    weight = executor.arg_dict["c1_weight"]
    agree(executor, symbol)
    numpy_view = np.from_dlpack(weight)
    before = executor.forward(is_train=False)[0].asnumpy()
    numpy_view[...] = random(*weight.shape)
    assert (agree(executor, symbol) != before).any()


def test_borrowed_memory_is_never_trusted():
    symbol, executor = bound()
    raw = random(16, 16, 3, 3)
    arguments = {**executor.arg_dict, "c1_weight": mx.nd.from_numpy(raw, zero_copy=True)}
    other = symbol.bind(mx.cpu(), arguments, grad_req="null", aux_states=executor.aux_dict)
    before = other.forward(is_train=False)[0].asnumpy()
    other.outputs[0].wait_to_read()
    arguments["c1_weight"][:] = arguments["c1_weight"] * 2
    assert (agree(other, symbol) != before).any()


def test_training_between_two_inferences():
    symbol = mx.sym.SoftmaxOutput(residual_net(), name="softmax")
    iterator = mx.io.NDArrayIter(random(8, 16, 12, 12), np.arange(8) % 4, batch_size=4)
    module = mx.mod.Module(symbol)
    module.bind(iterator.provide_data, iterator.provide_label)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer_params={"learning_rate": 0.1})
    batch = next(iterator)
    seen = []
    for _ in range(3):
        module.forward(batch, is_train=False)
        seen.append(module.get_outputs()[0].asnumpy())
        with unfused():
            plain = mx.mod.Module(symbol)
            plain.bind(iterator.provide_data, iterator.provide_label, for_training=False)
            plain.set_params(*module.get_params())
            plain.forward(batch, is_train=False)
        np.testing.assert_allclose(seen[-1], plain.get_outputs()[0].asnumpy(), rtol=1e-4, atol=1e-5)
        module.forward_backward(batch)
        module.update()
    assert (seen[0] != seen[1]).any() and (seen[1] != seen[2]).any()


class Residual(nn.HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.body = nn.HybridSequential()
            self.body.add(
                nn.Conv2D(8, 1, in_channels=8), nn.BatchNorm(), nn.Activation("relu"),
                nn.Conv2D(8, 5, padding=2, groups=2), nn.BatchNorm(scale=False))  # fmt: skip

    def hybrid_forward(self, F, x):
        return F.relu(self.body(x) + x)


def test_hybridized_blocks_follow_their_parameters():
    net = Residual()
    net.initialize(mx.init.Xavier())
    x = mx.nd.array(random(2, 8, 9, 9))
    eager = net(x).asnumpy()
    net.hybridize()
    np.testing.assert_allclose(net(x).asnumpy(), eager, rtol=1e-5, atol=1e-5)
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1})
    for _ in range(2):
        with mx.autograd.record():
            loss = (net(x) ** 2).sum()
        loss.backward()
        trainer.step(2)
        got = net(x).asnumpy()
        net.hybridize(active=False)
        np.testing.assert_allclose(got, net(x).asnumpy(), rtol=1e-4, atol=1e-5)
        net.hybridize()
    before = net(x).asnumpy()
    net.body[0].weight.set_data(mx.nd.array(random(8, 8, 1, 1)))
    assert (net(x).asnumpy() != before).any()


@pytest.mark.parametrize("axis", [1, -1, 3])
@pytest.mark.parametrize("fix_gamma", [True, False])
def test_batch_norm_on_its_own(axis, fix_gamma):
    data = mx.sym.Variable("data")
    symbol = mx.sym.relu(mx.sym.BatchNorm(data, axis=axis, fix_gamma=fix_gamma, eps=0.01, name="n"))
    executor = symbol.simple_bind(mx.cpu(), grad_req="null", data=(2, 5, 4, 6))
    fill(executor)
    agree(executor, symbol)


@pytest.mark.parametrize(
    "layer",
    [
        lambda x: mx.sym.Deconvolution(x, num_filter=6, kernel=(3, 3), name="l"),
        lambda x: mx.sym.Deconvolution(
            x, num_filter=6, kernel=(2, 2), num_group=2, no_bias=False, name="l"),
        lambda x: mx.sym.Convolution(x, num_filter=4, kernel=(3, 3), num_group=4, name="l"),
        lambda x: mx.sym.Convolution(x, num_filter=5, kernel=(1, 1), stride=(2, 2), name="l"),
        lambda x: mx.sym.Convolution(
            x, num_filter=5, kernel=(3, 3), dilate=(2, 2), no_bias=True, name="l"),
        lambda x: mx.sym.FullyConnected(x, num_hidden=5, no_bias=True, name="l"),
        lambda x: mx.sym.FullyConnected(x, num_hidden=5, flatten=False, name="l"),
    ],
)  # fmt: skip
def test_batch_norm_goes_into_what_stands_before_it(layer):
    symbol = mx.sym.BatchNorm(layer(mx.sym.Variable("data")), fix_gamma=False, name="n")
    executor = symbol.simple_bind(mx.cpu(), grad_req="null", data=(2, 4, 7, 8))
    fill(executor)
    agree(executor, symbol)


def test_statistics_that_are_outputs_stay():
    data = mx.sym.Convolution(mx.sym.Variable("data"), num_filter=4, kernel=(3, 3), name="c")
    symbol = mx.sym.BatchNorm(data, output_mean_var=True, name="n")
    executor = symbol.simple_bind(mx.cpu(), grad_req="null", data=(2, 4, 7, 8))
    fill(executor)
    got = executor.forward(is_train=False)
    assert len(got) == 3
    np.testing.assert_array_equal(got[1].asnumpy(), executor.aux_dict["n_moving_mean"].asnumpy())


def test_a_weight_that_two_convolutions_share():
    data, weight = mx.sym.Variable("data"), mx.sym.Variable("weight")
    common = dict(num_filter=16, kernel=(3, 3), pad=(1, 1), no_bias=True)
    first = mx.sym.Convolution(data, weight, name="a", **common)
    first = mx.sym.BatchNorm(first, fix_gamma=False, name="na")
    second = mx.sym.Convolution(mx.sym.relu(first), weight, name="b", **common)
    symbol = mx.sym.BatchNorm(second, fix_gamma=False, name="nb") + second
    executor = symbol.simple_bind(mx.cpu(), grad_req="null", data=(1, 16, 20, 20))
    fill(executor)
    agree(executor, symbol)


def test_outputs_that_others_read_are_kept():
    data = mx.sym.Variable("data")
    conv = mx.sym.Convolution(data, num_filter=4, kernel=(3, 3), name="c")
    symbol = mx.sym.Group([mx.sym.BatchNorm(conv, name="n"), conv, mx.sym.relu(conv)])
    executor = symbol.simple_bind(mx.cpu(), grad_req="null", data=(2, 4, 7, 8))
    fill(executor)
    outputs = [o.asnumpy() for o in executor.forward(is_train=False)]
    with unfused():
        plain = symbol.bind(mx.cpu(), executor.arg_dict, aux_states=executor.aux_dict)
        expected = [o.asnumpy() for o in plain.forward(is_train=False)]
    for got, want in zip(outputs, expected, strict=True):
        close(got, want)


def test_monitors_see_every_operator():
    symbol, executor = bound()
    agree(executor, symbol)
    names = []
    executor.set_monitor_callback(lambda name, array: names.append(name))
    executor.forward(is_train=False)
    assert {"c1_output", "n1_output", "c2_output", "fc_output"} <= set(names)


def test_values_beyond_float32_are_those_of_the_exact_kernels():
    data = mx.sym.Variable("data")
    conv = mx.sym.Convolution(
        data, num_filter=20, kernel=(3, 3), pad=(1, 1), name="c")  # fmt: skip
    symbol = mx.sym.relu(conv + mx.sym.Variable("other"))
    executor = symbol.simple_bind(
        mx.cpu(), grad_req="null", data=(1, 20, 24, 24), other=(1, 20, 24, 24))  # fmt: skip
    fill(executor)
    executor.arg_dict["data"][0, 0, 3, 3] = 1e38
    got = executor.forward(is_train=False)[0].asnumpy()
    want = written_out(executor, symbol)
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)
    executor.arg_dict["data"][0, 0, 3, 3] = np.inf
    got = executor.forward(is_train=False)[0].asnumpy()
    assert np.isinf(got).any()
    np.testing.assert_array_equal(np.isinf(got), np.isinf(written_out(executor, symbol)))


@pytest.mark.parametrize("mode", ["naive", "inplace", "coshare", "both"])
def test_bits_do_not_depend_on_the_memory_plan(mode):
    symbol, executor = bound()
    expected = executor.forward(is_train=False)[0].asnumpy()
    with setting("memory_plan", mode, "both"):
        other = symbol.bind(mx.cpu(), executor.arg_dict, grad_req="null",
                            aux_states=executor.aux_dict)  # fmt: skip
        for _ in range(2):
            assert (other.forward(is_train=False)[0].asnumpy() == expected).all()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("residual", [None, "left", "right"])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize(
    "shape, layer",
    [
        ((2, 16, 7, 9), dict(num_filter=16, kernel=(3, 3), pad=(1, 1))),
        ((1, 20, 26, 26), dict(num_filter=20, kernel=(5, 5), pad=(2, 2))),
        ((2, 32, 6, 6), dict(num_filter=32, kernel=(1, 1))),
        ((2, 16, 9, 9), dict(num_filter=16, kernel=(3, 3), pad=(1, 1), num_group=4)),
        ((2, 16, 9, 9), dict(num_filter=16, kernel=(3, 3), pad=(1, 1), num_group=16)),
        ((2, 3, 8, 8), dict(num_filter=3, kernel=(3, 3), pad=(1, 1))),
        ((2, 16, 11), dict(num_filter=16, kernel=(3,), pad=(1,))),
    ],
)
def test_what_a_convolution_does_as_it_writes(shape, layer, relu, residual, bias):
    data, other = mx.sym.Variable("data"), mx.sym.Variable("other")
    symbol = mx.sym.Convolution(data, no_bias=not bias, name="c", **layer)
    if residual:
        symbol = other + symbol if residual == "left" else symbol + other
    symbol = mx.sym.relu(symbol) if relu else symbol
    shapes = {"data": shape, **({"other": shape} if residual else {})}
    executor = symbol.simple_bind(mx.cpu(), grad_req="null", **shapes)
    fill(executor)
    agree(executor, symbol)
