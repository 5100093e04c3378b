"""Convolution layers of the networks that the workload 'convolution' measures alone, and their names."""
from typing import NamedTuple

PASSES = ("forward", "data", "weight")
BATCH = 4


class Layer(NamedTuple):
    """A square convolution; `pad` is equal on all sides."""
    network: str
    channels: int
    filters: int
    size: int
    kernel: int
    stride: int = 1
    pad: int = 0
    first: bool = False   # its data needs no gradient
    groups: int = 1

    def name(self, direction):
        """What a row of the table is called."""
        groups = f" in {self.groups}" if self.groups > 1 else ""
        return (f"{self.network} {self.channels}>{self.filters}{groups} at {self.size}, "
                f"{self.kernel}x{self.kernel}/{self.stride}, {direction}")

    @property
    def result(self):
        """Elements along one side of the result."""
        return (self.size + 2 * self.pad - self.kernel) // self.stride + 1

    @property
    def flops(self):
        """Of one pass, as direct sums need them."""
        return 2 * BATCH * self.channels // self.groups * self.filters * (self.kernel * self.result) ** 2


LAYERS = (
    Layer("VGG-16", 3, 64, 224, 3, 1, 1, first=True),
    Layer("VGG-16", 64, 64, 224, 3, 1, 1), Layer("VGG-16", 128, 128, 112, 3, 1, 1),
    Layer("VGG-16", 256, 256, 56, 3, 1, 1), Layer("VGG-16", 512, 512, 28, 3, 1, 1),
    Layer("VGG-16", 512, 512, 14, 3, 1, 1),
    Layer("ResNet-50", 3, 64, 224, 7, 2, 3, first=True),
    Layer("ResNet-50", 64, 64, 56, 3, 1, 1), Layer("ResNet-50", 128, 128, 28, 3, 1, 1),
    Layer("ResNet-50", 256, 256, 14, 3, 1, 1), Layer("ResNet-50", 512, 512, 7, 3, 1, 1),
    Layer("ResNet-50", 64, 256, 56, 1), Layer("ResNet-50", 1024, 256, 14, 1),
    Layer("GoogLeNet", 64, 192, 56, 3, 1, 1), Layer("GoogLeNet", 96, 208, 14, 3, 1, 1),
    Layer("GoogLeNet", 160, 320, 7, 3, 1, 1), Layer("GoogLeNet", 16, 32, 28, 5, 1, 2),
    Layer("GoogLeNet", 32, 128, 14, 5, 1, 2),
    Layer("AlexNet", 3, 96, 227, 11, 4, 0, first=True), Layer("AlexNet", 96, 256, 27, 5, 1, 2),
    Layer("AlexNet", 256, 384, 13, 3, 1, 1), Layer("AlexNet", 384, 256, 13, 3, 1, 1),
    Layer("LeNet", 1, 20, 28, 5, first=True),
    *(Layer("MobileNet", n, n, size, 3, stride, 1, groups=n)
      for n, size, stride in ((32, 112, 1), (64, 112, 2), (128, 56, 1), (256, 28, 1), (256, 28, 2),
                              (512, 14, 1), (1024, 7, 1))),
    Layer("MnasNet", 240, 240, 28, 5, 1, 2, groups=240), Layer("MnasNet", 240, 240, 28, 5, 2, 2, groups=240),
    *(Layer("ResNeXt", n, n, size, 3, stride, 1, groups=32)
      for n, size, stride in ((128, 56, 1), (256, 56, 2), (256, 28, 1), (512, 14, 1), (1024, 7, 1))),
)


def cases():
    """(layer, direction) for every row."""
    for layer in LAYERS:
        for direction in PASSES:
            if not (layer.first and direction == "data"):
                yield layer, direction
