"""What blocks offer beside running: tables, hooks, saved trees, sharing, constants, errors."""
import warnings

import gemel as mx
import numpy as np
import pytest
from gemel import gluon
from gemel.gluon import nn

DATA = mx.nd.array(np.arange(6).reshape(2, 3) / 6)


def stack(**kwargs):
    net = nn.HybridSequential(prefix="net_", **kwargs)
    with net.name_scope():
        net.add(nn.Dense(4, activation="relu"), nn.BatchNorm(), nn.Dense(2))
    return net


def test_summary(capsys):
    net = stack()
    net.initialize()
    net.summary(DATA)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["Layer", "(type)", "Output", "Shape", "Param", "#"]
    assert lines[3].split() == ["Input", "(2,", "3)", "0"]
    assert [line.split() for line in lines[4:8]] == [
        ["Activation-1", "(2,", "4)", "0"], ["Dense-2", "(2,", "4)", "16"],
        ["BatchNorm-3", "(2,", "4)", "16"], ["Dense-4", "(2,", "2)", "10"]]
    assert "   Total params: 42" in lines and "   Non-trainable params: 8" in lines
    net.hybridize()
    with pytest.raises(AssertionError, match="must not be hybridized to print summary"):
        net.summary(DATA)


def test_summary_counts_shared_parameters_once(capsys):
    first = nn.Dense(3, in_units=3)
    net = nn.Sequential()
    net.add(first, nn.Dense(3, in_units=3, params=first.params))
    net.initialize()
    net.summary(DATA)
    assert "Shared params in forward computation graph: 12" in capsys.readouterr().out
    assert len(list(net.collect_params())) == 2


class Pair(gluon.HybridBlock):
    def hybrid_forward(self, F, x):
        return x, [F.sum(x, axis=1)]


def test_summary_of_nested_outputs(capsys):
    block = Pair()
    block.summary(DATA)
    row = next(line for line in capsys.readouterr().out.splitlines() if "Pair-1" in line)
    assert row.split() == ["Pair-1", "(2,", "3),", "[(2,)]", "0"]


@pytest.mark.parametrize("monitor_all", [False, True])
def test_operator_hook(monitor_all):
    net, seen = stack(), []
    net.initialize()
    net.hybridize()
    expected = net(DATA).asnumpy()
    net.register_op_hook(lambda name, operator, array: seen.append((name, operator, array.shape)),
                         monitor_all)
    np.testing.assert_allclose(net(DATA).asnumpy(), expected, rtol=1e-6)
    names = [name for name, _, _ in seen]
    assert (b"net_dense0_fwd_output", b"FullyConnected", (2, 4)) in seen
    assert names[-1] == b"net_dense1_fwd_output"
    assert (names[:3] == [b"net_dense0_fwd_data", b"net_dense0_fwd_weight",
                          b"net_dense0_fwd_bias"]) == monitor_all


def test_a_watched_graph_has_gradients():
    net = stack()
    net.initialize()
    net.hybridize()
    gradients = []
    for watch in (False, True):
        if watch:
            net.register_op_hook(lambda *args: None)
        with mx.autograd.record():
            net(DATA).sum().backward()
        gradients.append(net[0].weight.grad().asnumpy())
    np.testing.assert_allclose(*gradients, rtol=1e-5)


def test_save_and_load(tmp_path):
    net = stack()
    net.initialize()
    net.hybridize()
    expected = net(DATA).asnumpy()
    net.save(str(tmp_path / "m"))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["m-model.json", "m-model.params"]
    other = stack()
    other.load(str(tmp_path / "m"))
    assert other._active and list(other._children) == ["0", "1", "2"]
    np.testing.assert_allclose(other(DATA).asnumpy(), expected, rtol=1e-6)
    with pytest.raises(mx.MXNetError, match="has 3 children"):
        nn.HybridSequential().load(str(tmp_path / "m"))


def test_blocks_in_lists_are_pointed_out():
    class Hidden(gluon.Block):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Dense(2)]
    with pytest.warns(UserWarning, match='"Hidden.layers" is an unregistered container'):
        assert len(Hidden().collect_params()) == 0


def test_optimize_for(tmp_path):
    net = stack()
    net.initialize()
    with pytest.raises(ValueError, match='Must specify "backend"'):
        net.optimize_for(DATA)
    with pytest.warns(UserWarning, match="'any' cannot be found"):
        net.optimize_for(DATA, backend="any")
    assert net.optimize_for(DATA, backend="MKLDNN") is None
    net.export(str(tmp_path / "e"))
    assert (tmp_path / "e-symbol.json").exists()


def test_hybridize_refusals():
    net = stack()
    net.initialize()
    net.hybridize(static_shape=True)
    with pytest.raises(mx.MXNetError, match="static_alloc must be True"):
        net(DATA)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        net()
    net.register_forward_hook(lambda *args: None)
    with pytest.warns(UserWarning, match="still having forward hook"):
        net.hybridize()


