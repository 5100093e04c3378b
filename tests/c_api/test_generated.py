"""The files that follow from api/c_api.json are current."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_generated_files_are_current():
    sys.path.insert(0, str(ROOT / "tools"))
    import generate_c_api

    table = json.loads(generate_c_api.TABLE.read_text())
    stale = [str(path) for path, text in generate_c_api.outputs(table).items() if path.read_text() != text]
    assert not stale, "run tools/generate_c_api.py"
