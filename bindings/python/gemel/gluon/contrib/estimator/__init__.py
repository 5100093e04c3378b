"""A training loop with events: `Estimator`, its handlers and `BatchProcessor`."""
from . import batch_processor, checkpoint_handler, estimator, event_handler
from .batch_processor import *
from .checkpoint_handler import *
from .estimator import *
from .event_handler import *
