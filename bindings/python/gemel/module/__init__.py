"""The training interface for symbols."""
from .base_module import BaseModule  # noqa: F401
from .module import Module  # noqa: F401

__all__ = ["BaseModule", "Module"]
