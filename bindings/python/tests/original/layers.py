"""Layers, losses and cells, run with given parameters: what they are called, print and compute.

Run in MXNet 1.9.1's environment this writes layers.json and layers.npz, which test_layers.py compares
with. A case is (function that makes the block, inputs, function that calls it).
"""
import json
import sys
from pathlib import Path

import numpy as np


def values(shape, seed=0):
    """Fixed values in (-1, 1) that look like noise."""
    count = int(np.prod(shape))
    return (np.sin(np.arange(count) * 12.9898 + seed * 7.1 + 1) * 437.5453 % 2 - 1) \
        .astype("float32").reshape(shape)


class Case:
    """`make(mx)` gives a block, `call(block, inputs)` its outputs; `needs` is an operator."""

    def __init__(self, make, *inputs, call=None, needs=(), gradients=9, symbol=True,
                 train=True):
        self.make = make
        self.inputs = [values(one, i) if isinstance(one, tuple) else np.asarray(one)
                       for i, one in enumerate(inputs)]
        self.call = call or (lambda block, inputs: block(*inputs))
        self.needs = (needs,) if isinstance(needs, str) else needs
        self.gradients = gradients  # so many of the inputs have one
        self.symbol = symbol
        self.train = train


def _nn(name, *args, **kwargs):
    return lambda mx: getattr(mx.gluon.nn, name)(*args, **kwargs)


def _contrib(name, *args, **kwargs):
    return lambda mx: getattr(mx.gluon.contrib.nn, name)(*args, **kwargs)


def _loss(name, *args, **kwargs):
    return lambda mx: getattr(mx.gluon.loss, name)(*args, **kwargs)


def _sequence(mx):
    net = mx.gluon.nn.HybridSequential()
    with net.name_scope():
        net.add(mx.gluon.nn.Dense(4, activation="tanh"), mx.gluon.nn.Dropout(0.),
                mx.gluon.nn.Dense(3, use_bias=False))
    return net


def _concurrent(mx, name):
    net = getattr(mx.gluon.contrib.nn, name)(axis=1)
    with net.name_scope():
        net.add(mx.gluon.nn.Dense(2), mx.gluon.contrib.nn.Identity(), mx.gluon.nn.Dense(3))
    return net


