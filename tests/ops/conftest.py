import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_modifyitems(items):
    """A quick run keeps the first sample of every operator in float32; the rest is marked full."""
    here = str(Path(__file__).parent)
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        case = parameters.get("case")
        if not hasattr(case, "index") or not str(item.path).startswith(here):
            continue
        if case.index or parameters.get("dtype", "float32") not in ("float32", "int32"):
            item.add_marker(pytest.mark.full)
