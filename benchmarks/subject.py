"""The module that a `program.py` measures: gemel or mxnet, as the runner says."""
import importlib
import os

mx = importlib.import_module(os.environ["GEMEL_BENCH_SUBJECT"])
