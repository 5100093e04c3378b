"""AlexNet in one tower (Krizhevsky et al., ImageNet classification with deep convolutional neural
networks, 2012; its layers side by side on one device)."""
from .. import symbol as sym
from .layers import convolution, dense, pooling


def alexnet(data, num_classes):
    """Scores (N, num_classes) of images of 224x224, with the response normalization of the paper."""
    for i, (channels, kernel, stride, pad) in enumerate([(96, 11, 4, 0), (256, 5, 1, 2)]):
        data = convolution(data, channels, kernel, stride, pad, name=f"conv{i + 1}")
        data = sym.LRN(data, alpha=0.0001, beta=0.75, knorm=2, nsize=5, name=f"norm{i + 1}")
        data = pooling(data, "max", 3, 2, name=f"pool{i + 1}", full=False)
    for i, channels in enumerate((384, 384, 256)):
        data = convolution(data, channels, 3, 1, 1, name=f"conv{i + 3}")
    data = sym.Flatten(pooling(data, "max", 3, 2, name="pool3", full=False), name="flatten")
    for i in (1, 2):
        data = dense(data, 4096, "relu", name=f"fc{i}")
        data = sym.Dropout(data, p=0.5, name=f"drop{i}")
    return dense(data, num_classes, name="fc3")
