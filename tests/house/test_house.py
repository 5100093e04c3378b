"""The checks that guard the shape of the tree: each finds a planted violation, none is in the tree."""

import importlib.util
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"


def load(name):
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run_tool(name, *arguments):
    command = [sys.executable, str(TOOLS / f"{name}.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


CLEAN = {
    "src/base/shape.h": "#pragma once\n#include <vector>\n",
    "src/engine/engine.h": '#pragma once\n#include "base/shape.h"\n',
    "src/engine/engine.cpp": '#include "engine/engine.h"\n',
    ".clang-format": "BasedOnStyle: Google\n",
}

# what is wrong, files to add, check that finds it, what its line says
VIOLATIONS = [
    (
        "a later folder",
        {"src/base/bad.h": '#pragma once\n\n#include "engine/engine.h"\n'},
        "dependencies",
        "src/base/bad.h:3 includes engine/engine.h",
    ),
    (
        "a later folder's file that does not exist",
        {"src/base/bad.h": '#include "ops/none.h"\n'},
        "dependencies",
        "src/base/bad.h:1 includes ops/none.h",
    ),
    (
        "headers that include each other",
        {
            "src/base/a.h": '#pragma once\n#include "base/b.h"\n',
            "src/base/b.h": '#pragma once\n#include "base/a.h"\n',
        },
        "dependencies",
        "src/base/b.h:2 includes base/a.h: which includes it in turn",
    ),
    (
        "an unknown folder",
        {"src/misc/a.h": "#pragma once\n"},
        "dependencies",
        "src/misc/a.h:1 lies in misc",
    ),
    (
        "Python below the bindings",
        {"src/runtime/a.cpp": "#include <Python.h>\n"},
        "dependencies",
        "src/runtime/a.cpp:1 includes Python.h",
    ),
    (
        "a climbing include",
        {"src/engine/a.cpp": '#include "../base/shape.h"\n'},
        "dependencies",
        "src/engine/a.cpp:1 includes ../base/shape.h",
    ),
    (
        "an installed header used inside",
        {"src/engine/a.cpp": "#include <gemel/c_api.h>\n"},
        "dependencies",
        "src/engine/a.cpp:1 includes gemel/c_api.h",
    ),
    (
        "a file that is too long",
        {"src/base/long.cpp": "int x;\n" * 801},
        "length",
        "src/base/long.cpp: 801 lines",
    ),
    (
        "a backend's condition in common code",
        {"src/ops/dot.cpp": "#ifdef GEMEL_WITH_ONEDNN\n#endif\n"},
        "backends",
        "src/ops/dot.cpp:1",
    ),
    (
        "intrinsics outside simd",
        {"src/kernels/dot.cpp": "#include <immintrin.h>\n"},
        "backends",
        "src/kernels/dot.cpp:1: intrinsics",
    ),
    (
        "an instruction set outside simd",
        {"src/kernels/dot.cpp": "#if defined(__AVX2__)\n#endif\n"},
        "backends",
        "src/kernels/dot.cpp:1: instruction set",
    ),
    (
        "an unfinished place",
        {"src/base/a.cpp": "// " + "TO" + "DO: later\n"},
        "leftovers",
        "src/base/a.cpp:1",
    ),
    (
        "an unformatted file",
        {"src/base/a.cpp": "int  main( ){return 0 ;}\n"},
        "format",
        "src/base/a.cpp:1: not formatted",
    ),
    (
        "an undefined name in Python",
        {"tools/a.py": "print(undefined_name)\n"},
        "python",
        "undefined_name",
    ),
]


def test_lint_passes_a_clean_tree(tmp_path):
    write(tmp_path, CLEAN)
    result = run_tool("lint", "--root", tmp_path)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize(
    "added, check, expected", [v[1:] for v in VIOLATIONS], ids=[v[0] for v in VIOLATIONS]
)
def test_lint_finds(tmp_path, added, check, expected):
    write(tmp_path, CLEAN)
    write(tmp_path, added)
    result = run_tool("lint", "--root", tmp_path, check)
    assert result.returncode == 1, result.stdout + result.stderr
    assert expected in result.stdout


def test_a_backends_own_file_may_ask_for_it(tmp_path):
    write(
        tmp_path,
        {
            "src/kernels/gemm_openblas.cpp": "#ifdef GEMEL_WITH_OPENBLAS\n#endif\n",
            "src/device/cuda/device.cpp": "#ifdef USE_CUDNN\n#endif\n",
            "src/simd/dot.cpp": "#include <immintrin.h>\n",
        },
    )
    assert run_tool("lint", "--root", tmp_path, "backends").returncode == 0


def test_check_dependencies_exits_with_its_finding(tmp_path):
    write(tmp_path, CLEAN)
    assert run_tool("check_dependencies", tmp_path).returncode == 0
    write(tmp_path, {"src/base/bad.h": '#include "engine/engine.h"\n'})
    result = run_tool("check_dependencies", tmp_path)
    assert result.returncode == 1
    assert "src/base/bad.h:1 includes engine/engine.h: engine/ comes after base/" in result.stdout


@pytest.mark.parametrize("check", list(load("lint").CHECKS))
def test_the_tree_passes(check):
    result = run_tool("lint", check)
    assert result.returncode == 0, result.stdout


def test_format_fix_mends(tmp_path):
    write(tmp_path, CLEAN)
    write(tmp_path, {"src/base/a.cpp": "int  main( ){return 0 ;}\n"})
    assert run_tool("lint", "--root", tmp_path, "--fix", "format").returncode == 0
    assert run_tool("lint", "--root", tmp_path, "format").returncode == 0
    assert (tmp_path / "src/base/a.cpp").read_text() == "int main() { return 0; }\n"


REPORT = """<testsuites><testsuite>
  <testcase name="a"/><testcase name="b"/>
  <testcase name="c"><skipped message="no GPU"/></testcase>{}
</testsuite></testsuites>"""
FAILURE = '<testcase name="d"><failure message="1 != 2"/></testcase>'


def summarize(folder, statuses, reports):
    for name, status in statuses.items():
        (folder / f"{name}.status").write_text(f"{status}\n")
    for name, text in reports.items():
        (folder / f"{name}.xml").write_text(text)
    result = run_tool("summarize_tests", folder)
    return result.returncode, result.stdout.splitlines()[-1]


def test_summary_adds_up_suites(tmp_path):
    reports = {"cpp": REPORT.format(""), "python": REPORT.format("")}
    assert summarize(tmp_path, {"cpp": 0, "python": 0}, reports) == (0, "4 passed, 0 failed")


def test_summary_counts_failures(tmp_path):
    reports = {"cpp": REPORT.format(FAILURE), "python": REPORT.format("")}
    assert summarize(tmp_path, {"cpp": 1, "python": 0}, reports) == (1, "4 passed, 1 failed")


def test_summary_counts_a_runner_that_died_as_a_failure(tmp_path):
    reports = {"python": REPORT.format(""), "asan": "<testsuites><tests"}
    statuses = {"cpp": 139, "python": 0, "asan": 1}
    assert summarize(tmp_path, statuses, reports) == (1, "2 passed, 2 failed")


def test_summary_counts_a_late_failure_of_a_runner(tmp_path):
    # A sanitizer's report at exit changes the status after every test has passed.
    assert summarize(tmp_path, {"tsan": 66}, {"tsan": REPORT.format("")}) == (
        1,
        "2 passed, 1 failed",
    )


def test_summary_fails_when_nothing_ran(tmp_path):
    assert summarize(tmp_path, {}, {}) == (1, "0 passed, 0 failed")


def test_suites_are_chosen_by_folder():
    listing = json.loads(
        '{"testsuites": ['
        '{"name": "Shape", "testsuite": [{"name": "a", "file": "/x/src/base/shape_test.cpp"}]},'
        '{"name": "All/Engine", "testsuite": [{"name": "b/0", "file": "src/engine/engine_test.cpp"}]},'
        '{"name": "Engineer", "testsuite": [{"name": "c", "file": "/x/src/train/engine_test.cpp"}]}]}'
    )
    suites_in = load("gtest_suites").suites_in
    assert suites_in(listing, ["engine"]) == ["All/Engine"]
    assert suites_in(listing, ["base", "engine"]) == ["All/Engine", "Shape"]
    assert suites_in(listing, ["memory"]) == []


def test_requirements_name_build_run_and_extras():
    listed = load("requirements").requirements(ROOT / "pyproject.toml", ["test"])
    names = {line.split(";")[0].split(">")[0].split("=")[0].strip() for line in listed}
    assert {"nanobind", "scikit-build-core", "onednn-cpu-gomp", "numpy", "tqdm", "pytest"} <= names
    assert "matplotlib" not in names


@pytest.mark.parametrize("script", ["common.sh", "demo", "test", "bench"])
def test_scripts_parse(script):
    result = subprocess.run(
        ["bash", "-n", str(ROOT / "scripts" / script)], capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("script", ["scripts/demo", "scripts/test", "scripts/bench", ".ci/run"])
def test_scripts_are_executable(script):
    assert os.access(ROOT / script, os.X_OK)


@pytest.mark.parametrize("script", ["test", "bench"])
def test_scripts_refuse_unknown_names(tmp_path, script):
    # In a copy, so that the reports of the run that this test belongs to stay.
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    result = subprocess.run(
        [str(tmp_path / "scripts" / script), "nonsense"], capture_output=True, text=True
    )
    assert result.returncode == 2
    assert script in result.stderr


def read_idx(path):
    data = path.read_bytes()
    dimensions = data[3]
    shape = struct.unpack(f">{dimensions}I", data[4 : 4 + 4 * dimensions])
    return struct.unpack(">I", data[:4])[0], shape, data[4 + 4 * dimensions :]


@pytest.mark.parametrize("part, count", [("train", 1437), ("test", 360)])
def test_digits_are_complete_idx_files(part, count):
    magic, shape, pixels = read_idx(ROOT / f"data/digits/{part}-images-idx3-ubyte")
    assert (magic, shape, len(pixels)) == (2051, (count, 8, 8), count * 64)
    assert set(pixels) == set(range(0, 241, 15))
    magic, shape, labels = read_idx(ROOT / f"data/digits/{part}-labels-idx1-ubyte")
    assert (magic, shape, len(labels)) == (2049, (count,), count)
    shares = [labels.count(digit) / count for digit in range(10)]
    assert all(0.09 < share < 0.11 for share in shares)


def test_digits_are_disjoint():
    images = set()
    for part in ("train", "test"):
        pixels = read_idx(ROOT / f"data/digits/{part}-images-idx3-ubyte")[2]
        images.update(pixels[i : i + 64] for i in range(0, len(pixels), 64))
    assert len(images) == 1797


def test_digits_split_is_stratified_and_fixed():
    labels = [index % 10 for index in range(1797)]
    train, test = load("make_digits").split(labels)
    assert sorted(train + test) == list(range(1797)) and len(test) == 360
    counts = [sum(labels[i] == digit for i in test) for digit in range(10)]
    assert max(counts) - min(counts) <= 1
    assert test[:6] == [1365, 1514, 7, 919, 1177, 1494]
