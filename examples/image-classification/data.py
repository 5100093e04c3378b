"""Where the images come from: made up (`--benchmark 1`), the handwritten digits of this repository
(`--data-train digits`), or record files."""

import os
import sys

import numpy as np

import gemel as mx
from options import flag

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../digits"))
import digits  # noqa: E402


def add_data(parser):
    """Files, shapes and numbers of the data."""
    group = parser.add_argument_group("data")
    flag(group, "--data-train", None, str, "record file to train on, or the word digits")
    flag(group, "--data-train-idx", "", text="its index")
    flag(group, "--data-val", None, str, "record file to evaluate on, or the word digits")
    flag(group, "--data-val-idx", "", text="its index")
    flag(group, "--image-shape", "3,224,224", text="channels, height, width")
    flag(group, "--num-classes", 1000, text="classes")
    flag(group, "--num-examples", 1281167, text="images of an epoch")
    flag(group, "--rgb-mean", "123.68,116.779,103.939", text="subtracted from the channels")
    flag(group, "--rgb-std", "1,1,1", text="the channels are divided by this")
    flag(group, "--pad-size", 0, text="border to add before images are cut out")
    flag(group, "--fill-value", 127, text="of the border")
    flag(group, "--data-nthreads", 4, text="threads that decode")
    flag(group, "--random-crop", 0, text="1: cut images out at random places")
    flag(group, "--random-mirror", 0, text="1: mirror half of the images")
    flag(group, "--benchmark", 0, text="1: made-up data, to measure speed")


def image_shape(args):
    """The shape of one image."""
    return tuple(int(size) for size in args.image_shape.split(","))


def numbers(text):
    """The numbers of an option like 1,2,3."""
    return [float(number) for number in text.split(",")]


class SyntheticIter(mx.io.DataIter):
    """The same made-up batch, again and again: reading costs nothing."""

    def __init__(self, num_classes, shape, batches, dtype="float32"):
        super().__init__(shape[0])
        random = np.random.RandomState(0)
        data = mx.nd.array(random.uniform(-1, 1, shape), dtype=dtype)
        label = mx.nd.array(random.randint(0, num_classes, shape[0]))
        self.provide_data = [mx.io.DataDesc("data", shape, dtype)]
        self.provide_label = [mx.io.DataDesc("softmax_label", (shape[0],))]
        self.batches, self.given = batches, 0
        self.batch = mx.io.DataBatch([data], [label], pad=0, provide_data=self.provide_data,
                                     provide_label=self.provide_label)

    def next(self):
        if self.given == self.batches:
            raise StopIteration
        self.given += 1
        return self.batch

    def reset(self):
        self.given = 0


def digits_arrays(part, shape):
    """The digits of this repository as images of another shape: enlarged, with a border."""
    images, labels = digits.load(part, augment=part == "train")
    channels, height, width = shape
    by = min(height, width) // 8
    if by < 1:
        raise SystemExit("--image-shape: the digits are 8x8, so both sides are at least 8")
    images = (images - digits.MEAN) / digits.DEVIATION
    images = images.repeat(by, axis=2).repeat(by, axis=3).repeat(channels, axis=1)
    rest = [height - 8 * by, width - 8 * by]
    border = [(size // 2, size - size // 2) for size in rest]
    return np.pad(images, ((0, 0), (0, 0), *border), mode="edge"), labels


def _digits_iterators(args):
    train = digits_arrays("train", image_shape(args))
    args.num_examples = min(args.num_examples, len(train[1]))
    train = [part[:args.num_examples] for part in train]
    return (mx.io.NDArrayIter(*train, args.batch_size, shuffle=True, last_batch_handle="discard"),
            mx.io.NDArrayIter(*digits_arrays("test", image_shape(args)), args.batch_size))


def record_iterator(args, path, index, store, training):
    """Images of a record file."""
    mean, deviation = numbers(args.rgb_mean), numbers(args.rgb_std)
    crops = {"rand_crop": bool(args.random_crop), "rand_mirror": bool(args.random_mirror),
             "shuffle": True, "pad": args.pad_size, "fill_value": args.fill_value}
    return mx.io.ImageRecordIter(
        path_imgrec=path, path_imgidx=index, label_width=1, data_name="data",
        label_name="softmax_label", data_shape=image_shape(args), batch_size=args.batch_size,
        mean_r=mean[0], mean_g=mean[1], mean_b=mean[2], std_r=deviation[0], std_g=deviation[1],
        std_b=deviation[2], preprocess_threads=args.data_nthreads, num_parts=store.num_workers,
        part_index=store.rank, **(crops if training else {}))


def iterators(args, store):
    """The training and the evaluation iterator (which may be None)."""
    if args.benchmark:
        shape = (args.batch_size, *image_shape(args))
        return SyntheticIter(args.num_classes, shape,
                             max(1, args.num_examples // args.batch_size)), None
    if not args.data_train:
        raise SystemExit("say what to train on: --data-train FILE.rec, --data-train digits, or "
                         "--benchmark 1 for made-up data")
    if args.data_train == "digits":
        return _digits_iterators(args)
    train = record_iterator(args, args.data_train, args.data_train_idx, store, True)
    if not args.data_val:
        return train, None
    return train, record_iterator(args, args.data_val, args.data_val_idx, store, False)
