"""`mx.model_zoo`: networks as symbols have the sizes that are known of them, and they run."""
import gemel as mx
import numpy as np
import pytest
from gemel import model_zoo

# Elements of all parameters with 1000 classes, moving statistics apart.
ELEMENTS = {("alexnet", None): 62378344, ("alexnet-v2", None): 61100840,
            ("googlenet", None): 6998552, ("googlenet-bn", None): 7005832,
            ("inception-bn", None): 11285224, ("inception-v3", None): 23834568,
            ("vgg", 11): 132863336, ("vgg", 19): 143667240, ("vgg-bn", 16): 138365992,
            ("resnet-v1b", 50): 25557032, ("resnet-v1b", 101): 44549160,
            ("resnet", 18): 11687854, ("mobilenet", None): 4231976,
            ("mobilenetv2", None): 3504960, ("squeezenet", None): 1235496,
            ("densenet", 121): 7978856}


def shapes_of(symbol, data):
    arguments, outputs, _ = symbol.infer_shape(data=data)
    return dict(zip(symbol.list_arguments(), arguments)), outputs


@pytest.mark.parametrize("network, layers", list(ELEMENTS))
def test_number_of_parameters(network, layers):
    side = {"inception-v3": 299, "alexnet": 227}.get(network, 224)
    shapes, outputs = shapes_of(model_zoo.get_symbol(network, num_layers=layers),
                                (2, 3, side, side))
    assert outputs == [(2, 1000)] and shapes.pop("softmax_label") == (2,)
    del shapes["data"]
    assert sum(np.prod(shape) for shape in shapes.values()) == ELEMENTS[network, layers]


@pytest.mark.parametrize("layers, elements", [(20, 273066), (110, 1734570), (164, 1726122)])
@pytest.mark.parametrize("network", ["resnet", "resnet-v1"])
def test_residual_networks_for_small_images(network, layers, elements):
    symbol = model_zoo.get_symbol(network, 10, layers, image_shape=(3, 32, 32))
    shapes, outputs = shapes_of(symbol, (1, 3, 32, 32))
    found = sum(np.prod(s) for name, s in shapes.items() if name not in ("data", "softmax_label"))
    assert found == pytest.approx(elements, rel=0.02) and outputs == [(1, 10)]


def run(symbol, label, **data):
    """Probabilities and the gradient of every weight after one step."""
    request = {name: "null" if name in data else "write" for name in symbol.list_arguments()}
    request["softmax_label"] = "null"
    executor = symbol.simple_bind(mx.cpu(), grad_req=request,
                                  softmax_label=np.shape(label),
                                  **{name: value.shape for name, value in data.items()})
    for name, array in executor.arg_dict.items():
        if name in data:
            array[:] = data[name]
        elif name == "softmax_label":
            array[:] = label
        else:
            array[:] = np.random.RandomState(len(name)).normal(0, 0.1, array.shape)
    executor.forward(is_train=True)
    executor.backward()
    return executor.outputs[0].asnumpy(), {name: array.asnumpy() for name, array
                                           in executor.grad_dict.items() if array is not None}


@pytest.mark.parametrize("network, data, rows, options", [
    ("mlp", np.ones((3, 1, 28, 28)), 3, {}),
    ("lenet", np.ones((3, 1, 28, 28)), 3, {}),
    ("inception-bn-28-small", np.random.uniform(size=(2, 3, 28, 28)), 2, {}),
    ("lstm", np.ones((3, 7)), 21, {"num_hidden": 8, "num_embed": 4, "seq_len": 7}),
    ("transformer", np.ones((3, 6)), 3, {"units": 8, "heads": 2, "hidden": 16, "vocabulary": 9,
                                         "seq_len": 6}),
    ("mobilenet", np.random.uniform(size=(2, 3, 32, 32)), 2, {"multiplier": 0.25}),
])
def test_one_step(network, data, rows, options):
    symbol = model_zoo.get_symbol(network, num_classes=10, **options)
    label = np.ones(data.shape if network == "lstm" else data.shape[:1])
    probabilities, gradients = run(symbol, label, data=data)
    assert probabilities.shape == (rows, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-4)
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())
    assert any(abs(gradient).max() > 0 for gradient in gradients.values())


def test_attention_mixes_positions():
    symbol = model_zoo.get_symbol("transformer", num_classes=4, units=8, heads=2, hidden=8,
                                  vocabulary=9, seq_len=4, dropout=0)
    words = np.array([[1, 2, 3, 4], [2, 1, 3, 4]])
    probabilities, _ = run(symbol, np.zeros(2), data=words)
    assert abs(probabilities[0] - probabilities[1]).max() > 1e-6   # positions count


def test_a_network_in_half_precision_has_float32_at_both_ends():
    symbol = model_zoo.get_symbol("lenet", num_classes=10, dtype="float16")
    types, outputs, _ = symbol.infer_type(data="float32")
    assert dict(zip(symbol.list_arguments(), types))["conv1_weight"] == np.float16
    assert outputs == [np.float32]


@pytest.mark.parametrize("arguments, text", [
    ({"network": "nonsense"}, "there is no network 'nonsense'; there are mlp, lenet"),
    ({"network": "vgg", "num_layers": 12}, "VGG has"),
    ({"network": "densenet", "num_layers": 12}, "DenseNet has"),
    ({"network": "resnet", "num_layers": 21}, r"has \[18, 34, 50, 101, 152\] layers, not 21"),
    ({"network": "resnet", "num_layers": 21, "image_shape": "3,32,32"}, r"6n\+2 layers"),
    ({"network": "alexnet", "num_layers": 3}, "no choice of layers"),
])
def test_what_is_not_there(arguments, text):
    with pytest.raises(ValueError, match=text):
        model_zoo.get_symbol(**arguments)


def test_every_name_is_a_network():
    assert {"lenet", "lstm", "resnet-v2", "inception-bn"} < set(model_zoo.names())
    for name in model_zoo.names():
        assert model_zoo.get_symbol(name.replace("-", "_"), 7).list_outputs() == ["softmax_output"]
