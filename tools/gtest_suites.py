#!/usr/bin/env python3
"""gtest_suites.py PROGRAM FOLDER...: a --gtest_filter of the suites that live in src/FOLDER/.

GoogleTest knows the file of every test, so which tests a folder holds needs no naming rule.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def suites_in(listing, folders):
    """Names of the suites of a GoogleTest JSON listing with a test in one of the folders."""
    wanted = re.compile(r"(^|/)src/(" + "|".join(map(re.escape, folders)) + ")/")
    return sorted(
        suite["name"]
        for suite in listing["testsuites"]
        if any(wanted.search(test["file"]) for test in suite["testsuite"])
    )


def list_tests(program):
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "tests.json"
        command = [program, "--gtest_list_tests", f"--gtest_output=json:{listing}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.loads(listing.read_text())


if __name__ == "__main__":
    found = suites_in(list_tests(sys.argv[1]), sys.argv[2:])
    if not found:
        sys.exit(f"{sys.argv[1]} has no test in {' '.join(sys.argv[2:])}")
    print(":".join(f"{name}.*" for name in found))
