"""Networks as wholes: fast kernels against the plain ones, and training on the digits."""
import sys
from pathlib import Path

import gemel as mx
import numpy as np
import pytest
from gemel import gluon, model_zoo
from gemel.gluon.model_zoo import vision

sys.path.insert(0, str(Path(__file__).parents[3] / "examples/digits"))
import digits  # noqa: E402


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


# Network, layers, shape of the data, what else the network takes.
CASES = [("lenet", None, (4, 1, 28, 28), {}), ("resnet", 8, (4, 3, 8, 8), {}),
         ("resnet-v1", 8, (4, 3, 8, 8), {}),
         ("transformer", None, (2, 6), {"units": 8, "heads": 2, "hidden": 16, "vocabulary": 9,
                                        "seq_len": 6, "dropout": 0}),
         slow("googlenet", None, (2, 3, 64, 64), {"dropout": 0}),
         slow("googlenet-bn", None, (2, 3, 64, 64), {"dropout": 0}),
         slow("inception-bn", None, (2, 3, 64, 64), {}),
         slow("resnet-v1b", 50, (2, 3, 64, 64), {}), slow("resnet", 50, (2, 3, 64, 64), {}),
         slow("mobilenet", None, (2, 3, 64, 64), {}), slow("mobilenetv2", None, (2, 3, 64, 64), {}),
         slow("lstm", None, (3, 7), {"num_hidden": 8, "num_embed": 4, "seq_len": 7, "dropout": 0})]


def step(symbol, shape, plain):
    """The loss layer's output and the gradients of all parameters, by name."""
    mx.runtime.set_setting("reference_kernels", "1" if plain else "0")
    label = shape if "lstm_parameters" in symbol.list_arguments() else shape[:1]
    executor = symbol.simple_bind(mx.cpu(), data=shape, softmax_label=label)
    for name, array in [*executor.arg_dict.items(), *executor.aux_dict.items()]:
        random = np.random.RandomState(sum(map(ord, name)))
        if name == "data" and len(shape) == 2 or name == "softmax_label":
            array[:] = random.randint(0, 9, array.shape)
        elif name.endswith(("gamma", "var")):
            array[:] = random.uniform(0.8, 1.2, array.shape)
        else:
            fan = max(1, np.prod(array.shape[1:])) if name.endswith("weight") else 3
            array[:] = random.uniform(-1, 1, array.shape) * np.sqrt(3 / fan)
    executor.forward(is_train=True)
    executor.backward()
    found = {name: array.asnumpy() for name, array in executor.grad_dict.items()
             if array is not None and name not in ("data", "softmax_label")}
    return {"output": executor.outputs[0].asnumpy(), **found}


@pytest.fixture
def fast_kernels_afterwards():
    yield
    mx.runtime.set_setting("reference_kernels", "0")


@pytest.mark.parametrize("network, layers, shape, options", CASES)
def test_fast_kernels_agree_with_plain_ones(network, layers, shape, options,
                                            fast_kernels_afterwards):
    symbol = model_zoo.get_symbol(network, 10, layers, image_shape=(3, *shape[-2:]), **options)
    fast, plain = step(symbol, shape, False), step(symbol, shape, True)
    assert fast.keys() == plain.keys() and len(fast) >= 6
    for name, values in plain.items():
        scale = np.linalg.norm(values)
        # A bias before a normalization has no gradient but rounding, and tens of normalizations over
        # few values one after the other make rounding large.
        tolerance = 3e-2 if len(symbol.list_auxiliary_states()) > 40 else 2e-3
        assert np.linalg.norm(fast[name] - values) <= tolerance * scale + 1e-3, name


def losses(net, images, labels, steps, rate, batch=60):
    """The loss of each step of stochastic gradient descent."""
    net.initialize(mx.init.Xavier())
    net.hybridize()
    trainer = gluon.Trainer(net.collect_params(), "sgd",
                            {"learning_rate": rate, "momentum": 0.9})
    loss_of, found = gluon.loss.SoftmaxCrossEntropyLoss(), []
    for i in range(steps):
        rows = np.arange(i * batch, (i + 1) * batch) % len(labels)
        data, label = mx.nd.array(images[rows]), mx.nd.array(labels[rows])
        with mx.autograd.record():
            loss = loss_of(net(data), label).mean()
        loss.backward()
        trainer.step(1)
        found.append(float(loss.asscalar()))
    return found


def lenet():
    nn = gluon.nn
    net = nn.HybridSequential()
    net.add(nn.Conv2D(20, 3, padding=1, activation="tanh"), nn.MaxPool2D(),
            nn.Conv2D(50, 3, padding=1, activation="tanh"), nn.MaxPool2D(),
            nn.Dense(100, activation="tanh"), nn.Dense(10))
    return net


@pytest.mark.parametrize("make, rate", [
    (lenet, 0.1),
    slow(lambda: vision.get_resnet(1, 18, classes=10, thumbnail=True), 0.02),
    slow(lambda: vision.get_resnet(2, 18, classes=10, thumbnail=True), 0.02),
], ids=["lenet", "resnet18_v1", "resnet18_v2"])
def test_twenty_steps_on_the_digits_lower_the_loss(make, rate):
    mx.random.seed(3)
    images, labels = digits.load("train")
    found = losses(make(), (images - digits.MEAN) / digits.DEVIATION, labels, 20, rate)
    assert np.mean(found[-4:]) < 0.6 * np.mean(found[:4]), found
