"""Samplers and sets of text beyond `gluon.data`."""
from . import sampler, text
from .sampler import *
