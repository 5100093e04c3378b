"""Images from records: decode, resize to 256, random crop of 224, mirror, batches of 64; one core."""
import os
import tempfile

from subject import mx

VERSION = mx.__version__
BATCH = 64
PATH = os.path.join(tempfile.gettempdir(), "gemel-bench-images.rec")


def make_images():
    """Write 384 JPEGs of about 30 KB and 340x320 pixels, made of the crops in data/photographs."""
    from gemel import image, recordio
    from gemel.image import codec
    source = os.path.join(os.path.dirname(__file__), "../../data/photographs/crops.rec")
    pictures = [codec.decode(recordio.unpack(record)[1])
                for record in iter(recordio.MXRecordIO(source, "r").read, None)]
    with recordio.MXRecordIO(PATH, "w") as writer:
        for number in range(384):
            picture = image.imresize(pictures[number % len(pictures)], 340, 320, interp=2)
            content = codec.encode(picture.asnumpy(), ".jpg", 95)
            writer.write(recordio.pack(recordio.IRHeader(0, float(number), number, 0), content))


def _iterate(**parameters):
    def make():
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        batches = mx.io.ImageRecordIter(path_imgrec=PATH, data_shape=(3, 224, 224), batch_size=BATCH,
                                        resize=256, rand_crop=True, rand_mirror=True, verbose=False,
                                        preprocess_threads=1, **parameters)

        def repeat(count):
            for _ in range(-(-count // BATCH)):
                try:
                    batch = batches.next()
                except StopIteration:
                    batches.reset()
                    batch = batches.next()
            batch.data[0].wait_to_read()
        return repeat
    return make


def _decode():
    """What no pipeline on this library can beat without leaving out parts of images."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    reader = mx.recordio.MXRecordIO(PATH, "r")
    images = [mx.recordio.unpack(record)[1] for record in iter(reader.read, None)]

    def repeat(count):
        for number in range(count):
            mx.image.imdecode(images[number % len(images)])
    return repeat


def _read():
    reader = mx.recordio.MXRecordIO(PATH, "r")

    def repeat(count):
        for _ in range(count):
            if reader.read() is None:
                reader.reset()
    return repeat


CASES = {"image of a batch": _iterate(),
         "image of a batch, colours": _iterate(brightness=0.4, contrast=0.4, saturation=0.4,
                                               pca_noise=0.1),
         "image decoded alone": _decode, "record of 30 KB": _read}
