"""Sections, diagonals, coordinates and histograms, with the results of 1.9.1."""

import numpy as np
import pytest

import gemel as mx

A = np.arange(12, dtype="float32").reshape(3, 4)


def lists(arrays):
    return [array.asnumpy().tolist() for array in arrays]


def test_split():
    a = mx.nd.array(A)
    for found, expected in zip(mx.nd.split_v2(a, (1, 3), axis=1), np.split(A, (1, 3), 1)):
        assert np.array_equal(found.asnumpy(), expected)
    squeezed = mx.nd.split_v2(a, 4, axis=1, squeeze_axis=True)
    assert lists(squeezed) == A.T.tolist()


def test_split_gradient():
    a = mx.nd.array(A)
    a.attach_grad()
    with mx.autograd.record():
        first, _, last = mx.nd.split_v2(a, (1, 3), axis=1)
        loss = (first * 2).sum() + (last * 3).sum()
    loss.backward()
    assert a.grad.asnumpy().tolist() == [[2, 0, 0, 3]] * 3


@pytest.mark.parametrize("k", [-3, -1, 0, 1, 3])
def test_diag(k):
    assert np.array_equal(mx.nd.diag(mx.nd.array(A), k=k).asnumpy(), np.diag(A, k))
    vector = np.array([1.0, 2, 3])
    assert np.array_equal(mx.nd.diag(mx.nd.array(vector), k=k).asnumpy(), np.diag(vector, k))


@pytest.mark.parametrize("axis1, axis2", [(0, 1), (2, 1), (-1, 0)])
def test_diag_of_two_axes(axis1, axis2):
    a = np.random.RandomState(0).rand(3, 4, 5).astype("float32")
    found = mx.nd.diag(mx.nd.array(a), k=1, axis1=axis1, axis2=axis2).asnumpy()
    assert np.array_equal(found, np.diagonal(a, 1, axis1, axis2))


def test_places():
    places = mx.nd.array([7, 9, 0, 11], dtype="int32")
    coordinates = mx.nd.unravel_index(places, shape=(3, 4))
    assert coordinates.asnumpy().tolist() == [[1, 2, 0, 2], [3, 1, 0, 3]]
    again = mx.nd.ravel_multi_index(coordinates, shape=(3, 4))
    assert again.asnumpy().tolist() == places.asnumpy().tolist()


def test_histogram():
    counts, edges = mx.nd.histogram(mx.nd.array(A), bins=3, range=(0, 12))
    assert counts.asnumpy().tolist() == [4, 4, 4] and counts.dtype == np.int64
    assert edges.asnumpy().tolist() == [0, 4, 8, 12]
    counts, edges = mx.nd.histogram(mx.nd.array(A), bins=mx.nd.array([0.0, 4, 11]))
    assert counts.asnumpy().tolist() == [4, 8] and edges.shape == (3,)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_all_finite(bad):
    good, broken = mx.nd.array(A), mx.nd.array(A)
    broken[2, 3] = bad
    assert mx.nd.all_finite(good).asnumpy().tolist() == [1]
    assert mx.nd.all_finite(broken).asnumpy().tolist() == [0]
    assert mx.nd.multi_all_finite(good, broken, num_arrays=2).asscalar() == 0
    seen = mx.nd.zeros(1)
    assert mx.nd.all_finite(good, init_output=False, out=seen).asscalar() == 0
