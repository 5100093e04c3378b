"""libmxnet.so stands for libgemel.so."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, sys
folder = sys.argv[1]
first, second = (ctypes.CDLL(f"{folder}/{name}") for name in sys.argv[2:4])
for library in (first, second):
    library.MXGetLastError.restype = ctypes.c_char_p
handle = ctypes.c_void_p()
assert first.MXNDArrayCreate((ctypes.c_uint32 * 1)(3), 1, 1, 0, 0, ctypes.byref(handle)) == 0
assert second.MXNDArrayFree(handle) == 0
assert first.MXNDArrayFree(handle) == -1
assert b"freed" in second.MXGetLastError()
assert ctypes.cast(first.MXGetVersion, ctypes.c_void_p).value == ctypes.cast(second.MXGetVersion, ctypes.c_void_p).value
print(sum(line.endswith("/libgemel.so\\n") and " r-xp " in line for line in open("/proc/self/maps")))
"""


@pytest.mark.parametrize("order", [("libmxnet.so", "libgemel.so"), ("libgemel.so", "libmxnet.so")])
def test_both_names_are_one_library(library_path, order):
    folder = Path(library_path).parent
    assert (folder / "libmxnet.so").exists()
    result = subprocess.run([sys.executable, "-c", PROGRAM, folder, *order], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "1"


def test_old_name_has_no_content(library_path):
    old = Path(library_path).with_name("libmxnet.so")
    assert old.stat().st_size < 64 << 10
