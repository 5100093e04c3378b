"""Classifies images by the network in a checkpoint; prints file, class and probability."""

HELP = "classify images by a checkpoint"
BATCH = 64


def add_arguments(parser):
    parser.add_argument(
        "prefix", metavar="PREFIX", help="of PREFIX-symbol.json and PREFIX-NNNN.params"
    )
    parser.add_argument(
        "images", metavar="IMAGE", nargs="+", help="PNG, JPEG, PGM, PPM, .npy or idx files"
    )
    parser.add_argument("--epoch", type=int, help="NNNN; the newest by default")
    parser.add_argument("--labels", metavar="FILE", help="names of the classes, one a line")


def run(args):
    from .images import read_images

    network = Network(args.prefix, newest_epoch(args.prefix) if args.epoch is None else args.epoch)
    names = None
    if args.labels:
        with open(args.labels, encoding="utf-8") as file:
            names = file.read().splitlines()
    for path in args.images:
        images = read_images(path)
        for start in range(0, len(images), BATCH):
            chunk = images[start : start + BATCH]
            probabilities = network([image for _, image in chunk], path)
            for (name, _), row in zip(chunk, probabilities):
                best = int(row.argmax())
                label = names[best] if names and best < len(names) else best
                print(f"{name}\t{label}\t{row[best]:.4f}")


def newest_epoch(prefix):
    """The largest NNNN of the files PREFIX-NNNN.params."""
    import glob
    import re

    found = [
        re.fullmatch(r"-(\d{4,})\.params", path[len(prefix) :])
        for path in glob.glob(f"{glob.escape(prefix)}-*.params")
    ]
    epochs = [int(match.group(1)) for match in found if match]
    if not epochs:
        raise ValueError(f"no file {prefix}-NNNN.params")
    return max(epochs)


class Network:
    """A checkpoint with one image input; called with images, it returns their probabilities."""

    def __init__(self, prefix, epoch):
        import json

        from .. import model

        self.symbol, self.arguments, self.states = model.load_checkpoint(prefix, epoch)
        inputs = [
            name
            for name in self.symbol.list_arguments()
            if name not in self.arguments and not name.endswith("label")
        ]
        if len(inputs) != 1:
            raise ValueError(
                f"expected a network with one input, {prefix}-symbol.json has: {inputs}"
            )
        self.input = inputs[0]
        graph = json.loads(self.symbol.tojson())
        head = graph["nodes"][graph["heads"][0][0]]["op"]
        self.is_probability = head in ("SoftmaxOutput", "Softmax", "softmax")
        self.executors = {}

    def __call__(self, images, path):
        import numpy as np

        shapes = {image.shape for image in images}
        if len(shapes) != 1:
            raise ValueError(f"{path}: images of several sizes: {sorted(shapes)}")
        pixels = np.stack(images).astype(np.float32)
        executor, layout = self.bound(pixels.shape, path)
        executor.forward(is_train=False, **{self.input: as_layout(pixels, layout)})
        scores = executor.outputs[0].asnumpy()
        if not self.is_probability:
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
            scores /= scores.sum(axis=1, keepdims=True)
        return scores

    def bound(self, shape, path):
        """An executor for images of this shape, and the layout in which the network takes them."""
        if shape not in self.executors:
            from .. import context

            layout = self.accepted_layout(shape, path)
            executor = self.symbol.simple_bind(
                context.cpu(), grad_req="null", **{self.input: layout_shape(shape, layout)}
            )
            executor.copy_params_from(self.arguments, self.states, allow_extra_params=True)
            self.executors[shape] = executor, layout
        return self.executors[shape]

    def accepted_layout(self, shape, path):
        """The first layout whose inferred parameter shapes are those of the file."""
        from ..base import MXNetError

        names = self.symbol.list_arguments()
        for layout in (
            ("grey", "channels first", "flat") if len(shape) == 3 else ("channels first", "flat")
        ):
            try:
                inferred, _, _ = self.symbol.infer_shape(
                    **{self.input: layout_shape(shape, layout)}
                )
            except (MXNetError, ValueError):
                continue
            if inferred and all(
                self.arguments[name].shape == tuple(found)
                for name, found in zip(names, inferred)
                if name in self.arguments
            ):
                return layout
        raise ValueError(
            f"{path}: the network does not take images of {shape[1]}x{shape[2]} pixels "
            f"with {shape[3] if len(shape) == 4 else 1} channel(s)"
        )


def layout_shape(shape, layout):
    """The shape of the input for a batch of images (n, h, w) or (n, h, w, channels)."""
    channels = shape[3] if len(shape) == 4 else 1
    if layout == "flat":
        return shape[0], shape[1] * shape[2] * channels
    return shape[0], 3 if layout == "channels first" else channels, shape[1], shape[2]


def as_layout(pixels, layout):
    """The batch in that layout; a grey image stands for all three colours."""
    import numpy as np

    from .. import ndarray as nd

    if layout == "flat":
        return nd.array(pixels.reshape(len(pixels), -1))
    if pixels.ndim == 3:
        pixels = np.repeat(pixels[:, np.newaxis], 3 if layout == "channels first" else 1, axis=1)
    else:
        pixels = pixels.transpose(0, 3, 1, 2)
    return nd.array(pixels)
