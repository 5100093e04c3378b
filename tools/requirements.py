#!/usr/bin/env python3
"""Prints what pyproject.toml asks for, one requirement a line: to build, to run, and EXTRA..."""

import sys
from pathlib import Path

try:
    import tomllib
except ImportError:  # Python 3.10
    from pip._vendor import tomli as tomllib


def requirements(pyproject, extras):
    content = tomllib.loads(pyproject.read_text())
    found = list(content["build-system"]["requires"]) + list(content["project"]["dependencies"])
    for extra in extras:
        found += content["project"]["optional-dependencies"][extra]
    return found


if __name__ == "__main__":
    root = Path(__file__).resolve().parent.parent
    print("\n".join(requirements(root / "pyproject.toml", sys.argv[1:])))