def test_row_sparse_questions_to_a_dense_parameter():
    parameter = gluon.Parameter("w", shape=(2, 2))
    for ask in (parameter.row_sparse_data, parameter.list_row_sparse_data):
        with pytest.raises(RuntimeError, match="its storage type is default"):
            ask(mx.nd.array([0]))


def test_parameter_on_two_devices():
    parameter = gluon.Parameter("w", shape=(2,), init="ones")
    parameter.initialize(ctx=[mx.cpu(0), mx.cpu(1)])
    assert parameter.list_ctx() == [mx.cpu(0), mx.cpu(1)] and len(parameter.list_data()) == 2
    with pytest.raises(RuntimeError, match="not initialized on context cpu\\(2\\)"):
        parameter.data(mx.cpu(2))
    parameter.reset_ctx(mx.cpu(1))
    assert parameter.data().context == mx.cpu(1)


def test_constant_refuses_a_gradient():
    constant = gluon.Constant("c", [[1, 2], [3, 4]])
    constant.initialize()
    with pytest.warns(UserWarning, match='new value "write" is ignored'):
        constant.grad_req = "write"
    assert constant.grad_req == "null" and constant.data().shape == (2, 2)
    with pytest.raises(RuntimeError, match="grad_req='null'"):
        constant.grad()


def test_cast():
    net = stack()
    net.initialize()
    net(DATA)
    net.cast("float64")
    assert net(DATA.astype("float64")).dtype == np.float64
    net.cast("float16")
    assert net[0].weight.data().dtype == np.float16
    assert net[1].running_mean.data().dtype == np.float32


def test_download(tmp_path, capsys):
    source = tmp_path / "source.txt"
    source.write_text("text")
    url, target = source.as_uri(), str(tmp_path / "to" / "copy.txt")
    assert gluon.utils.download(url, path=target) == target
    assert open(target).read() == "text"
    digest = "372ea08cab33e71c02c651dbc83a474d32c676ea"
    assert gluon.utils.check_sha1(target, digest)
    source.write_text("other")
    assert gluon.utils.download(url, path=target, sha1_hash=digest) == target  # it is there
    assert open(target).read() == "text"
    with pytest.raises(UserWarning, match="content hash does not match"):
        gluon.utils.download(url, path=str(tmp_path / "x"), sha1_hash=digest, retries=0)
    assert not gluon.utils.check_sha1(str(tmp_path / "x"), digest)
    capsys.readouterr()
    with pytest.raises(OSError):
        gluon.utils.download("http://localhost:1/y", path=str(tmp_path), retries=1)
    assert "retrying, 1 attempt left" in capsys.readouterr().out
    with pytest.raises(AssertionError, match="at least 0"):
        gluon.utils.download(url, retries=-1)


def test_no_warning_without_reason():
    net = stack()
    net.initialize()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.hybridize()
        net(DATA)
        net.collect_params()


@pytest.mark.parametrize("make, message", [
    (lambda: nn.Conv1D(2, 3, layout="NWC"), "Only supports 'NCW' layout for now"),
    (lambda: nn.Conv2DTranspose(2, 3, layout="XX"), "Only supports 'NCHW' and 'NHWC' layout"),
    (lambda: nn.Conv3D(2, (3, 3)), "kernel_size must be a number or a list of 3 ints"),
    (lambda: nn.MaxPool1D(layout="NCHW"), "Only NCW and NWC layouts are valid for 1D Pooling"),
    (lambda: nn.GlobalAvgPool3D(layout="NCHW"), "Only NCDHW and NDHWC layouts are valid for 3D"),
    (lambda: nn.AvgPool2D((2, 2, 2)), "pool_size must be a number or a list of 2 ints"),
    (lambda: nn.LeakyReLU(-1), "must be no less than 0"),
    (lambda: nn.Lambda("no_such"), "is not found in ndarray"),
    (lambda: nn.HybridLambda("no_such"), "is not found in symbol/ndarray"),
])
def test_layers_refuse(make, message):
    with pytest.raises(AssertionError, match=message):
        make()


def test_rows_of_a_sparse_parameter_need_a_trainer():
    parameter = gluon.Parameter("w", shape=(4, 2), stype="row_sparse")
    parameter.initialize()
    for ask in (parameter.row_sparse_data, parameter.list_row_sparse_data):
        with pytest.raises(RuntimeError, match="when no Trainer is created with it"):
            ask(mx.nd.array([0]))


@pytest.mark.parametrize("train_mode", [True, False])
def test_a_hybridized_gradient_is_in_the_mode_of_its_forward(train_mode):
    net = stack()
    net.initialize(mx.init.Xavier())
    net(DATA)
    gradients = []
    for active in (False, True):
        net.hybridize(active)
        with mx.autograd.record(train_mode=train_mode):
            total = (net(DATA) ** 2).sum()
        total.backward(train_mode=train_mode if not active else True)
        gradients.append(net[0].weight.grad().asnumpy())
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-4, atol=1e-6)
