"""Recurrent cells and layers beside their numbers: layers against cells, states, files, refusals."""
import gemel as mx
import numpy as np
import pytest
from gemel import gluon
from gemel.gluon import contrib, nn, rnn

DATA = mx.nd.array(np.sin(np.arange(2 * 4 * 5)).reshape(4, 2, 5))  # TNC
LAYERS = {"rnn": lambda **kw: rnn.RNN(3, activation="tanh", **kw),
          "lstm": lambda **kw: rnn.LSTM(3, **kw), "gru": lambda **kw: rnn.GRU(3, **kw)}


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", list(LAYERS))
def test_layer_equals_its_cells(kind, bidirectional):
    layer = LAYERS[kind](num_layers=2, bidirectional=bidirectional, input_size=5)
    layer.initialize(mx.init.Normal(.5))
    cells = layer._unfuse()
    states = layer.begin_state(2, func=mx.nd.ones)
    outputs, new_states = layer(DATA, states)
    per_cell = [one[i] for i in range(2 * layer._dir) for one in states]
    expected, cell_states = cells.unroll(4, DATA, begin_state=per_cell, layout="TNC",
                                         merge_outputs=True)
    np.testing.assert_allclose(outputs.asnumpy(), expected.asnumpy(), rtol=1e-4, atol=1e-5)
    count = len(new_states)
    for i, state in enumerate(new_states):
        stacked = np.stack([one.asnumpy() for one in cell_states[i::count]])
        np.testing.assert_allclose(state.asnumpy(), stacked, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", list(LAYERS))
def test_hybridized_layer_in_a_network(kind):
    results = []
    for hybridize in (False, True):
        net = nn.HybridSequential(prefix="net_")
        with net.name_scope():
            net.add(LAYERS[kind](num_layers=2, layout="NTC"), nn.Dense(2, flatten=False))
        net.initialize(mx.init.Constant(.1))
        if hybridize:
            net.hybridize()
        with mx.autograd.record():
            out = net(DATA)
        out.backward()
        assert net[0].l0_i2h_weight.shape[1] == 5
        results.append((out.asnumpy(), net[0].l0_h2h_weight.grad().asnumpy()))
    for one, other in zip(*results):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_layer_files_and_export(tmp_path):
    layer = rnn.LSTM(3, bidirectional=True)
    layer.initialize()
    layer.hybridize()
    expected = layer(DATA).asnumpy()
    path = str(tmp_path / "p")
    layer.save_parameters(path)
    assert list(mx.nd.load(path))[:2] == ["_unfused.0.l_cell.i2h_weight",
                                          "_unfused.0.l_cell.h2h_weight"]
    other = rnn.LSTM(3, bidirectional=True)
    other.load_parameters(path)
    np.testing.assert_allclose(other(DATA).asnumpy(), expected, rtol=1e-5)


def test_layer_states():
    layer = rnn.LSTM(3, num_layers=2)
    layer.initialize()
    assert layer.state_info(5) == [{"shape": (2, 5, 3), "__layout__": "LNC",
                                    "dtype": "float32"}] * 2
    assert isinstance(layer(DATA), mx.nd.NDArray)
    with pytest.raises(ValueError, match=r"Invalid recurrent state shape. Expecting \(2, 2, 3\)"):
        layer(DATA, layer.begin_state(7))
    with pytest.raises(AssertionError, match="Invalid layout CNT"):
        rnn.LSTM(3, layout="CNT")
    with pytest.raises(KeyError, match="rnn_sigmoid"):
        rnn.RNN(3, activation="sigmoid")
    double = rnn.GRU(3, dtype="float64")
    double.initialize()
    assert double(DATA.astype("float64")).dtype == np.float64


def test_hybridized_layer_with_and_without_states():
    layer = rnn.LSTM(3)
    layer.initialize()
    layer.hybridize()
    states = layer.begin_state(2)
    for _ in range(2):
        alone = layer(DATA)
        output, new_states = layer(DATA, states)
        np.testing.assert_array_equal(alone.asnumpy(), output.asnumpy())
        assert [one.shape for one in new_states] == [(1, 2, 3)] * 2


def test_layer_learns():
    mx.random.seed(0)
    net = nn.HybridSequential()
    net.add(rnn.GRU(8), nn.Dense(1, flatten=False))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    target, loss = DATA.sum(axis=2, keepdims=True), gluon.loss.L2Loss()
    trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": .03})
    values = []
    for _ in range(60):
        with mx.autograd.record():
            value = loss(net(DATA), target)
        value.backward()
        trainer.step(4)
        values.append(float(value.mean().asscalar()))
    assert values[-1] < values[0] / 10


def test_cell_states_and_counts():
    cell = rnn.LSTMCell(3, prefix="c_")
    states = cell.begin_state(batch_size=2, func=mx.nd.ones)
    assert [one.shape for one in states] == [(2, 3), (2, 3)]
    assert cell.begin_state(func=mx.sym.var)[0].name == "c_begin_state_2"
    cell.reset()
    assert cell.begin_state(func=mx.sym.var)[0].name == "c_begin_state_0"
    graph, _ = cell.unroll(2, mx.sym.var("data"))
    shapes, _, _ = mx.sym.Group(graph).infer_shape(data=(7, 2, 4))
    assert shapes[0] == (7, 2, 4) and shapes[1] == (12, 4)


def test_a_modified_cell_is_not_called_itself():
    cell = rnn.GRUCell(3)
    modified = rnn.ZoneoutCell(cell, .5, .5)
    with pytest.raises(AssertionError, match="Call the modifier cell instead"):
        cell.begin_state(2)
    assert modified.begin_state(batch_size=2)[0].shape == (2, 3)
    both = rnn.BidirectionalCell(rnn.LSTMCell(2), rnn.LSTMCell(2))
    with pytest.raises(NotImplementedError, match="Bidirectional cannot be stepped"):
        both(1, 2)
    with pytest.raises(AssertionError, match="doesn't support zoneout"):
        rnn.ZoneoutCell(both)
    with pytest.raises(AssertionError, match="rate must be a number"):
        rnn.DropoutCell("a")


@pytest.mark.parametrize("length, inputs, layout", [
    (3, mx.nd.ones((2, 4, 5)), "NTC"), (3, [mx.nd.ones((2, 5))], "NTC"),
    (3, mx.nd.ones((2, 3, 5)), "XX"), (3, None, "NTC")])
def test_unroll_refuses_sequences_that_do_not_fit(length, inputs, layout):
    cell = rnn.RNNCell(3)
    cell.initialize()
    with pytest.raises(AssertionError):
        cell.unroll(length, inputs, layout=layout)


def test_zoneout_keeps_a_share():
    mx.random.seed(0)
    cell = rnn.ZoneoutCell(rnn.RNNCell(500, input_size=1), 0., .5)
    cell.initialize(mx.init.Constant(.001))
    ones = [mx.nd.ones((1, 500))]
    _, (state,) = cell(mx.nd.ones((1, 1)), ones)
    assert (state.asnumpy() != 1).all()  # only while training
    with mx.autograd.record():
        _, (state,) = cell(mx.nd.ones((1, 1)), ones)
    assert .4 < (state.asnumpy() == 1).mean() < .6


@pytest.mark.parametrize("shares", [(.5, 0., 0.), (0., 0., .5), (.3, .3, .3)])
def test_variational_dropout_holds_for_all_steps(shares):
    mx.random.seed(0)
    cell = contrib.rnn.VariationalDropoutCell(rnn.RNNCell(6, input_size=1), *shares)
    cell.initialize(mx.init.Constant(.1))
    inputs = mx.nd.ones((3, 4, 1))
    with mx.autograd.record():
        outputs, _ = cell.unroll(4, inputs, merge_outputs=True)
    if shares[2]:
        zero = outputs.asnumpy() == 0
        assert zero.any() and (zero == zero[:, :1]).all()
    assert repr(cell) == f"VariationalDropoutCell(p_out = {shares[2]}, p_state = {shares[1]})"


def test_convolutional_cell_needs_odd_kernels():
    with pytest.raises(AssertionError, match="Only support odd number"):
        contrib.rnn.Conv2DLSTMCell((1, 4, 4), 2, 3, 2)
    cell = contrib.rnn.Conv2DRNNCell((4, 4, 1), 2, 3, 3, i2h_pad=1, conv_layout="NHWC")
    assert cell.state_info(5) == [{"shape": (5, 4, 4, 2), "__layout__": "NHWC"}]
    assert cell.i2h_weight.shape == (2, 3, 3, 1)
