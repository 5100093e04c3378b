"""One step of an optimizer over all parameters of a network, one thread."""
import sys
from pathlib import Path

# Not this folder: its torch.py would hide torch.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
from runner import Row, run_timed  # noqa: E402  pylint: disable=wrong-import-position,import-error

if __name__ == "__main__":
    run_timed("optimizer", "us", [Row(f"{optimizer}, {name}", {"torch": f"{optimizer}, {name}, fused"})
                                  for optimizer in ("SGD", "Adam")
                                  for name in ("ResNet-50", "200 arrays of 64", "perceptron")])
