"""The handwritten digits of data/digits, and one network for them, as Symbol and in Gluon."""

import argparse
import os
import struct

import numpy as np

import gemel as mx

FOLDER = os.path.normpath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data/digits")
)
BATCH = 60  # divides the 360 held-out digits, so no batch is padded
EPOCHS = 8
MEAN, DEVIATION = 73, 90  # of the pixels; the network itself normalises


def read_idx(path):
    """The array of unsigned bytes in an idx file (the format of the MNIST files)."""
    with open(path, "rb") as file:
        content = file.read()
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is not an idx file of unsigned bytes")
    rank = content[3]
    shape = struct.unpack(f">{rank}I", content[4 : 4 + 4 * rank])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def shifted(images, labels):
    """Every image five times: as it is, and moved by one pixel up, down, left and right."""
    moves = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    copies = [padded[:, 1 + dy : 9 + dy, 1 + dx : 9 + dx] for dy, dx in moves]
    return np.concatenate(copies), np.tile(labels, len(moves))


def load(part, augment=False):
    """`part` is "train" or "test": images (n, 1, 8, 8) and labels (n,), both float32."""
    images = read_idx(os.path.join(FOLDER, f"{part}-images-idx3-ubyte"))
    labels = read_idx(os.path.join(FOLDER, f"{part}-labels-idx1-ubyte"))
    if augment:
        images, labels = shifted(images, labels)
    return images[:, np.newaxis].astype(np.float32), labels.astype(np.float32)


def symbol_network():
    """Declarative: a graph that ends in the loss."""
    net = (mx.sym.Variable("data") - MEAN) / DEVIATION
    for i, filters in enumerate((16, 32, 64), 1):
        net = mx.sym.Convolution(
            net, num_filter=filters, kernel=(3, 3), pad=(1, 1), name=f"conv{i}"
        )
        net = mx.sym.Activation(net, act_type="relu", name=f"relu{i}")
        if i > 1:
            net = mx.sym.Pooling(
                net, kernel=(2, 2), stride=(2, 2), pool_type="max", name=f"pool{i}"
            )
    net = mx.sym.Flatten(net, name="flatten")
    net = mx.sym.Dropout(net, p=0.4, name="dropout")
    net = mx.sym.FullyConnected(net, num_hidden=10, name="fc")
    return mx.sym.SoftmaxOutput(net, name="softmax")


def gluon_network():
    """The same layers as blocks; the loss is the trainer's."""
    nn = mx.gluon.nn
    net = nn.HybridSequential()
    net.add(nn.HybridLambda(lambda F, x: (x - MEAN) / DEVIATION))
    for i, filters in enumerate((16, 32, 64), 1):
        net.add(nn.Conv2D(filters, kernel_size=3, padding=1, activation="relu"))
        if i > 1:
            net.add(nn.MaxPool2D(pool_size=2))
    net.add(nn.Flatten(), nn.Dropout(0.4), nn.Dense(10))
    return net


def arguments(description):
    """The command line of the programs beside this file; also seeds every random stream."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    args = parser.parse_args()
    np.random.seed(args.seed)
    mx.random.seed(args.seed)
    return args
