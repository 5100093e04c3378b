"""One training step of a transformer encoder layer, one thread."""
import sys
from pathlib import Path

# Not this folder: its torch.py would hide torch.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
from runner import Row, run_timed  # noqa: E402  pylint: disable=wrong-import-position,import-error

if __name__ == "__main__":
    NAME = "transformer encoder layer"
    run_timed("transformer", "ms", [Row(NAME, {"torch": "eager"}, seconds=0.6),
                                    Row(NAME + ", compiled", {"gemel": NAME, "torch": "compiled"}, seconds=0.6)],
              rounds=5)
