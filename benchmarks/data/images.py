"""The images that all sides read: written once by our side, as records and as files."""
import os
import tempfile
from pathlib import Path

FOLDER = Path(tempfile.gettempdir()) / "gemel-bench-images"
RECORDS = FOLDER / "images.rec"
SMALL_RECORDS = FOLDER / "small.rec"
COUNT, WIDTH, HEIGHT = 2000, 340, 320
RECORD_BYTES = 10 << 10


def files():
    """The paths of the images as files of their own."""
    return [str(FOLDER / f"{number:04d}.jpg") for number in range(COUNT)]


def pictures(count):
    """Arrays (height, width, 3) of bytes, the same for all sides."""
    import numpy
    random = numpy.random.RandomState(0)
    return [random.randint(0, 256, (HEIGHT, WIDTH, 3), dtype=numpy.uint8) for _ in range(count)]


def make():
    """Write JPEGs of about 30 KB, made of parts of the crops in data/photographs, and plain records."""
    from gemel import image, nd, recordio
    from gemel.image import codec
    if SMALL_RECORDS.exists():
        return
    FOLDER.mkdir(exist_ok=True)
    source = Path(__file__).resolve().parents[2] / "data/photographs/crops.rec"
    pictures = [codec.decode(recordio.unpack(record)[1])
                for record in iter(recordio.MXRecordIO(str(source), "r").read, None)]
    with recordio.MXRecordIO(str(RECORDS), "w") as writer:
        for number, path in enumerate(files()):
            picture = pictures[number % len(pictures)]
            cut = number // len(pictures) % 24  # so that no two are the same
            picture = image.imresize(picture[cut:, cut:], WIDTH, HEIGHT, interp=2)
            content = codec.encode(picture.asnumpy(), ".jpg", 95)
            Path(path).write_bytes(content)
            writer.write(recordio.pack(recordio.IRHeader(0, float(number % 1000), number, 0), content))
    nd.waitall()
    with recordio.MXRecordIO(str(SMALL_RECORDS), "w") as writer:
        for number in range(2000):
            writer.write(os.urandom(RECORD_BYTES))
