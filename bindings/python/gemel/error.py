"""The exception classes by their public names."""
from .base import InternalError, MXNetError, register_error  # noqa: F401

__all__ = ["MXNetError", "InternalError", "register_error"]
