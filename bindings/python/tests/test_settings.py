"""Settings from the environment reach the engine; what is not understood warns."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gemel as mx
from gemel.commands import main

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


KERNELS = """
import gemel as mx, numpy as np
x, w = (mx.nd.array(np.random.RandomState(i).uniform(-1, 1, (8, 8, 20, 20))) for i in (1, 2))
y = mx.nd.Convolution(x, w[:, :, :3, :3], kernel=(3, 3), num_filter=8, no_bias=True)
z = mx.nd.dot(mx.nd.exp(x).reshape((64, -1)), w.reshape((64, -1)), transpose_b=True)
print(*y.asnumpy()[0, 0, 0, :4], *z.asnumpy()[0, :4])
"""


@pytest.mark.parametrize("variable", ["GEMEL_INSTRUCTION_SET=avx2", "GEMEL_INSTRUCTION_SET=sse4",
                                      "GEMEL_ONEDNN=0", "MXNET_MKLDNN_ENABLED=0"])
def test_fewer_kernels_compute_the_same(variable):
    fewer, usual = ([float(word) for word in in_a_process(KERNELS, **environment)[0]]
                    for environment in (dict([variable.split("=")]), {}))
    assert fewer == pytest.approx(usual, rel=1e-4, abs=1e-4)


VARIABLES = """
MXNET_LIBRARY_PATH MXNET_HOME MXNET_ENGINE_TYPE OMP_NUM_THREADS KMP_AFFINITY MXNET_CPU_WORKER_NTHREADS
MXNET_GPU_WORKER_NTHREADS MXNET_EXEC_BULK_EXEC_TRAIN MXNET_EXEC_BULK_EXEC_INFERENCE
MXNET_EXEC_BULK_EXEC_MAX_NODE_TRAIN MXNET_CUDNN_AUTOTUNE_DEFAULT DMLC_ROLE DMLC_PS_ROOT_URI DMLC_NUM_WORKER
PS_VERBOSE MXNET_KVSTORE_BIGARRAY_BOUND MXNET_KVSTORE_REDUCTION_NTHREADS MXNET_KVSTORE_USETREE
MXNET_UPDATE_ON_KVSTORE MXNET_ENABLE_GPU_P2P MXNET_BACKWARD_DO_MIRROR MXNET_GPU_MEM_POOL_TYPE NNVM_EXEC_MATCH_RANGE
MXNET_EXEC_NUM_TEMP MXNET_EXEC_ENABLE_INPLACE MXNET_EXEC_INPLACE_GRAD_SUM_CAP MXNET_SUBGRAPH_BACKEND
MXNET_MKLDNN_ENABLED MXNET_SAFE_ACCUMULATION MXNET_ENFORCE_DETERMINISM MXNET_CUDA_ALLOW_TENSOR_CORE
MXNET_ENABLE_CUDA_GRAPHS MXNET_USE_FUSION MXNET_FUSION_VERBOSE MXNET_ELIMINATE_COMMON_EXPR MXNET_PROFILER_AUTOSTART
MXNET_PROFILER_MODE MXNET_OPTIMIZER_AGGREGATION_SIZE MXNET_UPDATE_AGGREGATION_SIZE MXNET_ENABLE_CYTHON
MXNET_GLUON_REPO MXNET_CPU_PRIORITY_NTHREADS MXNET_OMP_MAX_THREADS MXNET_CPU_PARALLEL_SIZE MXNET_CPU_TEMP_COPY
MXNET_ENGINE_INFO DMLC_LOG_STACK_TRACE_DEPTH MXNET_TEST_SEED MXNET_EXEC_PREFER_BULK_EXEC
""".split()


def test_every_variable_of_mxnet_has_a_meaning_or_a_reason():
    known = {row["name"]: row for row in mx._core.setting_variables()}
    for name in VARIABLES:
        assert known[name]["setting"] or len(known[name]["why"]) > 10, name


def test_the_page_of_settings_is_current():
    tool = Path(__file__).resolve().parents[3] / "tools" / "generate_settings.py"
    done = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_gemel_env_tells_what_variables_do(capsys, monkeypatch):
    monkeypatch.setenv("MXNET_KVSTORE_USETREE", "1")
    monkeypatch.setenv("MXNET_USE_FUSION", "1")
    assert main(["env", "--docs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("MXNET_KVSTORE_USETREE" in line and "no effect: " in line for line in lines)
    assert any(line.split() == ["MXNET_USE_FUSION", "sets", "fusion"] for line in lines)
    assert any(line.split()[:1] == ["memory_plan"] for line in lines)


def test_the_folder_for_data():
    program = "import gemel as mx; print(mx.base.data_dir())"
    assert in_a_process(program, MXNET_HOME="/some/folder")[0] == ["/some/folder"]
    assert in_a_process(program)[0] == [mx.base.data_dir_default()]


def test_where_the_optimizer_runs():
    program = ("import gemel as mx; from gemel.kvstore import _as_store; "
               "print(_as_store('local', 2, {'w': mx.nd.ones(3)})[1])")
    assert in_a_process(program)[0] == ["True"]
    assert in_a_process(program, MXNET_UPDATE_ON_KVSTORE="0")[0] == ["False"]


def test_settings_change_while_a_process_runs():
    before = mx.runtime.get_setting("fusion")
    try:
        mx.runtime.set_setting("fusion", False)
        assert mx.runtime.get_setting("fusion") == "0"
        with pytest.raises(ValueError, match="expected 0 or 1"):
            mx.runtime.set_setting("fusion", "perhaps")
        with pytest.raises(KeyError):
            mx.runtime.get_setting("colour")
    finally:
        mx.runtime.set_setting("fusion", before)


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
