"""Networks for images of one channel: a perceptron and LeNet (LeCun et al., Gradient-based learning
applied to document recognition, 1998)."""
from .. import symbol as sym
from .layers import dense


def mlp(data, num_classes, units=(128, 64)):
    """Scores (N, num_classes) by hidden layers of the given widths."""
    data = sym.Flatten(data, name="flatten")
    for i, width in enumerate(units):
        data = dense(data, width, "relu", name=f"fc{i + 1}")
    return dense(data, num_classes, name=f"fc{len(units) + 1}")


def lenet(data, num_classes):
    """Scores (N, num_classes) of images of at least 16x16, as a rule 28x28."""
    for i, channels in enumerate((20, 50)):
        data = sym.Convolution(data, num_filter=channels, kernel=(5, 5), name=f"conv{i + 1}")
        data = sym.Activation(data, act_type="tanh", name=f"tanh{i + 1}")
        data = sym.Pooling(data, pool_type="max", kernel=(2, 2), stride=(2, 2),
                           name=f"pool{i + 1}")
    data = dense(sym.Flatten(data, name="flatten"), 500, "tanh", name="fc1")
    return dense(data, num_classes, name="fc2")
