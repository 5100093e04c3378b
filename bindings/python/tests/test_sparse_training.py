"""row_sparse gradients and parameters, and sparse samples from text (numbers of MXNet 1.9.1)."""
import gemel as mx
import numpy as np
import pytest
from gemel import autograd, gluon, nd


def trained(optimizer, **parameters):
    """The first column of an embedding after two steps on some rows."""
    net = gluon.nn.Embedding(6, 2, sparse_grad=True)
    net.initialize(mx.init.One())
    trainer = gluon.Trainer(net.collect_params(), optimizer, parameters)
    for rows in ([1, 3, 1], [3, 4]):
        with autograd.record():
            loss = (net(nd.array(rows)) ** 2).sum()
        loss.backward()
        trainer.step(2)
    return net.weight.data().asnumpy()[:, 0]


@pytest.mark.parametrize("lazy, expected", [
    (True, [1, .79, 1, .6931, .89, 1]),
    (False, [.9711, .5931, .9711, .6931, .8721, .9711])])
def test_sgd_updates_stored_rows_only(lazy, expected):
    weight = trained("sgd", learning_rate=.1, wd=.1, momentum=.9, lazy_update=lazy)
    np.testing.assert_allclose(weight, expected, rtol=1e-4)


@pytest.mark.parametrize("lazy, expected", [
    (True, [1, .8999993, 1, .800411, .92558587, 1]),
    (False, [.8004114, .8298667, .8004114, .800411, .81923115, .8004114])])
def test_adam_updates_stored_rows_only(lazy, expected):
    weight = trained("adam", learning_rate=.1, wd=.1, lazy_update=lazy)
    np.testing.assert_allclose(weight, expected, rtol=1e-5)


@pytest.mark.parametrize("optimizer, parameters, expected", [
    ("adagrad", {"learning_rate": .1}, [1, .9, 1, .83310354]),
    ("ftrl", {"learning_rate": .1}, [0, .5996667, 0, .4280583]),
    ("lamb", {}, [1, .9971088, 1, .9965381])])
def test_other_optimizers_take_dense_values(optimizer, parameters, expected):
    np.testing.assert_allclose(trained(optimizer, **parameters)[:4], expected, rtol=1e-4)


def test_gradient_of_an_embedding():
    net = gluon.nn.Embedding(6, 3, sparse_grad=True)
    net.initialize(mx.init.One())
    net.weight.grad_req = "add"
    for rows in ([1, 3, 1], [4]):
        with autograd.record():
            loss = net(nd.array(rows)).sum()
        loss.backward()
    gradient = net.weight.grad()
    assert gradient.stype == net.weight.list_grad()[0].stype == "row_sparse"
    assert gradient.indices.asnumpy().tolist() == [1, 3, 4]
    assert gradient.data.asnumpy().tolist() == [[2] * 3, [1] * 3, [1] * 3]
    assert gluon.utils.clip_global_norm([gradient], 1.) == pytest.approx(18 ** .5)
    assert net.weight.grad().norm().asscalar() == pytest.approx(1, rel=1e-4)
    net.weight.zero_grad()
    assert net.weight.grad().indices.shape == (0,)


def test_row_sparse_parameter():
    weight = gluon.Parameter("w", shape=(5, 2), stype="row_sparse", grad_stype="row_sparse",
                             init=mx.init.One())
    weight.initialize()
    with pytest.raises(RuntimeError, match="no Trainer"):
        weight.row_sparse_data(nd.array([0]))
    trainer = gluon.Trainer([weight], "sgd", {"learning_rate": 1.})
    for dense in (weight.data, weight.list_data):
        with pytest.raises(RuntimeError, match="storage type is row_sparse"):
            dense()
    rows = weight.row_sparse_data(nd.array([3, 0, 3]))
    assert rows.indices.asnumpy().tolist() == [0, 3]
    assert rows.asnumpy()[:, 0].tolist() == [1, 0, 0, 1, 0]
    samples = nd.array([[0, 1, 0, 0, 2.]]).tostype("csr")
    with autograd.record():
        loss = nd.sparse.dot(samples, weight.row_sparse_data(nd.array([1, 4]))).sum()
    loss.backward()
    assert weight.grad().indices.asnumpy().tolist() == [1, 4]
    trainer.step(1)
    assert weight.row_sparse_data(nd.arange(5)).asnumpy()[:, 0].tolist() == [1, 0, 1, 1, -1]
    assert weight.list_row_sparse_data(nd.array([4]))[0].asnumpy()[4].tolist() == [-1, -1]


