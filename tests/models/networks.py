"""Networks of the model zoo and a training curve, computed with gemel or with MXNet 1.9.1.

    python record.py --mxnet-python PATH      # writes expected.json anew, from MXNet

As a program of its own (`python networks.py FOLDER`), with the interpreter of MXNet, it prints what
`measure` and `curve` find there for the symbols in the folder.
"""
import json
import sys
import zlib
from pathlib import Path

import numpy as np

# Name -> the arguments of `model_zoo.get_symbol`, the shape of the data, its type. float64 where tens
# of normalisations over few values leave little of float32, or maxima of windows lie so close that
# rounding decides where a gradient goes.
NETWORKS = {
    "alexnet": (("alexnet", 10), (2, 3, 128, 128), "float32"),
    "googlenet": (("googlenet", 10), (1, 3, 64, 64), "float64"),
    "googlenet-bn": (("googlenet-bn", 10), (2, 3, 64, 64), "float64"),
    "inception-bn": (("inception-bn", 10), (2, 3, 64, 64), "float64"),
    "inception-v3": (("inception-v3", 10), (1, 3, 299, 299), "float64"),
    "vgg11": (("vgg", 10, 11), (2, 3, 64, 64), "float32"),
    "vgg16": (("vgg", 10, 16), (1, 3, 64, 64), "float32"),
    "resnet18-v1": (("resnet-v1", 10, 18), (2, 3, 64, 64), "float32"),
    "resnet50-v1b": (("resnet-v1b", 10, 50), (2, 3, 64, 64), "float64"),
    "resnet50": (("resnet", 10, 50), (2, 3, 64, 64), "float64"),
    "mobilenet": (("mobilenet", 10), (2, 3, 64, 64), "float64"),
    "mobilenetv2": (("mobilenetv2", 10), (2, 3, 64, 64), "float64"),
}
CURVES = {"lenet": (("lenet", 10), (32, 1, 28, 28), 0.05),
          "resnet8": (("resnet", 10, 8), (32, 3, 28, 28), 0.2)}
STEPS = 200


def random_of(name):
    """Random numbers that depend on a name only."""
    return np.random.RandomState(zlib.crc32(name.encode()) % 2 ** 31)


def bind(mx, path, shape, dtype="float32"):
    """An executor that trains, its parameters drawn from their names so that activations keep
    their size. Dropout keeps everything."""
    symbol = mx.sym.load(path)
    request = {name: "null" if name in ("data", "softmax_label") else "write"
               for name in symbol.list_arguments()}
    executor = symbol.simple_bind(mx.cpu(), grad_req=request, data=shape,
                                  type_dict={name: dtype for name in symbol.list_inputs()})
    for name, array in list(executor.arg_dict.items()) + list(executor.aux_dict.items()):
        random = random_of(name)
        if name == "softmax_label":
            values = np.arange(array.shape[0]) % 10
        elif name.endswith(("gamma", "var")):
            values = random.uniform(0.8, 1.2, array.shape)
        else:
            fan = np.prod(array.shape[1:]) if name.endswith("weight") else 3
            values = random.uniform(-1, 1, array.shape) * np.sqrt(3 / max(1, fan))
        array[:] = mx.nd.array(values.astype(np.float32), dtype=array.dtype)
    return executor


def measure(mx, path, shape, dtype):
    """[the scores, {parameter: [its gradient along a random direction, its norm]}]."""
    executor = bind(mx, path, shape, dtype)
    executor.forward(is_train=True)
    executor.backward()
    gradients = {}
    for name, array in executor.grad_dict.items():
        if array is not None:
            values = array.asnumpy().astype(np.float64).ravel()
            signs = random_of("direction of " + name).choice([-1.0, 1.0], values.size)
            gradients[name] = [float(values @ signs), float(np.linalg.norm(values))]
    return [executor.outputs[0].asnumpy().ravel().tolist(), gradients]


def curve(mx, path, shape, rate):
    """The losses of 200 steps of stochastic gradient descent on classes of noisy patterns."""
    executor, found = bind(mx, path, shape), []
    weights = [(array, executor.grad_dict[name]) for name, array in executor.arg_dict.items()
               if executor.grad_dict.get(name) is not None]
    patterns = random_of("patterns").normal(size=(10,) + shape[1:])
    for step in range(STEPS):
        random = np.random.RandomState(step)
        label = random.randint(0, 10, shape[0])
        data = patterns[label] + 2 * random.normal(size=shape)
        executor.arg_dict["data"][:] = data.astype(np.float32)
        executor.arg_dict["softmax_label"][:] = label.astype(np.float32)
        executor.forward(is_train=True)
        executor.backward()
        scores = executor.outputs[0].asnumpy()
        found.append(float(-np.log(scores[np.arange(len(label)), label] + 1e-12).mean()))
        for weight, gradient in weights:
            weight -= (rate / shape[0]) * gradient
    return found


def rounded(value):
    """The same with seven digits."""
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return [rounded(inner) for inner in value]


if __name__ == "__main__":
    import mxnet
    FOLDER = Path(sys.argv[1])
    print(json.dumps(rounded({
        "networks": {name: measure(mxnet, str(FOLDER / f"{name}.json"), shape, dtype)
                     for name, (_, shape, dtype) in NETWORKS.items()},
        "curves": {name: curve(mxnet, str(FOLDER / f"{name}.json"), shape, rate)
                   for name, (_, shape, rate) in CURVES.items()}})))
