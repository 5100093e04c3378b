"""row_sparse and csr arrays against NumPy and results of 1.9.1."""
import copy
import operator
import pathlib
import pickle

import numpy as np
import pytest

import gemel as mx

nd, sp = mx.nd, mx.nd.sparse
DENSE = np.array([[0, 1, 0], [2, 0, 3], [0, 0, 0], [4, 0, 0]], np.float32)
ROWS = np.array([[0, 0], [1, 2], [0, 0], [3, 4], [0, 0]], np.float32)


def csr(dtype="float32"):
    return sp.csr_matrix((np.array([1, 2, 3, 4], dtype), [1, 0, 2, 0], [0, 1, 3, 3, 4]), shape=(4, 3))


def rows(dtype="float32"):
    return sp.row_sparse_array((np.array([[1, 2], [3, 4]], dtype), [1, 3]), shape=(5, 2))


def check(found, expected, stype):
    assert isinstance(found, nd.NDArray) and found.stype == stype and found.shape == np.shape(expected)
    if stype != "default":
        found.check_format()
    np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-6)


def test_parts():
    matrix, array = csr(), rows()
    assert matrix.data.asnumpy().tolist() == [1, 2, 3, 4] and matrix.indices.asnumpy().tolist() == [1, 0, 2, 0]
    assert matrix.indptr.asnumpy().tolist() == [0, 1, 3, 3, 4] and matrix.indices.dtype == np.int64
    assert array.data.shape == (2, 2) and array.indices.asnumpy().tolist() == [1, 3]
    assert (matrix.stype, matrix.shape, matrix.ndim, len(matrix), matrix.dtype) == ("csr", (4, 3), 2, 4, np.float32)
    assert isinstance(matrix, sp.CSRNDArray) and isinstance(array, sp.RowSparseNDArray)
    assert repr(matrix) == "\n<CSRNDArray 4x3 @cpu(0)>" and repr(array) == "\n<RowSparseNDArray 5x2 @cpu(0)>"
    assert not hasattr(array, "indptr")
    with pytest.raises(NotImplementedError):
        matrix.size


def test_creation():
    for source in (DENSE, DENSE.tolist(), nd.array(DENSE), csr()):
        check(sp.csr_matrix(source), DENSE, "csr")
    check(sp.csr_matrix(([1, 2, 3], ([0, 1, 1], [1, 0, 2])), shape=(4, 3), dtype="float32"),
          DENSE * (DENSE < 4), "csr")
    assert sp.csr_matrix(([1, 2], [0, 1], [0, 1, 2])).shape == (2, 2)
    assert sp.csr_matrix((4, 3), dtype="int32").dtype == np.int32
    assert sp.csr_matrix((np.array([1.0]), [0], [0, 1])).dtype == np.float64
    for source in (ROWS, nd.array(ROWS), rows()):
        check(sp.row_sparse_array(source), ROWS, "row_sparse")
    assert sp.row_sparse_array(([[1, 2], [3, 4]], [1, 3])).shape == (4, 2)
    assert sp.row_sparse_array((5, 2, 3)).shape == (5, 2, 3)
    for stype in ("csr", "row_sparse"):
        for zeros in (sp.zeros(stype, (2, 3)), sp.empty(stype, (2, 3)), nd.zeros((2, 3), stype=stype),
                      nd.empty((2, 3), stype=stype)):
            check(zeros, np.zeros((2, 3)), stype)
    assert sp.zeros("default", (2, 3)).stype == "default"
    check(sp.array(csr()), DENSE, "csr")
    check(nd.array(csr()), DENSE, "csr")
    for wrong in (lambda: sp.csr_matrix(np.zeros((2, 2, 2))), lambda: sp.csr_matrix(3), lambda: sp.array(DENSE),
                  lambda: sp.zeros("foo", (2, 3)), lambda: csr().tostype("row_sparse"), lambda: rows().tostype("csr"),
                  lambda: sp.csr_matrix(csr(), shape=(2, 2)), lambda: sp.csr_matrix(([1], [0], [0, 1, 2, 3]), (1, 1))):
        with pytest.raises(ValueError):
            wrong()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint16"])
