"""One training step of a 784-128-64-10 perceptron, batch 32, one thread."""
import sys
from pathlib import Path

# Not this folder: its torch.py would hide torch.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
from runner import Row, run_timed  # noqa: E402  pylint: disable=wrong-import-position,import-error

if __name__ == "__main__":
    RIVALS = {"torch": "eager", "jax": "jit", "numpy": "written out"}
    run_timed("perceptron", "us", [Row("executor, fused update", RIVALS, aim=120),
                                   Row("Gluon hybridised, Trainer", RIVALS, aim=200)])
