"""autograd.get_symbol."""

import numpy as np
import pytest

import gemel as mx
from gemel import autograd, nd


def test_symbol_computes_what_was_recorded():
    x, w = nd.array([1, 2]), nd.array([3, 4])
    x.attach_grad()
    w.attach_grad()
    with autograd.record():
        y = nd.exp(x) * 2 + w + nd.ones(2)
    symbol = autograd.get_symbol(y)
    assert symbol.list_arguments() == ["var0", "var1", "null2"]
    assert symbol.get_internals().list_outputs() == [
        "var0", "node_0_output", "node_1_output", "var1", "node_2_output", "null2", "node_3_output"]
    assert symbol.attr_dict() == {"node_1": {"scalar": "2"}}
    (again,) = symbol.eval(var0=x, var1=w, null2=nd.ones(2))
    np.testing.assert_allclose(again.asnumpy(), y.asnumpy())


def test_variable_is_its_own_symbol():
    x = nd.ones(2)
    x.attach_grad()
    assert autograd.get_symbol(x).list_outputs() == ["var0"]


def test_arrays_that_were_not_recorded():
    with pytest.raises(mx.MXNetError, match="not part of a computation graph"):
        autograd.get_symbol(nd.ones(2))
