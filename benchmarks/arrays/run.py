"""Reductions, transposes, gathers, sorts, softmax and normalisation of a cache-sized and a large array, one thread."""
import sys
from pathlib import Path

# Not this folder: its torch.py would hide torch.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
from array_rows import OPERATIONS, SIZES  # noqa: E402  pylint: disable=wrong-import-position,import-error
from runner import Row, run_timed  # noqa: E402  pylint: disable=wrong-import-position,import-error

if __name__ == "__main__":
    run_timed("arrays", "us", [Row(f"{operation}, {size}", seconds=0.01) for operation in OPERATIONS
                               for size in SIZES], rounds=5)
