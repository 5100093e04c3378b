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


IMAGES = os.path.join(ROOT, "examples", "image-classification")


def refused(*command):
    """What a program says that refuses its command line."""
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, text=True, capture_output=True, timeout=100
    )
    assert done.returncode != 0
    return done.stderr.strip().splitlines()[-1]


def logged(program, *options):
    """What a training program logs."""
    done = subprocess.run(
        [sys.executable, os.path.join(IMAGES, program), *options],
        cwd=ROOT,
        text=True,
        capture_output=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_images_are_trained_saved_continued_and_scored(tmp_path):
    prefix = str(tmp_path / "models" / "lenet")
    common = ["--network", "mlp", "--model-prefix", prefix, "--num-examples", "3200"]
    first = logged("train_mnist.py", *common, "--num-epochs", "2", "--top-k", "3")
    assert "Validation-accuracy" in first and "Validation-top_k_accuracy_3" in first
    again = logged("train_mnist.py", *common, "--num-epochs", "3", "--load-epoch", "2")
    assert "Epoch[2] Train-accuracy" in again and "Epoch[1]" not in again
    found = run(
        os.path.join(IMAGES, "score.py"),
        *("--model-prefix", prefix, "--load-epoch", "3", "--image-shape", "1,28,28"),
    )
    values = dict(line.split(": ") for line in found.splitlines()[:2])
    assert float(values["accuracy"]) > 0.85 and float(values["top_k_accuracy_5"]) > 0.98


def test_images_come_from_record_files():
    data = os.path.join(ROOT, "data/digits")
    files = ["--data-train", os.path.join(data, "train.rec"), "--data-val", os.path.join(data, "test.rec")]
    said = logged("train_mnist.py", *files, "--network", "lenet", "--num-epochs", "2")
    assert float(re.search(r"Epoch\[1\] Validation-accuracy=(\d\.\d+)", said).group(1)) > 0.9


def test_images_can_be_made_up():
    options = ["--benchmark", "1", "--network", "lenet", "--image-shape", "1,28,28"]
    options += ["--batch-size", "8", "--num-examples", "32", "--num-epochs", "2"]
    said = logged(
        "train_imagenet.py",
        *options,
        *("--num-classes", "10", "--disp-batches", "2", "--lr-step-epochs", "1", "--monitor", "2"),
        *("--optimizer", "nag", "--loss", "ce", "--kv-store", "local"),
    )
    assert "Epoch[1] Train-cross-entropy" in said and "samples/sec" in said
    assert "Change learning rate to 1.00000e-02" in said and "conv1_weight" in said


@pytest.mark.full
def test_small_images_train_a_residual_network():
    options = ["--data-train", "digits", "--num-layers", "8", "--image-shape", "3,16,16"]
    said = logged("train_cifar10.py", *options, "--num-epochs", "2", "--batch-size", "60")
    assert float(re.search(r"Epoch\[1\] Train-accuracy=(\d\.\d+)", said).group(1)) > 0.8


def test_speed_of_inference_is_told():
    options = ["--network", "squeezenet", "--batch-sizes", "1,2", "--num-batches", "1"]
    found = run(os.path.join(IMAGES, "benchmark_score.py"), *options)
    assert len(re.findall(r"batch size +[12], dtype float32, images/sec: \d+\.", found)) == 2


@pytest.mark.parametrize(
    "options, text",
    [
        ([], "say what to train on"),
        (["--load-epoch", "2"], "--load-epoch needs the --model-prefix"),
        (["--benchmark", "1", "--network", "nonsense"], "there is no network 'nonsense'"),
    ],
)
def test_wrong_command_lines_say_why(options, text):
    assert text in refused(os.path.join(IMAGES, "train_imagenet.py"), *options)
