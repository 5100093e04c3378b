"""`mx.rnn`: names and texts of MXNet 1.9.1, fused cells against their parts, sentences, checkpoints."""
import random

import gemel as mx
import numpy as np
import pytest

rnn = mx.rnn


def flat(values):
    return [leaf for one in values for leaf in flat(one)] \
        if isinstance(values, (list, tuple)) else [values]


def unrolled(cell, length=2, **kwargs):
    outputs, states = cell.unroll(length, mx.sym.var("data"), **kwargs)
    return mx.sym.Group(flat(outputs) + flat(states))


def both_ways():
    return rnn.BidirectionalCell(rnn.LSTMCell(3, prefix="l_"), rnn.RNNCell(2, prefix="r_"))


def stack():
    cells = rnn.SequentialRNNCell()
    for cell in (rnn.LSTMCell(3, prefix="a_"), rnn.DropoutCell(.2), rnn.RNNCell(2, prefix="b_")):
        cells.add(cell)
    return cells


@pytest.mark.parametrize("make, options, outputs", [
    (lambda: rnn.RNNCell(3), {}, ["rnn_t0_out", "rnn_t1_out", "rnn_t1_out"]),
    (lambda: rnn.LSTMCell(3), {"merge_outputs": True}, ["concat0", "lstm_t1_out", "lstm_t1_state"]),
    (lambda: rnn.GRUCell(3), {}, ["gru_t0_out", "gru_t1_out", "gru_t1_out"]),
    (lambda: rnn.ZoneoutCell(rnn.RNNCell(3), .1, .2), {}, ["where0", "where2", "where3"]),
    (lambda: rnn.ResidualCell(rnn.GRUCell(3)), {},
     ["gru_t0_out_plus_residual", "gru_t1_out_plus_residual", "gru_t1_out"]),
    (lambda: rnn.DropoutCell(.3), {}, ["dropout0"]),
    (both_ways, {}, ["bi_t0", "bi_t1", "l_t1_out", "l_t1_state", "r_t1_out"]),
    (both_ways, {"merge_outputs": True, "layout": "TNC"},
     ["bi_out", "l_t1_out", "l_t1_state", "r_t1_out"]),
    (stack, {}, ["b_t0_out", "b_t1_out", "a_t1_out", "a_t1_state", "b_t1_out"]),
    (lambda: rnn.FusedRNNCell(3, mode="gru", prefix="g_"), {"layout": "TNC"}, ["g_rnn"]),
])
def test_names(make, options, outputs):
    with mx.name.NameManager():
        graph = unrolled(make(), **options)
    assert [name.replace("_output", "") for name in graph.list_outputs()] == outputs


def test_arguments_states_and_attributes():
    cell = rnn.LSTMCell(3)
    assert unrolled(cell).list_arguments() == [
        "data", "lstm_i2h_weight", "lstm_i2h_bias", "lstm_h2h_weight", "lstm_h2h_bias"]
    assert cell.state_shape == [(0, 3), (0, 3)] and cell.state_info[0]["__layout__"] == "NC"
    assert cell.params.get("i2h_bias").list_attr()["__init__"] == \
        '["lstmbias", {"forget_bias": 1.0}]'
    fused = rnn.FusedRNNCell(3, 2, bidirectional=True, prefix="f_")
    assert fused.params.get("parameters").list_attr()["__init__"] == (
        '["fusedrnn", {"init": null, "num_hidden": 3, "num_layers": 2, "mode": "lstm", '
        '"bidirectional": true, "forget_bias": 1.0}]')
    assert fused.state_shape == [(4, 0, 3), (4, 0, 3)]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("mode", ["rnn_tanh", "lstm", "gru"])
def test_fused_cell_equals_its_parts(mode, bidirectional):
    fused = rnn.FusedRNNCell(2, 2, mode, bidirectional, prefix="f_", get_next_state=True)
    graph = unrolled(fused, 3, layout="TNC", merge_outputs=True)
    data = np.sin(np.arange(3 * 2 * 4)).reshape(3, 2, 4)
    shapes, _, _ = graph.infer_shape(data=data.shape)
    blob = mx.nd.array(np.sin(np.arange(shapes[1][0])))
    expected = graph.eval(data=mx.nd.array(data), f_parameters=blob)[0].asnumpy()
    unpacked = fused.unpack_weights({"f_parameters": blob})
    np.testing.assert_array_equal(fused.pack_weights(unpacked)["f_parameters"].asnumpy(),
                                  blob.asnumpy())
    cells = fused.unfuse()
    outputs, _ = cells.unroll(3, mx.sym.var("data"), layout="TNC", merge_outputs=True)
    arguments = cells.pack_weights(unpacked)
    got = outputs.eval(data=mx.nd.array(data), **arguments)[0].asnumpy()
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(NotImplementedError, match="cannot be stepped"):
        fused(1, 2)


