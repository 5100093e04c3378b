"""Memory in use by owner, and who owns the bytes of a plan."""
from . import _core
from .memory_explain import MemoryExplanation, MemoryUse, explain

__all__ = ["MemoryExplanation", "MemoryUse", "empty_cache", "explain", "reset_peaks", "stats"]


def stats():
    """Bytes by owner: {"array": {"current", "peak", "allocations"}, ..., "total": ..., "cached": ...}."""
    return _core.memory_statistics()


def reset_peaks():
    """Start the peaks anew at what is in use now."""
    _core.memory_reset_peaks()


def empty_cache(ctx=None):
    """Give free blocks back to the operating system."""
    _core.memory_trim()
