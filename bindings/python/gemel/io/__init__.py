"""Iterators over batches of data."""
from .io import (DataBatch, DataDesc, DataIter, NDArrayIter, PrefetchingIter,  # noqa: F401
                 ResizeIter)
from .registered import *  # noqa: F401,F403
from . import io, registered  # noqa: F401

__all__ = ["DataDesc", "DataBatch", "DataIter", "NDArrayIter", "ResizeIter", "PrefetchingIter",
           *registered.__all__]
