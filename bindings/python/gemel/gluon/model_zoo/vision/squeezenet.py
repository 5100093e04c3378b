"""SqueezeNet (Iandola et al., arXiv 1602.07360)."""
import os

from ....base import data_dir
from ....context import cpu
from ... import nn
from ...block import HybridBlock
from ...contrib.nn import HybridConcurrent
from ..model_store import load_pretrained

__all__ = ["SqueezeNet", "squeezenet1_0", "squeezenet1_1"]


def _make_fire(squeeze_channels, expand1x1_channels, expand3x3_channels):
    """A 1x1 convolution to few channels, then 1x1 and 3x3 convolutions side by side."""
    fire = nn.HybridSequential(prefix="")
    fire.add(_make_fire_conv(squeeze_channels, 1))
    expand = HybridConcurrent(axis=1, prefix="")
    expand.add(_make_fire_conv(expand1x1_channels, 1))
    expand.add(_make_fire_conv(expand3x3_channels, 3, 1))
    fire.add(expand)
    return fire


def _make_fire_conv(channels, kernel_size, padding=0):
    layers = nn.HybridSequential(prefix="")
    layers.add(nn.Conv2D(channels, kernel_size, padding=padding), nn.Activation("relu"))
    return layers


# Version -> the stem, and the squeezing channels of each fire module; None is a pooling.
_SPECS = {"1.0": ((96, 7), (16, 16, 32, None, 32, 48, 48, 64, None, 64)),
          "1.1": ((64, 3), (16, 16, None, 32, 32, None, 48, 48, 64, 64))}


class SqueezeNet(HybridBlock):
    """Images of 224x224 to `classes` scores; `version` is "1.0" or "1.1"."""

    def __init__(self, version, classes=1000, **kwargs):
        super().__init__(**kwargs)
        assert version in _SPECS, \
            f"Unsupported SqueezeNet version {version}:1.0 or 1.1 expected"
        (channels, kernel), fires = _SPECS[version]
        with self.name_scope():
            self.features = nn.HybridSequential(prefix="")
            self.features.add(nn.Conv2D(channels, kernel_size=kernel, strides=2),
                              nn.Activation("relu"),
                              nn.MaxPool2D(pool_size=3, strides=2, ceil_mode=True))
            for squeeze in fires:
                self.features.add(
                    _make_fire(squeeze, 4 * squeeze, 4 * squeeze) if squeeze
                    else nn.MaxPool2D(pool_size=3, strides=2, ceil_mode=True))
            self.features.add(nn.Dropout(0.5))
            self.output = nn.HybridSequential(prefix="")
            self.output.add(nn.Conv2D(classes, kernel_size=1), nn.Activation("relu"),
                            nn.AvgPool2D(13), nn.Flatten())

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))


def get_squeezenet(version, pretrained=False, ctx=cpu(), root=os.path.join(data_dir(), "models"),
                   **kwargs):
    """SqueezeNet of version "1.0" or "1.1"."""
    net = SqueezeNet(version, **kwargs)
    if pretrained:
        load_pretrained(net, f"squeezenet{version}", root, ctx)
    return net


def squeezenet1_0(**kwargs):
    """SqueezeNet 1.0."""
    return get_squeezenet("1.0", **kwargs)


def squeezenet1_1(**kwargs):
    """SqueezeNet 1.1: the accuracy of 1.0 for 2.4 times less arithmetic."""
    return get_squeezenet("1.1", **kwargs)