def test_unpacked_weights():
    cell = rnn.LSTMCell(2, prefix="l_")
    arrays = {"l_i2h_weight": mx.nd.arange(24).reshape((8, 3)), "l_i2h_bias": mx.nd.arange(8),
              "l_h2h_weight": mx.nd.arange(16).reshape((8, 2)), "l_h2h_bias": mx.nd.arange(8)}
    parts = cell.unpack_weights(arrays)
    assert parts["l_i2h_f_weight"].asnumpy().tolist() == [[6, 7, 8], [9, 10, 11]]
    packed = cell.pack_weights(parts)
    assert sorted(packed) == sorted(arrays)
    for name, value in arrays.items():
        np.testing.assert_array_equal(packed[name].asnumpy(), value.asnumpy())


def test_initial_values_of_a_fused_cell():
    cell = rnn.FusedRNNCell(2, 1, prefix="f_", forget_bias=4.)
    blob = mx.nd.zeros((4 * 2 * (3 + 2) + 2 * 4 * 2,))
    own = mx.init.FusedRNN(None, 2, 1, "lstm", forget_bias=4.).dumps()
    mx.init.Constant(3)(mx.init.InitDesc("f_parameters", {"__init__": own}), blob)
    parts = cell.unpack_weights({"f_parameters": blob})
    for name, value in parts.items():
        expected = 4 if name.endswith("f_bias") else 0 if name.endswith("bias") else 3
        assert (value.asnumpy() == expected).all(), name


def test_refusals():
    with pytest.raises(NotImplementedError, match="cannot be stepped"):
        both_ways()(1, 2)
    cell = rnn.LSTMCell(3)
    rnn.ZoneoutCell(cell)
    with pytest.raises(AssertionError, match="Call the modifier cell instead"):
        cell.begin_state()
    for wrong in (both_ways(), rnn.FusedRNNCell(3)):
        with pytest.raises(AssertionError, match="doesn't support zoneout"):
            rnn.ZoneoutCell(wrong)
    with pytest.raises(AssertionError, match="must be a number"):
        rnn.DropoutCell("a")
    with pytest.warns(UserWarning, match="rnn_unroll is deprecated"):
        outputs, _ = rnn.rnn_unroll(rnn.GRUCell(2), 2, input_prefix="x_")
    assert mx.sym.Group(outputs).list_arguments()[0] == "x_t0_data"


def test_encode_sentences():
    assert rnn.encode_sentences([["a", "b"], ["b", "c"]], invalid_label=0, start_label=1) == (
        [[1, 2], [2, 3]], {"\n": 0, "a": 1, "b": 2, "c": 3})
    with pytest.raises(AssertionError, match="Unknown token z"):
        rnn.encode_sentences([["a", "z"]], vocab={"a": 1})
    assert rnn.encode_sentences([["a", "z"]], vocab={"a": 1, "<unk>": 5},
                                unknown_token="<unk>")[0] == [[1, 0]]


def test_buckets():
    random.seed(0)
    np.random.seed(0)
    sentences = [[1, 2, 3], [4, 5], [6, 7, 8], [9, 1, 2, 3], [3, 3]]
    batches = rnn.BucketSentenceIter(sentences, 2, buckets=[3, 5], invalid_label=0)
    assert batches.provide_data[0].shape == (2, 5) and batches.default_bucket_key == 5
    first, second = batches  # the order of MXNet 1.9.1
    assert (first.bucket_key, first.provide_data[0].shape) == (3, (2, 3))
    assert first.data[0].asnumpy().tolist() == [[6, 7, 8], [3, 3, 0]]
    assert first.label[0].asnumpy().tolist() == [[7, 8, 0], [3, 0, 0]]
    assert second.data[0].asnumpy().tolist() == [[4, 5, 0], [1, 2, 3]]
    turned = rnn.BucketSentenceIter(sentences * 3, 2, invalid_label=0, layout="TN")
    assert turned.provide_data[0].shape == (4, 2) and turned.buckets == [2, 3, 4]
    assert next(turned).data[0].shape[1] == 2


def test_checkpoints(tmp_path):
    cell = rnn.GRUCell(2, prefix="g_")
    graph = unrolled(cell)
    shapes, _, _ = graph.infer_shape(data=(1, 2, 3))
    arrays = {name: mx.nd.array(np.random.rand(*shape)) for name, shape
              in zip(graph.list_arguments(), shapes) if name != "data"}
    rnn.do_rnn_checkpoint(cell, str(tmp_path / "m"), period=2)(1, graph, arrays, {})
    assert "arg:g_i2h_r_weight" in mx.nd.load(str(tmp_path / "m-0002.params"))
    loaded, arguments, _ = rnn.load_rnn_checkpoint(cell, str(tmp_path / "m"), 2)
    assert loaded.list_outputs() == graph.list_outputs()
    for name, value in arrays.items():
        np.testing.assert_array_equal(arguments[name].asnumpy(), value.asnumpy())
