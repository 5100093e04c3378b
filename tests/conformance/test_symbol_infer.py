"""Shape and type inference: forwards, backwards, partial, contradictions."""

import numpy as np
import pytest

import gemel as mx


def dense(**options):
    return mx.sym.FullyConnected(mx.sym.var("data"), name="fc", num_hidden=4, **options)


def test_forward():
    arguments, outputs, auxiliary = dense().infer_shape(data=(2, 3))
    assert arguments == [(2, 3), (4, 3), (4,)]
    assert outputs == [(2, 4)] and auxiliary == []


def test_flatten_of_more_axes():
    assert dense().infer_shape(data=(2, 3, 5))[0][1] == (4, 15)
    assert dense(flatten=False).infer_shape(data=(2, 3, 5))[1] == [(2, 3, 4)]


def test_backward_through_elementwise():
    a, b = mx.sym.var("a"), mx.sym.var("b")
    net = mx.sym.elemwise_add(mx.sym.exp(a), b)
    arguments, outputs, _ = net.infer_shape(b=(2, 3))
    assert arguments == [(2, 3), (2, 3)] and outputs == [(2, 3)]


def test_incomplete_is_none():
    assert dense().infer_shape() == (None, None, None)


def test_partial():
    arguments, outputs, _ = (dense() + mx.sym.exp(mx.sym.var("y"))).infer_shape_partial(data=(2, 3))
    assert arguments[1:3] == [(4, 3), (4,)]
    branches = mx.sym.Group([dense(), mx.sym.exp(mx.sym.var("y"))])
    arguments, outputs, _ = branches.infer_shape_partial(data=(2, 3))
    assert arguments == [(2, 3), (4, 3), (4,), ()]
    assert outputs == [(2, 4), ()]


def test_zero_is_unknown():
    net = mx.sym.elemwise_add(mx.sym.var("a"), mx.sym.var("b"))
    arguments, _, _ = net.infer_shape(a=(0, 3), b=(2, 0))
    assert arguments == [(2, 3), (2, 3)]


def test_shape_attribute_of_a_variable():
    net = mx.sym.exp(mx.sym.var("x", shape=(2, 5)))
    assert net.infer_shape()[1] == [(2, 5)]


def test_batch_norm():
    net = mx.sym.BatchNorm(
        mx.sym.Convolution(mx.sym.var("x"), kernel=(3, 3), num_filter=6, name="c"), name="bn"
    )
    arguments, outputs, auxiliary = net.infer_shape(x=(2, 3, 8, 9))
    assert dict(zip(net.list_arguments(), arguments)) == {
        "x": (2, 3, 8, 9), "c_weight": (6, 3, 3, 3), "c_bias": (6,), "bn_gamma": (6,), "bn_beta": (6,),
    }  # fmt: skip
    assert outputs == [(2, 6, 6, 7)] and auxiliary == [(6,), (6,)]


def test_contradiction_names_the_node():
    net = mx.sym.elemwise_add(mx.sym.var("a"), mx.sym.var("b"), name="total")
    with pytest.raises(mx.base.MXNetError) as caught:
        net.infer_shape(a=(2, 3), b=(2, 4))
    assert "total" in str(caught.value)


def test_label_of_softmax_output():
    net = mx.sym.SoftmaxOutput(mx.sym.var("x"), name="s")
    assert net.infer_shape(x=(5, 3))[0] == [(5, 3), (5,)]


def test_types():
    arguments, outputs, _ = dense().infer_type(data="float64")
    assert arguments == [np.float64] * 3 and outputs == [np.float64]
    cast = mx.sym.Cast(mx.sym.var("x"), dtype="int32")
    assert cast.infer_type(x=np.float16)[1] == [np.int32]


def test_types_backwards():
    net = mx.sym.elemwise_mul(mx.sym.var("a"), mx.sym.var("b"))
    assert net.infer_type(b="float16")[0] == [np.float16, np.float16]


def test_type_contradiction():
    net = mx.sym.elemwise_mul(mx.sym.var("a"), mx.sym.var("b"), name="product")
    with pytest.raises((mx.base.MXNetError, TypeError)):
        net.infer_type(a="float16", b="float32")


def test_batch_norm_keeps_statistics_in_float32():
    net = mx.sym.BatchNorm(mx.sym.var("x"), name="bn")
    arguments, outputs, auxiliary = net.infer_type(x="float16")
    assert arguments == [np.float16, np.float32, np.float32]
    assert outputs == [np.float16] and auxiliary == [np.float32, np.float32]