def test_conversions(dtype):
    for stype in ("csr", "row_sparse"):
        dense = nd.array(DENSE, dtype=dtype)
        for cast in (dense.tostype(stype), nd.cast_storage(dense, stype), nd.cast_storage(dense, stype=stype)):
            check(cast, DENSE, stype)
            assert cast.dtype == np.dtype(dtype).type
            check(cast.tostype("default"), DENSE, "default")
            check(nd.cast_storage(cast, "default"), DENSE, "default")
            assert cast.tostype(stype) is cast
    assert csr().astype("int32").dtype == np.int32
    same = csr()
    assert same.astype("float32", copy=False) is same


def test_copies():
    target = nd.zeros((4, 3))
    assert csr().copyto(target) is target
    np.testing.assert_array_equal(target.asnumpy(), DENSE)
    for source in (csr(), nd.array(DENSE)):
        check(source.copyto(sp.zeros("csr", (4, 3))), DENSE, "csr")
    assert csr().copyto(mx.cpu(1)).context == mx.cpu(1) and csr().as_in_context(mx.cpu(1)).data.ctx == mx.cpu(1)
    with pytest.raises(TypeError):
        csr().copyto(rows())
    for same in (pickle.loads(pickle.dumps(csr())), copy.deepcopy(csr()), csr().copy(), csr().detach()):
        check(same, DENSE, "csr")
    array = rows()
    array[:] = 3
    check(array, np.full((5, 2), 3), "row_sparse")
    array[:] = rows()
    check(array, ROWS, "row_sparse")
    with pytest.raises(ValueError):
        csr()[:] = 1


def test_slices():
    check(csr()[1], DENSE[1:2], "csr")
    check(csr()[-1], DENSE[3:], "csr")
    check(csr()[1:3], DENSE[1:3], "csr")
    check(csr()[3:1], DENSE[3:1], "csr")
    check(csr().slice((0, 1), (2, 3)), DENSE[0:2, 1:3], "csr")
    check(nd.take(csr(), nd.array([1, 0])), DENSE[[1, 0]], "csr")
    assert rows()[:].shape == (5, 2)
    for key in (slice(0, 4, 2), (1, 2), [0, 1]):
        with pytest.raises(ValueError):
            csr()[key]
    with pytest.raises(IndexError):
        csr()[4]
    with pytest.raises(Exception, match="not implemented"):
        rows()[0]
    with pytest.raises(sp.NotSupportedForSparseNDArray):
        csr().reshape((2, 6))


def test_arithmetic():
    check(csr() + csr(), 2 * DENSE, "csr")
    check(csr() - csr() * 3, -2 * DENSE, "csr")
    check(csr() * csr(), DENSE ** 2, "csr")
    check(rows() + rows(), 2 * ROWS, "row_sparse")
    check(sp.add(rows(), rows()), 2 * ROWS, "row_sparse")
    check(nd.add_n(rows(), rows(), rows()), 3 * ROWS, "row_sparse")
    check(2 * csr() / 4, DENSE / 2, "csr")
    check(-rows(), -ROWS, "row_sparse")
    check(csr() + 1, DENSE + 1, "default")
    check(1 - csr(), 1 - DENSE, "default")
    check(csr() + nd.array(DENSE), 2 * DENSE, "default")
    check(nd.array(DENSE) - csr(), 0 * DENSE, "default")
    check(csr() * nd.array(DENSE + 1), DENSE * (DENSE + 1), "csr")
    check(rows() * nd.array(ROWS), ROWS ** 2, "row_sparse")
    check(nd.broadcast_mul(csr(), nd.array([[1, 2, 3]])), DENSE * [1, 2, 3], "csr")
    check(nd.broadcast_div(csr(), nd.array([[1], [2], [3], [4]])), DENSE / [[1], [2], [3], [4]], "csr")
    check(csr() > 1, DENSE > 1, "csr")
    check(csr() == csr(), DENSE == DENSE, "default")
    check(csr() ** 2, DENSE ** 2, "default")
    matrix = csr()
    before = matrix
    matrix += csr()
    assert matrix is before
    check(matrix, 2 * DENSE, "csr")
    with pytest.raises(TypeError):
        csr() + nd.array(DENSE, dtype="float64")


@pytest.mark.parametrize("name, stype", [
    ("sqrt", "csr"), ("square", "csr"), ("abs", "csr"), ("sign", "csr"), ("sin", "csr"), ("log1p", "csr"),
    ("relu", "csr"), ("zeros_like", "csr"), ("identity", "csr"), ("exp", "default"), ("cos", "default")])
