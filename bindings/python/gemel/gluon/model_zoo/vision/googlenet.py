"""GoogLeNet, which is Inception v1 (Szegedy et al., Going deeper with convolutions, arXiv 1409.4842),
and Inception-BN (Ioffe and Szegedy, Batch normalization, arXiv 1502.03167).

1.9.1 has no blocks of these. `gemel.model_zoo`'s symbols are these blocks with `prefix=""`, so that
their files of parameters serve both. The auxiliary classifiers and the response normalization of the
first paper are left out.
"""
import os

from ....base import data_dir
from ....context import cpu
from ... import nn
from ...block import HybridBlock
from ...contrib.nn import HybridConcurrent
from ..model_store import load_pretrained

__all__ = ["GoogLeNet", "InceptionBN", "googlenet", "googlenet_bn", "inception_bn"]

# Name -> channels: 1x1; 3x3 reduced, 3x3; 5x5 reduced, 5x5; after the pooling. None: a pooling by 2.
_GOOGLENET = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "pool3": None,
    "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128), "pool4": None,
    "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128)}

# Name -> channels: 1x1; 3x3 reduced, 3x3; double 3x3 reduced, double 3x3; kind of pooling, and channels
# after it. Without 1x1 channels the module halves the resolution.
_INCEPTION_BN = {
    "3a": (64, 64, 64, 64, 96, "avg", 32), "3b": (64, 64, 96, 64, 96, "avg", 64),
    "3c": (0, 128, 160, 64, 96, "max", 0),
    "4a": (224, 64, 96, 96, 128, "avg", 128), "4b": (192, 96, 128, 96, 128, "avg", 128),
    "4c": (160, 128, 160, 128, 160, "avg", 128), "4d": (96, 128, 192, 160, 192, "avg", 128),
    "4e": (0, 128, 192, 192, 256, "max", 0),
    "5a": (352, 192, 320, 160, 224, "avg", 128), "5b": (352, 192, 320, 192, 224, "max", 128)}


def _convolution(name, norm, channels, kernel=1, stride=1, padding=0):
    """A convolution, its normalization if `norm`, and a rectifier."""
    out = nn.HybridSequential(prefix="")
    out.add(nn.Conv2D(channels, kernel, stride, padding, use_bias=not norm, prefix=f"{name}_"))
    if norm:
        out.add(nn.BatchNorm(epsilon=1e-3, prefix=f"{name}_bn_"))
    out.add(nn.Activation("relu"))
    return out


def _chain(*layers):
    out = nn.HybridSequential(prefix="")
    out.add(*layers)
    return out


def _halved():
    return nn.MaxPool2D(3, 2, ceil_mode=True)


def _googlenet_module(name, norm, one, three_in, three, five_in, five, pooled):
    out = HybridConcurrent(axis=1, prefix="")
    out.add(_convolution(f"{name}_1x1", norm, one),
            _chain(_convolution(f"{name}_3x3_reduce", norm, three_in),
                   _convolution(f"{name}_3x3", norm, three, 3, 1, 1)),
            _chain(_convolution(f"{name}_5x5_reduce", norm, five_in),
                   _convolution(f"{name}_5x5", norm, five, 5, 1, 2)),
            _chain(nn.MaxPool2D(3, 1, 1, ceil_mode=True),
                   _convolution(f"{name}_proj", norm, pooled)))
    return out


def _inception_bn_module(name, one, three_in, three, double_in, double, kind, pooled):
    stride = 1 if one else 2
    out = HybridConcurrent(axis=1, prefix="")
    if one:
        out.add(_convolution(f"{name}_1x1", True, one))
    pooling = nn.MaxPool2D if kind == "max" else nn.AvgPool2D
    last = _chain(pooling(3, stride, 1))
    if pooled:
        last.add(_convolution(f"{name}_proj", True, pooled))
    out.add(_chain(_convolution(f"{name}_3x3_reduce", True, three_in),
                   _convolution(f"{name}_3x3", True, three, 3, stride, 1)),
            _chain(_convolution(f"{name}_double_reduce", True, double_in),
                   _convolution(f"{name}_double_0", True, double, 3, 1, 1),
                   _convolution(f"{name}_double_1", True, double, 3, stride, 1)),
            last)
    return out


class _Inception(HybridBlock):
    """`features` up to one value per channel, and `output`, the scores."""

    def __init__(self, modules, norm, dropout, classes, thumbnail=False, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.features = nn.HybridSequential(prefix="")
            if thumbnail:
                self.features.add(_convolution("conv1", norm, 96, 3, 1, 1))
            else:
                self.features.add(_convolution("conv1", norm, 64, 7, 2, 3), _halved(),
                                  _convolution("conv2_reduce", norm, 64),
                                  _convolution("conv2", norm, 192, 3, 1, 1), _halved())
            self.features.add(*modules(), nn.GlobalAvgPool2D(), nn.Flatten())
            if dropout:
                self.features.add(nn.Dropout(dropout))
            self.output = nn.Dense(classes, prefix="fc_")

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))


class GoogLeNet(_Inception):
    """Images (N, 3, 224, 224) to scores (N, classes).

    Parameters
    ----------
    classes : int, default 1000
    batch_norm : bool, default False
        Whether each convolution is followed by batch normalization, and has no bias.
    dropout : float, default 0.4
        Share of the features left out in training.
    """

    def __init__(self, classes=1000, batch_norm=False, dropout=0.4, **kwargs):
        super().__init__(lambda: [
            _halved() if channels is None else _googlenet_module(name, batch_norm, *channels)
            for name, channels in _GOOGLENET.items()], batch_norm, dropout, classes, **kwargs)


class InceptionBN(_Inception):
    """Images (N, 3, 224, 224) to scores (N, classes).

    Parameters
    ----------
    classes : int, default 1000
    thumbnail : bool, default False
        For images of 28x28 or 32x32: one 3x3 convolution stands for the first layers, which lower the
        resolution.
    """

    def __init__(self, classes=1000, thumbnail=False, **kwargs):
        super().__init__(lambda: [_inception_bn_module(name, *settings)
                                  for name, settings in _INCEPTION_BN.items()],
                         True, 0, classes, thumbnail, **kwargs)


def _get(block, name, pretrained, ctx, root, **kwargs):
    net = block(**kwargs)
    if pretrained:
        load_pretrained(net, name, root, ctx)
    return net


def googlenet(pretrained=False, ctx=cpu(), root=os.path.join(data_dir(), "models"), **kwargs):
    """GoogLeNet; the parameters are those of `get_model`, and of the block."""
    return _get(GoogLeNet, "googlenet", pretrained, ctx, root, **kwargs)


def googlenet_bn(pretrained=False, ctx=cpu(), root=os.path.join(data_dir(), "models"), **kwargs):
    """GoogLeNet with batch normalization; the parameters are those of `get_model`, and of the block."""
    return _get(GoogLeNet, "googlenet_bn", pretrained, ctx, root, batch_norm=True, **kwargs)


def inception_bn(pretrained=False, ctx=cpu(), root=os.path.join(data_dir(), "models"), **kwargs):
    """Inception-BN; the parameters are those of `get_model`, and of the block."""
    return _get(InceptionBN, "inceptionbn", pretrained, ctx, root, **kwargs)
