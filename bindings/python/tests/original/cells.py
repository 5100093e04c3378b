"""Recurrent cells and layers as cases of layers.py."""
import numpy as np
from layers import Case


def _cell(name, *args, **kwargs):
    return lambda mx: getattr(mx.gluon.rnn, name)(*args, **kwargs)


def _contrib(name, *args, **kwargs):
    return lambda mx: getattr(mx.gluon.contrib.rnn, name)(*args, **kwargs)


def _step(cell, inputs):
    return cell(inputs[0], list(inputs[1:]))


def _unroll(length, **kwargs):
    def call(cell, inputs):
        return cell.unroll(length, inputs[0], **kwargs)
    return call


def _unroll_from(length, **kwargs):
    def call(cell, inputs):
        return cell.unroll(length, inputs[0], begin_state=list(inputs[1:]), **kwargs)
    return call


def _unroll_lengths(length, **kwargs):
    def call(cell, inputs):
        return cell.unroll(length, inputs[0], valid_length=inputs[1], **kwargs)
    return call


def _stack(mx, name="SequentialRNNCell"):
    rnn = mx.gluon.rnn
    stack = getattr(rnn, name)()
    with stack.name_scope():
        stack.add(rnn.LSTMCell(3))
        stack.add(rnn.DropoutCell(0.))
        stack.add(rnn.GRUCell(2))
    return stack


def _bidirectional(mx):
    rnn = mx.gluon.rnn
    return rnn.BidirectionalCell(rnn.LSTMCell(2, prefix="l_"), rnn.GRUCell(2, prefix="r_"))


def _layer(name, *args, **kwargs):
    return lambda mx: getattr(mx.gluon.rnn, name)(*args, **kwargs)


def _with_states(layer, inputs):
    return layer(inputs[0], list(inputs[1:]))


LENGTHS = np.array([2, 3], "float32")
MASKED = {"needs": ("SequenceMask", "SequenceReverse"), "gradients": 1}
LAYER = {"needs": "RNN", "symbol": False}
CASES = {
    "rnn_cell": Case(_cell("RNNCell", 3), (2, 4), (2, 3), call=_step),
    "rnn_cell_relu": Case(_cell("RNNCell", 3, activation="relu", input_size=4), (2, 4), (2, 3),
                          call=_step),
    "lstm_cell": Case(_cell("LSTMCell", 3), (2, 4), (2, 3), (2, 3), call=_step),
    "lstm_cell_activations": Case(_cell("LSTMCell", 3, activation="relu",
                                        recurrent_activation="softsign"), (2, 4), (2, 3), (2, 3),
                                  call=_step),
    "gru_cell": Case(_cell("GRUCell", 3), (2, 4), (2, 3), call=_step),
    "unroll": Case(_cell("LSTMCell", 3), (2, 3, 4), call=_unroll(3)),
    "unroll_merged": Case(_cell("GRUCell", 3), (2, 3, 4), call=_unroll(3, merge_outputs=True)),
    "unroll_tnc": Case(_cell("RNNCell", 3), (3, 2, 4), (2, 3),
                       call=_unroll_from(3, layout="TNC", merge_outputs=True)),
    "unroll_lengths": Case(_cell("LSTMCell", 3), (2, 3, 4), LENGTHS,
                           call=_unroll_lengths(3, merge_outputs=True), **MASKED),
    "unroll_lengths_list": Case(_cell("GRUCell", 3), (3, 2, 4), LENGTHS,
                                call=_unroll_lengths(3, layout="TNC", merge_outputs=False),
                                **MASKED),
    "stack": Case(_stack, (2, 3, 4), call=_unroll(3, merge_outputs=True)),
    "hybrid_stack": Case(lambda mx: _stack(mx, "HybridSequentialRNNCell"), (2, 3, 4),
                         call=_unroll(3, merge_outputs=True)),
    "stack_lengths": Case(_stack, (2, 3, 4), LENGTHS, call=_unroll_lengths(3, merge_outputs=True),
                          **MASKED),
    "bidirectional": Case(_bidirectional, (2, 3, 4), call=_unroll(3, merge_outputs=True)),
    "bidirectional_list": Case(_bidirectional, (3, 2, 4), call=_unroll(3, layout="TNC")),
    "bidirectional_lengths": Case(_bidirectional, (2, 3, 4), LENGTHS,
                                  call=_unroll_lengths(3, merge_outputs=True),
                                  **MASKED),
    "residual": Case(lambda mx: mx.gluon.rnn.ResidualCell(mx.gluon.rnn.GRUCell(4)), (2, 3, 4),
                     call=_unroll(3)),
    "residual_lengths": Case(lambda mx: mx.gluon.rnn.ResidualCell(mx.gluon.rnn.GRUCell(4)),
                             (2, 3, 4), LENGTHS, call=_unroll_lengths(3), **MASKED),
    "dropout_cell": Case(_cell("DropoutCell", 0.), (2, 3, 4), call=_unroll(3)),
    "zoneout": Case(lambda mx: mx.gluon.rnn.ZoneoutCell(mx.gluon.rnn.RNNCell(3), 0., 0.),
                    (2, 3, 4), call=_unroll(3)),
    "variational_dropout": Case(
        lambda mx: mx.gluon.contrib.rnn.VariationalDropoutCell(mx.gluon.rnn.RNNCell(3)),
        (2, 3, 4), call=_unroll(3)),
    "lstmp": Case(_contrib("LSTMPCell", 3, 2), (2, 3, 4), call=_unroll(3)),
    "conv1d_rnn": Case(_contrib("Conv1DRNNCell", (2, 5), 3, 3, 3, i2h_pad=1), (1, 2, 2, 5),
                       call=_unroll(2)),
    "conv2d_lstm": Case(_contrib("Conv2DLSTMCell", (2, 4, 5), 3, (3, 2), (3, 1)), (1, 2, 2, 4, 5),
                        call=_unroll(2)),
    "conv2d_gru": Case(_contrib("Conv2DGRUCell", (2, 4, 5), 2, 3, 3, i2h_pad=1,
                                activation="relu"), (1, 2, 2, 4, 5), call=_unroll(2)),
    "conv3d_lstm": Case(_contrib("Conv3DLSTMCell", (2, 3, 2, 3), 2, 1, 1), (1, 2, 2, 3, 2, 3),
                        call=_unroll(2)),
    # Layers.
    "rnn_layer": Case(_layer("RNN", 3, input_size=5), (4, 2, 5), **LAYER),
    "rnn_layer_tanh": Case(_layer("RNN", 3, 2, activation="tanh", input_size=5), (4, 2, 5),
                           (2, 2, 3), call=_with_states, **LAYER),
    "lstm_layer": Case(_layer("LSTM", 3, 2), (4, 2, 5), **LAYER),
    "lstm_layer_ntc": Case(_layer("LSTM", 3, layout="NTC", bidirectional=True), (2, 4, 5),
                           (2, 2, 3), (2, 2, 3), call=_with_states, **LAYER),
    "gru_layer": Case(_layer("GRU", 3, 2, bidirectional=True), (4, 2, 5), **LAYER),
    "gru_layer_states": Case(_layer("GRU", 3), (4, 2, 5), (1, 2, 3), call=_with_states, **LAYER),
    "lstm_projection": Case(_layer("LSTM", 3, projection_size=2), (4, 2, 5), train=False,
                            **LAYER),
}
