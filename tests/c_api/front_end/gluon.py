"""Gluon from MXNet's own front end, hybridized and not."""

import os
import sys

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon, nd

mx.random.seed(1)
np.random.seed(1)
X = np.random.randn(400, 10).astype("float32")
Y = (X @ np.random.randn(10, 3)).argmax(1).astype("float32")
folder = sys.argv[1]

for hybridized in (False, True):
    network = gluon.nn.HybridSequential()
    network.add(gluon.nn.Dense(32, activation="relu"), gluon.nn.BatchNorm(), gluon.nn.Dropout(0.1), gluon.nn.Dense(3))
    network.initialize(mx.init.Xavier())
    if hybridized:
        network.hybridize()
    trainer = gluon.Trainer(network.collect_params(), "adam", {"learning_rate": 0.01})
    loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
    loader = gluon.data.DataLoader(gluon.data.ArrayDataset(X, Y), batch_size=40, shuffle=True)
    metric = mx.metric.Accuracy()
    for _ in range(8):
        metric.reset()
        for x, y in loader:
            with autograd.record():
                output = network(x)
                loss = loss_of(output, y)
            loss.backward()
            trainer.step(40)
            metric.update(y, output)
    assert metric.get()[1] > 0.85, metric.get()
    expected = network(x).asnumpy()
    network.save_parameters(os.path.join(folder, "network.params"))
    network.load_parameters(os.path.join(folder, "network.params"))
    np.testing.assert_array_equal(network(x).asnumpy(), expected)
    trainer.save_states(os.path.join(folder, "trainer.states"))
    trainer.load_states(os.path.join(folder, "trainer.states"))

network.export(os.path.join(folder, "exported"))
imported = gluon.SymbolBlock.imports(os.path.join(folder, "exported-symbol.json"), ["data"],
                                     os.path.join(folder, "exported-0000.params"))
np.testing.assert_allclose(imported(x).asnumpy(), expected, rtol=1e-5)

convolutional = gluon.nn.HybridSequential()
convolutional.add(gluon.nn.Conv2D(4, 3, activation="relu"), gluon.nn.MaxPool2D(), gluon.nn.Flatten(), gluon.nn.Dense(2))
convolutional.initialize()
eager = convolutional(nd.ones((2, 1, 8, 8))).asnumpy()
convolutional.hybridize(static_alloc=True, static_shape=True)
np.testing.assert_allclose(convolutional(nd.ones((2, 1, 8, 8))).asnumpy(), eager, rtol=1e-4, atol=1e-6)

# Batches made by worker processes come through shared memory.
loader = gluon.data.DataLoader(gluon.data.ArrayDataset(X, Y), batch_size=40, num_workers=2)
np.testing.assert_allclose(np.concatenate([x.asnumpy() for x, _ in loader]), X)
