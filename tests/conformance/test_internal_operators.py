"""Operators behind functions of the front end: constants, copies, running sums, grouped updates."""
import gemel as mx
import numpy as np
import pytest

internal = mx.nd._internal


def test_set_value_fills_the_given_array():
    array = mx.nd.zeros((2, 3), dtype="int32")
    internal._set_value(src=3.5, out=array)
    np.testing.assert_array_equal(array.asnumpy(), np.full((2, 3), 3))
    with pytest.raises(mx.base.MXNetError, match="_set_value"):
        internal._set_value(src=3)


def test_zeros_without_dtype_take_the_type_of_their_readers():
    zeros = mx.sym._internal._zeros_without_dtype(shape=(0, 3))
    total = zeros + mx.sym.var("x", dtype="float64")
    assert total.infer_shape(x=(4, 3))[1] == [(4, 3)]
    assert total.eval(x=mx.nd.ones((4, 3), dtype="float64"))[0].dtype == np.float64
    with pytest.raises(mx.base.MXNetError, match="99 is no number of an element type"):
        internal._zeros_without_dtype(shape=(2,), dtype=99)


@pytest.mark.parametrize("arguments", [(0, 1, 5), (0, 1, 5, False), (5, 1, 4), (2, 3, 1), (0, 1, 0)])
def test_linspace_is_numpys(arguments):
    expected = np.linspace(*arguments).astype("float32")
    np.testing.assert_array_equal(mx.nd.linspace(*arguments).asnumpy(), expected)
    if expected.size:
        np.testing.assert_array_equal(mx.sym.linspace(*arguments).eval()[0].asnumpy(), expected)


def test_linspace_refuses_odd_counts():
    for count in (-2, 2.5):
        with pytest.raises(mx.base.MXNetError, match="_linspace.*num"):
            mx.nd.linspace(0, 1, count)


def test_onehot_encode_writes_rows():
    target = mx.nd.ones((3, 3))
    mx.nd.onehot_encode(mx.nd.array([1, 0, 5]), target)
    np.testing.assert_array_equal(target.asnumpy(), [[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    with pytest.raises(mx.base.MXNetError, match="_onehot_encode"):
        mx.nd.onehot_encode(mx.nd.array([1, 0]), target)


def test_cumsum():
    array = mx.nd.array([[1, 2], [3, 4]])
    np.testing.assert_array_equal(mx.nd.cumsum(array).asnumpy(), [1, 3, 6, 10])
    np.testing.assert_array_equal(mx.nd.cumsum(array, axis=-1).asnumpy(), [[1, 3], [3, 7]])
    wrapped = mx.nd.cumsum(mx.nd.array([100, 100], dtype="int8"))
    np.testing.assert_array_equal(wrapped.asnumpy(), np.array([100, -56]))
    assert mx.nd.cumsum(mx.nd.array([1, 2], dtype="int32"), dtype="float64").dtype == np.float64
    tall = np.random.default_rng(0).normal(size=(3, 5, 700))
    np.testing.assert_allclose(mx.nd.cumsum(mx.nd.array(tall, dtype="float64"), axis=1).asnumpy(),
                               tall.cumsum(axis=1))
    assert mx.sym.cumsum(mx.sym.var("x"), axis=0).name.startswith("cumsum")
    with pytest.raises(mx.base.MXNetError, match="cumsum"):
        mx.nd.cumsum(array, axis=2)


def _weights(dtype="float32"):
    return [mx.nd.full((2,), 0.5, dtype=dtype), mx.nd.full((3,), 0.3, dtype=dtype)]


# Results of 1.9.1.
@pytest.mark.parametrize("scale", [1.0, mx.nd.array([1.0])])
def test_multi_adamw(scale):
    results = mx.nd.contrib.multi_adamw_update(
        _weights(), _weights(), _weights(), _weights(), scale, [.1, .2], [.01, .02], [1, 1])
    np.testing.assert_allclose(results[0].asnumpy(), [0.42427164] * 2, rtol=1e-6)
    np.testing.assert_allclose(results[1].asnumpy(), [0.18441714] * 3, rtol=1e-6)


def test_multi_lamb_writes_out_and_states():
    weights, means = _weights(), _weights()
    mx.nd.contrib.multi_lamb_update(weights, _weights(), means, _weights(), [1, 2], [.1, .2],
                                    [.01, .02], out=weights, lower_bound=.1)
    np.testing.assert_allclose(weights[0].asnumpy(), [0.45] * 2, rtol=1e-6)
    np.testing.assert_allclose(weights[1].asnumpy(), [0.24] * 3, rtol=1e-6)
    np.testing.assert_allclose(means[0].asnumpy(), [0.5] * 2, rtol=1e-6)


def test_mixed_precision_forms_update_the_float32_copies():
    half = [_weights("float16") for _ in range(2)]
    copies = _weights()
    updated = mx.nd.contrib.multi_mp_lamb_update(
        *half, _weights(), _weights(), copies, [1, 2], [.1, .2], [.01, .02])
    assert updated[0].dtype == np.float16
    np.testing.assert_allclose(copies[1].asnumpy(), [0.24] * 3, rtol=1e-6)
    copies = _weights()
    mx.nd.contrib.multi_mp_adamw_update(*half, _weights(), _weights(), copies, 1.0, [.1, .2],
                                        [.01, .02], [1, 1])
    np.testing.assert_allclose(copies[0].asnumpy(), [0.42427164] * 2, rtol=1e-3)


def test_grouped_updates_say_what_is_missing():
    with pytest.raises(mx.base.MXNetError, match="expected 8 inputs"):
        mx.nd.contrib.multi_lamb_update(_weights(), _weights()[:1], _weights(), _weights(), [1, 2],
                                        [.1, .2], [.01, .02])
