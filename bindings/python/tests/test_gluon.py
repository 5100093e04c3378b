"""Gluon: names, deferred shapes, hybridize, files, Trainer, losses; as in MXNet 1.9.1."""
import json

import gemel as mx
import numpy as np
import pytest
from gemel import gluon
from gemel.gluon import nn


def small_net(**kwargs):
    net = nn.HybridSequential(**kwargs)
    with net.name_scope():
        net.add(nn.Conv2D(2, 3, activation="relu"), nn.BatchNorm(), nn.Dense(3))
    return net


def test_names_follow_the_scopes():
    net = small_net(prefix="net_")
    assert list(net.collect_params()) == [
        "net_conv0_weight", "net_conv0_bias", "net_batchnorm0_gamma", "net_batchnorm0_beta",
        "net_batchnorm0_running_mean", "net_batchnorm0_running_var", "net_dense0_weight",
        "net_dense0_bias"]
    assert net[0].name == "net_conv0" and net.name == "net"
    output = net(mx.sym.var("data"))
    assert output.get_internals().list_outputs()[3:5] == [
        "net_conv0_fwd_output", "net_conv0_relu_fwd_output"]
    assert output.list_outputs() == ["net_dense0_fwd_output"]


def test_repr():
    net = small_net(prefix="net_")
    assert repr(net).splitlines() == [
        "HybridSequential(",
        "  (0): Conv2D(None -> 2, kernel_size=(3, 3), stride=(1, 1), Activation(relu))",
        "  (1): BatchNorm(axis=1, eps=1e-05, momentum=0.9, fix_gamma=False, "
        "use_global_stats=False, in_channels=None)",
        "  (2): Dense(None -> 3, linear)", ")"]


def test_deferred_initialization():
    layer = nn.Dense(3)
    layer.initialize()
    with pytest.raises(gluon.DeferredInitializationError):
        layer.weight.data()
    assert layer(mx.nd.ones((2, 5))).shape == (2, 3)
    assert layer.weight.shape == (3, 5)
    with pytest.raises(RuntimeError, match="has not been initialized"):
        nn.Dense(3)(mx.nd.ones((2, 5)))


def test_parameter_checks():
    parameter = gluon.Parameter("a", shape=(2, 0))
    with pytest.raises(ValueError, match="invalid shape"):
        parameter.initialize()
    parameter = gluon.Parameter("a", shape=(2, 2), grad_req="null")
    parameter.initialize(mx.init.One())
    with pytest.raises(RuntimeError, match="grad_req='null'"):
        parameter.grad()
    with pytest.raises(AssertionError, match="incompatible"):
        parameter.set_data(mx.nd.ones((2, 3)))
    parameter.set_data(mx.nd.full((2, 2), 3))
    assert parameter.data().asnumpy().tolist() == [[3, 3], [3, 3]]
    parameter.grad_req = "add"
    assert parameter.grad().asnumpy().sum() == 0


def test_parameter_dict():
    params = gluon.ParameterDict("pre_")
    weight = params.get("w", shape=(2, 0))
    assert params.get("w", shape=(2, 3)) is weight and weight.shape == (2, 3)
    with pytest.raises(AssertionError, match="desired '\\(2, 4\\)'"):
        params.get("w", shape=(2, 4))
    assert gluon.ParameterDict("pre_", shared=params).get("w") is weight
    constant = params.get_constant("c", [1., 2.])
    constant.initialize()
    assert constant.data().asnumpy().tolist() == [1, 2]


@pytest.mark.parametrize("hybridize", [False, True])
def test_training_step(hybridize):
    layer = nn.Dense(2, in_units=3)
    layer.initialize(mx.init.One())
    if hybridize:
        layer.hybridize()
    trainer = gluon.Trainer(layer.collect_params(), "sgd",
                            {"learning_rate": .1, "momentum": .9})
    for _ in range(2):
        with mx.autograd.record():
            loss = (layer(mx.nd.ones((4, 3))) ** 2).sum()
        loss.backward()
        trainer.step(4)
    np.testing.assert_allclose(layer.weight.data().asnumpy(), np.full((2, 3), -.26), atol=1e-5)
    np.testing.assert_allclose(layer.bias.data().asnumpy(), [-1.26, -1.26], atol=1e-5)
    assert trainer.learning_rate == .1
    trainer.set_learning_rate(.5)
    assert trainer.learning_rate == .5


