"""Process-wide calls and the key-value store from MXNet's own front end."""

import os
import sys

import mxnet as mx
import numpy as np
from mxnet import nd

# Bulk scopes change nothing but time.
previous = mx.engine.set_bulk_size(10)
assert mx.engine.set_bulk_size(previous) == 10
with mx.engine.bulk(20):
    x = nd.ones((4,))
    for _ in range(50):
        x += 1
np.testing.assert_array_equal(x.asnumpy(), np.full(4, 51))

# A seed for one context.
mx.random.seed(3, ctx=mx.cpu(0))
first = nd.random.uniform(shape=(4,)).asnumpy()
mx.random.seed(3, ctx=mx.cpu(0))
np.testing.assert_array_equal(nd.random.uniform(shape=(4,)).asnumpy(), first)

# Memory shared with others.
a = nd.array([[1, 2], [3, 4]])
b = nd.from_dlpack(a.to_dlpack_for_write())
b[:] = 7
b.wait_to_read()
np.testing.assert_array_equal(a.asnumpy(), np.full((2, 2), 7))

# A store whose updater is an optimizer; its states in a file.
store = mx.kv.create("local")
store.set_optimizer(mx.optimizer.SGD(learning_rate=0.1, momentum=0.9))
store.init([1, 2], [nd.ones((2,)), nd.ones((3,))])
store.push([1, 2], [[nd.ones((2,)), nd.ones((2,))], nd.ones((3,))])
first, second = nd.zeros((2,)), nd.zeros((3,))
store.pull([1, 2], out=[first, second])
np.testing.assert_allclose(first.asnumpy(), [0.8, 0.8], rtol=1e-6)
np.testing.assert_allclose(second.asnumpy(), [0.9, 0.9, 0.9], rtol=1e-6)
path = os.path.join(sys.argv[1], "store.states")
store.save_optimizer_states(path)
store.load_optimizer_states(path)
store.push(1, nd.zeros((2,)))
store.pull(1, out=first)
np.testing.assert_allclose(first.asnumpy(), [0.62, 0.62], rtol=1e-6)
out = nd.zeros((2,))
store.broadcast(7, nd.ones((2,)), out=out)
store.pushpull(7, nd.ones((2,)), out=out)
np.testing.assert_allclose(out.asnumpy(), [0.9, 0.9], rtol=1e-6)
for call in (lambda: store.push(99, out), lambda: store.init(1, out)):
    try:
        call()
    except mx.base.MXNetError:
        continue
    raise AssertionError("expected an error")
