"""Optimizers: rules that change weights by their gradients."""
from .optimizer import (SGD, Adam, Optimizer, Test, Updater, ccSGD, create,  # noqa: F401
                        get_updater, register)
from . import optimizer  # noqa: F401

__all__ = ["Optimizer", "SGD", "Adam", "Test", "ccSGD", "Updater", "get_updater", "create",
           "register"]