def test_trainer_states(tmp_path):
    layer = nn.Dense(2, in_units=3)
    layer.initialize(mx.init.One())
    trainer = gluon.Trainer(layer.collect_params(), "adam")
    with mx.autograd.record():
        loss = layer(mx.nd.ones((4, 3))).sum()
    loss.backward()
    trainer.step(4)
    path = str(tmp_path / "states")
    trainer.save_states(path)
    other = gluon.Trainer(layer.collect_params(), "adam")
    other.load_states(path)
    assert sorted(other._updaters[0].states) == [0, 1]
    assert other.optimizer._index_update_count == {0: 1, 1: 1}


def test_trainer_refusals():
    for params in ("x", [1]):
        with pytest.raises(ValueError, match="First argument must be a list or dict"):
            gluon.Trainer(params, "sgd")
    with pytest.raises(AssertionError, match="must be None if optimizer is an instance"):
        gluon.Trainer([], mx.optimizer.SGD(), {"learning_rate": 1})


def test_hybridized_equals_eager_for_any_shape():
    net = small_net()
    net.initialize(mx.init.Xavier())
    inputs = [mx.nd.array(np.random.rand(n, 1, 5, 5)) for n in (2, 7)]
    eager = [net(one).asnumpy() for one in inputs]
    net.hybridize()
    for one, expected in zip(inputs, eager):
        np.testing.assert_allclose(net(one).asnumpy(), expected, rtol=1e-5, atol=1e-6)


def test_export_and_imports(tmp_path):
    net = small_net(prefix="net_")
    net.initialize()
    with pytest.raises(RuntimeError, match="call block.hybridize"):
        net.export(str(tmp_path / "e"))
    net.hybridize()
    data = mx.nd.array(np.random.rand(2, 1, 5, 5))
    expected = net(data).asnumpy()
    net.export(str(tmp_path / "e"), 3)
    assert sorted(mx.nd.load(str(tmp_path / "e-0003.params"))) == [
        "arg:net_batchnorm0_beta", "arg:net_batchnorm0_gamma", "arg:net_conv0_bias",
        "arg:net_conv0_weight", "arg:net_dense0_bias", "arg:net_dense0_weight",
        "aux:net_batchnorm0_running_mean", "aux:net_batchnorm0_running_var"]
    nodes = json.loads((tmp_path / "e-symbol.json").read_text())["nodes"]
    assert [node["name"] for node in nodes][:4] == [
        "data", "net_conv0_weight", "net_conv0_bias", "net_conv0_fwd"]
    block = gluon.SymbolBlock.imports(str(tmp_path / "e-symbol.json"), ["data"],
                                      str(tmp_path / "e-0003.params"))
    np.testing.assert_allclose(block(data).asnumpy(), expected, rtol=1e-5, atol=1e-6)


def test_save_and_load_parameters(tmp_path):
    net, path = small_net(), str(tmp_path / "p")
    net.initialize()
    data = mx.nd.ones((2, 1, 5, 5))
    expected = net(data).asnumpy()
    net.save_parameters(path)
    assert sorted(mx.nd.load(path)) == [
        "0.bias", "0.weight", "1.beta", "1.gamma", "1.running_mean", "1.running_var", "2.bias",
        "2.weight"]
    other = small_net()
    other.load_parameters(path)
    np.testing.assert_allclose(other(data).asnumpy(), expected, rtol=1e-6)
    wrong = nn.HybridSequential()
    wrong.add(nn.Conv2D(5, 3))
    with pytest.raises(AssertionError, match="shape incompatible"):
        wrong.load_parameters(path, ignore_extra=True)
    with pytest.raises(ValueError, match="is not present"):
        nn.Dense(3).load_parameters(path, allow_missing=True)


class TwoInputs(gluon.HybridBlock):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.layer = nn.Dense(3)
            self.scale = self.params.get("scale", shape=(1, 3), init="ones")

    def hybrid_forward(self, F, x, y=None, scale=None):
        out = F.broadcast_mul(self.layer(x), scale)
        return out, [out * 2] if y is None else [F.broadcast_add(out, y)]


