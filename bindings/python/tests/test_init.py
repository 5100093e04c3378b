"""Initializers: which name gives what, ranges, text forms; as in MXNet 1.9.1."""
import warnings

import gemel as mx
import numpy as np
import pytest


class Seven(mx.init.Initializer):
    def _init_weight(self, name, arr):
        arr[:] = 7


def filled(init, name, shape=(4,), legacy=False):
    array = mx.nd.full(shape, 9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        init(name if legacy else mx.init.InitDesc(name), array)
    return array.asnumpy()


@pytest.mark.parametrize("name, value", [
    ("fc_weight", 7), ("fc_bias", 0), ("bn_gamma", 1), ("bn_beta", 0), ("fc_min", 0),
    ("fc_max", 1)])
def test_names(name, value):
    assert (filled(Seven(), name) == value).all()
    assert (filled(Seven(), name, legacy=True) == value).all()


def test_moving_statistics_only_by_plain_name():
    assert (filled(Seven(), "bn_moving_mean", legacy=True) == 0).all()
    assert (filled(Seven(), "bn_moving_var", legacy=True) == 1).all()
    with pytest.raises(ValueError, match="Unknown initialization pattern for bn_moving_mean"):
        filled(Seven(), "bn_moving_mean")


def test_attribute_goes_first():
    array = mx.nd.zeros((2,))
    Seven()(mx.init.InitDesc("a_bias", {"__init__": '["constant", {"value": 5}]'}), array)
    assert array.asnumpy().tolist() == [5, 5]
    Seven()(mx.init.InitDesc("a_bias", {"__init__": "one"}), array)
    assert array.asnumpy().tolist() == [1, 1]


def test_text_forms():
    assert mx.init.Xavier().dumps() == \
        '["xavier", {"rnd_type": "uniform", "factor_type": "avg", "magnitude": 3}]'
    assert mx.init.MSRAPrelu().dumps() == '["msraprelu", {"factor_type": "avg", "slope": 0.25}]'
    assert mx.init.Zero().dumps() == '["zero", {}]'
    assert mx.init.create('["uniform", {"scale": 0.5}]') == mx.init.Uniform(0.5)


def test_ranges():
    mx.random.seed(1)
    values = filled(mx.init.Xavier(), "w_weight", (100, 50))
    assert np.abs(values).max() <= 0.2 and values.std() == pytest.approx(0.1155, rel=.05)
    values = filled(mx.init.Xavier("gaussian", "in", 2), "w_weight", (100, 50))
    assert values.std() == pytest.approx(0.2, rel=.05)
    values = filled(mx.init.Normal(0.5), "w_weight", (100, 50))
    assert values.std() == pytest.approx(0.5, rel=.05)
    values = filled(mx.init.Uniform(0.3), "w_weight", (100, 50))
    assert np.abs(values).max() <= 0.3 and values.min() < -.28
    rows = filled(mx.init.Orthogonal(), "w_weight", (5, 8))
    assert np.allclose(rows @ rows.T, 2 * np.eye(5), atol=1e-3)


def test_refusals():
    with pytest.raises(ValueError, match="at least 2D"):
        filled(mx.init.Xavier(), "w_weight")
    with pytest.raises(ValueError, match="Unknown random type"):
        filled(mx.init.Xavier("foo"), "w_weight", (2, 3))
    with pytest.raises(ValueError, match="did not match any pattern"):
        mx.init.Mixed(["bias"], [mx.init.Zero()])("w_weight", mx.nd.zeros((2,)))
    with pytest.raises(AssertionError, match="not registered"):
        mx.init.create("no_such_initializer")


def test_mixed_and_load():
    array = mx.nd.zeros((3,))
    mixed = mx.init.Mixed(["bias", ".*"], [mx.init.Zero(), mx.init.One()])
    mixed(mx.init.InitDesc("w_weight"), array)
    assert array.asnumpy().tolist() == [1, 1, 1]
    load = mx.init.Load({"arg:w": mx.nd.full((3,), 4)}, default_init=mx.init.Zero())
    load("w", array)
    assert array.asnumpy().tolist() == [4, 4, 4]
    load(mx.init.InitDesc("c_weight"), array)
    assert array.asnumpy().tolist() == [0, 0, 0]
    with pytest.raises(AssertionError, match="Shape mismatch"):
        load("w", mx.nd.zeros((4,)))


def test_bilinear():
    values = filled(mx.init.Bilinear(), "w_weight", (1, 1, 4, 4))
    assert values[0, 0, 0].tolist() == [0.0625, 0.1875, 0.1875, 0.0625]
    assert values[0, 0, 1].tolist() == [0.1875, 0.5625, 0.5625, 0.1875]
