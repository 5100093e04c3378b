"""What this build of the library has: `mx.runtime.Features()["OPENMP"].enabled`."""
import collections

from . import _core

__all__ = ["Feature", "Features", "feature_list", "get_setting", "set_setting"]


class Feature(collections.namedtuple("Feature", ("name", "enabled"))):
    """A part that a build may have."""

    __slots__ = ()

    def __repr__(self):
        return f"{'✔' if self.enabled else '✖'} {self.name}"


def feature_list():
    """Every feature, as a list of `Feature`."""
    return [Feature(name, enabled) for name, enabled in _core.features().items()]


class Features(collections.OrderedDict):
    """The features by name."""

    def __init__(self):
        super().__init__((feature.name, feature) for feature in feature_list())

    def __repr__(self):
        return str(list(self.values()))

    def is_enabled(self, feature_name):
        """Whether this build has a feature, named in any case; an unknown one raises `RuntimeError`."""
        name = feature_name.upper()
        if name not in self:
            raise RuntimeError(f"Feature '{name}' is unknown, known features are: {list(self)}")
        return self[name].enabled


def get_setting(name):
    """The text of a setting (`gemel env --docs` lists them); KeyError for an unknown name."""
    return _core.get_setting(name)


def set_setting(name, value):
    """Change a setting for what is done from now on.

    The engine reads its own when it starts: `mx.engine.configure` changes it later.

    Parameters
    ----------
    name : str
    value : object
        Its text is parsed as the environment variable's would be; ValueError if it does not fit.
    """
    _core.set_setting(name, str(int(value)) if isinstance(value, bool) else str(value))
