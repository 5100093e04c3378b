"""Names for operators that were given none."""
import threading

from .base import classproperty

__all__ = ["NameManager", "Prefix"]


class _Current(threading.local):
    def __init__(self):
        self.value = NameManager()


class NameManager:
    """Gives every unnamed operator `<hint><count>`, counting per hint.

    Used in a `with` statement it is the thread's manager inside the block.
    """

    def __init__(self):
        self._counter = {}
        self._outer = None

    def get(self, name, hint):
        """`name` if it is given and not empty, else the next name for `hint`."""
        if name:
            return name
        count = self._counter.get(hint, 0)
        self._counter[hint] = count + 1
        return f"{hint}{count}"

    def __enter__(self):
        self._outer = _current.value
        _current.value = self
        return self

    def __exit__(self, exc_type, exc_value, trace):
        _current.value = self._outer

    @classproperty
    def current(cls):  # pylint: disable=no-self-argument
        """The manager of this thread."""
        return _current.value


class Prefix(NameManager):
    """A manager that puts a prefix before every name, also before given ones.

    Parameters
    ----------
    prefix : str
        The text that every name starts with.
    """

    def __init__(self, prefix):
        super().__init__()
        self._prefix = prefix

    def get(self, name, hint):
        return self._prefix + super().get(name, hint)


_current = _Current()
