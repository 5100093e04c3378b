"""Memory in use: bytes by owner."""
from . import _core


def stats():
    """Bytes by owner: {"array": {"current", "peak", "allocations"}, ..., "total": ..., "cached": ...}."""
    return _core.memory_statistics()


def reset_peaks():
    """Start the peaks anew at what is in use now."""
    _core.memory_reset_peaks()


def empty_cache(ctx=None):
    """Give free blocks back to the operating system."""
    _core.memory_trim()