def test_sparse_embedding_is_saved_and_loaded(tmp_path):
    def made():
        net = gluon.contrib.nn.SparseEmbedding(5, 2)
        net.initialize(mx.init.Uniform())
        gluon.Trainer(net.collect_params(), "adam")
        return net
    first, second = made(), made()
    first.save_parameters(str(tmp_path / "p"))
    second.load_parameters(str(tmp_path / "p"))
    rows = nd.array([0, 1, 2, 3, 4])
    np.testing.assert_array_equal(first(rows).asnumpy(), second(rows).asnumpy())


def test_rows_from_a_store():
    store = mx.kv.create("local")
    store.init("a", nd.arange(10).reshape((5, 2)).tostype("row_sparse"))
    out, other = (nd.sparse.zeros("row_sparse", (5, 2)) for _ in range(2))
    store.row_sparse_pull("a", out=out, row_ids=nd.array([3, 1, 3]))
    assert out.indices.asnumpy().tolist() == [1, 3]
    store.row_sparse_pull("a", out=[out, other], row_ids=[nd.array([1]), nd.array([2])])
    assert out.asnumpy()[:, 0].tolist() == [0, 2, 0, 0, 0]
    assert other.asnumpy()[:, 0].tolist() == [0, 0, 4, 0, 0]
    with pytest.warns(UserWarning, match="is ignored because its value is sparse"):
        store.pull("a", out=out)
    assert out.asnumpy()[1, 0] == 2
    store.pull("a", out=out, ignore_sparse=False)
    assert out.asnumpy()[:, 0].tolist() == [0, 2, 4, 6, 8]
    for target in (nd.zeros((5, 2)), None):
        with pytest.raises((mx.MXNetError, AssertionError)):
            store.row_sparse_pull("a", out=target, row_ids=nd.array([1]))
    store.init("dense", nd.ones((5, 2)))
    with pytest.raises(mx.MXNetError, match="expected value of row_sparse storage"):
        store.row_sparse_pull("dense", out=out, row_ids=nd.array([1]))


SAMPLES = "1.0 0:0.5 2:1.2\n-2.0\n3.0 0:0.6 1:2.4 2:1.2\n4 2:-1.2\n5.0 1:1 3:1\n"


@pytest.fixture
def samples(tmp_path):
    path = tmp_path / "samples"
    path.write_text(SAMPLES)
    return str(path)


def labels_of(iterator):
    return [(batch.label[0].asnumpy().tolist(), batch.pad) for batch in iterator]


def test_libsvm(samples):
    batches = mx.io.LibSVMIter(data_libsvm=samples, data_shape=(4,), batch_size=2)
    assert batches.provide_data[0].shape == (2, 4) and batches.provide_label[0].shape == (2,)
    first = batches.next()
    assert first.data[0].stype == "csr"
    np.testing.assert_allclose(first.data[0].asnumpy(), [[.5, 0, 1.2, 0], [0] * 4], rtol=1e-6)
    batches.reset()
    assert labels_of(batches) == [([1, -2], 0), ([3, 4], 0), ([5, 1], 1)]
    batches.reset()
    assert labels_of(batches) == [([-2, 3], 0), ([4, 5], 0)]


def test_libsvm_parts_and_labels(samples, tmp_path):
    parts = [mx.io.LibSVMIter(data_libsvm=samples, data_shape=(4,), batch_size=1, num_parts=2,
                              part_index=part) for part in range(2)]
    assert [[labels[0] for labels, _ in labels_of(part)] for part in parts] == [[1, -2, 3], [4, 5]]
    label = tmp_path / "labels"
    label.write_text("0 0:1\n0\n0 1:2\n0 0:3\n0 1:4\n")
    both = mx.io.LibSVMIter(data_libsvm=samples, data_shape=(4,), batch_size=5,
                            label_libsvm=str(label), label_shape=(2,))
    assert both.next().label[0].asnumpy().tolist() == [[1, 0], [0, 0], [0, 2], [3, 0], [0, 4]]


@pytest.mark.parametrize("text", ["1 4:2\n", "1 x:2\n", "", "1 2\n", "x 1:2\n", "1 2:1 0:1\n"])
def test_libsvm_damaged(text, tmp_path):
    path = tmp_path / "damaged"
    path.write_text(text)
    with pytest.raises(mx.MXNetError, match="damaged"):
        mx.io.LibSVMIter(data_libsvm=str(path), data_shape=(4,), batch_size=1)


def test_libsvm_needs_round_batches(samples):
    with pytest.raises(mx.MXNetError, match="round_batch"):
        mx.io.LibSVMIter(data_libsvm=samples, data_shape=(4,), batch_size=1, round_batch=False)
