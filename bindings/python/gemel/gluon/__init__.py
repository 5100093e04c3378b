"""Networks as Python objects, run as they are written or traced into graphs."""
from .block import Block, HybridBlock, SymbolBlock  # noqa: F401
from .parameter import (Constant, DeferredInitializationError, Parameter,  # noqa: F401
                        ParameterDict)
from .trainer import Trainer  # noqa: F401
from . import (block, contrib, data, loss, model_zoo, nn, parameter, rnn, trainer,  # noqa: F401
               utils)

__all__ = ["Block", "HybridBlock", "SymbolBlock", "Parameter", "Constant", "ParameterDict",
           "DeferredInitializationError", "Trainer", "nn", "rnn", "loss", "data", "utils", "contrib",
           "model_zoo"]
