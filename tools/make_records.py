"""Makes the .rec files below data/: crops of scikit-learn's photographs, and the digits.

    python tools/make_records.py FOLDER_WITH_CHINA_AND_FLOWER_JPG

The photographs are those of `sklearn.datasets.load_sample_images`, in the folder datasets/images of
scikit-learn's package. The digits are the files in data/digits.
"""
import pathlib
import sys

import numpy as np

from gemel import recordio
from gemel.image import codec

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
SIZES = ((160, 160), (144, 176), (176, 144), (150, 150))


def write(path, records):
    with recordio.MXIndexedRecordIO(f"{path}.idx", f"{path}.rec", "w") as writer:
        for key, (label, content) in enumerate(records):
            writer.write_idx(key, recordio.pack(recordio.IRHeader(0, label, key, 0), content))


def crops(folder):
    """Every other record is a crop of the flower (label 1); their places form a grid."""
    images = [codec.decode((folder / name).read_bytes()).asnumpy()
              for name in ("china.jpg", "flower.jpg")]
    for number in range(36):
        label, place = number % 2, number // 2
        height, width = SIZES[place % len(SIZES)]
        full_height, full_width = images[label].shape[:2]
        top = (full_height - height) * (place // 6) // 2
        left = (full_width - width) * (place % 6) // 5
        part = images[label][top:top + height, left:left + width]
        yield float(label), codec.encode(part, ".jpg", 80)


def digits(part):
    pixels = np.frombuffer((DATA / f"digits/{part}-images-idx3-ubyte").read_bytes()[16:], np.uint8)
    labels = (DATA / f"digits/{part}-labels-idx1-ubyte").read_bytes()[8:]
    for image, label in zip(pixels.reshape(-1, 8, 8), labels):
        yield float(label), codec.encode(image, ".png", 9)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(DATA / "photographs/crops", crops(pathlib.Path(sys.argv[1])))
    for part in ("train", "test"):
        write(DATA / f"digits/{part}", digits(part))


if __name__ == "__main__":
    main()
