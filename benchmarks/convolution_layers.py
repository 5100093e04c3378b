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

    def name(self, direction):
        """What a row of the table is called."""
        return (f"{self.network} {self.channels}>{self.filters} at {self.size}, {self.kernel}x{self.kernel}"
                f"/{self.stride}, {direction}")

    @property
    def result(self):
        """Elements along one side of the result."""
        return (self.size + 2 * self.pad - self.kernel) // self.stride + 1

    @property
    def flops(self):
        """Of one pass, as direct sums need them."""
        return 2 * BATCH * self.channels * self.filters * (self.kernel * self.result) ** 2


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
)


def cases():
    """(layer, direction) for every row."""
    for layer in LAYERS:
        for direction in PASSES:
            if not (layer.first and direction == "data"):
                yield layer, direction