SIGNS = np.array([[1, -1, 1], [-1, -1, 1]], "float32")
CASES = {
    "dense": Case(_nn("Dense", 3), (2, 4)),
    "dense_flatten": Case(_nn("Dense", 3, activation="relu"), (2, 2, 4)),
    "dense_keep": Case(_nn("Dense", 3, flatten=False, use_bias=False), (2, 2, 4)),
    "sequence": Case(_sequence, (2, 5)),
    "conv1d": Case(_nn("Conv1D", 4, 3, 2, 1), (2, 3, 9)),
    "conv1d_groups": Case(_nn("Conv1D", 4, 3, groups=2, dilation=2), (2, 4, 9)),
    "conv2d": Case(_nn("Conv2D", 4, 3, activation="relu"), (2, 3, 6, 7)),
    "conv2d_groups": Case(_nn("Conv2D", 6, (3, 2), (2, 1), (1, 0), (1, 2), groups=3,
                              use_bias=False), (2, 3, 6, 7)),
    "conv3d": Case(_nn("Conv3D", 2, (2, 3, 2), padding=1), (1, 2, 4, 5, 4)),
    "conv1d_transpose": Case(_nn("Conv1DTranspose", 4, 3, 2, 1, 1), (2, 3, 5),
                             needs="Deconvolution"),
    "conv2d_transpose": Case(_nn("Conv2DTranspose", 4, 3, (2, 3), (1, 0), (1, 2)), (2, 3, 4, 3),
                             needs="Deconvolution"),
    "conv2d_transpose_groups": Case(_nn("Conv2DTranspose", 4, 2, groups=2, in_channels=2, activation="tanh",
                                        use_bias=False), (2, 2, 4, 3), needs="Deconvolution"),
    "conv3d_transpose": Case(_nn("Conv3DTranspose", 2, 2, 2, in_channels=3), (1, 3, 2, 3, 2),
                             needs="Deconvolution"),
    "max_pool1d": Case(_nn("MaxPool1D"), (2, 3, 8)),
    "max_pool2d": Case(_nn("MaxPool2D", 3, 2, ceil_mode=True), (2, 3, 8, 7)),
    "max_pool3d": Case(_nn("MaxPool3D"), (1, 2, 4, 4, 6)),
    "avg_pool1d": Case(_nn("AvgPool1D", 3, 1, 1), (2, 3, 8)),
    "avg_pool2d": Case(_nn("AvgPool2D", (3, 2), padding=(1, 0), count_include_pad=False),
                       (2, 3, 8, 7)),
    "avg_pool3d": Case(_nn("AvgPool3D"), (1, 2, 4, 4, 6)),
    "global_max_pool1d": Case(_nn("GlobalMaxPool1D"), (2, 3, 8)),
    "global_max_pool2d": Case(_nn("GlobalMaxPool2D"), (2, 3, 4, 5)),
    "global_max_pool3d": Case(_nn("GlobalMaxPool3D"), (1, 2, 4, 4, 6)),
    "global_avg_pool1d": Case(_nn("GlobalAvgPool1D"), (2, 3, 8)),
    "global_avg_pool2d": Case(_nn("GlobalAvgPool2D"), (2, 3, 4, 5)),
    "global_avg_pool3d": Case(_nn("GlobalAvgPool3D"), (1, 2, 4, 4, 6)),
    "reflection_pad": Case(_nn("ReflectionPad2D", 2), (1, 2, 4, 5)),
    "batch_norm": Case(_nn("BatchNorm"), (3, 2, 4)),
    "batch_norm_options": Case(_nn("BatchNorm", axis=-1, momentum=.5, epsilon=.1, center=False,
                                   scale=False), (3, 2, 4)),
    "batch_norm_relu": Case(_nn("BatchNormReLU"), (3, 2, 4, 1), needs="_contrib_BatchNormWithReLU"),
    "sync_batch_norm": Case(_contrib("SyncBatchNorm", num_devices=1, in_channels=2), (3, 2, 4),
                            needs="_contrib_SyncBatchNorm"),
    "layer_norm": Case(_nn("LayerNorm"), (3, 2, 4), needs="LayerNorm"),
    "layer_norm_axis": Case(_nn("LayerNorm", axis=1, epsilon=.1, center=False), (3, 2, 4),
                            needs="LayerNorm"),
    "group_norm": Case(_nn("GroupNorm", 2), (3, 4, 5), needs="GroupNorm"),
    "instance_norm": Case(_nn("InstanceNorm"), (3, 2, 4), needs="InstanceNorm"),
    "instance_norm_axis": Case(_nn("InstanceNorm", axis=2, scale=True, in_channels=4), (3, 2, 4),
                               needs="InstanceNorm"),
    "embedding": Case(_nn("Embedding", 5, 3), [[0, 2], [4, 0], [1, 1]], gradients=0),
    "flatten": Case(_nn("Flatten"), (2, 3, 4)),
    "lambda": Case(_nn("Lambda", "tanh"), (2, 3), symbol=False),
    "hybrid_lambda": Case(_nn("HybridLambda", "tanh"), (2, 3)),
    "hybrid_lambda_function": Case(_nn("HybridLambda", lambda F, x: F.square(x) + x), (2, 3)),
    "dropout": Case(_nn("Dropout", 0., axes=(1,)), (2, 3)),
    "activation": Case(_nn("Activation", "softrelu"), (2, 3)),
    "leaky_relu": Case(_nn("LeakyReLU", .1), (2, 3)),
    "prelu": Case(_nn("PReLU"), (2, 3)),
    "prelu_channels": Case(_nn("PReLU", in_channels=3), (2, 3)),
    "elu": Case(_nn("ELU", .5), (2, 3)),
    "selu": Case(_nn("SELU"), (2, 3), train=False),  # the gradient of 1.9.1 is not the function's
    "gelu": Case(_nn("GELU"), (2, 3)),
    "swish": Case(_nn("Swish", 1.5), (2, 3)),
    "concurrent": Case(lambda mx: _concurrent(mx, "Concurrent"), (2, 4), symbol=False),
    "hybrid_concurrent": Case(lambda mx: _concurrent(mx, "HybridConcurrent"), (2, 4)),
    "pixel_shuffle1d": Case(_contrib("PixelShuffle1D", 2), (1, 4, 3)),
    "pixel_shuffle2d": Case(_contrib("PixelShuffle2D", (2, 3)), (1, 12, 3, 2)),
    "pixel_shuffle3d": Case(_contrib("PixelShuffle3D", 2), (1, 8, 2, 1, 3)),
    # Losses.
    "l2": Case(_loss("L2Loss"), (2, 3), (2, 3)),
    "l2_weights": Case(_loss("L2Loss", weight=.3), (2, 3), (2, 3), [[1.], [.5]]),
    "l1": Case(_loss("L1Loss"), (2, 3), (2, 3)),
    "sigmoid_bce": Case(_loss("SigmoidBCELoss"), (2, 3), np.abs(values((2, 3), 5))),
    "sigmoid_bce_weights": Case(_loss("SigmoidBCELoss"), (2, 3), np.abs(values((2, 3), 5)),
                                [[1.], [.5]], [[2., 1., .5]]),
    "sigmoid_bce_probabilities": Case(_loss("SigmoidBCELoss", from_sigmoid=True, weight=2.),
                                      np.abs(values((2, 3))), np.abs(values((2, 3), 5))),
    "sigmoid_bce_probabilities_weights": Case(
        _loss("SigmoidBCELoss", from_sigmoid=True), np.abs(values((2, 3))),
        np.abs(values((2, 3), 5)), [[1.], [.5]], [[2., 1., .5]]),
    "softmax_ce": Case(_loss("SoftmaxCELoss"), (2, 3), np.array([1, 0], "float32")),
    "softmax_ce_dense": Case(_loss("SoftmaxCELoss", axis=1, sparse_label=False, weight=.5),
                             (2, 3, 2), np.abs(values((2, 3, 2), 5))),
    "softmax_ce_logits": Case(_loss("SoftmaxCELoss", from_logits=True), (2, 3),
                              np.array([1, 0], "float32"), [[1.], [.5]]),
    "kl_div": Case(_loss("KLDivLoss"), (2, 3), np.abs(values((2, 3), 5))),
    "kl_div_predictions": Case(_loss("KLDivLoss", from_logits=False, axis=1), (2, 3, 2),
                               np.abs(values((2, 3, 2), 5))),
    "ctc": Case(_loss("CTCLoss"), (2, 6, 4), np.array([[1, 0, -1], [2, 2, 0]], "float32"),
                needs="CTCLoss"),
    "huber": Case(_loss("HuberLoss", rho=.5), (2, 3), (2, 3)),
    "hinge": Case(_loss("HingeLoss", margin=.5), (2, 3), SIGNS),
    "squared_hinge": Case(_loss("SquaredHingeLoss"), (2, 3), SIGNS, [[1.], [.5]]),
    "logistic": Case(_loss("LogisticLoss"), (2, 3), SIGNS),
    "logistic_binary": Case(_loss("LogisticLoss", label_format="binary"), (2, 3),
                            (SIGNS + 1) / 2),
    "triplet": Case(_loss("TripletLoss"), (2, 3), (2, 3), (2, 3)),
    "poisson": Case(_loss("PoissonNLLLoss"), (2, 3), np.abs(values((2, 3), 5))),
    "poisson_full": Case(_loss("PoissonNLLLoss", from_logits=False, compute_full=True, weight=.5),
                         np.abs(values((2, 3))), np.abs(values((2, 3), 5)) * 8, symbol=False, train=False),
    "cosine": Case(_loss("CosineEmbeddingLoss", margin=.1), (2, 3), (2, 3),
                   np.array([1, -1], "float32")),
    "sdml": Case(_loss("SDMLLoss"), (4, 3), (4, 3), symbol=False),
}


