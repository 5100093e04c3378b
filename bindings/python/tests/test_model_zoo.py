"""The networks of `gluon.model_zoo.vision` are 1.9.1's: structure, files, scores and gradients."""
import hashlib
import inspect
import json
import sys
import zipfile
from pathlib import Path

import gemel as mx
import numpy as np
import pytest
from gemel.gluon.model_zoo import model_store, vision

ORIGINAL = Path(__file__).parent / "original"
sys.path.insert(0, str(ORIGINAL))
import zoo  # noqa: E402

EXPECTED = json.loads((ORIGINAL / "zoo.json").read_text())
# Blocks that 1.9.1 has not, and the symbols of `gemel.model_zoo` made of them.
SYMBOLS_OF_BLOCKS = {"googlenet": "googlenet", "googlenet_bn": "googlenet-bn",
                     "inceptionbn": "inception-bn"}
QUICK = {"mobilenetv2_0.25", "resnet18_v1", "resnet18_v2", "squeezenet1.1"}


@pytest.mark.parametrize("name", zoo.NAMES)
def test_parameters_and_graph(name):
    found = zoo.structure(mx, name)
    assert found == {key: EXPECTED[name][key] for key in found}


@pytest.mark.parametrize("name", [name if name in QUICK else
                                  pytest.param(name, marks=pytest.mark.slow)
                                  for name in zoo.NAMES])
def test_scores_and_gradients(name):
    found = zoo.tried(mx, name)
    scores = np.array(EXPECTED[name]["scores"])
    np.testing.assert_allclose(found["scores"], scores, rtol=1e-3, atol=1e-3 * abs(scores).max())
    for path, size in EXPECTED[name]["gradients"].items():
        assert found["gradients"][path] == pytest.approx(size, rel=1e-2), path


def test_every_network_of_the_list_is_compared():
    with pytest.raises(ValueError, match="Model nonsense is not supported") as caught:
        vision.get_model("nonsense")
    listed = str(caught.value).split("\n\t")[1:]
    assert sorted([*zoo.NAMES, *SYMBOLS_OF_BLOCKS]) == listed
    assert isinstance(vision.get_model("ResNet18_v1"), vision.ResNetV1)


@pytest.mark.parametrize("name", SYMBOLS_OF_BLOCKS)
def test_parameters_of_a_block_serve_its_symbol(name, tmp_path):
    net = vision.get_model(name, classes=7, prefix="")
    net.initialize(mx.init.Xavier())
    data = mx.nd.random.uniform(shape=(2, 3, 64, 64))
    scores = net(data)
    assert scores.shape == (2, 7) and len(net.features) > 10
    net.collect_params().save(str(tmp_path / "net.params"))
    symbol = mx.model_zoo.get_symbol(SYMBOLS_OF_BLOCKS[name], num_classes=7)
    bound = symbol.simple_bind(mx.cpu(), grad_req="null", data=data.shape)
    saved = mx.nd.load(str(tmp_path / "net.params"))
    auxiliary = set(symbol.list_auxiliary_states())
    bound.copy_params_from({key: value for key, value in saved.items() if key not in auxiliary},
                           {key: saved[key] for key in auxiliary})
    found = bound.forward(is_train=False, data=data)[0]
    np.testing.assert_allclose(found.asnumpy(), mx.nd.softmax(scores).asnumpy(), rtol=1e-4, atol=1e-6)


def test_small_images_keep_their_resolution_in_inception_bn():
    net = vision.inception_bn(classes=10, thumbnail=True)
    net.initialize()
    assert net.features[0](mx.nd.ones((1, 3, 28, 28))).shape == (1, 96, 28, 28)
    assert net(mx.nd.ones((2, 3, 28, 28))).shape == (2, 10)


