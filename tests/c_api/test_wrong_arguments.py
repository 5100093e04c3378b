"""No argument that can be told wrong ends the process."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_function_survives_wrong_arguments(library_path, tmp_path):
    program = Path(__file__).with_name("wrong_arguments.py")
    result = subprocess.run([sys.executable, program, library_path, ROOT / "api/c_api.json"], cwd=tmp_path,
                            capture_output=True, text=True, timeout=120)
    last = result.stdout.splitlines()[-1:]
    assert result.returncode == 0 and last == ["survived"], f"{last}: {result.stderr[-2000:]}"
