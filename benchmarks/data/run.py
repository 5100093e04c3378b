"""Images from records: the time of a batch of 64, of decoding as many, and of reading records.

Beside it: training.py (from records against from memory) and memory.py (of a running pipeline).
"""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Not this folder, as in the other workloads.
sys.path[0] = str(HERE.parent)
from runner import Row, run_timed  # noqa: E402  pylint: disable=wrong-import-position,import-error

sys.path.append(str(HERE))
import images  # noqa: E402  pylint: disable=wrong-import-position,import-error

if __name__ == "__main__":
    images.make()  # all sides read the same files
    run_timed("data", "ms", [
        Row("64 images decoded alone", seconds=0.5),
        Row("64 images", relative_to="64 images decoded alone", aim_relative=1.25,
            seconds=0.5),
        Row("64 images, colours", seconds=0.5),
        Row("64 images, two cores", relative_to="64 images", aim_relative=1 / 1.8,
            seconds=0.5),
        *(Row(f"64 transforms, {kind}") for kind in ("training", "training with colours", "validation")),
        Row("64 times 10 KB as cat reads"),
        Row("64 records of 10 KB", relative_to="64 times 10 KB as cat reads",
            aim_relative=1 / 0.7)])