def test_functions(name, stype):
    function = getattr(np, name, None) if name not in ("relu", "identity") else lambda x: x
    check(getattr(nd, name)(csr()), function(DENSE), stype)


def test_other_operators_meet_the_dense_values():
    assert nd.sum(csr()).asscalar() == 10 and csr().max().asscalar() == 4
    check(nd.mean(csr(), axis=0), DENSE.mean(0), "default")
    check(nd.softmax(csr()), nd.softmax(nd.array(DENSE)).asnumpy(), "default")
    check(nd.concat(csr(), csr(), dim=0), np.concatenate([DENSE] * 2), "csr")
    check(nd.concat(rows(), rows(), dim=0), np.concatenate([ROWS] * 2), "default")
    check(nd.FullyConnected(csr(), nd.ones((2, 3)), no_bias=True, num_hidden=2), DENSE @ np.ones((3, 2)), "default")
    check(nd.clip(csr(), 0, 2), DENSE.clip(0, 2), "csr")
    check(nd.clip(csr(), a_min=1, a_max=2), DENSE.clip(1, 2), "default")
    check(csr().T, DENSE.T, "default")
    out = sp.zeros("csr", (4, 3))
    assert nd.elemwise_add(csr(), csr(), out=out) is out
    check(out, 2 * DENSE, "csr")


@pytest.mark.parametrize("scalar, kept", [
    (0, "+ - > < !="), (1, "> >= =="), (-1, "< <= ==")])
def test_scalars_decide_whether_zeros_stay(scalar, kept):
    functions = {"+": operator.add, "-": operator.sub, ">": operator.gt, ">=": operator.ge, "<": operator.lt,
                 "<=": operator.le, "==": operator.eq, "!=": operator.ne}
    for name, function in functions.items():
        for array, dense in ((csr(), DENSE), (rows(), ROWS)):
            check(function(array, scalar), function(dense, scalar), array.stype if name in kept.split() else "default")


def test_dot():
    check(nd.dot(csr(), nd.array(DENSE.T)), DENSE @ DENSE.T, "default")
    check(nd.dot(csr(), nd.array(DENSE), transpose_b=True), DENSE @ DENSE.T, "default")
    check(nd.dot(csr(), nd.array(DENSE), transpose_a=True), DENSE.T @ DENSE, "row_sparse")
    check(nd.dot(csr(), nd.array(DENSE), transpose_a=True, forward_stype="default"), DENSE.T @ DENSE, "default")
    check(nd.dot(csr().T, nd.array(DENSE)), DENSE.T @ DENSE, "default")
    check(nd.dot(nd.ones((2, 4)), csr()), np.ones((2, 4)) @ DENSE, "csr")
    check(nd.dot(nd.ones((2, 3)), csr(), transpose_b=True), np.ones((2, 3)) @ DENSE.T, "csr")
    check(sp.dot(csr("float64"), nd.ones((3, 2), dtype="float64")), DENSE @ np.ones((3, 2)), "default")
    with pytest.raises(ValueError):
        nd.dot(csr(), nd.ones((3,)))
    with pytest.raises(ValueError):
        nd.dot(csr(), nd.ones((4, 2)))


def test_a_large_matrix_needs_only_what_it_stores():
    large = sp.csr_matrix((np.ones(3, "float32"), [0, 10**9, 5], [0, 1, 1, 3]), shape=(3, 10**9 + 1))
    assert (large * 2).data.asnumpy().tolist() == [2, 2, 2] and large[2].indices.asnumpy().tolist() == [10**9, 5]
    tall = sp.row_sparse_array((np.ones((2, 2), "float32"), [7, 10**12]), shape=(10**12 + 1, 2))
    assert (tall + tall).data.asnumpy().sum() == 8


def test_gradients_meet_the_dense_values():
    weight = nd.ones((3, 2))
    weight.attach_grad()
    with mx.autograd.record():
        loss = nd.dot(csr(), weight).sum()
    loss.backward()
    np.testing.assert_allclose(weight.grad.asnumpy(), DENSE.sum(0)[:, None] * np.ones((3, 2)))


def test_retain():
    kept = rows().retain(nd.array([0, 3]))
    assert kept.indices.asnumpy().tolist() == [0, 3] and kept.data.asnumpy().tolist() == [[0, 0], [3, 4]]
    assert sp.retain(rows(), nd.array([1])).asnumpy().tolist() == [[0, 0], [1, 2], [0, 0], [0, 0], [0, 0]]