def test_nested_outputs_and_optional_inputs():
    for second in (None, mx.nd.ones((1, 3))):
        block = TwoInputs()
        block.initialize()
        args = (mx.nd.ones((2, 4)),) if second is None else (mx.nd.ones((2, 4)), second)
        first, (last,) = block(*args)
        block.hybridize()
        traced_first, (traced_last,) = block(*args)
        np.testing.assert_allclose(first.asnumpy(), traced_first.asnumpy(), rtol=1e-5)
        np.testing.assert_allclose(last.asnumpy(), traced_last.asnumpy(), rtol=1e-5)


def test_attributes_keep_their_kind():
    block = TwoInputs()
    with pytest.raises(TypeError, match="Changing attribute type"):
        block.layer = 3
    with pytest.raises(ValueError, match="must also be HybridBlock"):
        block.extra = nn.Lambda("relu")


PRED = [[.1, .5, -1.], [2, .3, .2]]
OTHER = [[.2, .4, .1], [0, 1, .3]]


@pytest.mark.parametrize("loss, label, expected", [
    (lambda: gluon.loss.SoftmaxCrossEntropyLoss(), [1, 0], [0.6384007, 0.2986071]),
    (lambda: gluon.loss.SoftmaxCrossEntropyLoss(sparse_label=False), OTHER,
     [0.6768805, 2.6281893]),
    (lambda: gluon.loss.L2Loss(), OTHER, [0.205, 0.75]),
    (lambda: gluon.loss.L1Loss(), OTHER, [0.4333333, 0.9333333]),
    (lambda: gluon.loss.SigmoidBCELoss(), OTHER, [0.6372451, 1.1398073]),
    (lambda: gluon.loss.KLDivLoss(), OTHER, [-1.0386624, -0.7211919]),
    (lambda: gluon.loss.HuberLoss(), OTHER, [0.2033333, 0.5833333]),
])
def test_losses(loss, label, expected):
    values = loss()(mx.nd.array(PRED), mx.nd.array(label)).asnumpy()
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_data_loader():
    data = gluon.data.ArrayDataset(np.arange(10).reshape(5, 2).astype("float32"), np.arange(5))
    batches = list(gluon.data.DataLoader(data, 2))
    assert [one[0].shape for one in batches] == [(2, 2), (2, 2), (1, 2)]
    assert batches[0][1].asnumpy().tolist() == [0, 1]
    loader = gluon.data.DataLoader(data, 2, last_batch="rollover")
    assert [[one[1].asnumpy().tolist() for one in loader] for _ in range(2)] == [
        [[0, 1], [2, 3]], [[4, 0], [1, 2], [3, 4]]]
    np.random.seed(0)
    shuffled = gluon.data.DataLoader(gluon.data.SimpleDataset(list(range(6))), 2, shuffle=True)
    assert [one.asnumpy().tolist() for one in shuffled] == [[5, 2], [1, 3], [0, 4]]
    with pytest.raises(ValueError, match="batch_size must be specified"):
        gluon.data.DataLoader(data)


def test_utilities():
    parts = gluon.utils.split_and_load(mx.nd.ones((5, 2)), [mx.cpu(0), mx.cpu(1)],
                                       even_split=False)
    assert [one.shape for one in parts] == [(3, 2), (2, 2)]
    with pytest.raises(ValueError, match="cannot be evenly split"):
        gluon.utils.split_data(mx.nd.ones((5, 2)), 2)
    arrays = [mx.nd.ones((2, 2)) * 3, mx.nd.ones((1,)) * 4]
    assert gluon.utils.clip_global_norm(arrays, 1.0) == pytest.approx(7.2111025)
    assert arrays[1].asnumpy().tolist() == pytest.approx([0.5547002])


def test_hooks():
    layer, calls = nn.Dense(2, in_units=2), []
    layer.initialize()
    handle = layer.register_forward_hook(lambda block, inputs, out: calls.append(out.shape))
    layer(mx.nd.ones((1, 2)))
    handle.detach()
    layer(mx.nd.ones((1, 2)))
    assert calls == [(1, 2)]
