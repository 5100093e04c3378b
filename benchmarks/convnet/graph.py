"""The networks as a list of steps that every side builds from: read from a symbol's JSON file.

Needs NumPy only. Weights are drawn from their names, so that all sides compute the same numbers.
"""
import ast
import json
import os
import time
import zlib

import numpy as np

MODES = ("inference", "training")


def settings():
    """(folder of the symbols, network, mode, batch, threads), as the runner says."""
    network, mode, batch, threads = os.environ["GEMEL_BENCH_CELL"].split(",")
    return os.environ["GEMEL_BENCH_SYMBOLS"], network, mode, int(batch), int(threads)


def cases(make):
    """The CASES of a side: one, which is the runner's cell; `make(graph, mode, batch, threads)`."""
    _, network, mode, batch, threads = settings()
    return {os.environ["GEMEL_BENCH_CELL"]: lambda: make(Graph(network), mode, batch, threads)}


def draw(name, shape):
    """The values of an array: of a weight so that activations keep their size."""
    random = np.random.RandomState(zlib.crc32(name.encode()) % 2 ** 31)
    values = random.uniform(-1, 1, shape)
    if name.endswith("weight"):
        values *= np.sqrt(6 / np.prod(shape[1:]))
    elif name.endswith(("gamma", "var")):
        values = 1 + values / 4
    else:
        values /= 10
    return values.astype(np.float32)


def images(batch):
    """The images that go in, (batch, 3, 224, 224)."""
    one = np.random.RandomState(7).uniform(-1, 1, (1, 3, 224, 224)).astype(np.float32)
    return np.ascontiguousarray(np.broadcast_to(one, (batch, *one.shape[1:])))


def labels(batch):
    """The classes of the images."""
    return np.arange(batch) % 1000


class Step:
    """One operator: `op`, `name`, `inputs` (names of steps), `weights` (names), attributes."""

    def __init__(self, op, name, inputs, weights, attributes):
        self.op, self.name, self.inputs, self.weights = op, name, inputs, weights
        self._attributes = attributes

    def get(self, key, default=None):
        """An attribute as a Python value."""
        text = self._attributes.get(key)
        if text is None:
            return default
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return text


class Graph:
    """`steps` from "data" to the scores, `arrays` by the names of the weights, and the `json`."""

    def __init__(self, network):
        folder = settings()[0]
        self.path = os.path.join(folder, network + "-symbol.json")
        with open(self.path, encoding="utf-8") as file:
            nodes = json.load(file)["nodes"]
        with open(os.path.join(folder, network + "-shapes.json"), encoding="utf-8") as file:
            shapes = json.load(file)
        self.arrays = {name: draw(name, shape) for name, shape in shapes.items()}
        self.steps = []
        for node in nodes:
            if node["op"] in ("null", "SoftmaxOutput"):
                continue
            names = [nodes[entry[0]]["name"] for entry in node["inputs"]]
            self.steps.append(Step(node["op"], node["name"],
                                   [name for name in names if name not in self.arrays],
                                   [name for name in names if name in self.arrays],
                                   node.get("attrs", {})))

    def folded(self):
        """The steps for inference: no dropout, normalizations folded into the convolutions before
        them. Changes `arrays`."""
        steps, renamed, before = [], {}, {}
        for step in self.steps:
            step.inputs = [renamed.get(name, name) for name in step.inputs]
            if step.op == "Dropout":
                renamed[step.name] = step.inputs[0]
            elif step.op == "BatchNorm" and before[step.inputs[0]].op == "Convolution":
                self._fold(before[step.inputs[0]], step)
                renamed[step.name] = step.inputs[0]
            else:
                before[step.name] = step
                steps.append(step)
        return steps

    def _fold(self, convolution, norm):
        gamma, beta, mean, variance = (self.arrays[name] for name in norm.weights)
        if norm.get("fix_gamma", True):
            gamma = np.ones_like(gamma)
        scale = gamma / np.sqrt(variance + norm.get("eps", 1e-3))
        weight = convolution.weights[0]
        self.arrays[weight] = self.arrays[weight] * scale[:, None, None, None]
        bias = self.arrays[convolution.weights[1]] if len(convolution.weights) > 1 else 0
        convolution.weights = [weight, weight + "_bias"]
        self.arrays[weight + "_bias"] = (bias - mean) * scale + beta


def pooling(step, height, width):
    """(kernel, stride, pads as (top, left, bottom, right)) of a pooling of images of that size; pads
    are those that make a window which hangs over the border whole."""
    if step.get("global_pool", False):
        return (height, width), (1, 1), (0, 0, 0, 0)
    kernel, stride, pad = step.get("kernel"), step.get("stride", (1, 1)), step.get("pad", (0, 0))
    after = []
    for size, window, step_size, border in zip((height, width), kernel, stride, pad):
        rest = size + 2 * border - window
        full = step.get("pooling_convention", "valid") == "full" and rest % step_size
        after.append(border + (step_size - rest % step_size if full else 0))
    return kernel, stride, (*pad, *after)


def runs(once):
    """A case's `repeat`; `once` gives the scores of the first image, or None."""
    started = time.perf_counter()
    output = once()
    took = time.perf_counter() - started

    def repeat(count):
        for _ in range(count):
            once()
    repeat.took = took
    repeat.output = None if output is None else [float(value) for value in output]
    return repeat
