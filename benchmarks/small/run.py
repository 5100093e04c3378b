"""Calls on small arrays: what one costs from Python."""
import sys
from pathlib import Path

# Not this folder: its torch.py would hide torch.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
from runner import Row, run_timed  # noqa: E402  pylint: disable=wrong-import-position,import-error

if __name__ == "__main__":
    run_timed("small", "us", [Row("a + b", aim=0.7), Row("a + b, waited for"), Row("a += b", aim=0.6),
                              Row("dot 8x8", aim=0.9),
                              Row("record, a + b, backward", aim=2.5)])
