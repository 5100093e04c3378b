"""Inception v3 (Szegedy et al., Rethinking the Inception Architecture, arXiv 1512.00567)."""
import os

from ....base import data_dir
from ....context import cpu
from ... import nn
from ...block import HybridBlock
from ...contrib.nn import HybridConcurrent
from ..model_store import load_pretrained

__all__ = ["Inception3", "inception_v3"]


def _make_basic_conv(**kwargs):
    """A convolution without bias, its normalization and a rectifier."""
    out = nn.HybridSequential(prefix="")
    out.add(nn.Conv2D(use_bias=False, **kwargs), nn.BatchNorm(epsilon=0.001),
            nn.Activation("relu"))
    return out


def _make_branch(use_pool, *conv_settings):
    """A pooling ("avg", "max" or None), then convolutions (channels, kernel, strides, padding); None
    leaves a default."""
    out = nn.HybridSequential(prefix="")
    if use_pool == "avg":
        out.add(nn.AvgPool2D(pool_size=3, strides=1, padding=1))
    elif use_pool == "max":
        out.add(nn.MaxPool2D(pool_size=3, strides=2))
    for setting in conv_settings:
        names = ("channels", "kernel_size", "strides", "padding")
        out.add(_make_basic_conv(**{name: value for name, value in zip(names, setting)
                                    if value is not None}))
    return out


def _make_module(prefix, *branches):
    """Branches side by side. A branch is the arguments of `_make_branch`, or a pair of those and a
    list of further branches that its result is split into."""
    out = HybridConcurrent(axis=1, prefix=prefix)
    with out.name_scope():
        for branch in branches:
            if isinstance(branch[-1], list):
                forked = nn.HybridSequential(prefix="")
                forked.add(_make_branch(*branch[0]), _make_module("", *branch[1]))
                out.add(forked)
            else:
                out.add(_make_branch(*branch))
    return out


def _make_A(pool_features, prefix):
    return _make_module(prefix,
                        (None, (64, 1)),
                        (None, (48, 1), (64, 5, None, 2)),
                        (None, (64, 1), (96, 3, None, 1), (96, 3, None, 1)),
                        ("avg", (pool_features, 1)))


def _make_B(prefix):
    return _make_module(prefix,
                        (None, (384, 3, 2)),
                        (None, (64, 1), (96, 3, None, 1), (96, 3, 2)),
                        ("max",))


def _make_C(channels_7x7, prefix):
    row, column = ((1, 7), None, (0, 3)), ((7, 1), None, (3, 0))
    return _make_module(prefix,
                        (None, (192, 1)),
                        (None, (channels_7x7, 1), (channels_7x7, *row), (192, *column)),
                        (None, (channels_7x7, 1), (channels_7x7, *column), (channels_7x7, *row),
                         (channels_7x7, *column), (192, *row)),
                        ("avg", (192, 1)))


def _make_D(prefix):
    return _make_module(prefix,
                        (None, (192, 1), (320, 3, 2)),
                        (None, (192, 1), (192, (1, 7), None, (0, 3)), (192, (7, 1), None, (3, 0)),
                         (192, 3, 2)),
                        ("max",))


def _make_E(prefix):
    split = [(None, (384, (1, 3), None, (0, 1))), (None, (384, (3, 1), None, (1, 0)))]
    return _make_module(prefix,
                        (None, (320, 1)),
                        ((None, (384, 1)), split),
                        ((None, (448, 1), (384, 3, None, 1)), split),
                        ("avg", (192, 1)))


class Inception3(HybridBlock):
    """Images of 299x299 to `classes` scores."""

    def __init__(self, classes=1000, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = nn.HybridSequential(prefix="")
            self.features.add(_make_basic_conv(channels=32, kernel_size=3, strides=2),
                              _make_basic_conv(channels=32, kernel_size=3),
                              _make_basic_conv(channels=64, kernel_size=3, padding=1),
                              nn.MaxPool2D(pool_size=3, strides=2),
                              _make_basic_conv(channels=80, kernel_size=1),
                              _make_basic_conv(channels=192, kernel_size=3),
                              nn.MaxPool2D(pool_size=3, strides=2),
                              _make_A(32, "A1_"), _make_A(64, "A2_"), _make_A(64, "A3_"),
                              _make_B("B_"),
                              _make_C(128, "C1_"), _make_C(160, "C2_"), _make_C(160, "C3_"),
                              _make_C(192, "C4_"),
                              _make_D("D_"), _make_E("E1_"), _make_E("E2_"),
                              nn.AvgPool2D(pool_size=8), nn.Dropout(0.5))
            self.output = nn.Dense(classes)

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))


def inception_v3(pretrained=False, ctx=cpu(), root=os.path.join(data_dir(), "models"), **kwargs):
    """Inception v3; the parameters are those of `get_model`."""
    net = Inception3(**kwargs)
    if pretrained:
        load_pretrained(net, "inceptionv3", root, ctx)
    return net
