"""MXNET_ENFORCE_DETERMINISM: equal bits over runs, threads of a kernel, workers and engines."""

import os
import subprocess
import sys

import pytest

# Large enough that libraries use several threads and split sums over them.
PROGRAM = """
import hashlib
import numpy as np
import gemel as mx

random = np.random.RandomState(3)
digest = hashlib.sha256()

def take(array):
    digest.update(array.asnumpy().tobytes())

def uniform(*shape):
    return mx.nd.array(random.uniform(-1, 1, shape).astype("float32"))

net = mx.gluon.nn.HybridSequential()
net.add(mx.gluon.nn.Conv2D(16, 3, padding=1, in_channels=3), mx.gluon.nn.BatchNorm(in_channels=16),
        mx.gluon.nn.Activation("relu"), mx.gluon.nn.MaxPool2D(2), mx.gluon.nn.Conv2D(24, 5, in_channels=16),
        mx.gluon.nn.Dense(50, activation="tanh"), mx.gluon.nn.Dense(10))
mx.random.seed(5)
net.initialize(mx.init.Xavier())
net.hybridize()
loss = mx.gluon.loss.SoftmaxCrossEntropyLoss()
trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.05, "momentum": 0.9})
data, label = uniform(16, 3, 40, 40), mx.nd.array(random.randint(0, 10, (16,)))
for _ in range(3):
    with mx.autograd.record():
        value = loss(net(data), label)
    value.backward()
    trainer.step(16)
    take(value)
for parameter in net.collect_params().values():
    take(parameter.data())
a, b = uniform(700, 900), uniform(900, 500)
take(mx.nd.dot(a, b))
take(mx.nd.dot(uniform(33, 60000), uniform(60000, 17)))
take(mx.nd.batch_dot(uniform(4, 100, 300), uniform(4, 300, 80)))
for axis in (0, 1):
    take(mx.nd.sum(a, axis=axis))
take(mx.nd.mean(uniform(3000000)))
take(mx.nd.softmax(a * 30) + mx.nd.LayerNorm(a, mx.nd.ones(900), mx.nd.zeros(900)))
take(mx.nd.random.normal(shape=(100000,)))
print(digest.hexdigest())
"""


def digest(**environment):
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=100,
                          env={**os.environ, "MXNET_ENFORCE_DETERMINISM": "1", **environment})  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def alone():
    """On one thread."""
    return digest(GEMEL_OMP_THREADS="1", GEMEL_WORKERS="1")


@pytest.mark.parametrize(
    "environment",
    [
        {"GEMEL_OMP_THREADS": "1", "GEMEL_WORKERS": "1"},
        {"GEMEL_OMP_THREADS": "2", "GEMEL_WORKERS": "1"},
        {"GEMEL_OMP_THREADS": "8", "GEMEL_WORKERS": "2"},
        {"GEMEL_OMP_THREADS": "2", "GEMEL_ENGINE": "naive"},
        {"GEMEL_OMP_THREADS": "2", "GEMEL_ENGINE": "chaos:4", "GEMEL_MEMORY_PLAN": "naive"},
    ],
    ids=lambda e: "-".join(e.values()),
)
def test_threads_and_engines_do_not_change_a_bit(alone, environment):
    assert digest(**environment) == alone
