#!/usr/bin/env python3
"""Writes data/digits/ from the digits that scikit-learn ships. Needs scikit-learn; nothing else does.

The same input gives the same bytes everywhere: the split depends on nothing but the index of an
image. Within each class the images are ordered by a hash of their index and the first fifth is held
out, so both parts have the same share of every class.
"""

import argparse
import hashlib
import struct
from pathlib import Path

HELD_OUT = 360
SCALE = 15  # 0..16 becomes 0..240: exact, and bright enough for a viewer that expects 0..255


def order_key(index):
    return hashlib.sha256(f"digits-{index}".encode()).digest()


def held_out_per_class(counts, total):
    """Shares of `total` in proportion to `counts`; the largest remainders get what is left."""
    size = sum(counts.values())
    shares = {label: count * total // size for label, count in counts.items()}
    by_remainder = sorted(counts, key=lambda label: (-(counts[label] * total % size), label))
    for label in by_remainder[: total - sum(shares.values())]:
        shares[label] += 1
    return shares


def split(labels, held_out=HELD_OUT):
    """Indices for training and for testing: disjoint, together complete, stratified by label."""
    members = {}
    for index, label in enumerate(labels):
        members.setdefault(label, []).append(index)
    shares = held_out_per_class({label: len(found) for label, found in members.items()}, held_out)
    test = set()
    for label, found in members.items():
        test.update(sorted(found, key=order_key)[: shares[label]])
    # Mixed, so that a reader that does not shuffle still sees all classes in every batch.
    mixed = sorted(range(len(labels)), key=order_key)
    return [i for i in mixed if i not in test], [i for i in mixed if i in test]


def write_images(path, images):
    rows, columns = len(images[0]), len(images[0][0])
    header = struct.pack(">IIII", 2051, len(images), rows, columns)
    body = bytes(int(value) * SCALE for image in images for row in image for value in row)
    path.write_bytes(header + body)


def write_labels(path, labels):
    path.write_bytes(struct.pack(">II", 2049, len(labels)) + bytes(labels))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parent.parent / "data" / "digits"
    parser.add_argument("--output", type=Path, default=default)
    output = parser.parse_args().output

    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = [int(label) for label in digits.target]
    output.mkdir(parents=True, exist_ok=True)
    for name, indices in zip(("train", "test"), split(labels)):
        write_images(output / f"{name}-images-idx3-ubyte", [digits.images[i] for i in indices])
        write_labels(output / f"{name}-labels-idx1-ubyte", [labels[i] for i in indices])
        print(f"{name}: {len(indices)} images")


if __name__ == "__main__":
    main()
