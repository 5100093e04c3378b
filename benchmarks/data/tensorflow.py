"""The same images by tf.data: one core."""
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sys.path.append(str(Path(__file__).parent))
import images  # noqa: E402
import tensorflow as tf  # noqa: E402

VERSION = tf.__version__
BATCH = 64


def _one(colors):
    def change(path, label):
        picture = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        size = tf.cast(tf.shape(picture)[:2], tf.float32)
        size = tf.cast(tf.round(size * 256.0 / tf.reduce_min(size)), tf.int32)
        picture = tf.image.resize(picture, size)
        picture = tf.image.random_crop(picture, (224, 224, 3))
        picture = tf.image.random_flip_left_right(picture)
        if colors:
            picture = tf.image.random_brightness(picture, 0.4 * 255)
            picture = tf.image.random_contrast(picture, 0.6, 1.4)
            picture = tf.image.random_saturation(picture, 0.6, 1.4)
        return picture, label
    return change


def _iterate(colors):
    def make():
        labels = [number % 1000 for number in range(images.COUNT)]
        data = tf.data.Dataset.from_tensor_slices((images.files(), labels)).repeat()
        data = data.map(_one(colors), num_parallel_calls=1).batch(BATCH).prefetch(1)
        batches = iter(data)

        def repeat(count):
            for _ in range(count):
                next(batches)
        return repeat
    return make


CASES = {"64 images": _iterate(False), "64 images, colours": _iterate(True)}
