"""Errors of NDArray are exceptions of the right kind, and nothing else is harmed."""

import numpy as np
import pytest

import gemel as mx


def test_error_classes():
    assert issubclass(mx.base.MXNetError, RuntimeError)
    assert mx.MXNetError is mx.base.MXNetError


def test_asscalar_of_several_elements():
    with pytest.raises(ValueError):
        mx.nd.ones((2,)).asscalar()
    with pytest.raises((TypeError, ValueError)):
        float(mx.nd.ones((2,)))


def test_truth_of_several_elements():
    with pytest.raises(ValueError):
        bool(mx.nd.ones((2,)))


def test_copyto_of_another_shape():
    with pytest.raises((mx.base.MXNetError, ValueError)):
        mx.nd.ones((2,)).copyto(mx.nd.zeros((3,))).wait_to_read()


def test_set_of_another_shape():
    array = mx.nd.zeros((2, 3))
    with pytest.raises((mx.base.MXNetError, ValueError)):
        array[:] = np.zeros((4, 3))
        array.wait_to_read()


def test_dot_shapes():
    with pytest.raises(mx.base.MXNetError) as caught:
        mx.nd.dot(mx.nd.ones((2, 3)), mx.nd.ones((4, 5))).wait_to_read()
    assert "dot" in str(caught.value)


def test_types_do_not_mix():
    with pytest.raises((mx.base.MXNetError, TypeError)) as caught:
        mx.nd.elemwise_add(mx.nd.ones((2,)), mx.nd.ones((2,), dtype="float64")).wait_to_read()
    assert "float64" in str(caught.value) and "float32" in str(caught.value)


def test_argument_of_a_wrong_kind():
    with pytest.raises((TypeError, AssertionError, mx.base.MXNetError)):
        mx.nd.exp("text")


def test_no_hash_surprise():
    array = mx.nd.ones((1,))
    assert {array: 1}[array] == 1


def test_the_process_goes_on():
    good = mx.nd.ones((3,))
    for _ in range(3):
        with pytest.raises(mx.base.MXNetError):
            mx.nd.dot(good, mx.nd.ones((7, 2))).wait_to_read()
    assert (good + 1).asnumpy().tolist() == [2, 2, 2]
    mx.nd.waitall()