def test_check_format():
    csr().check_format()
    rows().check_format(full_check=False)
    wrong = [sp.csr_matrix(([1, 2], [0, 9], [0, 1, 2]), shape=(2, 2)),
             sp.csr_matrix(([1, 2], [0, 1], [0, 2, 1]), shape=(2, 2)),
             sp.row_sparse_array(([[1, 2], [3, 4]], [1, 7]), shape=(5, 2)),
             sp.row_sparse_array(([[1, 2], [3, 4]], [3, 1]), shape=(5, 2))]
    for array in wrong:
        with pytest.raises(mx.MXNetError):
            array.check_format()


def test_files(tmp_path):
    fixture = pathlib.Path(__file__).parents[1] / "data/params/sparse.nd"
    loaded = nd.load(str(fixture))
    check(loaded["csr"], DENSE, "csr")
    check(loaded["row_sparse"], ROWS, "row_sparse")
    assert loaded["dense"].stype == "default" and loaded["empty"].stype == "csr"
    nd.save(str(tmp_path / "a.nd"), loaded)
    assert (tmp_path / "a.nd").read_bytes() == fixture.read_bytes()
    nd.save(str(tmp_path / "b.nd"), [csr(), nd.ones((2,))])
    first, second = nd.load_frombuffer((tmp_path / "b.nd").read_bytes())
    check(first, DENSE, "csr")
    assert second.shape == (2,)


def test_lazy_updates_touch_stored_rows_only():
    weight, momentum = nd.ones((5, 2)), nd.ones((5, 2))
    nd.sgd_mom_update(weight, rows(), momentum, lr=0.1, momentum=0.9, wd=0.1, out=weight)
    plain, plain_momentum = nd.ones((5, 2)), nd.ones((5, 2))
    nd.sgd_mom_update(plain, nd.array(ROWS), plain_momentum, lr=0.1, momentum=0.9, wd=0.1, out=plain)
    for found, dense in ((weight, plain), (momentum, plain_momentum)):
        np.testing.assert_allclose(found.asnumpy()[[1, 3]], dense.asnumpy()[[1, 3]], rtol=1e-6)
        assert (found.asnumpy()[[0, 2, 4]] == 1).all()


def test_scipy():
    scipy_sparse = pytest.importorskip("scipy.sparse", reason="scipy is not installed")
    assert (csr().asscipy().toarray() == DENSE).all()
    check(sp.csr_matrix(scipy_sparse.csr_matrix(DENSE)), DENSE, "csr")
    check(nd.array(scipy_sparse.csr_matrix(DENSE)), DENSE, "csr")


def test_batches_of_csr_data():
    batches = mx.io.NDArrayIter(data=csr(), label=nd.arange(4), batch_size=2, last_batch_handle="discard")
    found = [batch.data[0].asnumpy() for batch in batches]
    np.testing.assert_array_equal(np.concatenate(found), DENSE)


def test_variables_name_a_storage_type():
    assert mx.sym.var("x", stype="csr").attr("__storage_type__") == "2"
    assert mx.sym.var("x", stype="row_sparse").attr("__storage_type__") == "1"


def test_attach_grad_with_a_storage_type():
    weight = nd.ones((5, 3))
    weight.attach_grad(stype="row_sparse")
    assert weight.grad.stype == "row_sparse" and weight.grad.indices.shape == (0,)
    with mx.autograd.record():
        rows = nd.Embedding(nd.array([1, 3, 3]), weight, input_dim=5, output_dim=3, sparse_grad=True)
    rows.backward()
    assert weight.grad.indices.asnumpy().tolist() == [1, 3]
    assert weight.grad.data.asnumpy().tolist() == [[1, 1, 1], [2, 2, 2]]
    with mx.autograd.record():
        total = (weight * 2).sum()
    total.backward()
    assert weight.grad.stype == "row_sparse"
    assert (weight.grad.asnumpy() == 2).all()
    mx.optimizer.SGD(learning_rate=0.5).update(0, weight, weight.grad, None)
    assert (weight.asnumpy() == 0).all()
    weight.attach_grad()
    assert weight.grad.stype == "default"
    with pytest.raises(ValueError, match="unknown storage type"):
        weight.attach_grad(stype="nope")
