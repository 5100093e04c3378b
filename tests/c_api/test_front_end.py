"""MXNet's own front end (the PyPI package mxnet==1.9.1) on this library.

GEMEL_MXNET_PYTHON names the interpreter of an environment with that package and numpy < 1.24; without
it the tests are skipped. `scripts/test slow` makes such an environment.
"""

import os
import subprocess
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "front_end").glob("*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_program(program, library_path, tmp_path):
    python = os.environ.get("GEMEL_MXNET_PYTHON")
    if not python:
        pytest.skip("GEMEL_MXNET_PYTHON does not name an interpreter with mxnet==1.9.1")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment["MXNET_LIBRARY_PATH"] = library_path
    result = subprocess.run([python, program, tmp_path], env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Traceback" not in result.stderr, result.stderr
