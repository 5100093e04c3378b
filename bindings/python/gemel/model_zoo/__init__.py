"""Networks as symbols, by name: `get_symbol("googlenet", num_classes=10)`.

A network ends in `SoftmaxOutput` named "softmax" over its scores, and its input is "data", so that a
`Module` trains it. Those of `gluon.model_zoo.vision` are its blocks, traced.
"""
import functools

from .. import symbol as sym
from ..gluon.model_zoo import vision
from .alexnet import alexnet
from .language import lstm_language_model
from .residual import residual
from .small import lenet, mlp
from .transformer import transformer_encoder

__all__ = ["get_symbol", "names"]


def _traced(make, data, num_classes, prefix, **kwargs):
    return make(classes=num_classes, prefix=prefix, **kwargs)(data)


def _vgg(data, num_classes, num_layers, batch_norm=False):
    if num_layers not in vision.vgg.vgg_spec:
        raise ValueError(f"VGG has {list(vision.vgg.vgg_spec)} layers, not {num_layers}")
    return _traced(functools.partial(vision.get_vgg, num_layers), data, num_classes, "vgg_",
                   batch_norm=batch_norm)


def _densenet(data, num_classes, num_layers):
    if num_layers not in vision.densenet.densenet_spec:
        raise ValueError(f"DenseNet has {list(vision.densenet.densenet_spec)} layers, "
                         f"not {num_layers}")
    return _traced(getattr(vision, f"densenet{num_layers}"), data, num_classes, "densenet_")


def _resnet(version, data, num_classes, num_layers, side, form=None):
    return residual(version, num_layers, num_classes, side, f"resnetv{version}_", form)(data)


# Name -> scores of (data, num_classes, ...), and the number of layers if none is given.
_NETWORKS = {
    "mlp": (mlp, None), "lenet": (lenet, None), "alexnet": (alexnet, None),
    "alexnet-v2": (functools.partial(_traced, vision.alexnet, prefix="alexnet_"), None),
    "googlenet": (functools.partial(_traced, vision.googlenet, prefix=""), None),
    "googlenet-bn": (functools.partial(_traced, vision.googlenet_bn, prefix=""), None),
    "inception-bn": (functools.partial(_traced, vision.inception_bn, prefix=""), None),
    "inception-bn-28-small": (functools.partial(_traced, vision.inception_bn, prefix="",
                                                thumbnail=True), None),
    "inception-v3": (functools.partial(_traced, vision.inception_v3, prefix="inception_"), None),
    "vgg": (_vgg, 16), "vgg-bn": (functools.partial(_vgg, batch_norm=True), 16),
    "resnet": (functools.partial(_resnet, 2), 50), "resnet-v2": (functools.partial(_resnet, 2), 50),
    "resnet-v1": (functools.partial(_resnet, 1), 50),
    "resnet-v1b": (functools.partial(_resnet, 1, form="bottleneck_3x3"), 50),
    "mobilenet": (functools.partial(_traced, vision.get_mobilenet, prefix="mobilenet_"), None),
    "mobilenetv2": (functools.partial(_traced, vision.get_mobilenet_v2, prefix="mobilenetv2_"),
                    None),
    "squeezenet": (functools.partial(_traced, vision.squeezenet1_1, prefix="squeezenet_"), None),
    "densenet": (_densenet, 121),
    "lstm": (lstm_language_model, None), "transformer": (transformer_encoder, None),
}
_MULTIPLIED = ("mobilenet", "mobilenetv2")


def names():
    """The names that `get_symbol` knows."""
    return list(_NETWORKS)


def get_symbol(network, num_classes=1000, num_layers=None, image_shape="3,224,224",
               dtype="float32", multiplier=1.0, **kwargs):
    """A network that ends in its loss.

    Parameters
    ----------
    network : str
        One of `names()`; `ValueError` for others. A `_` may stand for a `-`.
    num_classes : int
        Width of the output; of "lstm" the number of words.
    num_layers : int, optional
        Of "vgg", "resnet" and "densenet" kinds; of "lstm" and "transformer" the layers.
    image_shape : str or tuple of int
        Channels, height, width; a residual network for images up to 32x32 is another.
    dtype : str
        The type to compute in; data come and losses are in float32.
    multiplier : float
        Of the channels of "mobilenet" and "mobilenetv2".
    **kwargs
        What the network itself takes, like `dropout` of "googlenet" or `num_hidden` of "lstm".

    Returns
    -------
    Symbol
        "softmax_output", from "data" and "softmax_label"; of "lstm" both are (N, seq_len).
    """
    network = network.replace("_", "-")
    if network not in _NETWORKS:
        raise ValueError(f"there is no network '{network}'; there are {', '.join(_NETWORKS)}")
    make, layers = _NETWORKS[network]
    if num_layers and layers is None and network not in ("lstm", "transformer"):
        raise ValueError(f"'{network}' has no choice of layers")
    if num_layers or layers:
        kwargs["num_layers"] = num_layers or layers
    if network.startswith("resnet"):
        shape = image_shape.split(",") if isinstance(image_shape, str) else image_shape
        kwargs["side"] = int(shape[1])
    if network in _MULTIPLIED:
        kwargs["multiplier"] = multiplier
    data = sym.Variable("data")
    if dtype != "float32":
        data = sym.Cast(data, dtype=dtype)
    scores = make(data, num_classes=num_classes, **kwargs)
    if dtype != "float32":
        scores = sym.Cast(scores, dtype="float32")
    label = sym.Variable("softmax_label")
    if network == "lstm":
        label = sym.Reshape(label, shape=(-1,), name="label_rows")
    return sym.SoftmaxOutput(scores, label, name="softmax")
