"""Facts about the networks of `gluon.model_zoo.vision`, small enough to be compared.

Run in MXNet 1.9.1's environment this writes zoo.json, which test_model_zoo.py compares with:
`python zoo.py mxnet`. Parameters and images come from a formula, so no file holds any.
"""
import hashlib
import importlib
import json
import sys
import zlib
from pathlib import Path

import numpy as np

NAMES = ["alexnet", "densenet121", "densenet161", "densenet169", "densenet201", "inceptionv3",
         *(f"mobilenet{version}{multiplier}" for version in ("", "v2_")
           for multiplier in ("0.25", "0.5", "0.75", "1.0")),
         *(f"resnet{layers}_v{version}" for version in (1, 2)
           for layers in (18, 34, 50, 101, 152)),
         "squeezenet1.0", "squeezenet1.1",
         *(f"vgg{layers}{suffix}" for layers in (11, 13, 16, 19) for suffix in ("", "_bn"))]
# The least that a network's poolings allow.
SIZES = {"alexnet": 67, "densenet": 224, "inceptionv3": 299, "squeezenet": 216, "mobilenet": 64,
         "resnet": 64, "vgg": 64}
CLASSES = 10


def size_of(name):
    """The side of the images that the network is tried with."""
    return next(size for family, size in SIZES.items() if name.startswith(family))


def digest(value):
    """A short text that two equal values of JSON share."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def graph_of(symbol):
    """The nodes of a graph as lists: operator, name, attributes, inputs."""
    graph = json.loads(symbol.tojson())
    return [[node["op"], node["name"], node.get("attrs") or {}, [i[:2] for i in node["inputs"]]]
            for node in graph["nodes"]]


def structure(mx, name):
    """Digests of a network with 1000 classes: its parameters, its graph and its text."""
    vision = importlib.import_module(mx.__name__ + ".gluon.model_zoo.vision")
    with mx.name.NameManager():
        net = vision.get_model(name)
        symbol = net(mx.sym.Variable("data"))
    size = max(224, size_of(name))
    arguments, _, auxiliary = symbol.infer_shape(data=(1, 3, size, size))
    shapes = dict(zip(symbol.list_arguments() + symbol.list_auxiliary_states(),
                      [*arguments, *auxiliary]))
    paths = {id(p): path for path, p in net._collect_params_with_prefix().items()}
    rows = [[p.name, paths[id(p)], list(shapes[p.name]), p.grad_req]
            for p in net.collect_params().values()]
    return {"parameters": len(rows), "elements": int(sum(np.prod(row[2]) for row in rows)),
            "rows": digest(rows), "graph": digest(graph_of(symbol)), "text": digest(repr(net))}


def draw(path, shape):
    """The values of the parameter at `path`, as a network that learnt something might have them."""
    random = np.random.RandomState(zlib.crc32(path.encode()) % 2 ** 31)
    values = random.uniform(-1, 1, shape)
    kind = path.rsplit(".", 1)[-1]
    if kind == "weight":
        values *= np.sqrt(6 / np.prod(shape[1:]))
    elif kind in ("gamma", "running_var"):
        values = 1 + values / 4
    else:
        values /= 10
    return values.astype(np.float32)


def images(name, count):
    """The images that a network is tried with."""
    size = size_of(name)
    return np.random.RandomState(7).uniform(-1, 1, (count, 3, size, size)).astype(np.float32)


def without_dropout(block):
    """Makes a dropout layer an identity: nothing random is compared."""
    if type(block).__name__ == "Dropout":
        block._rate = 0


def filled(mx, name):
    """A network with 10 classes whose parameters are drawn, without dropout."""
    vision = importlib.import_module(mx.__name__ + ".gluon.model_zoo.vision")
    with mx.name.NameManager():
        net = vision.get_model(name, classes=CLASSES)
    net.apply(without_dropout)
    net.initialize(mx.init.Zero())
    net.hybridize()
    net(mx.nd.array(images(name, 1)))
    for path, parameter in net._collect_params_with_prefix().items():
        parameter.set_data(mx.nd.array(draw(path, parameter.shape)))
    return net


def gradient_paths(net):
    """The first and the last weight, and one in the middle."""
    paths = [path for path, p in net._collect_params_with_prefix().items()
             if p.grad_req != "null" and path.endswith("weight")]
    return [paths[0], paths[len(paths) // 2], paths[-1]]


def tried(mx, name):
    """Scores of an image, and the size of some gradients of their weighted sum in training."""
    net = filled(mx, name)
    scores = net(mx.nd.array(images(name, 1))).asnumpy()[0]
    data = mx.nd.array(images(name, 2 if size_of(name) > 200 else 4))
    with mx.autograd.record():
        total = (net(data) * mx.nd.arange(1, CLASSES + 1)).sum()
    total.backward()
    parameters = net._collect_params_with_prefix()
    return {"scores": [float(score) for score in scores],
            "gradients": {path: float(np.linalg.norm(parameters[path].grad().asnumpy()))
                          for path in gradient_paths(net)}}


if __name__ == "__main__":
    package = importlib.import_module(sys.argv[1])
    record = {}
    for one in NAMES:
        print(one, flush=True)
        record[one] = {**structure(package, one), **tried(package, one)}
    Path(__file__).with_name("zoo.json").write_text(json.dumps(record, indent=0) + "\n")
