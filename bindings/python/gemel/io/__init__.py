"""Iterators over batches of data."""
from .io import (DataBatch, DataDesc, DataIter, NDArrayIter, PrefetchingIter,  # noqa: F401
                 ResizeIter)
from . import io  # noqa: F401

__all__ = ["DataDesc", "DataBatch", "DataIter", "NDArrayIter", "ResizeIter", "PrefetchingIter"]
