"""Operators and functions of the user, written in Python, from MXNet's own front end."""

import contextlib
import io

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd


class Scale(mx.operator.CustomOp):
    """data * factor; counts its calls in a state."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, is_train, req, in_data, out_data, aux):
        self.assign(out_data[0], req[0], in_data[0] * self.factor)
        aux[0][:] += 1

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        self.assign(in_grad[0], req[0], out_grad[0] * self.factor)


@mx.operator.register("scale")
class ScaleProp(mx.operator.CustomOpProp):
    def __init__(self, factor="2"):
        super().__init__(need_top_grad=True)
        self.factor = float(factor)

    def list_auxiliary_states(self):
        return ["calls"]

    def infer_shape(self, in_shape):
        return in_shape, [in_shape[0]], [(1,)]

    def create_operator(self, ctx, shapes, dtypes):
        return Scale(self.factor)


class Softmax(mx.operator.CustomOp):
    """The output layer of MXNet's tutorials: softmax whose gradient is that of the cross entropy."""

    def forward(self, is_train, req, in_data, out_data, aux):
        x = in_data[0].asnumpy()
        y = np.exp(x - x.max(axis=1, keepdims=True))
        self.assign(out_data[0], req[0], nd.array(y / y.sum(axis=1, keepdims=True)))

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        label = in_data[1].asnumpy().astype(int)
        y = out_data[0].asnumpy()
        y[np.arange(len(label)), label] -= 1.0
        self.assign(in_grad[0], req[0], nd.array(y))


@mx.operator.register("softmax")
class SoftmaxProp(mx.operator.CustomOpProp):
    def __init__(self):
        super().__init__(need_top_grad=False)

    def list_arguments(self):
        return ["data", "label"]

    def infer_shape(self, in_shape):
        return [in_shape[0], (in_shape[0][0],)], [in_shape[0]], []

    def create_operator(self, ctx, shapes, dtypes):
        return Softmax()


@mx.operator.register("failing")
class FailingProp(mx.operator.CustomOpProp):
    def create_operator(self, ctx, shapes, dtypes):
        class Failing(mx.operator.CustomOp):
            def forward(self, is_train, req, in_data, out_data, aux):
                raise ValueError("on purpose")

        return Failing()


# Imperative, recorded, with a state.
x, calls = nd.array([[1, 2], [3, 4]]), nd.zeros((1,))
x.attach_grad()
with autograd.record():
    y = nd.Custom(x, calls, op_type="scale", factor=3)
    z = (y * y).sum()
z.backward()
np.testing.assert_allclose(y.asnumpy(), x.asnumpy() * 3)
np.testing.assert_allclose(x.grad.asnumpy(), 18 * x.asnumpy())
assert calls.asscalar() >= 1

# In a symbol.
s = mx.sym.Custom(mx.sym.Variable("data"), op_type="scale", factor=5, name="scaled")
assert s.list_arguments() == ["data"] and s.list_auxiliary_states() == ["scaled_calls"]
assert s.infer_shape(data=(2, 3)) == ([(2, 3)], [(2, 3)], [(1,)])
executor = s.simple_bind(mx.cpu(), data=(2, 2))
executor.forward(is_train=True, data=x)
executor.backward([nd.ones((2, 2))])
np.testing.assert_allclose(executor.outputs[0].asnumpy(), 5 * x.asnumpy())
np.testing.assert_allclose(executor.grad_dict["data"].asnumpy(), np.full((2, 2), 5))

# As the loss of a module, and inside of a hybridized block.
np.random.seed(0)
mx.random.seed(0)
X = np.random.randn(200, 8).astype("float32")
Y = (X @ np.random.randn(8, 3)).argmax(1).astype("float32")
network = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3)
network = mx.sym.Custom(network, mx.sym.Variable("softmax_label"), op_type="softmax", name="softmax")
module = mx.mod.Module(network)
batches = mx.io.NDArrayIter(X, Y, batch_size=50)
module.fit(batches, num_epoch=10, optimizer_params={"learning_rate": 0.5})
assert module.score(batches, "acc")[0][1] > 0.9


class Block(gluon.HybridBlock):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.dense = gluon.nn.Dense(2, in_units=2)
            self.calls = self.params.get("calls", shape=(1,), init="zeros", grad_req="null")

    def hybrid_forward(self, F, x, calls):
        return self.dense(F.Custom(x, calls, op_type="scale", factor=2))


block = Block()
block.initialize()
eager = block(x).asnumpy()
block.hybridize()
with autograd.record():
    y = block(x)
y.backward()
np.testing.assert_allclose(y.asnumpy(), eager, rtol=1e-6)
np.testing.assert_allclose(block.dense.weight.grad().asnumpy(), np.tile(2 * x.asnumpy().sum(0), (2, 1)))

# Errors.
printed = io.StringIO()
with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
    try:
        nd.Custom(x, op_type="failing").asnumpy()
    except mx.base.MXNetError:
        failed = True
assert failed and "on purpose" in printed.getvalue()
try:
    nd.Custom(x, op_type="nothing_such")
except mx.base.MXNetError as error:
    assert "nothing_such" in str(error)
else:
    raise AssertionError("expected an error")


class Product(autograd.Function):
    """Two inputs, two outputs, one of which has no gradient of its own."""

    def forward(self, a, b):
        self.save_for_backward(a, b)
        return a * b, a + b

    def backward(self, dproduct, dsum):
        a, b = self.saved_tensors
        return dproduct * b + dsum, dproduct * a + dsum


a, b = nd.array([1.0, 2.0]), nd.array([3.0, 5.0])
a.attach_grad()
b.attach_grad()
with autograd.record():
    product, total = Product()(a, b)
    result = product * 2 + total
result.backward()
np.testing.assert_allclose(a.grad.asnumpy(), 2 * b.asnumpy() + 1)
np.testing.assert_allclose(b.grad.asnumpy(), 2 * a.asnumpy() + 1)
