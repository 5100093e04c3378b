"""Settings from the environment reach the engine; what is not understood warns."""
import json
import os
import subprocess
import sys

import pytest

SHOW = "import gemel as mx; print(*mx._core.engine_configuration(), mx._core.get_setting('omp_threads'))"


def in_a_process(program=SHOW, **environment):
    names = ("GEMEL_", "MXNET_", "OMP_")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(names)}
    done = subprocess.run([sys.executable, "-c", program], env={**clean, **environment}, capture_output=True,
                          text=True, check=True)
    return done.stdout.split(), done.stderr


@pytest.mark.parametrize("environment, expected", [
    ({"GEMEL_WORKERS": "3"}, ["threaded", "3", "0"]),
    ({"MXNET_CPU_WORKER_NTHREADS": "5"}, ["threaded", "5", "0"]),
    ({"GEMEL_WORKERS": "3", "MXNET_CPU_WORKER_NTHREADS": "5"}, ["threaded", "3", "0"]),
    ({"MXNET_ENGINE_TYPE": "NaiveEngine", "GEMEL_WORKERS": "1"}, ["naive", "1", "0"]),
    ({"MXNET_ENGINE_TYPE": "ThreadedEnginePerDevice", "GEMEL_WORKERS": "1"}, ["threaded", "1", "0"]),
    ({"GEMEL_WORKERS": "1", "OMP_NUM_THREADS": "2"}, ["threaded", "1", "2"]),
])
def test_environment(environment, expected):
    assert in_a_process(**environment) == (expected, "")


@pytest.mark.parametrize("name, value", [("MXNET_ENGINE_TYPE", "SteamEngine"), ("GEMEL_WORKERS", "many")])
def test_what_is_not_understood_warns_once(name, value):
    out, warning = in_a_process(**{name: value})
    assert out[0] == "threaded" and int(out[1]) >= 1
    assert warning.count(name) == 1 and value in warning


def test_seed():
    program = "import gemel as mx; {} print(*mx.nd.random.uniform(shape=(3,)).asnumpy())"
    by_setting, _ = in_a_process(program.format(""), GEMEL_SEED="7")
    by_call, _ = in_a_process(program.format("mx.random.seed(7);"))
    other, _ = in_a_process(program.format(""), GEMEL_SEED="8")
    assert by_setting == by_call != other


def test_trace_is_written_at_exit(tmp_path):
    path = tmp_path / "trace.json"
    in_a_process("import gemel as mx; mx.nd.dot(mx.nd.ones((2, 2)), mx.nd.ones((2, 2)))", GEMEL_TRACE=str(path))
    events = json.loads(path.read_text())
    events = events if isinstance(events, list) else events["traceEvents"]
    assert "dot" in {event.get("name") for event in events}


def test_import_is_light():
    out, _ = in_a_process("import sys, numpy; before = set(sys.modules); import gemel; "
                          "print(*sorted(name.partition('.')[0] for name in set(sys.modules) - before))")
    heavy = {"matplotlib", "tqdm", "PIL", "cv2", "subprocess", "multiprocessing", "asyncio", "urllib", "sqlite3",
             "unittest", "graphviz", "onnx", "scipy", "pandas"}
    assert not heavy & set(out)
