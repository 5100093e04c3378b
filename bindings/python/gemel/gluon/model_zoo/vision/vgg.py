"""VGG (Simonyan and Zisserman, Very Deep Convolutional Networks, arXiv 1409.1556)."""
import os

from ....base import data_dir
from ....context import cpu
from ....initializer import Xavier
from ... import nn
from ...block import HybridBlock
from ..model_store import load_pretrained

__all__ = ["VGG", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn",
           "vgg19_bn", "get_vgg"]

# Layers -> convolutions of each of the five stages, and their channels.
vgg_spec = {11: ([1, 1, 2, 2, 2], [64, 128, 256, 512, 512]),
            13: ([2, 2, 2, 2, 2], [64, 128, 256, 512, 512]),
            16: ([2, 2, 3, 3, 3], [64, 128, 256, 512, 512]),
            19: ([2, 2, 4, 4, 4], [64, 128, 256, 512, 512])}


class VGG(HybridBlock):
    """Images of 224x224 to `classes` scores.

    Parameters
    ----------
    layers : list of int
        Convolutions of each stage; a stage ends in a pooling by 2.
    filters : list of int
        Channels of each stage.
    batch_norm : bool
        Whether a batch normalization follows each convolution.
    """

    def __init__(self, layers, filters, classes=1000, batch_norm=False, **kwargs):
        super().__init__(**kwargs)
        assert len(layers) == len(filters)
        with self.name_scope():
            self.features = nn.HybridSequential(prefix="")
            with self.features.name_scope():
                for count, channels in zip(layers, filters):
                    for _ in range(count):
                        self.features.add(nn.Conv2D(
                            channels, kernel_size=3, padding=1, bias_initializer="zeros",
                            weight_initializer=Xavier(rnd_type="gaussian", factor_type="out",
                                                      magnitude=2)))
                        if batch_norm:
                            self.features.add(nn.BatchNorm())
                        self.features.add(nn.Activation("relu"))
                    self.features.add(nn.MaxPool2D(strides=2))
                for _ in range(2):
                    self.features.add(nn.Dense(4096, activation="relu", weight_initializer="normal",
                                               bias_initializer="zeros"))
                    self.features.add(nn.Dropout(rate=0.5))
            self.output = nn.Dense(classes, weight_initializer="normal", bias_initializer="zeros")

    def hybrid_forward(self, F, x):
        return self.output(self.features(x))


def get_vgg(num_layers, pretrained=False, ctx=cpu(), root=os.path.join(data_dir(), "models"),
            **kwargs):
    """VGG of 11, 13, 16 or 19 layers; `batch_norm=True` for the normalized form."""
    layers, filters = vgg_spec[num_layers]
    net = VGG(layers, filters, **kwargs)
    if pretrained:
        suffix = "_bn" if kwargs.get("batch_norm") else ""
        load_pretrained(net, f"vgg{num_layers}{suffix}", root, ctx)
    return net


def vgg11(**kwargs):
    """VGG of 11 layers."""
    return get_vgg(11, **kwargs)


def vgg13(**kwargs):
    """VGG of 13 layers."""
    return get_vgg(13, **kwargs)


def vgg16(**kwargs):
    """VGG of 16 layers."""
    return get_vgg(16, **kwargs)


def vgg19(**kwargs):
    """VGG of 19 layers."""
    return get_vgg(19, **kwargs)


def vgg11_bn(**kwargs):
    """VGG of 11 layers with batch normalization."""
    return get_vgg(11, **{**kwargs, "batch_norm": True})


def vgg13_bn(**kwargs):
    """VGG of 13 layers with batch normalization."""
    return get_vgg(13, **{**kwargs, "batch_norm": True})


def vgg16_bn(**kwargs):
    """VGG of 16 layers with batch normalization."""
    return get_vgg(16, **{**kwargs, "batch_norm": True})


def vgg19_bn(**kwargs):
    """VGG of 19 layers with batch normalization."""
    return get_vgg(19, **{**kwargs, "batch_norm": True})
