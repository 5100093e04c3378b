"""Files and losses of MXNet 1.9.1 (written by original/write.py): read here, and written back alike."""
import io
import json
import pickle
import sys
from pathlib import Path

import gemel as mx
import numpy as np
import pytest
from gemel import gluon
from gemel.optimizer import state_file

ORIGINAL = Path(__file__).parent / "original"
sys.path.insert(0, str(ORIGINAL))
import models  # noqa: E402

EXPECTED = json.loads((ORIGINAL / "expected.json").read_text())


def original(name):
    return str(ORIGINAL / name)


@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize("optimizer", list(models.OPTIMIZERS))
@pytest.mark.parametrize("model", list(models.MODELS))
def test_gluon_losses(model, optimizer, hybrid):
    net = models.MODELS[model](mx)
    net.load_parameters(original(f"{model}.params"))
    if hybrid:
        net.hybridize(static_alloc=True)
    losses, _ = models.train(mx, net, optimizer)
    np.testing.assert_allclose(losses, EXPECTED["curves"][f"{model}-{optimizer}"], rtol=1e-4)


@pytest.mark.parametrize("optimizer", list(models.OPTIMIZERS))
def test_module_losses(optimizer):
    symbol, arguments, auxiliary = mx.model.load_checkpoint(original("module"), 0)
    assert symbol.tojson() == models.symbol(mx).tojson()
    _, losses = models.fit(mx, arguments, auxiliary, optimizer)
    np.testing.assert_allclose(losses, EXPECTED["curves"][f"module-{optimizer}"], rtol=1e-4)


def test_checkpoint_is_written_alike(tmp_path):
    symbol, arguments, auxiliary = mx.model.load_checkpoint(original("module"), 0)
    mx.model.save_checkpoint(str(tmp_path / "module"), 0, symbol, arguments, auxiliary)
    for name in ("module-symbol.json", "module-0000.params"):
        assert (tmp_path / name).read_bytes() == (ORIGINAL / name).read_bytes()


@pytest.mark.parametrize("hybrid", [False, True])
def test_exported_block_is_imported(hybrid):
    block = gluon.SymbolBlock.imports(original("exported-symbol.json"), ["data"], original("exported-0003.params"))
    if hybrid:
        block.hybridize()
    images, _ = models.digits()
    np.testing.assert_allclose(block(mx.nd.array(images[:4])).asnumpy(), EXPECTED["output"], rtol=1e-4, atol=1e-5)


def test_export_is_written_alike(tmp_path):
    net = models.cnn(mx)
    net.load_parameters(original("cnn.params"))
    net.hybridize()
    images, _ = models.digits()
    net(mx.nd.array(images[:4]))
    net.export(str(tmp_path / "exported"), epoch=3)
    assert (tmp_path / "exported-symbol.json").read_text() == (ORIGINAL / "exported-symbol.json").read_text()
    written, theirs = mx.nd.load(str(tmp_path / "exported-0003.params")), mx.nd.load(original("exported-0003.params"))
    assert list(written) == list(theirs)
    assert [a.shape for a in written.values()] == [a.shape for a in theirs.values()]


@pytest.mark.parametrize("model", list(models.MODELS))
def test_parameters_are_written_alike(model, tmp_path):
    net = models.MODELS[model](mx)
    net.load_parameters(original(f"{model}.params"))
    net.save_parameters(str(tmp_path / "saved"))
    assert (tmp_path / "saved").read_bytes() == (ORIGINAL / f"{model}.params").read_bytes()


def test_trainer_states():
    net = models.cnn(mx)
    net.load_parameters(original("cnn.params"))
    losses, trainer = models.train(mx, net, "adam")
    theirs = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
    theirs.load_states(original("trainer.states"))
    assert theirs.optimizer.num_update == models.STEPS
    states, expected = trainer._updaters[0].states, theirs._updaters[0].states
    assert list(states) == list(expected)
    for ours, other in zip(states.values(), expected.values()):
        for a, b in zip(ours, other):
            np.testing.assert_allclose(a.asnumpy(), b.asnumpy(), rtol=1e-3, atol=1e-5)


def test_states_name_only_what_every_numpy_has():
    data = state_file.dumps({"rate": np.float32(0.5), "values": np.arange(3)})
    assert b"numpy._core" not in data
    read = state_file.loads(data)
    assert read["rate"] == 0.5 and read["values"].tolist() == [0, 1, 2]


class _Command:
    def __reduce__(self):
        return print, ("a file's code ran",)


def test_states_run_no_code(capsys):
    with pytest.raises(mx.MXNetError, match="builtins.print"):
        state_file.loads(pickle.dumps({0: _Command()}))
    assert not capsys.readouterr().out


def test_pickled_arrays():
    file = io.BytesIO((ORIGINAL / "arrays.pickles").read_bytes())
    for _ in range(2):
        read = state_file.load(file)
        assert read["half"].dtype == np.float16
        assert read["half"].asnumpy().tolist() == [[1, 2.5], [-3, 4]]
        with pytest.raises(mx.MXNetError, match=r"NDArray\(None\)"):
            read["empty"].asnumpy()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_survive_pickling(protocol):
    array = mx.nd.array([[1, 2], [3, 4]], dtype="int64")
    assert pickle.loads(pickle.dumps(array, protocol)).asnumpy().tolist() == [[1, 2], [3, 4]]
    assert not pickle.loads(pickle.dumps(mx.nd.NDArray(None), protocol))._has_memory


@pytest.mark.parametrize("use", [lambda array: array + 1, lambda array: -array, lambda array: array.context,
                                 lambda array: array + np.ones(1), lambda array: mx.nd.exp(array), repr,
                                 lambda array: mx.engine.push(lambda: None, reads=[array])])
def test_arrays_without_memory_are_refused(use):
    with pytest.raises(ValueError):
        use(mx.nd.NDArray(None))
