"""Networks for images (N, 3, height, width), as blocks with 1.9.1's names, structure and parameters.

    net = vision.resnet18_v1(classes=10)
    net.initialize()

`pretrained=True` reads a file of trained parameters (`model_store.get_model_file`). The published ones
expect values in [0, 1], normalized by the mean (0.485, 0.456, 0.406) and the deviation (0.229, 0.224,
0.225) of the channels, and sides of at least 224 (`inception_v3`: 299).
"""
from .alexnet import *
from .densenet import *
from .googlenet import *
from .inception import *
from .mobilenet import *
from .resnet import *
from .squeezenet import *
from .vgg import *

_MODELS = {
    "alexnet": alexnet,
    "densenet121": densenet121, "densenet161": densenet161, "densenet169": densenet169,
    "densenet201": densenet201,
    "googlenet": googlenet, "googlenet_bn": googlenet_bn,
    "inceptionbn": inception_bn, "inceptionv3": inception_v3,
    "mobilenet0.25": mobilenet0_25, "mobilenet0.5": mobilenet0_5, "mobilenet0.75": mobilenet0_75,
    "mobilenet1.0": mobilenet1_0,
    "mobilenetv2_0.25": mobilenet_v2_0_25, "mobilenetv2_0.5": mobilenet_v2_0_5,
    "mobilenetv2_0.75": mobilenet_v2_0_75, "mobilenetv2_1.0": mobilenet_v2_1_0,
    "resnet18_v1": resnet18_v1, "resnet34_v1": resnet34_v1, "resnet50_v1": resnet50_v1,
    "resnet101_v1": resnet101_v1, "resnet152_v1": resnet152_v1,
    "resnet18_v2": resnet18_v2, "resnet34_v2": resnet34_v2, "resnet50_v2": resnet50_v2,
    "resnet101_v2": resnet101_v2, "resnet152_v2": resnet152_v2,
    "squeezenet1.0": squeezenet1_0, "squeezenet1.1": squeezenet1_1,
    "vgg11": vgg11, "vgg11_bn": vgg11_bn, "vgg13": vgg13, "vgg13_bn": vgg13_bn,
    "vgg16": vgg16, "vgg16_bn": vgg16_bn, "vgg19": vgg19, "vgg19_bn": vgg19_bn,
}


def get_model(name, **kwargs):
    """A network by its name, in any case of letters.

    Parameters
    ----------
    name : str
        `ValueError` for an unknown one; the message lists all.
    pretrained : bool, default False
        Whether to read trained parameters from a file.
    classes : int, default 1000
        Width of the output.
    ctx : Context, default cpu()
        Where the trained parameters go.
    root : str
        The folder of the files of trained parameters.

    Returns
    -------
    HybridBlock
    """
    name = name.lower()
    if name not in _MODELS:
        options = "\n\t".join(sorted(_MODELS))
        raise ValueError(f"Model {name} is not supported. Available options are\n\t{options}")
    return _MODELS[name](**kwargs)
