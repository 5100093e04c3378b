"""The mixed loop: forward_backward(), then w -= eta * g on 6 arrays."""
import sys
from pathlib import Path

# Not this folder: its torch.py would hide torch.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
from runner import Row, run_timed  # noqa: E402  pylint: disable=wrong-import-position,import-error

if __name__ == "__main__":
    run_timed("mixed", "us", [Row("forward_backward alone"), Row("sgd_update"),
                              Row("w -= eta * g", aim=180, relative_to="sgd_update", aim_relative=1.25)])
