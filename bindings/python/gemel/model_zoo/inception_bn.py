"""Inception-BN (Ioffe and Szegedy, Batch normalization, arXiv 1502.03167)."""
from .. import symbol as sym
from .layers import convolution, dense, global_average, pooling

# Name -> channels: 1x1; 3x3 reduced, 3x3; double 3x3 reduced, double 3x3; kind of pooling, and channels
# after it. Without 1x1 channels the module halves the resolution.
_MODULES = {"3a": (64, 64, 64, 64, 96, "avg", 32), "3b": (64, 64, 96, 64, 96, "avg", 64),
            "3c": (0, 128, 160, 64, 96, "max", 0),
            "4a": (224, 64, 96, 96, 128, "avg", 128), "4b": (192, 96, 128, 96, 128, "avg", 128),
            "4c": (160, 128, 160, 128, 160, "avg", 128), "4d": (96, 128, 192, 160, 192, "avg", 128),
            "4e": (0, 128, 192, 192, 256, "max", 0),
            "5a": (352, 192, 320, 160, 224, "avg", 128), "5b": (352, 192, 320, 192, 224, "max", 128)}


def _module(data, channels, name):
    one, three_in, three, double_in, double, kind, pooled = channels
    stride = 1 if one else 2
    branches = [convolution(data, one, name=f"{name}_1x1", norm=True)] if one else []
    branch = convolution(data, three_in, name=f"{name}_3x3_reduce", norm=True)
    branches.append(convolution(branch, three, 3, stride, 1, name=f"{name}_3x3", norm=True))
    branch = convolution(data, double_in, name=f"{name}_double_reduce", norm=True)
    branch = convolution(branch, double, 3, 1, 1, name=f"{name}_double_0", norm=True)
    branches.append(convolution(branch, double, 3, stride, 1, name=f"{name}_double_1", norm=True))
    branch = pooling(data, kind, 3, stride, 1, name=f"{name}_pool", full=False)
    if pooled:
        branch = convolution(branch, pooled, name=f"{name}_proj", norm=True)
    return sym.Concat(*branches, branch, name=f"{name}_concat")


def inception_bn(data, num_classes):
    """Scores (N, num_classes) of images of 224x224."""
    data = convolution(data, 64, 7, 2, 3, name="conv1", norm=True)
    data = pooling(data, "max", 3, 2, name="pool1")
    data = convolution(data, 64, name="conv2_reduce", norm=True)
    data = convolution(data, 192, 3, 1, 1, name="conv2", norm=True)
    data = pooling(data, "max", 3, 2, name="pool2")
    return _head(data, num_classes)


def inception_bn_small(data, num_classes):
    """Scores (N, num_classes) of images of 28x28 or 32x32."""
    return _head(convolution(data, 96, 3, 1, 1, name="conv1", norm=True), num_classes)


def _head(data, num_classes):
    for name, channels in _MODULES.items():
        data = _module(data, channels, name)
    return dense(global_average(data, "pool5"), num_classes, name="fc")
