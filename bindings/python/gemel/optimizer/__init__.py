"""Optimizers: rules that change weights by their gradients."""
from .optimizer import (SGD, Adam, Optimizer, Test, Updater, ccSGD, create,  # noqa: F401
                        get_updater, register)
from .adaptive import AdaDelta, AdaGrad, Adamax, FTML, Ftrl, Nadam, RMSProp  # noqa: F401
from .layerwise import LAMB, LARS, LBSGD  # noqa: F401
from .momentum import DCASGD, NAG, SGLD, Signum  # noqa: F401
from . import contrib, optimizer  # noqa: F401

__all__ = ["Optimizer", "SGD", "Adam", "Test", "ccSGD", "Updater", "get_updater", "create",
           "register", "AdaDelta", "AdaGrad", "Adamax", "DCASGD", "FTML", "Ftrl", "LAMB", "LARS",
           "LBSGD", "NAG", "Nadam", "RMSProp", "SGLD", "Signum"]
