"""`Executor.tune`, its equivalents, the record, and `gemel tune`."""

import json
import os
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

import gemel as mx
from gemel import _core, tuning


@pytest.fixture(name="record")
def fixture_record(tmp_path):
    """A record of this test's own, in force."""
    before = _core.get_setting("record")
    path = str(tmp_path / "record.sqlite")
    _core.set_setting("record", path)
    yield path
    _core.set_setting("record", before)


def convolution():
    """A layer that Winograd's method, oneDNN and the matrix product can all compute, and its loss."""
    net = mx.sym.Convolution(mx.sym.var("data"), kernel=(3, 3), pad=(1, 1), num_filter=32, name="conv")
    return mx.sym.SoftmaxOutput(mx.sym.Flatten(net), name="softmax")


def bound(symbol=None, grad_req="null", **shapes):
    executor = (convolution() if symbol is None else symbol).simple_bind(
        mx.cpu(), grad_req=grad_req, **(shapes or {"data": (2, 32, 16, 16)})
    )
    generator = np.random.default_rng(0)
    for name, array in executor.arg_dict.items():
        if not name.endswith("label"):
            array[:] = generator.uniform(-0.1, 0.1, array.shape)
    return executor


@pytest.mark.parametrize("training", [False, True])
def test_a_record_changes_the_implementation(record, training):
    request = "write" if training else "null"
    plain = bound(grad_req=request)
    report = plain.tune(2, record=record)
    chosen = plain.debug_str().splitlines()[0].split("[")[1].split("]")[0]
    row = next(row for row in _core.step_choices(plain._core, training)
               if row["signature"].startswith("Convolution("))
    signature, other = row["signature"], next(one for one in row["alternatives"] if one != chosen)
    with sqlite3.connect(record) as database:
        text = json.dumps({"settings": {}, "kernels": {signature: other}})
        database.execute("UPDATE tuned SET choices = ? WHERE key = ?", (text, report.key))
    database.close()
    tuned = bound(grad_req=request)
    assert f"onvolution conv [{other}]" in tuned.debug_str()
    np.testing.assert_allclose(
        plain.forward(training)[0].asnumpy(), tuned.forward(training)[0].asnumpy(), rtol=1e-4, atol=1e-6
    )
    assert f"[{other}]" not in bound(grad_req=request, data=(1, 32, 16, 16)).debug_str()  # another shape


def test_report(record):
    rows = []
    report = bound().tune(2, progress=rows.append)
    assert rows == report.rows and rows
    assert {"what", "seconds", "before", "taken", "problem"} == set(rows[0])
    assert report.gain >= 1 and report.tuned_seconds <= report.default_seconds
    assert not report.training and not report.frozen and report.elapsed < 30
    assert report.record == record and len(report.key) == 32
    assert json.loads(report.to_json())["gain"] == report.gain
    assert "inference: " in str(report) and record in str(report)
    (entry,) = tuning.entries(record)
    assert entry["key"] == report.key and entry["choices"] == report.choices
    assert tuning.default_record() == record


def test_training_leaves_arrays_alone(record):
    executor = bound(grad_req="write")
    executor.forward_backward()
    arrays = [*executor.arg_arrays, *executor.grad_arrays]
    before = [array.asnumpy() for array in arrays]
    output = executor.outputs[0].asnumpy()
    report = executor.tune(2)
    assert report.training
    for array, value in zip(arrays, before):
        np.testing.assert_array_equal(array.asnumpy(), value)
    executor.forward_backward()
    np.testing.assert_allclose(executor.outputs[0].asnumpy(), output, rtol=1e-4, atol=1e-6)
    assert tuning.entries(record)[0]["key"] == report.key


def test_errors(record):
    executor = bound()
    with pytest.raises(ValueError, match="expected memory, precision or fast, got 'speed'"):
        executor.tune(1, allow=["speed"])
    with pytest.raises(ValueError, match="budget"):
        executor.tune(0)
    with pytest.raises(ValueError, match="no argument wants a gradient"):
        executor.tune(1, training=True)
    with pytest.raises(ValueError, match="no arguments"):
        executor.tune(1, allow=["batch"], data=["nothing"])
    with open(record, "wb") as file:
        file.write(b"no record" * 100)
    with pytest.raises(OSError, match="cannot serve as a record"):
        executor.tune(0.1)


