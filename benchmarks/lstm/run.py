"""One training step of an LSTM layer (650 units, 35 steps, batch 20), one thread."""
import sys
from pathlib import Path

# Not this folder: its torch.py would hide torch.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
from runner import Row, run_timed  # noqa: E402  pylint: disable=wrong-import-position,import-error

if __name__ == "__main__":
    run_timed("lstm", "ms", [Row("LSTM layer", {"torch": "eager", "jax": "jit"}, seconds=0.5)], rounds=5)
