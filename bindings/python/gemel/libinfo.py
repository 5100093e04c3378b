"""Where the library and its headers are."""
import os

__all__ = ["find_lib_path", "find_include_path"]

__version__ = "1.9.1"  # of the interface


def find_lib_path(prefix="libmxnet"):
    """The paths of the shared libraries whose names begin with `prefix`, a list.

    `MXNET_LIBRARY_PATH` goes first; `RuntimeError` where there is none.
    """
    given = os.environ.get("MXNET_LIBRARY_PATH")
    if given and os.path.isfile(given):
        return [os.path.abspath(given)]
    folder = os.path.dirname(os.path.abspath(__file__))
    from . import _core
    folders = dict.fromkeys((folder, os.path.dirname(os.path.realpath(_core.__file__)),
                             os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(_core.__file__))))))
    found = [path for one in folders for path in (os.path.join(one, f"{prefix}.so"),) if os.path.isfile(path)]
    if not found:
        raise RuntimeError(f"Cannot find the {prefix} library, expected it in one of {', '.join(folders)}")
    return found


def find_include_path():
    """The folder of the headers; `RuntimeError` where they are not installed."""
    given = os.environ.get("MXNET_INCLUDE_PATH")
    folder = os.path.dirname(os.path.abspath(__file__))
    for one in (given, os.path.join(folder, "include"), os.path.join(folder, "../../../include")):
        if one and os.path.isdir(one):
            return os.path.abspath(one)
    raise RuntimeError("Cannot find the headers: set MXNET_INCLUDE_PATH")
