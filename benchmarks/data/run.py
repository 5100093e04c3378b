"""Images from records: the time of one image on one core."""
import importlib.util
import os
import sys
from pathlib import Path

# Not this folder, as in the other workloads.
sys.path[0] = str(Path(__file__).resolve().parent.parent)
from runner import Row, run_timed  # noqa: E402  pylint: disable=wrong-import-position,import-error


def make_images():
    """Both sides read one file, which ours writes."""
    os.environ["GEMEL_BENCH_SUBJECT"] = "gemel"
    spec = importlib.util.spec_from_file_location("program", Path(__file__).with_name("program.py"))
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    program.make_images()


if __name__ == "__main__":
    make_images()
    run_timed("data", "us", [Row("image of a batch"), Row("image of a batch, colours"),
                             Row("image decoded alone"), Row("record of 30 KB")])
