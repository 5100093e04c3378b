"""Images from records: decode, resize to 256, random crop of 224, mirror, batches of 64."""
import os
import sys
import time
from pathlib import Path

os.environ["GEMEL_WORKERS"] = "2"  # for the case of two cores; the others use one thread of them
sys.path.append(str(Path(__file__).parent))
import images  # noqa: E402
from subject import mx  # noqa: E402

VERSION = mx.__version__
BATCH = 64
READY_SECONDS = 2e-3  # a batch that was made ahead is there sooner
COLORS = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "pca_noise": 0.1}


def use_cores(count):
    """Keep all threads of this process, also later ones, on `count` cores."""
    cores = sorted(os.sched_getaffinity(os.getppid()))[:count]
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), cores)


def _iterate(cores=1, **parameters):
    def make():
        use_cores(cores)
        batches = mx.io.ImageRecordIter(
            path_imgrec=str(images.RECORDS), data_shape=(3, 224, 224), batch_size=BATCH, resize=256,
            rand_crop=True, rand_mirror=True, verbose=False, preprocess_threads=cores,
            prefetch_buffer=1, **parameters)

        def take():
            try:
                batch = batches.next()
            except StopIteration:
                batches.reset()
                batch = batches.next()
            batch.data[0].wait_to_read()

        def repeat(count):
            use_cores(cores)
            for _ in range(count):
                take()

        def settle():
            """Take batches until one was not ready: the next ones cost what making them costs."""
            use_cores(cores)
            waited = 0
            while waited < READY_SECONDS:
                started = time.perf_counter()
                take()
                waited = time.perf_counter() - started
        repeat.settle = settle
        return repeat
    return make


def _decode():
    """What no pipeline on this library can beat without leaving out parts of images."""
    reader = mx.recordio.MXRecordIO(str(images.RECORDS), "r")
    contents = [mx.recordio.unpack(record)[1] for record in iter(reader.read, None)]

    def repeat(count):
        use_cores(1)
        for number in range(count * BATCH):
            mx.image.imdecode(contents[number % len(contents)])
    return repeat


MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _transform(*names):
    """Transforms of 64 images in memory, each of which is waited for."""
    def make():
        use_cores(1)
        transforms = mx.gluon.data.vision.transforms
        kinds = {"random crop": lambda: transforms.RandomResizedCrop(224),
                 "flip": transforms.RandomFlipLeftRight,
                 "colours": lambda: transforms.RandomColorJitter(0.4, 0.4, 0.4),
                 "short edge": lambda: transforms.Resize(256, keep_ratio=True),
                 "middle": lambda: transforms.CenterCrop(224)}
        chain = transforms.Compose([kinds[name]() for name in names]
                                   + [transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)])
        chain.hybridize()
        pictures = [mx.nd.array(one, dtype="uint8") for one in images.pictures(BATCH)]

        def repeat(count):
            for _ in range(count):
                for one in pictures:
                    chain(one).wait_to_read()
        return repeat
    return make


def _read():
    reader = mx.recordio.MXRecordIO(str(images.SMALL_RECORDS), "r")

    def repeat(count):
        for _ in range(count * BATCH):
            if reader.read() is None:
                reader.reset()
    return repeat


def _cat():
    """The bytes of as many records, as `cat` reads them."""
    file = os.open(images.SMALL_RECORDS, os.O_RDONLY)
    block = bytearray(128 << 10)

    def repeat(count):
        left = count * BATCH * images.RECORD_BYTES
        while left > 0:
            got = os.readv(file, [block])
            if got == 0:
                os.lseek(file, 0, os.SEEK_SET)
            left -= got
    return repeat


CASES = {"64 images decoded alone": _decode, "64 images": _iterate(),
         "64 images, colours": _iterate(**COLORS),
         "64 transforms, training": _transform("random crop", "flip"),
         "64 transforms, training with colours": _transform("random crop", "flip", "colours"),
         "64 transforms, validation": _transform("short edge", "middle"),
         "64 images, two cores": _iterate(2), "64 times 10 KB as cat reads": _cat,
         "64 records of 10 KB": _read}
