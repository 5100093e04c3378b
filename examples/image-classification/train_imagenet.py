"""Train a network on ImageNet, on any other images, or on made-up ones:

    python train_imagenet.py --benchmark 1 --network resnet --num-layers 50 --batch-size 32
"""

import data
import options
from fit import fit


def main():
    args = options.parse(__doc__, data.add_data, network="resnet", num_layers=None,
                         num_classes=1000, num_examples=1281167, image_shape="3,224,224",
                         num_epochs=80, lr_step_epochs="30,60")
    fit(args, data.iterators)


if __name__ == "__main__":
    main()
