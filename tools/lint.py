#!/usr/bin/env python3
"""lint.py [--root ROOT] [CHECK...]: what must hold for every file; prints each violation, exits 1.

format        C++ is as clang-format leaves it (--fix: make it so)
python        ruff finds nothing (--fix: mend what it can)
dependencies  tools/check_dependencies.py
length        no hand-written file is over 800 lines
backends      no `#if` on a backend or an instruction set in common code; intrinsics in simd/ only
leftovers     no note that something is unfinished
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import check_dependencies  # noqa: E402

MAX_LINES = 800
HAND_WRITTEN = "src include bindings tools scripts tests benchmarks examples cmake".split()
CODE = {".h", ".cpp", ".inc", ".cu", ".py", ".sh", ".cmake", ".txt", ""}
BACKEND_CONDITION = re.compile(
    r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*(cuda|cudnn|onednn|openblas)", re.I
)
ISA_CONDITION = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*(__AVX|__SSE|__ARM_NEON)")
INTRINSICS = re.compile(r'^\s*#\s*include\s*[<"]((?:\w*intrin|arm_neon)\.h|hwy/[^>"]*)[>"]')
FORMAT_ERROR = re.compile(r"^(.+?):(\d+):\d+: error:")
LEFTOVER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")


def files(root, folders=HAND_WRITTEN, suffixes=CODE):
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            hidden = any(part in ("generated", "__pycache__") for part in path.parts)
            if path.is_file() and path.suffix in suffixes and not hidden:
                yield path


def lines_matching(root, paths, pattern, allowed, message):
    found = []
    for path in paths:
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = pattern.search(line)
            if match and not allowed(path.relative_to(root), match):
                found.append(f"{path.relative_to(root)}:{number}: {message}: {line.strip()}")
    return found


def tool(name):
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


def run(name, arguments):
    """Violations that another program prints; a missing program is one too."""
    program = tool(name)
    if program is None:
        return [f"{name} is not installed: pip install '.[test]'"]
    result = subprocess.run([program, *arguments], capture_output=True, text=True)
    if result.returncode == 0:
        return []
    return (result.stdout + result.stderr).strip().splitlines() or [f"{name} failed"]


def check_format(root, fix=False):
    paths = [str(p) for p in files(root, ("src", "include", "bindings"), {".h", ".cpp", ".inc"})]
    if not paths:
        return []
    mode = ["-i"] if fix else ["--dry-run", "--Werror"]
    lines = run("clang-format", ["--style=file", *mode, *paths])
    places = {}
    for line in lines:
        match = FORMAT_ERROR.match(line)
        if match:
            places.setdefault(match[1], match[2])
    where = [
        f"{Path(path).relative_to(root)}:{line}: not formatted" for path, line in places.items()
    ]
    return where or lines


def check_python(root, fix=False):
    folders = [str(root / name) for name in HAND_WRITTEN if (root / name).is_dir()]
    mode = ["--fix"] if fix else []
    if not folders:
        return []
    settings = Path(__file__).resolve().parent.parent / "pyproject.toml"
    arguments = ["check", "--quiet", "--output-format=concise", f"--config={settings}"]
    return run("ruff", [*arguments, *mode, *folders])


def check_dependency_order(root, fix=False):
    return check_dependencies.violations(root)


def check_length(root, fix=False):
    found = []
    for path in files(root):
        count = len(path.read_bytes().splitlines())
        if count > MAX_LINES:
            found.append(f"{path.relative_to(root)}: {count} lines, at most {MAX_LINES}")
    return found


def names_backend(path, match):
    """A file or folder that carries the backend's name is that backend, not common code."""
    backend = match[1].lower()
    return ("cuda" if backend == "cudnn" else backend) in str(path).lower()


def in_simd(path, match):
    return "simd" in path.parts


def check_backends(root, fix=False):
    paths = list(files(root, ("src",), {".h", ".cpp", ".inc"}))
    return (
        lines_matching(root, paths, BACKEND_CONDITION, names_backend, "backend #if in common code")
        + lines_matching(root, paths, ISA_CONDITION, in_simd, "instruction set outside simd/")
        + lines_matching(root, paths, INTRINSICS, in_simd, "intrinsics outside simd/")
    )


def check_leftovers(root, fix=False):
    return lines_matching(root, files(root), LEFTOVER, lambda path, match: False, "unfinished")


CHECKS = {
    "format": check_format,
    "python": check_python,
    "dependencies": check_dependency_order,
    "length": check_length,
    "backends": check_backends,
    "leftovers": check_leftovers,
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(__file__).resolve().parent.parent
    parser.add_argument("--root", type=Path, default=default)
    parser.add_argument("--fix", action="store_true", help="mend what a tool can mend, in place")
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=f"of {', '.join(CHECKS)}")
    arguments = parser.parse_args()
    unknown = set(arguments.checks) - set(CHECKS)
    if unknown:
        parser.error(f"no such check: {', '.join(sorted(unknown))}")
    failed = False
    for name in arguments.checks or CHECKS:
        for problem in CHECKS[name](arguments.root.resolve(), arguments.fix):
            failed = True
            print(f"{name}: {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
