"""Attributes that all symbols made inside a block get."""
import threading

from .base import classproperty

__all__ = ["AttrScope"]


class AttrScope:
    """Adds attributes to every symbol that is made inside the `with` block; scopes nest.

    Parameters
    ----------
    kwargs : str
        The attributes. A value that is not a string raises `ValueError`.
    """

    def __init__(self, **kwargs):
        for value in kwargs.values():
            if not isinstance(value, str):
                raise ValueError("Attributes need to be string")
        self._attr = kwargs
        self._outer = None

    def get(self, attr):
        """The attributes of this scope, overridden by the dictionary `attr` (may be None)."""
        if self._attr:
            merged = self._attr.copy()
            if attr:
                merged.update(attr)
            return merged
        return attr if attr else {}

    def __enter__(self):
        self._outer = (_current.value, self._attr)
        merged = _current.value._attr.copy()
        merged.update(self._attr)
        self._attr = merged
        _current.value = self
        return self

    def __exit__(self, exc_type, exc_value, trace):
        _current.value, self._attr = self._outer

    @classproperty
    def current(cls):  # pylint: disable=no-self-argument
        """The innermost scope of this thread."""
        return _current.value


class _Current(threading.local):
    def __init__(self):
        self.value = AttrScope()


_current = _Current()
