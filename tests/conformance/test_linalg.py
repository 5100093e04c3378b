"""`mx.nd.linalg`: identities on batches, gradients of symmetric arguments, errors."""

import numpy as np
import pytest

import gemel as mx

LINALG = mx.nd.linalg


def drawn(*shape, seed=0):
    return np.random.RandomState(seed).uniform(-1, 1, shape)


def positive(*batch, n=4, seed=0):
    a = drawn(*batch, n, n, seed=seed)
    return a @ np.swapaxes(a, -1, -2) + n * np.eye(n)


def array(values):
    return mx.nd.array(values, dtype="float64")


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_cholesky(batch):
    a = positive(*batch)
    factor = LINALG.potrf(array(a))
    np.testing.assert_allclose(factor.asnumpy(), np.linalg.cholesky(a), rtol=1e-12)
    np.testing.assert_allclose(LINALG.potri(factor).asnumpy(), np.linalg.inv(a), rtol=1e-9)
    half = LINALG.sumlogdiag(factor).asnumpy().reshape(batch)
    np.testing.assert_allclose(2 * half, np.linalg.slogdet(a)[1], rtol=1e-12)


@pytest.mark.parametrize("n", [1, 3, 70])
def test_inverse_and_determinants(n):
    a = drawn(2, n, n) + 2 * np.eye(n)
    np.testing.assert_allclose(LINALG.inverse(array(a)).asnumpy(), np.linalg.inv(a), rtol=1e-8)
    np.testing.assert_allclose(LINALG.det(array(a)).asnumpy(), np.linalg.det(a), rtol=1e-9)
    sign, logarithm = LINALG.slogdet(array(a))
    np.testing.assert_allclose(sign.asnumpy(), np.linalg.slogdet(a)[0])
    np.testing.assert_allclose(logarithm.asnumpy(), np.linalg.slogdet(a)[1], rtol=1e-9)


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 5), (1, 4)])
def test_lq(shape):
    a = drawn(*shape)
    q, l = LINALG.gelqf(array(a))
    np.testing.assert_allclose((l.asnumpy() @ q.asnumpy()), a, atol=1e-12)
    rows = q.asnumpy() @ np.swapaxes(q.asnumpy(), -1, -2)
    np.testing.assert_allclose(rows, np.broadcast_to(np.eye(shape[-2]), rows.shape), atol=1e-12)
    assert (np.triu(l.asnumpy(), 1) == 0).all()


def test_lq_example():
    """The signs of 1.9.1's documentation."""
    q, l = LINALG.gelqf(mx.nd.array([[1.0, 2, 3], [4, 5, 6]]))
    np.testing.assert_allclose(
        l.asnumpy(), [[-3.74165739, 0], [-8.55235974, 1.96396101]], rtol=1e-5
    )
    np.testing.assert_allclose(q.asnumpy()[1], [0.87287156, 0.21821789, -0.43643578], rtol=1e-5)


@pytest.mark.parametrize("batch", [(), (3,)])
def test_symmetric_eigenvalues(batch):
    a = positive(*batch)
    u, l = LINALG.syevd(array(a))
    values, vectors = l.asnumpy(), u.asnumpy()
    np.testing.assert_allclose(values, np.linalg.eigvalsh(a), rtol=1e-10)
    np.testing.assert_allclose(vectors @ a, values[..., None] * vectors, atol=1e-9)
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(-1)[..., None], -1)
    assert (largest > 0).all()


def symmetric_gradient(function, a, step=1e-6):
    """d f(A) along E + E' for each pair, by differences."""
    n = len(a)
    result = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            e = np.zeros((n, n))
            e[i, j] += 0.5
            e[j, i] += 0.5
            result[i, j] = (function(a + step * e) - function(a - step * e)) / (2 * step)
    return result


HEADS = drawn(4, 4, seed=5)


@pytest.mark.parametrize("name", ["potrf", "syevd"])
def test_gradient_of_a_symmetric_matrix(name):
    a = positive()

    def loss(x):
        result = getattr(LINALG, name)(x)
        parts = result if isinstance(result, (list, tuple)) else [result]
        heads = [HEADS, HEADS[0]]
        return sum((part * array(head)).sum() for part, head in zip(parts, heads))

    x = array(a)
    x.attach_grad()
    with mx.autograd.record():
        y = loss(x)
    y.backward()
    gradient = (x.grad.asnumpy() + x.grad.asnumpy().T) / 2
    expected = symmetric_gradient(lambda values: loss(array(values)).asscalar(), a)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


def test_triangles():
    a = array(np.arange(9.0).reshape(3, 3))
    assert LINALG.extracttrian(a).asnumpy().tolist() == [0, 3, 4, 6, 7, 8]
    assert LINALG.extracttrian(a, lower=False).asnumpy().tolist() == [0, 1, 4, 2, 5, 8]
    assert LINALG.extracttrian(a, offset=1).asnumpy().tolist() == [1, 2, 5]
    for attributes in ({"lower": False}, {"offset": 1}, {"offset": -1}, {}):
        vector = LINALG.extracttrian(a, **attributes)
        again = LINALG.extracttrian(LINALG.maketrian(vector, **attributes), **attributes)
        assert again.asnumpy().tolist() == vector.asnumpy().tolist()
    assert LINALG.extractdiag(LINALG.makediag(a, offset=-2), offset=-2).shape == (3, 3)


def test_determinant_of_a_singular_matrix():
    a = array([[1.0, 2], [2, 4]])
    a.attach_grad()
    with mx.autograd.record():
        y = LINALG.det(a)
    y.backward()
    assert y.asscalar() == 0 and (a.grad.asnumpy() == 0).all()


@pytest.mark.parametrize(
    "name, values, message",
    [
        ("potrf", [[1.0, 2], [2, 1]], "not positive definite"),
        ("inverse", [[1.0, 2], [2, 4]], "has no inverse"),
    ],
)
def test_impossible(name, values, message):
    with pytest.raises(mx.base.MXNetError, match=message):
        getattr(LINALG, name)(array(values)).asnumpy()


def test_symbols_have_the_same_functions():
    names = {name for name in dir(LINALG) if not name.startswith("_")}
    assert len(names) == 17
    assert names == {name for name in dir(mx.sym.linalg) if not name.startswith("_")}
    y = mx.sym.linalg.gemm2(mx.sym.var("a"), mx.sym.var("b"), transpose_b=True)
    assert y.infer_shape(a=(2, 3, 4), b=(2, 5, 4))[1] == [(2, 3, 5)]
