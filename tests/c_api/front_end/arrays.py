"""Arrays, operators, autograd and files from MXNet's own front end."""

import os
import pickle
import sys

import mxnet as mx
import numpy as np
from mxnet import autograd, nd

assert mx.__version__ == "1.9.1"

# Arrays.
a = nd.array([[1, 2], [3, 4]])
b = nd.ones((2, 2))
np.testing.assert_array_equal((a + b * 2 - 1).asnumpy(), [[2, 3], [4, 5]])
a += 1
a[0] = 9
np.testing.assert_array_equal(a.asnumpy(), [[9, 9], [4, 5]])
np.testing.assert_array_equal(a[:, 1].asnumpy(), [9, 5])
assert a[1, 0].asscalar() == 4 and a.T.shape == (2, 2) and a.reshape((-1,)).shape == (4,)
assert a.astype("int32").dtype == np.int32 and a.context == mx.cpu(0)
np.testing.assert_allclose(nd.dot(a, b).asnumpy(), [[18, 18], [9, 9]])
assert nd.concat(a, b, dim=1).shape == (2, 4)
np.testing.assert_array_equal(a.copyto(mx.cpu(1)).as_in_context(mx.cpu()).asnumpy(), a.asnumpy())
np.testing.assert_array_equal(nd.array([1.5, -1.5]).copyto(nd.zeros(2, dtype="int32")).asnumpy(), [1, -1])
np.testing.assert_array_equal(pickle.loads(pickle.dumps(a)).asnumpy(), a.asnumpy())
target = nd.zeros((2, 2))
nd.exp(b, out=target)
np.testing.assert_allclose(target.asnumpy(), np.full((2, 2), np.e), rtol=1e-6)
mx.random.seed(7)
first = nd.random.normal(shape=(5,)).asnumpy()
mx.random.seed(7)
np.testing.assert_array_equal(nd.random.normal(shape=(5,)).asnumpy(), first)

# Errors are exceptions with the operator's name.
try:
    nd.zeros((2, 3)) + nd.zeros((4, 5))
except mx.base.MXNetError as error:
    assert "broadcast_add" in str(error)
else:
    raise AssertionError("expected an error")
try:
    nd.contrib.DeformableConvolution(a)
except mx.base.MXNetError as error:
    assert "not available" in str(error)
else:
    raise AssertionError("expected an error")

# Files.
path = os.path.join(sys.argv[1], "a.params")
nd.save(path, {"a": a, "b": b})
loaded = nd.load(path)
assert sorted(loaded) == ["a", "b"]
np.testing.assert_array_equal(loaded["a"].asnumpy(), a.asnumpy())
nd.save(path, [a])
assert len(nd.load(path)) == 1

# Gradients.
x = nd.array([1, 2, 3])
x.attach_grad()
with autograd.record():
    y = (x * x * x).sum()
y.backward()
np.testing.assert_allclose(x.grad.asnumpy(), [3, 12, 27])
with autograd.record():
    y = x * x
    (dx,) = autograd.grad(y, [x], create_graph=True)
    z = (dx * dx).sum()
z.backward()
np.testing.assert_allclose(x.grad.asnumpy(), 8 * x.asnumpy())


class Sigmoid(autograd.Function):
    """A function of the user, with its own gradient."""

    def forward(self, x):
        y = 1 / (1 + nd.exp(-x))
        self.save_for_backward(y)
        return y

    def backward(self, dy):
        (y,) = self.saved_tensors
        return dy * y * (1 - y)


x = nd.array([0.0, 1.0])
x.attach_grad()
with autograd.record():
    y = Sigmoid()(x)
y.backward()
s = 1 / (1 + np.exp(-np.array([0.0, 1.0])))
np.testing.assert_allclose(x.grad.asnumpy(), s * (1 - s), rtol=1e-5)

# DLPack.
shared = nd.from_dlpack(a.to_dlpack_for_read())
np.testing.assert_array_equal(shared.asnumpy(), a.asnumpy())
host = np.arange(6, dtype="float32").reshape(2, 3)
np.testing.assert_array_equal((nd.from_numpy(host, zero_copy=True) * 2).asnumpy(), host * 2)

# The key-value store.
store = mx.kv.create("local")
store.init("w", nd.ones((2,)))
store.push("w", [nd.ones((2,)), nd.ones((2,)) * 2])
store.pull("w", out=target[0])
np.testing.assert_array_equal(target[0].asnumpy(), [3, 3])
store.set_optimizer(mx.optimizer.create("test"))
assert mx.runtime.Features().is_enabled("CXX14") and not mx.runtime.Features().is_enabled("CUDA")
assert mx.context.num_gpus() == 0
