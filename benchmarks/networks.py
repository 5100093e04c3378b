"""Networks that several workloads use; `mx` is gemel or mxnet.

Those of `mx.model_zoo` come as files, which every side can read: `write_symbols` makes them, and the
environment variable GEMEL_BENCH_SYMBOLS tells where they are.
"""
import json
import math
import os

PERCEPTRON = (128, 64, 10)


def perceptron(mx):
    """784-128-64-10 with relu, and its loss."""
    net = mx.sym.Variable("data")
    for i, units in enumerate(PERCEPTRON):
        net = mx.sym.FullyConnected(net, num_hidden=units, name=f"fc{i + 1}")
        if units != PERCEPTRON[-1]:
            net = mx.sym.Activation(net, act_type="relu", name=f"relu{i + 1}")
    return mx.sym.SoftmaxOutput(net, name="softmax")


def lenet(mx):
    """LeNet for 28x28 images, and its loss."""
    net = mx.sym.Variable("data")
    for i, filters in enumerate((20, 50)):
        net = mx.sym.Convolution(net, kernel=(5, 5), num_filter=filters, name=f"conv{i + 1}")
        net = mx.sym.Activation(net, act_type="tanh", name=f"tanh{i + 1}")
        net = mx.sym.Pooling(net, pool_type="max", kernel=(2, 2), stride=(2, 2), name=f"pool{i + 1}")
    net = mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=500, name="fc1")
    net = mx.sym.Activation(net, act_type="tanh", name="tanh3")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")


def bound_perceptron(mx, batch):
    """The bound network with values in place, and its (weight, gradient) pairs."""
    net = perceptron(mx)
    request = {name: "null" if name in ("data", "softmax_label") else "write" for name in net.list_arguments()}
    executor = net.simple_bind(mx.cpu(), grad_req=request, data=(batch, 784))
    for name, array in executor.arg_dict.items():
        array[:] = 3 if name == "softmax_label" else mx.nd.random.uniform(-0.05, 0.05, shape=array.shape)
    pairs = [(executor.arg_dict[name], executor.grad_dict[name]) for name in net.list_arguments()
             if request[name] == "write"]
    mx.nd.waitall()
    return executor, pairs


def step_of(executor):
    """Forward and backward as one call where there is one."""
    def two_calls():
        executor.forward(is_train=True)
        executor.backward()
    return getattr(executor, "forward_backward", two_calls)


# Name -> network of the model zoo, its layers, and its larger batch: AlexNet of arXiv 1404.5997, GoogLeNet
# without batch normalization, ResNet-50 with its strides in the 3x3 convolutions.
CONVNETS = {"alexnet": ("alexnet-v2", None, 32), "googlenet": ("googlenet", None, 32),
            "vgg16": ("vgg", 16, 16), "resnet50": ("resnet-v1b", 50, 16)}


def _work(symbol, image):
    """Multiplications and additions of an inference of one image, as direct sums count them."""
    internals = symbol.get_internals()
    shapes = dict(zip(internals.list_outputs(), internals.infer_shape(data=(1, *image))[1]))
    total, nodes = 0, json.loads(symbol.tojson())["nodes"]
    for node in nodes:
        if node["op"] in ("Convolution", "FullyConnected"):
            weight = shapes[nodes[node["inputs"][1][0]]["name"]]
            total += 2 * math.prod(shapes[node["name"] + "_output"]) * math.prod(weight[1:])
    return total


def write_symbols(folder, names):
    """Writes NAME-symbol.json and NAME-shapes.json (of the weights) of these CONVNETS; the work of an
    inference of one image by name. Needs gemel."""
    import gemel as mx  # pylint: disable=import-outside-toplevel,import-error
    work = {}
    for name in names:
        network, layers, _ = CONVNETS[name]
        symbol = mx.model_zoo.get_symbol(network, num_layers=layers)
        symbol.save(os.path.join(folder, name + "-symbol.json"))
        arguments, _, auxiliary = symbol.infer_shape(data=(1, 3, 224, 224))
        shapes = dict(zip(symbol.list_arguments() + symbol.list_auxiliary_states(),
                          [*arguments, *auxiliary]))
        shapes = {key: shape for key, shape in shapes.items() if key not in ("data", "softmax_label")}
        with open(os.path.join(folder, name + "-shapes.json"), "w", encoding="utf-8") as file:
            json.dump(shapes, file)
        work[name] = _work(symbol, (3, 224, 224))
    return work


def convnet(name):
    """The function of `mx` that reads one of them."""
    return lambda mx: mx.sym.load(os.path.join(os.environ["GEMEL_BENCH_SYMBOLS"], name + "-symbol.json"))


# Large batches: 1.9.1 tells its plan in whole MB.
MEMORY_CASES = {"LeNet": (lenet, (512, 1, 28, 28)), "perceptron": (perceptron, (65536, 784)),
                **{name: (convnet(name), (64, 3, 224, 224)) for name in CONVNETS}}
MEMORY_CASES = {f"{name}, {mode}": (*case, mode == "training") for name, case in MEMORY_CASES.items()
                for mode in ("inference", "training")}


def memory_executor(mx, name, batch=None):
    """The executor of one memory case, perhaps for another batch size."""
    make, shape, training = MEMORY_CASES[name]
    if batch:
        shape = (batch, *shape[1:])
    net = make(mx)
    request = {one: "write" if training and one not in ("data", "softmax_label") else "null"
               for one in net.list_arguments()}
    return net.simple_bind(mx.cpu(), grad_req=request, data=shape)
