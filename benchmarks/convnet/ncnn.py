"""ncnn, in float32, one image at a time: it knows no batches."""
import collections
import os
import tempfile

import ncnn
import numpy as np
from convnet import graph

VERSION = ncnn.__version__


def _relu_fused(steps):
    """Rectifiers that alone use a convolution or product become part of it."""
    uses = collections.Counter(name for step in steps for name in step.inputs)
    makers, kept, renamed = {step.name: step for step in steps}, [], {}
    for step in steps:
        step.inputs = [renamed.get(name, name) for name in step.inputs]
        source = makers.get(step.inputs[0])
        if (step.op == "Activation" and uses[source.name] == 1
                and source.op in ("Convolution", "FullyConnected")):
            source.relu, renamed[step.name] = 1, source.name
        else:
            kept.append(step)
    return kept


def _layer(step):
    """The type of a layer and its numbered parameters."""
    relu = getattr(step, "relu", 0)
    if step.op == "Convolution":
        kernel, stride, pad = (step.get(key, default) for key, default in
                               (("kernel", None), ("stride", (1, 1)), ("pad", (0, 0))))
        return "Convolution", {0: step.get("num_filter"), 1: kernel[1], 11: kernel[0], 3: stride[1],
                               13: stride[0], 4: pad[1], 14: pad[0], 5: int(len(step.weights) > 1),
                               6: "weights", 9: relu}
    if step.op == "FullyConnected":
        return "InnerProduct", {0: step.get("num_hidden"), 1: 1, 2: "weights", 9: relu}
    if step.op == "Activation":
        return "ReLU", {}
    if step.op == "Flatten":
        return "Flatten", {}
    if step.op == "Concat":
        return "Concat", {0: 0}
    if step.op in ("elemwise_add", "_Plus"):
        return "BinaryOp", {0: 0}
    if step.op == "Pooling":
        kind = 0 if step.get("pool_type") == "max" else 1
        if step.get("global_pool", False):
            return "Pooling", {0: kind, 4: 1}
        full = step.get("pooling_convention", "valid") == "full"
        return "Pooling", {0: kind, 1: step.get("kernel")[0], 2: step.get("stride", (1, 1))[0],
                           3: step.get("pad", (0, 0))[0], 5: 0 if full else 1}
    raise NotImplementedError(step.op)


def write(network, folder):
    """Writes the two files of a network; the output is named "scores"."""
    steps = _relu_fused(network.folded())
    users = collections.defaultdict(list)
    for step in steps:
        for name in step.inputs:
            users[name].append(step.name)
    lines = [("Input", "data", [], ["data"], {})]
    taken = collections.Counter()

    def split(name):
        copies = [f"{name}_split{i}" for i in range(len(users[name]))]
        if len(copies) > 1:
            lines.append(("Split", name + "_split", [name], copies, {}))

    split("data")
    with open(os.path.join(folder, "net.bin"), "wb") as weights:
        for step in steps:
            inputs = []
            for name in step.inputs:
                many = len(users[name]) > 1
                inputs.append(f"{name}_split{taken[name]}" if many else name)
                taken[name] += 1
            kind, parameters = _layer(step)
            for i, name in enumerate(step.weights):
                array = network.arrays[name]
                if i == 0:
                    weights.write(bytes(4))   # what follows is float32
                    parameters = {key: array.size if value == "weights" else value
                                  for key, value in parameters.items()}
                weights.write(np.ascontiguousarray(array, np.float32).tobytes())
            last = step is steps[-1]
            lines.append((kind, step.name, inputs, ["scores" if last else step.name], parameters))
            split(step.name)
    blobs = sum(len(line[3]) for line in lines)
    with open(os.path.join(folder, "net.param"), "w", encoding="ascii") as file:
        file.write(f"7767517\n{len(lines)} {blobs}\n")
        for kind, name, inputs, outputs, parameters in lines:
            words = [kind, name, len(inputs), len(outputs), *inputs, *outputs,
                     *(f"{key}={value}" for key, value in parameters.items())]
            file.write(" ".join(str(word) for word in words) + "\n")


def _make(network, _, batch, threads):
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    with tempfile.TemporaryDirectory() as folder:
        write(network, folder)
        assert net.load_param(os.path.join(folder, "net.param")) == 0
        assert net.load_model(os.path.join(folder, "net.bin")) == 0
    pictures = [ncnn.Mat(image).clone() for image in graph.images(batch)]

    def once():
        for picture in pictures:
            extractor = net.create_extractor()
            extractor.input("data", picture)
            _, scores = extractor.extract("scores")
        return np.array(scores)
    return graph.runs(once)


CASES = graph.cases(_make) if graph.settings()[2] == "inference" else {}
