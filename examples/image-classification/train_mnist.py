"""Train a network on handwritten digits: those of this repository, or MNIST's files in a folder:

    python train_mnist.py --network lenet --num-epochs 3
    python train_mnist.py --data-dir ~/mnist
"""

import os

import data
import gemel as mx
import options
from fit import fit

FILES = {part: [f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"]
         for part, prefix in (("train", "train"), ("test", "t10k"))}


def add_data(parser):
    """MNIST's folder beside the common options."""
    data.add_data(parser)
    options.flag(parser, "--data-dir", None, str, "folder with MNIST's four files; none: the "
                 "digits of this repository")


def iterators(args, store):
    """The training and the evaluation iterator."""
    if args.benchmark or not args.data_dir:
        args.data_train = args.data_train or "digits"
        return data.iterators(args, store)
    missing = [name for names in FILES.values() for name in names
               if not os.path.exists(os.path.join(args.data_dir, name))]
    if missing:
        raise SystemExit(f"{args.data_dir} has no {missing[0]} (files are not compressed)")
    return [mx.io.MNISTIter(image=os.path.join(args.data_dir, images),
                            label=os.path.join(args.data_dir, labels), input_shape=(1, 28, 28),
                            batch_size=args.batch_size, shuffle=part == "train",
                            num_parts=store.num_workers, part_index=store.rank)
            for part, (images, labels) in FILES.items()]


def main():
    args = options.parse(__doc__, add_data, network="mlp", num_classes=10, num_examples=60000,
                         image_shape="1,28,28", gpus=None, batch_size=64, disp_batches=100,
                         num_epochs=20, lr=0.05, lr_step_epochs="10")
    fit(args, iterators)


if __name__ == "__main__":
    main()
