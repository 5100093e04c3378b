"""Loggers that write one letter for the level, the time and the place."""
import logging
import sys
from logging import CRITICAL, DEBUG, ERROR, INFO, NOTSET, WARNING  # noqa: F401

__all__ = ["get_logger", "getLogger"]

_COLOURS = {DEBUG: "\x1b[34m", INFO: "\x1b[32m"}


class _Formatter(logging.Formatter):
    """`I1123 05:30:19 15617 file.py:function:3] text`, coloured where it is for a terminal."""

    def __init__(self, coloured=True):
        self._coloured = coloured
        super().__init__(datefmt="%m%d %H:%M:%S")

    def format(self, record):
        colour, end = (_COLOURS.get(record.levelno, "\x1b[31m"), "\x1b[0m") if self._coloured else ("", "")
        place = f"{record.pathname}:{record.funcName}:{record.lineno}"
        self._style._fmt = f"{colour}{record.levelname[0]}%(asctime)s %(process)d {place}]{end} %(message)s"
        return super().format(record)


def get_logger(name=None, filename=None, filemode=None, level=WARNING):
    """The logger of a name, given a handler the first time.

    Parameters
    ----------
    name : str, optional
        Without one, the root logger is returned as it is.
    filename : str, optional
        Write there and not to the standard error stream.
    filemode : str, optional
        "a" by default.
    level : int
    """
    logger = logging.getLogger(name)
    if name is not None and not getattr(logger, "_init_done", None):
        logger._init_done = True
        if filename:
            handler = logging.FileHandler(filename, filemode or "a")
        else:
            handler = logging.StreamHandler()
        handler.setFormatter(_Formatter(coloured=not filename and sys.platform != "win32"))
        logger.addHandler(handler)
        logger.setLevel(level)
    return logger


getLogger = get_logger
