"""GoogLeNet, which is Inception v1 (Szegedy et al., Going deeper with convolutions, arXiv 1409.4842),
as it is and with batch normalization; without the auxiliary classifiers and response normalization."""
from .. import symbol as sym
from .layers import convolution, dense, global_average, pooling

# Name -> channels: 1x1; 3x3 reduced, 3x3; 5x5 reduced, 5x5; after the pooling. None: a pooling by 2.
_MODULES = {"3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "pool3": None,
            "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64),
            "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
            "4e": (256, 160, 320, 32, 128, 128), "pool4": None,
            "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128)}


def _module(data, channels, norm, name):
    """Four branches side by side, joined along the channels."""
    one, three_in, three, five_in, five, pooled = channels
    branch1 = convolution(data, one, name=f"{name}_1x1", norm=norm)
    branch3 = convolution(data, three_in, name=f"{name}_3x3_reduce", norm=norm)
    branch3 = convolution(branch3, three, 3, pad=1, name=f"{name}_3x3", norm=norm)
    branch5 = convolution(data, five_in, name=f"{name}_5x5_reduce", norm=norm)
    branch5 = convolution(branch5, five, 5, pad=2, name=f"{name}_5x5", norm=norm)
    branch_pool = pooling(data, "max", 3, 1, 1, name=f"{name}_pool")
    branch_pool = convolution(branch_pool, pooled, name=f"{name}_proj", norm=norm)
    return sym.Concat(branch1, branch3, branch5, branch_pool, name=f"{name}_concat")


def googlenet(data, num_classes, batch_norm=False, dropout=0.4):
    """Scores (N, num_classes) of images of 224x224."""
    data = convolution(data, 64, 7, 2, 3, name="conv1", norm=batch_norm)
    data = pooling(data, "max", 3, 2, name="pool1")
    data = convolution(data, 64, name="conv2_reduce", norm=batch_norm)
    data = convolution(data, 192, 3, pad=1, name="conv2", norm=batch_norm)
    data = pooling(data, "max", 3, 2, name="pool2")
    for name, channels in _MODULES.items():
        if channels is None:
            data = pooling(data, "max", 3, 2, name=name)
        else:
            data = _module(data, channels, batch_norm, name)
    data = global_average(data, "pool5")
    if dropout:
        data = sym.Dropout(data, p=dropout, name="drop")
    return dense(data, num_classes, name="fc")
