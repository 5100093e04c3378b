"""Train a network on small images: CIFAR-10 as record files, or the digits of this repository:

    python train_cifar10.py --data-train digits --num-layers 20 --num-epochs 3
"""

import data
import options
from fit import fit


def main():
    args = options.parse(__doc__, data.add_data, network="resnet", num_layers=None,
                         num_classes=10, num_examples=50000, image_shape="3,28,28", pad_size=4,
                         num_epochs=300, lr=0.05, lr_step_epochs="200,250")
    if args.network.startswith("resnet") and args.num_layers is None:
        args.num_layers = 110
    fit(args, data.iterators)


if __name__ == "__main__":
    main()
