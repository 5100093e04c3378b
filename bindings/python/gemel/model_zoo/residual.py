"""Residual networks as symbols: the blocks of `gluon.model_zoo.vision`, and two forms that are not there.

`bottleneck_3x3` is v1 with the stride in the 3x3 convolution and no biases (the form that other systems
call ResNet-50 v1.5), thumbnails have the depths 6n+2 and 9n+2 of the paper's small networks.
"""
from ..gluon import nn
from ..gluon.model_zoo.vision import resnet


class _Bottleneck3x3(resnet.BottleneckV1):
    def _fill(self, channels, stride, in_channels):
        inner = channels // 4
        for i, (width, kernel, step) in enumerate([(inner, 1, 1), (inner, 3, stride),
                                                   (channels, 1, 1)]):
            self.body.add(nn.Conv2D(width, kernel, step, kernel // 2, use_bias=False),
                          nn.BatchNorm())
            if i < 2:
                self.body.add(nn.Activation("relu"))


def _small(num_layers):
    """Kind of block, blocks of each of three stages, channels."""
    for kind, size, channels in [("bottle_neck", 9, [16, 64, 128, 256]),
                                 ("basic_block", 6, [16, 16, 32, 64])]:
        if (num_layers - 2) % size == 0 and (size == 6 or num_layers >= 164):
            return kind, [(num_layers - 2) // size] * 3, channels
    raise ValueError(f"a residual network for small images has 6n+2 layers, or 9n+2 from 164 on, "
                     f"not {num_layers}")


def residual(version, num_layers, num_classes, side, prefix, form=None):
    """A block of scores.

    Parameters
    ----------
    version : int
        1 or 2.
    num_layers : int
        18, 34, 50, 101, 152; for images up to 32x32 6n+2, or 9n+2 from 164 on. `ValueError` for others.
    side : int
        Height of the images.
    form : "bottleneck_3x3", optional
        See above; for version 1 with 50 layers and more.
    """
    if side <= 32:
        kind, layers, channels = _small(num_layers)
    elif num_layers in resnet.resnet_spec:
        kind, layers, channels = resnet.resnet_spec[num_layers]
    else:
        raise ValueError(f"a residual network has {list(resnet.resnet_spec)} layers, "
                         f"not {num_layers}")
    block = resnet.resnet_block_versions[version - 1][kind]
    if form == "bottleneck_3x3":
        block = _Bottleneck3x3
    return resnet.resnet_net_versions[version - 1](block, layers, channels, classes=num_classes,
                                                   thumbnail=side <= 32, prefix=prefix)
