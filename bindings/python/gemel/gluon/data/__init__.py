"""Data sets, the order in which they are read, and batches of them."""
from .dataloader import DataLoader  # noqa: F401
from .dataset import ArrayDataset, Dataset, RecordFileDataset, SimpleDataset  # noqa: F401
from .sampler import (BatchSampler, FilterSampler, RandomSampler, Sampler,  # noqa: F401
                      SequentialSampler)
from . import dataloader, dataset, sampler, vision  # noqa: F401

__all__ = ["Dataset", "SimpleDataset", "ArrayDataset", "RecordFileDataset", "DataLoader", "Sampler", "BatchSampler",
           "SequentialSampler", "RandomSampler", "FilterSampler"]