def test_an_exception_of_progress_ends_the_search(record):
    def stop(row):
        raise KeyError(row["what"])

    with pytest.raises(KeyError):
        bound().tune(5, progress=stop)


def test_batch_sizes(record):
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=8, name="fc")
    report = bound(net, data=(4, 16)).tune(1, allow=["batch"])
    sizes = [row["batch"] for row in report.batches]
    assert 4 in sizes and sizes == sorted(sizes) and len(sizes) >= 2
    assert report.best_batch in sizes
    assert "samples/s" in str(report)


def test_batch_sizes_are_tried_with_what_was_chosen(record):
    executor = bound(mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=8, name="fc"), data=(4, 16))
    executor.tune(1)
    with sqlite3.connect(record) as database:
        text = json.dumps({"settings": {"memory_plan": "naive"}, "kernels": {}})
        database.execute("UPDATE tuned SET choices = ?", (text,))
    database.close()
    chosen = bound(mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=8, name="fc"), data=(4, 16))
    other = tuning._bound_like(chosen, ["data"], 8, training=False)
    assert _core.choices_of(other._core, False)["settings"] == {"memory_plan": "naive"}
    assert other.arg_dict["data"].shape == (8, 16)
    np.testing.assert_array_equal(other.arg_dict["fc_weight"].asnumpy(), chosen.arg_dict["fc_weight"].asnumpy())


def test_module(record):
    module = mx.mod.Module(convolution())
    with pytest.raises(AssertionError):
        module.tune(1)
    module.bind([("data", (2, 32, 16, 16))], [("softmax_label", (2,))])
    module.init_params()
    report = module.tune(1)
    assert report.training and len(tuning.entries(record)) == 1
    module.forward_backward(mx.io.DataBatch([mx.nd.ones((2, 32, 16, 16))], [mx.nd.zeros((2,))]))
    assert np.isfinite(module.get_outputs()[0].asnumpy()).all()


@pytest.mark.parametrize("training", [False, True])
def test_hybrid_block(record, training):
    net = mx.gluon.nn.HybridSequential()
    net.add(mx.gluon.nn.Conv2D(16, 3, padding=1), mx.gluon.nn.BatchNorm(), mx.gluon.nn.Dense(4))
    net.initialize()
    x = mx.nd.random.uniform(shape=(2, 16, 8, 8))
    before = net(x).asnumpy()
    report = net.tune(x, budget=1, training=training)
    assert report.training == training and report.record == record
    np.testing.assert_allclose(net(x).asnumpy(), before, rtol=1e-4, atol=1e-5)
    # The cached graph asks for the key that was stored.
    with sqlite3.connect(record) as database:
        database.execute("UPDATE tuned SET choices = ?", ('{"settings": {"fusion": "what"}, "kernels": {}}',))
    database.close()
    assert tuning.entries(record)[0]["key"] == report.key


def test_command(record, tmp_path):
    path = str(tmp_path / "net-symbol.json")
    convolution().save(path)
    other = str(tmp_path / "with-the-model.sqlite")
    command = [sys.executable, "-m", "gemel", "tune"]
    done = subprocess.run([*command, path, "--shape", "data=1,3,16,16", "--budget", "1", "--json",
                           "--record", other], capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["record"] == other and report["gain"] >= 1
    assert len(tuning.entries(other)) == 1
    done = subprocess.run([*command, "mlp", "--shape", "data=8,784", "--training", "--budget", "1",
                           "--record", other], capture_output=True, text=True, check=True)
    assert "training step: " in done.stdout and "implementations" in done.stderr
    assert len(tuning.entries(other)) == 2
    for arguments, said in ((["nothing"], "no network's name"),
                            (["mlp", "--shape", "data"], "expected NAME=N,N"),
                            (["mlp", "--shape", "data=8,784", "--allow", "all"], "expected memory")):
        failed = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        assert failed.returncode == 1 and said in failed.stderr


def test_determinism_freezes(record):
    code = (
        "import gemel as mx\n"
        "e = mx.sym.exp(mx.sym.var('x')).simple_bind(mx.cpu(), x=(2,), grad_req='null')\n"
        "r = e.tune(1)\n"
        "assert r.frozen and r.gain == 1 and not r.rows\n"
        "print(r)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "MXNET_ENFORCE_DETERMINISM": "1"})
    assert "freezes" in done.stdout
