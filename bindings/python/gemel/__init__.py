"""Gemel: declarative graphs and imperative arrays over one dependency engine.

`import gemel as mx`; the interface is Apache MXNet 1.9.1's.
"""
__version__ = "0.1.0"

import os as _os

# OpenMP's threads sleep between kernels instead of spinning: on a busy machine spinning threads keep
# each other from running. Set OMP_WAIT_POLICY=active before the import for a machine of your own.
_os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from . import base
from .base import MXNetError
from . import context
from .context import Context, cpu, cpu_pinned, current_context, gpu, num_gpus
from . import _core
from . import engine, memory, profiler
from . import attribute, name
from .attribute import AttrScope
from . import ndarray
from . import ndarray as nd
from . import symbol
from . import symbol as sym
from . import autograd, executor, operator, random
from .executor import Executor
from . import callback, initializer, io, kvstore, lr_scheduler, metric, model, module, monitor, optimizer
from . import initializer as init
from . import kvstore as kv
from . import module as mod
from . import monitor as mon
from . import visualization
from . import visualization as viz
from . import gluon, image, recordio, rnn
from . import image as img
from . import random as rnd
from . import runtime, util
from .util import (is_np_array, is_np_shape, np_array, np_shape, set_np_shape, use_np, use_np_array,
                   use_np_shape)
from .monitor import Monitor
from .optimizer import Optimizer

import atexit as _atexit
import importlib as _importlib

# Users' tasks are done before the interpreter goes; what nobody can see any more is dropped.
_atexit.register(_core.engine_leave)
_os.register_at_fork(before=_core.engine_prepare_fork)
_atexit.register(profiler._dump_at_exit)
if _core.get_setting("profiler_autostart") == "1":
    profiler.set_config(profile_all=_core.get_setting("profiler_mode") == "1")
    profiler.set_state("run")
if _core.get_setting("trace"):
    _core.trace_start()
    _atexit.register(engine.write_trace, _core.get_setting("trace"))  # runs before the one above


def __getattr__(attribute_name):
    # Modules that few programs use are imported when they are first named.
    if attribute_name in ("contrib", "executor_manager", "libinfo", "log", "model_zoo", "test_utils", "tuning"):
        return _importlib.import_module("." + attribute_name, __name__)
    if attribute_name == "amp":
        return _importlib.import_module(".contrib.amp", __name__)
    raise AttributeError(f"module '{__name__}' has no attribute '{attribute_name}'")
