"""`rnn`'s convolutional cells and `contrib.autograd`, as in MXNet 1.9.1."""
import json

import gemel as mx
import numpy as np
import pytest
from gemel.contrib import autograd


@pytest.mark.parametrize("kind, gates, states", [
    (mx.rnn.ConvRNNCell, 1, 1), (mx.rnn.ConvLSTMCell, 4, 2), (mx.rnn.ConvGRUCell, 3, 1)])
def test_convolutional_cells(kind, gates, states):
    cell = kind(input_shape=(1, 3, 8, 8), num_hidden=4)
    assert cell.state_info == [{"shape": (0, 4, 8, 8), "__layout__": "NCHW"}] * states
    outputs, last = cell.unroll(2, [mx.sym.var("a"), mx.sym.var("b")])
    name = cell._prefix
    both = mx.sym.Group(outputs + last)
    assert both.list_arguments() == ["a", *(f"{name}{one}_{what}" for one in ("i2h", "h2h")
                                            for what in ("weight", "bias")), "b"]
    shapes = dict(zip(both.list_arguments(), both.infer_shape(a=(2, 3, 8, 8), b=(2, 3, 8, 8))[0]))
    assert shapes[name + "i2h_weight"] == (4 * gates, 3, 3, 3)
    assert shapes[name + "h2h_weight"] == (4 * gates, 4, 3, 3)
    executor = both.simple_bind(mx.cpu(), a=(2, 3, 8, 8), b=(2, 3, 8, 8))
    for array in executor.arg_arrays:
        array[:] = .1
    results = executor.forward(is_train=True)
    assert results[0].shape == (2, 4, 8, 8) and np.isfinite(results[0].asnumpy()).all()
    np.testing.assert_array_equal(results[1].asnumpy(), results[2].asnumpy())
    executor.backward([mx.nd.ones(one.shape) for one in results])
    assert executor.grad_dict[name + "h2h_weight"].asnumpy().any()


def test_one_step_of_a_cell_by_hand():
    cell = mx.rnn.ConvRNNCell(input_shape=(1, 1, 3, 3), num_hidden=1, activation="tanh")
    output, _ = cell(mx.sym.var("a"), [mx.sym.var("s")])
    values = {name: mx.nd.ones(shape) for name, shape in (
        ("a", (1, 1, 3, 3)), ("s", (1, 1, 3, 3)), ("ConvRNN_i2h_weight", (1, 1, 3, 3)),
        ("ConvRNN_h2h_weight", (1, 1, 3, 3)), ("ConvRNN_i2h_bias", 1), ("ConvRNN_h2h_bias", 1))}
    got = output.bind(mx.cpu(), values).forward()[0].asnumpy()[0, 0]
    np.testing.assert_allclose(got[1, 1], np.tanh(20), rtol=1e-6)
    np.testing.assert_allclose(got[0, 0], np.tanh(10), rtol=1e-6)


def test_sizes_and_names():
    cell = mx.rnn.ConvGRUCell(input_shape=(1, 3, 8, 8), num_hidden=4, i2h_pad=(0, 0), h2h_kernel=(5, 3),
                              h2h_dilate=(2, 1))
    assert cell.state_info[0]["shape"] == (0, 4, 6, 6)
    output, _ = cell(mx.sym.var("a"), cell.begin_state())
    nodes = {node["name"]: node for node in json.loads(output.tojson())["nodes"]}
    assert nodes["ConvGRU_t0_h2h"]["attrs"]["pad"] == "(4, 1)"
    assert nodes["ConvGRU_t0__z_act"]["attrs"] == {"act_type": "sigmoid"}
    assert nodes["ConvGRU_t0__h_act"]["attrs"] == {"act_type": "leaky", "slope": "0.2"}
    with pytest.raises(AssertionError, match="Only support odd number"):
        mx.rnn.ConvRNNCell(input_shape=(1, 3, 8, 8), num_hidden=4, h2h_kernel=(2, 2))


def test_grad_and_loss():
    x, y = mx.nd.array([3.]), mx.nd.array([2.])
    gradients, loss = autograd.grad_and_loss(lambda a, b: a * a * b)(x, y)
    assert [one.asscalar() for one in gradients] == [12, 9] and loss.asscalar() == 18
    assert [one.asscalar() for one in autograd.grad(lambda a, b: a * b, argnum=1)(x, y)] == [3]
    assert len(autograd.grad(lambda a, b: a * b, argnum=[0, 1])(x, y)) == 2
    with pytest.raises(AssertionError, match="should NDArray"):
        autograd.grad(lambda a: a)(3)


def test_sections():
    with autograd.train_section():
        assert mx.autograd.is_recording() and mx.autograd.is_training()
        with autograd.test_section():
            assert not mx.autograd.is_recording()
        assert mx.autograd.is_training()
    assert not mx.autograd.is_recording()
    assert autograd.set_is_training(True) is False and autograd.set_is_training(False) is True
