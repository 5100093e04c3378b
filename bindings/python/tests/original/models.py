"""The models and the training loops that MXNet 1.9.1 and Gemel both run; `mx` is either package."""
import struct
from pathlib import Path

import numpy as np

BATCH, STEPS = 32, 20
OPTIMIZERS = {"sgd": {"learning_rate": 0.1, "momentum": 0.9, "wd": 1e-4}, "adam": {"learning_rate": 0.01}}
_DIGITS = Path(__file__).resolve().parents[4] / "data" / "digits"


def _read(name):
    data = (_DIGITS / name).read_bytes()
    shape = struct.unpack(f">{data[3]}I", data[4:4 + 4 * data[3]])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def digits():
    """Images (n, 1, 8, 8) from 0 to 1 and labels of the training part."""
    images = _read("train-images-idx3-ubyte").astype("float32") / 240
    return images[:, None], _read("train-labels-idx1-ubyte").astype("float32")


def mlp(mx):
    nn = mx.gluon.nn
    net = nn.HybridSequential(prefix="mlp_")
    with net.name_scope():
        net.add(nn.Dense(4, activation="relu"), nn.Dense(10))
    return net


def cnn(mx):
    nn = mx.gluon.nn
    net = nn.HybridSequential(prefix="cnn_")
    with net.name_scope():
        net.add(nn.Conv2D(4, 3, padding=1, use_bias=False), nn.BatchNorm(), nn.Activation("relu"),
                nn.MaxPool2D(2), nn.AvgPool2D(2), nn.Flatten(), nn.Dense(10))
    return net


MODELS = {"mlp": mlp, "cnn": cnn}


def train(mx, net, optimizer):
    """The losses of the first steps, and the trainer."""
    images, labels = digits()
    trainer = mx.gluon.Trainer(net.collect_params(), optimizer, dict(OPTIMIZERS[optimizer]))
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    losses = []
    for i in range(STEPS):
        part = slice(i * BATCH, (i + 1) * BATCH)
        data, label = mx.nd.array(images[part]), mx.nd.array(labels[part])
        with mx.autograd.record():
            loss = loss_of(net(data), label)
        loss.backward()
        trainer.step(BATCH)
        losses.append(float(loss.mean().asscalar()))
    return losses, trainer


def symbol(mx):
    """A symbolic network with BatchNorm for Module."""
    out = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 3), num_filter=4, no_bias=True, name="conv")
    out = mx.sym.BatchNorm(out, fix_gamma=False, name="norm")
    out = mx.sym.Activation(out, act_type="relu", name="relu")
    out = mx.sym.Pooling(out, kernel=(3, 3), stride=(3, 3), pool_type="max", name="pool")
    out = mx.sym.FullyConnected(mx.sym.Flatten(out, name="flat"), num_hidden=10, name="fc")
    return mx.sym.SoftmaxOutput(out, name="softmax")


def fit(mx, arguments, auxiliary, optimizer):
    """A fitted Module and the cross entropy after every batch."""
    images, labels = digits()
    count = BATCH * STEPS
    data = mx.io.NDArrayIter(images[:count], labels[:count], BATCH, label_name="softmax_label")
    module = mx.mod.Module(symbol(mx), context=mx.cpu())
    curve = []
    module.fit(data, num_epoch=1, optimizer=optimizer, optimizer_params=dict(OPTIMIZERS[optimizer]),
               arg_params=arguments, aux_params=auxiliary, eval_metric="ce",
               batch_end_callback=lambda state: curve.append(state.eval_metric.get()[1]))
    return module, [float(value) for value in curve]
