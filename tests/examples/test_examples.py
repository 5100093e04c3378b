"""The programs of examples/ do what they say: each is run as a user runs it."""

import os
import re
import subprocess
import sys

import pytest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
DIGITS = os.path.join(ROOT, "examples", "digits")


def run(*command):
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, text=True, capture_output=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def accuracy(output):
    """The number in the last line."""
    return float(
        re.fullmatch(r"test accuracy: (\d\.\d{4})", output.strip().splitlines()[-1]).group(1)
    )


@pytest.mark.parametrize(
    "style",
    [
        "mixed",
        pytest.param("symbolic", marks=pytest.mark.full),
        pytest.param("gluon", marks=pytest.mark.full),
    ],
)
def test_each_style_reads_the_held_out_digits(style):
    output = run(os.path.join(DIGITS, f"{style}.py"), "--seed", "1")
    assert "epoch 8/8" in output  # progress is shown
    assert accuracy(output) > 0.98


def test_the_same_seed_gives_the_same_network():
    results = {
        run(os.path.join(DIGITS, "mixed.py"), "--seed", "3", "--epochs", "1") for _ in range(2)
    }
    assert len(results) == 1


@pytest.mark.full
def test_demo_makes_its_files(tmp_path):
    pytest.importorskip("matplotlib")
    output = run(os.path.join(DIGITS, "demo.py"), "--epochs", "4", "--output", str(tmp_path))
    made = {file.name for file in tmp_path.iterdir() if file.stat().st_size > 1000}
    assert made >= {
        "digits-symbol.json",
        "digits-0004.params",
        "digits.png",
        "learning.png",
        "memory.png",
        "network.png",
        "trace.json",
        "trace.png",
    }
    assert "next: " in output.strip().splitlines()[-1]
