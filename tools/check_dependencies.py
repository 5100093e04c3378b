#!/usr/bin/env python3
"""check_dependencies.py [ROOT]: the folders of src/ include only themselves and earlier folders.

Also: no header includes itself by way of others, no include climbs with "..", and nothing in src/
knows Python. Prints one line for each violation, `file:line includes X: why`, and exits 1 if any.
"""

import re
import sys
from pathlib import Path

ORDER = (
    "base simd device memory engine array graph op pointwise kernels ops passes record runtime "
    "train data model kvstore tune deploy c_api"
).split()
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
PYTHON = re.compile(r"^(Python\.h|nanobind/|pybind11/)")


def includes(path):
    """(line number, opening mark, name) for every include of a file."""
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1], match[2]


def resolve(source, path, name):
    """The file of src/ that a quoted include names, or None."""
    for candidate in (path.parent / name, source / name):
        if candidate.is_file():
            return candidate.resolve()
    return None


def why_not(folder, name, target_folder):
    if ".." in Path(name).parts:
        return "write the path from src/"
    if PYTHON.match(name):
        return "nothing in src/ knows Python"
    if name.startswith("gemel/") and folder != "c_api":
        return "only c_api/ implements the installed headers"
    if target_folder is not None and ORDER.index(target_folder) > ORDER.index(folder):
        return f"{target_folder}/ comes after {folder}/"
    return None


def cycles(graph):
    """Edges (file, line, file) that close a circle; found by walking the graph depth first."""
    done, on_path, found = set(), set(), []

    def visit(node):
        on_path.add(node)
        for line, target in graph.get(node, ()):
            if target in on_path:
                found.append((node, line, target))
            elif target not in done:
                visit(target)
        on_path.discard(node)
        done.add(node)

    for node in sorted(graph):
        if node not in done:
            visit(node)
    return found


def violations(root):
    source = (Path(root) / "src").resolve()
    graph, found = {}, []
    for path in sorted(source.rglob("*")):
        if path.suffix not in (".h", ".cpp", ".inc"):
            continue
        folder = path.relative_to(source).parts[0]
        where = f"src/{path.relative_to(source)}"
        if folder not in ORDER:
            found.append(f"{where}:1 lies in {folder}: not in the list of folders")
            continue
        for number, mark, name in includes(path):
            target = resolve(source, path, name) if mark == '"' else None
            first = Path(name).parts[0]
            target_folder = None
            if target is not None and target.is_relative_to(source):
                target_folder = target.relative_to(source).parts[0]
                graph.setdefault(path, []).append((number, target))
            elif "/" in name and first in ORDER:
                target_folder = first
            if target_folder not in ORDER:
                target_folder = None
            reason = why_not(folder, name, target_folder)
            if reason:
                found.append(f"{where}:{number} includes {name}: {reason}")
    for node, line, target in cycles(graph):
        # A file for Highway includes itself, once for every instruction set.
        if node != target:
            where = f"src/{node.relative_to(source)}:{line}"
            found.append(
                f"{where} includes {target.relative_to(source)}: which includes it in turn"
            )
    return found


if __name__ == "__main__":
    default = Path(__file__).resolve().parent.parent
    problems = violations(sys.argv[1] if len(sys.argv) > 1 else default)
    print("\n".join(problems), end="\n" if problems else "")
    sys.exit(1 if problems else 0)
