#!/usr/bin/env python3
"""summarize_tests.py FOLDER: adds up the reports of a test run; its last line is `N passed, N failed`.

FOLDER has NAME.status (exit status of a suite's runner) for every suite, and NAME.xml (the JUnit
report of GoogleTest or pytest) where the runner lived to write it. A runner that failed without
naming a failed test counts as one failure. Exits 1 if anything failed or nothing ran.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count(report):
    """(passed, failed, skipped) of one JUnit report."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def count_suite(status_file):
    report = status_file.with_suffix(".xml")
    status = int(status_file.read_text())
    try:
        passed, failed, skipped = count(report)
    except (OSError, ElementTree.ParseError):
        passed = failed = skipped = 0
    if status != 0 and failed == 0:
        failed = 1
    return passed, failed, skipped


def main(folder):
    total = [0, 0]
    for status_file in sorted(Path(folder).glob("*.status")):
        passed, failed, skipped = count_suite(status_file)
        note = f", {skipped} skipped" if skipped else ""
        exit_note = f" (exit status {status_file.read_text().strip()})" if failed else ""
        print(f"  {status_file.stem:10} passed {passed}, failed {failed}{note}{exit_note}")
        total[0] += passed
        total[1] += failed
    print(f"{total[0]} passed, {total[1]} failed", flush=True)
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
