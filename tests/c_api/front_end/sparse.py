"""Sparse arrays from MXNet's own front end: creation, conversion, operators, files, gradients, updates."""

import os
import pickle
import sys

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

os.environ["MXNET_STORAGE_FALLBACK_LOG_VERBOSE"] = "0"
same = np.testing.assert_array_equal

csr = nd.sparse.csr_matrix(([1.0, 2.0, 3.0], [0, 2, 1], [0, 2, 3]), shape=(2, 3))
rows = nd.sparse.row_sparse_array(([[1.0, 2.0], [3.0, 4.0]], [0, 2]), shape=(4, 2))
dense = np.array([[1, 0, 2], [0, 3, 0]])
dense_rows = np.array([[1, 2], [0, 0], [3, 4], [0, 0]])
assert csr.stype == "csr" and rows.stype == "row_sparse"
assert csr.shape == (2, 3) and csr.dtype == np.float32 and csr.context == mx.cpu(0)
same(csr.asnumpy(), dense)
same(rows.asnumpy(), dense_rows)
same(csr.data.asnumpy(), [1, 2, 3])
same(csr.indices.asnumpy(), [0, 2, 1])
same(csr.indptr.asnumpy(), [0, 2, 3])
same(rows.indices.asnumpy(), [0, 2])
assert csr.indices.dtype == np.int64
csr.check_format()
same(nd.sparse.zeros("csr", (2, 2)).asnumpy(), np.zeros((2, 2)))
same(nd.sparse.zeros("row_sparse", (2, 2)).indices.asnumpy(), [])
assert nd.array(dense).tostype("csr").indices.asnumpy().tolist() == [0, 2, 1]
assert csr.tostype("default").stype == "default"

# Operators.
right = nd.array(np.arange(6).reshape(3, 2))
same(nd.dot(csr, right).asnumpy(), dense @ right.asnumpy())
product = nd.dot(csr, nd.ones((2, 2)), transpose_a=True)
assert product.stype == "row_sparse"
same(product.asnumpy(), dense.T @ np.ones((2, 2)))
assert (csr * 2).stype == "csr" and (rows + rows).stype == "row_sparse" and (csr + nd.ones((2, 3))).stype == "default"
same((csr * 2).asnumpy(), dense * 2)
same((rows + rows).asnumpy(), dense_rows * 2)
same(csr[1:2].asnumpy(), dense[1:2])
assert csr[1:2].stype == "csr"
same(nd.sparse.retain(rows, nd.array([2, 3])).indices.asnumpy(), [2, 3])
same(nd.sum(csr).asnumpy(), [6])
double = csr.astype("float64")
assert double.dtype == np.float64 and double.stype == "csr"
copy = rows.copy()
copy[:] = 0
same(copy.asnumpy(), np.zeros((4, 2)))
copy[:] = rows
same(copy.indices.asnumpy(), [0, 2])
same(rows.asnumpy(), dense_rows)

# Files and pickles.
path = os.path.join(sys.argv[1], "sparse.params")
nd.save(path, {"csr": csr, "rows": rows, "dense": right})
loaded = nd.load(path)
assert {name: array.stype for name, array in loaded.items()} == {
    "csr": "csr", "rows": "row_sparse", "dense": "default"}
same(loaded["rows"].asnumpy(), dense_rows)
same(loaded["csr"].indptr.asnumpy(), [0, 2, 3])
same(pickle.loads(pickle.dumps(csr)).asnumpy(), dense)

# Gradients.
weight = nd.ones((4, 2))
weight.attach_grad(stype="row_sparse")
with autograd.record():
    y = nd.Embedding(nd.array([0, 2, 0]), weight, input_dim=4, output_dim=2, sparse_grad=True)
y.backward()
assert weight.grad.stype == "row_sparse"
same(weight.grad.indices.asnumpy(), [0, 2])
same(weight.grad.data.asnumpy(), [[2, 2], [1, 1]])
w = nd.ones((3, 1))
w.attach_grad(stype="row_sparse")
with autograd.record():
    y = nd.dot(csr, w)
y.backward()
same(w.grad.asnumpy(), dense.sum(0)[:, None])

# Updates touch the stored rows only.
momentum = nd.ones((4, 2))
nd.sgd_mom_update(weight, weight.grad, momentum, lr=0.1, momentum=0.5, wd=1.0, out=weight)
same(momentum.asnumpy()[[1, 3]], np.ones((2, 2)))
same(weight.asnumpy()[[1, 3]], np.ones((2, 2)))
np.testing.assert_allclose(momentum.asnumpy()[0], [0.2, 0.2], rtol=1e-5)

# Layers and trainers.
mx.random.seed(1)
embedding = gluon.nn.Embedding(6, 3, sparse_grad=True)
embedding.initialize(mx.init.One())
for optimizer in ("sgd", "adam", "adagrad"):
    trainer = gluon.Trainer(embedding.collect_params(), optimizer, {"learning_rate": 0.1})
    before = embedding.weight.data().asnumpy()
    with autograd.record():
        loss = (embedding(nd.array([1, 4])) ** 2).sum()
    loss.backward()
    assert embedding.weight.grad().stype == "row_sparse"
    trainer.step(1)
    after = embedding.weight.data().asnumpy()
    same(after[[0, 2, 3, 5]], before[[0, 2, 3, 5]])
    assert (after[[1, 4]] < before[[1, 4]]).all(), optimizer

# The key-value store.
store = mx.kv.create("local")
store.init("rows", rows)
out = nd.sparse.zeros("row_sparse", (4, 2))
store.row_sparse_pull("rows", out=out, row_ids=nd.array([2, 1, 2]))
same(out.asnumpy(), dense_rows * [[0], [1], [1], [0]])
store.push("rows", [rows, rows])
store.row_sparse_pull("rows", out=out, row_ids=nd.array([0, 2]))
same(out.asnumpy(), dense_rows * 2)

# A linear model on csr batches with a row_sparse weight, by Module.
np.random.seed(2)
mx.random.seed(2)
X = (np.random.rand(60, 20) < 0.2) * np.random.randn(60, 20)
Y = (X @ np.random.randn(20) > 0).astype("float32")
w = mx.sym.Variable("weight", shape=(20, 2), stype="row_sparse", init=mx.init.Normal(0.1))
bias = mx.sym.Variable("bias", shape=(2,), init=mx.init.Zero())
network = mx.sym.broadcast_add(mx.sym.sparse.dot(mx.sym.Variable("data", stype="csr"), w), bias)
network = mx.sym.SoftmaxOutput(network, name="softmax")
batches = mx.io.NDArrayIter(nd.array(X).tostype("csr"), nd.array(Y), batch_size=10, last_batch_handle="discard")
module = mx.mod.Module(network)
module.bind(batches.provide_data, batches.provide_label)
module.init_params()
module.init_optimizer(optimizer="sgd", optimizer_params={"learning_rate": 1.0})
metric = mx.metric.Accuracy()
for _ in range(20):
    batches.reset()
    metric.reset()
    for batch in batches:
        module.forward_backward(batch)
        module.update()
        module.update_metric(metric, batch.label)
assert metric.get()[1] > 0.9, metric.get()
