"""The shapes of parameters that optimizers update; for every side."""


def resnet50():
    """161 arrays, 25.6 million elements."""
    shapes, width = [(64, 3, 7, 7), (64,), (64,)], 64

    def convolution(outputs, inputs, kernel):
        shapes.extend([(outputs, inputs, kernel, kernel), (outputs,), (outputs,)])

    for blocks, middle in ((3, 64), (4, 128), (6, 256), (3, 512)):
        for block in range(blocks):
            convolution(middle, width, 1)
            convolution(middle, middle, 3)
            convolution(4 * middle, middle, 1)
            if block == 0:
                convolution(4 * middle, width, 1)
            width = 4 * middle
    return shapes + [(1000, 2048), (1000,)]


def perceptron():
    """784-128-64-10."""
    return [(128, 784), (128,), (64, 128), (64,), (10, 64), (10,)]


SETS = {"ResNet-50": resnet50(), "200 arrays of 64": [(64,)] * 200, "perceptron": perceptron()}
RATES = {"SGD": {"lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4}, "Adam": {"lr": 0.001}}
