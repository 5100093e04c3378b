"""Executors: forward, backward, gradient requests, auxiliary states, identity of the arrays."""

import numpy as np
import pytest

import gemel as mx


def bound(symbol, request="write", **arrays):
    arguments = {name: mx.nd.array(value) for name, value in arrays.items()}
    gradients = {name: mx.nd.zeros(value.shape) for name, value in arguments.items()}
    return symbol.bind(mx.cpu(), arguments, gradients, request)


def product():
    return mx.sym.elemwise_mul(mx.sym.var("a"), mx.sym.var("b"))


def test_forward_and_backward():
    executor = bound(product(), a=[1, 2, 3], b=[4, 5, 6])
    outputs = executor.forward(is_train=True)
    assert outputs[0].asnumpy().tolist() == [4, 10, 18]
    executor.backward([mx.nd.array([1, 10, 100])])
    assert executor.grad_dict["a"].asnumpy().tolist() == [4, 50, 600]
    assert executor.grad_dict["b"].asnumpy().tolist() == [1, 20, 300]


def test_head_gradient_may_be_an_array():
    executor = bound(product(), a=[1, 2], b=[4, 5])
    executor.forward(is_train=True)
    executor.backward(mx.nd.ones((2,)))
    assert executor.grad_arrays[0].asnumpy().tolist() == [4, 5]


def test_requests():
    executor = bound(product(), {"a": "add", "b": "null"}, a=[1, 2], b=[4, 5])
    for _ in range(3):
        executor.forward(is_train=True)
        executor.backward([mx.nd.ones((2,))])
    assert executor.grad_dict["a"].asnumpy().tolist() == [12, 15]
    assert executor.grad_dict["b"].asnumpy().tolist() == [0, 0]


def test_simple_bind():
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=4, name="fc")
    executor = net.simple_bind(mx.cpu(), data=(2, 3))
    assert sorted(executor.arg_dict) == ["data", "fc_bias", "fc_weight"]
    assert executor.arg_dict["fc_weight"].shape == (4, 3)
    assert executor.arg_dict["fc_weight"].asnumpy().sum() == 0
    assert [array.shape for array in executor.arg_arrays] == [(2, 3), (4, 3), (4,)]
    assert executor.output_dict["fc_output"].shape == (2, 4)
    executor = net.simple_bind(mx.cpu(), grad_req="null", data=(2, 3))
    assert executor.grad_arrays == [None] * 3


def test_simple_bind_types():
    net = mx.sym.exp(mx.sym.var("x"))
    executor = net.simple_bind(mx.cpu(), type_dict={"x": "float64"}, x=(2,))
    assert executor.arg_dict["x"].dtype == np.float64
    assert executor.forward()[0].dtype == np.float64


def test_arrays_are_the_users():
    a, b = mx.nd.array([1, 2]), mx.nd.array([3, 4])
    executor = product().bind(mx.cpu(), [a, b])
    a[:] = 10
    assert executor.forward()[0].asnumpy().tolist() == [30, 40]
    executor.arg_dict["b"][:] = 1
    assert b.asnumpy().tolist() == [1, 1]


def test_outputs_stay_the_same_arrays():
    executor = bound(product(), a=[1, 2], b=[3, 4])
    first = executor.forward()[0]
    executor.arg_dict["a"][:] = 5
    executor.forward()
    assert executor.outputs[0].asnumpy().tolist() == [15, 20]
    assert first.asnumpy().tolist() == [15, 20]


def test_forward_takes_new_values():
    executor = bound(product(), a=[1, 2], b=[3, 4])
    assert executor.forward(a=mx.nd.array([2, 2]))[0].asnumpy().tolist() == [6, 8]


def test_batch_norm_updates_its_statistics_in_training_only():
    net = mx.sym.BatchNorm(mx.sym.var("x"), fix_gamma=False, momentum=0.9, eps=1e-5, name="bn")
    executor = net.simple_bind(mx.cpu(), x=(4, 2))
    values = np.array([[1, 10], [2, 20], [3, 30], [6, 20]], dtype=np.float32)
    executor.arg_dict["x"][:] = values
    executor.arg_dict["bn_gamma"][:] = 1
    executor.aux_dict["bn_moving_var"][:] = 1
    executor.forward(is_train=False)[0].wait_to_read()
    assert executor.aux_dict["bn_moving_mean"].asnumpy().tolist() == [0, 0]
    output = executor.forward(is_train=True)[0].asnumpy()
    deviation = np.sqrt(values.var(axis=0) + 1e-5)
    np.testing.assert_allclose(
        output, (values - values.mean(axis=0)) / deviation, rtol=1e-4, atol=1e-5
    )
    executor.backward([mx.nd.ones((4, 2))])
    mean, variance = (
        executor.aux_dict[name].asnumpy() for name in ("bn_moving_mean", "bn_moving_var")
    )
    np.testing.assert_allclose(mean, 0.1 * values.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(variance, 0.9 + 0.1 * values.var(axis=0), rtol=1e-5)


def test_softmax_output_ignores_the_head_gradient():
    net = mx.sym.SoftmaxOutput(mx.sym.var("x"), name="s")
    executor = net.simple_bind(mx.cpu(), x=(2, 3))
    executor.arg_dict["s_label"][:] = [0, 2]
    output = executor.forward(is_train=True)[0].asnumpy()
    executor.backward()
    expected = output - np.array([[1, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(executor.grad_dict["x"].asnumpy(), expected, rtol=1e-5)


def test_one_variable_used_twice():
    a = mx.sym.var("a")
    executor = bound(mx.sym.elemwise_mul(a, a) + a, a=[1, 2, 3])
    executor.forward(is_train=True)
    executor.backward([mx.nd.ones((3,))])
    assert executor.grad_dict["a"].asnumpy().tolist() == [3, 5, 7]


def test_output_that_is_an_argument():
    a = mx.sym.var("a")
    executor = bound(mx.sym.Group([a, mx.sym.exp(a)]), a=[0, 0])
    outputs = executor.forward(is_train=True)
    assert outputs[0].asnumpy().tolist() == [0, 0]
    executor.backward([mx.nd.array([5, 5]), mx.nd.array([1, 1])])
    assert executor.grad_dict["a"].asnumpy().tolist() == [6, 6]


def test_copy_params_from():
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=2, name="fc")
    executor = net.simple_bind(mx.cpu(), data=(1, 2))
    executor.copy_params_from({"fc_weight": mx.nd.array([[1, 2], [3, 4]])})
    assert executor.arg_dict["fc_weight"].asnumpy().tolist() == [[1, 2], [3, 4]]
    with pytest.raises(ValueError):
        executor.copy_params_from({"other": mx.nd.ones((1,))})
    executor.copy_params_from({"other": mx.nd.ones((1,))}, allow_extra_params=True)


def test_shapes_that_do_not_fit():
    with pytest.raises(mx.base.MXNetError):
        product().bind(mx.cpu(), {"a": mx.nd.ones((2,)), "b": mx.nd.ones((3,))}).forward()
    with pytest.raises((mx.base.MXNetError, ValueError)):
        product().bind(mx.cpu(), {"a": mx.nd.ones((2,))})
    with pytest.raises(RuntimeError):
        product().simple_bind(mx.cpu(), a=(2,), b=(3,))


def test_eval():
    result = product().eval(ctx=mx.cpu(), a=mx.nd.array([2]), b=mx.nd.array([3]))
    assert isinstance(result, list) and result[0].asscalar() == 6
