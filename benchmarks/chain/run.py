"""y = relu(a*b + c)*0.5 - exp(-d) over 10 million float32, one thread."""
import sys
from pathlib import Path

# Not this folder: its torch.py would hide torch.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
from runner import Row, run_timed  # noqa: E402  pylint: disable=wrong-import-position,import-error

if __name__ == "__main__":
    run_timed("chain", "ms", [
        Row("symbol", {"torch": "compiled", "jax": "jit"}, aim=15, seconds=0.3),
        Row("imperative", {"torch": "eager", "jax": "jit"}, aim=15, seconds=0.3)], rounds=5)