def test_saved_here_loads_here(tmp_path):
    net = zoo.filled(mx, "squeezenet1.1")
    data = mx.nd.array(zoo.images("squeezenet1.1", 1))
    scores = net(data).asnumpy()
    net.save_parameters(str(tmp_path / "net.params"))
    again = vision.squeezenet1_1(classes=zoo.CLASSES)
    again.load_parameters(str(tmp_path / "net.params"))
    np.testing.assert_allclose(again(data).asnumpy(), scores, rtol=1e-4, atol=1e-6)
    net.export(str(tmp_path / "net"), epoch=3)
    block = mx.gluon.SymbolBlock.imports(str(tmp_path / "net-symbol.json"), ["data"],
                                         str(tmp_path / "net-0003.params"))
    np.testing.assert_allclose(block(data).asnumpy(), scores, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("make, error, text", [
    (lambda: vision.get_resnet(3, 18), AssertionError, "Invalid resnet version: 3"),
    (lambda: vision.get_resnet(1, 20), AssertionError, "Invalid number of layers: 20"),
    (lambda: vision.get_vgg(12), KeyError, "12"),
    (lambda: vision.SqueezeNet("1.2"), AssertionError, "Unsupported SqueezeNet version 1.2"),
    (lambda: vision.get_mobilenet(0.3, pretrained=True), ValueError, "mobilenet0.30"),
    (lambda: vision.resnet18_v1(foo=1), TypeError, "foo"),
    (lambda: model_store.get_model_file("nonsense"), ValueError, "nonsense is not available"),
])
def test_wrong_calls(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_thumbnails_keep_their_resolution():
    net = vision.get_resnet(1, 18, classes=10, thumbnail=True)
    net.initialize()
    assert net.features[0](mx.nd.ones((1, 3, 32, 32))).shape == (1, 64, 32, 32)
    assert net(mx.nd.ones((2, 3, 32, 32))).shape == (2, 10)


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A folder with "published" parameters of MobileNet 0.25, and those."""
    net = vision.mobilenet0_25()
    net.initialize(mx.init.Xavier())
    net(mx.nd.ones((1, 3, 32, 32)))
    net.save_parameters(str(tmp_path / "any"))
    content = (tmp_path / "any").read_bytes()
    (tmp_path / "any").unlink()
    monkeypatch.setitem(model_store._model_sha1, "mobilenet0.25",
                        hashlib.sha1(content).hexdigest())
    name = f"mobilenet0.25-{model_store.short_hash('mobilenet0.25')}.params"
    return tmp_path, name, content, net


def test_trained_parameters_are_read_from_the_folder(published):
    folder, name, content, net = published
    (folder / name).write_bytes(content)
    again = vision.mobilenet0_25(pretrained=True, root=str(folder), ctx=mx.cpu())
    np.testing.assert_array_equal(again.output.weight.data().asnumpy(),
                                  net.output.weight.data().asnumpy())


def test_trained_parameters_are_read_from_an_archive(published):
    folder, name, content, _ = published
    with zipfile.ZipFile(folder / name.replace(".params", ".zip"), "w") as file:
        file.writestr(name, content)
    assert model_store.get_model_file("mobilenet0.25", root=str(folder)) == str(folder / name)
    model_store.purge(str(folder))
    assert not (folder / name).exists()


def test_a_missing_file_says_what_to_put_where(tmp_path):
    root = tmp_path / "new"
    with pytest.raises(OSError, match=r"put alexnet-44335d1f\.params .* into .*new") as caught:
        vision.alexnet(pretrained=True, root=str(root))
    assert isinstance(caught.value, mx.MXNetError) and root.is_dir()


def test_a_file_of_another_network_is_refused(tmp_path):
    (tmp_path / "alexnet-44335d1f.params").write_bytes(b"x")
    with pytest.raises(OSError, match="is not the published file of alexnet"):
        model_store.get_model_file("alexnet", root=str(tmp_path))


def test_the_default_folder_is_the_users():
    root = str(Path(mx.base.data_dir()) / "models")
    for function, names in [(vision.alexnet, ["pretrained", "ctx", "root", "kwargs"]),
                            (model_store.get_model_file, ["name", "root"]),
                            (model_store.purge, ["root"])]:
        parameters = inspect.signature(function).parameters
        assert list(parameters) == names
        assert parameters["root"].default == root