def flat(outputs):
    if not isinstance(outputs, (list, tuple)):
        return [outputs]
    return [leaf for one in outputs for leaf in flat(one)]


def set_parameters(mx, block):
    """Give every parameter fixed values (positive ones to variances)."""
    for i, (name, parameter) in enumerate(block.collect_params().items()):
        if parameter.shape and 0 not in parameter.shape:
            value = values(parameter.shape, i + 10)
            parameter.set_data(mx.nd.array(np.abs(value) + .5 if name.endswith("var") else value))


def run(mx, case, hybridize=False):
    """The facts and numbers of a case: ({name: text}, {name: array})."""
    with mx.name.NameManager():
        block = case.make(mx)
    facts = {"before": repr(block), "name": block.name}
    if case.symbol and not hybridize:
        with mx.name.NameManager():
            inputs = [mx.sym.var(f"in{i}") for i in range(len(case.inputs))]
            graph = mx.sym.Group(flat(case.call(block, inputs)))
        facts["arguments"] = graph.list_arguments()
        facts["auxiliary"] = graph.list_auxiliary_states()
        facts["outputs"] = graph.list_outputs()
    block.initialize()
    if hybridize:
        block.hybridize()
    inputs = [mx.nd.array(one) for one in case.inputs]
    if any(0 in one.shape for one in block.collect_params().values()):
        case.call(block, inputs)
    set_parameters(mx, block)
    facts["after"] = repr(block)
    facts["parameters"] = {name: list(one.shape) for name, one in block.collect_params().items()}
    facts["structure"] = sorted(block._collect_params_with_prefix())
    numbers = {}
    for i, one in enumerate(flat(case.call(block, inputs))):
        numbers[f"predict{i}"] = one.asnumpy()
    if not case.train:
        return facts, numbers
    for one in inputs[:case.gradients]:
        one.attach_grad()
    with mx.autograd.record():
        outputs = flat(case.call(block, inputs))
        total = sum(((one * mx.nd.array(values(one.shape, 3 + i))).sum()
                     for i, one in enumerate(outputs)), mx.nd.zeros((1,)))
    total.backward()
    for i, one in enumerate(outputs):
        numbers[f"train{i}"] = one.asnumpy()
    for i, one in enumerate(inputs):
        if i < case.gradients:
            numbers[f"grad{i}"] = one.grad.asnumpy()
    for name, one in block.collect_params().items():
        if one.grad_req != "null":
            numbers[name] = one.grad().asnumpy()
        elif "running" in name:
            numbers[name] = one.data().asnumpy()
    return facts, numbers


def record(mx, cases):
    """Facts of all cases, and all numbers in one row: {name: facts}, {name: shapes}, array."""
    facts, shapes, numbers = {}, {}, []
    for name, case in cases.items():
        facts[name], arrays = run(mx, case)
        shapes[name] = {key: list(one.shape) for key, one in arrays.items()}
        numbers += [one.ravel().astype("float32") for one in arrays.values()]
    return facts, shapes, np.concatenate(numbers)


def recorded(shapes, numbers):
    """{case: {name: array}} from what `record` gave."""
    result, place = {}, 0
    for case, own in shapes.items():
        result[case] = {}
        for name, shape in own.items():
            size = int(np.prod(shape))
            result[case][name] = numbers[place:place + size].reshape(shape)
            place += size
    return result


if __name__ == "__main__":
    import mxnet

    here = Path(__file__).parent
    sys.path.insert(0, str(here))
    import cells

    facts, shapes, numbers = record(mxnet, {**CASES, **cells.CASES})
    (here / "layers.json").write_text(
        json.dumps({"facts": facts, "shapes": shapes}, indent=0) + "\n")
    np.save(here / "layers.npy", numbers)
