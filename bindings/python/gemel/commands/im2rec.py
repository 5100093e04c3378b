"""Packs images into a .rec file, or lists the images of a folder (--list)."""

import os
import random

HELP = "pack images into .rec files, or make the lists of what to pack"


def _flag(text):
    return text.lower() not in ("false", "0", "no")


def add_arguments(parser):
    add = parser.add_argument
    add("prefix", help="beginning of the names of the .lst, .rec and .idx files")
    add("root", help="folder of the images")
    lists = parser.add_argument_group("lists")
    lists.add_argument("--list", action="store_true", help="make lists, pack nothing")
    lists.add_argument("--exts", nargs="+", default=[".jpeg", ".jpg", ".png"],
                       help="endings of the images' names")
    lists.add_argument("--chunks", type=int, default=1, help="number of lists")
    lists.add_argument("--train-ratio", type=float, default=1.0,
                       help="part of the images for training")
    lists.add_argument("--test-ratio", type=float, default=0, help="part of the images for testing")
    lists.add_argument("--recursive", action="store_true",
                       help="look into folders; each has a label of its own")
    lists.add_argument("--no-shuffle", dest="shuffle", action="store_false",
                       help="keep the order of the names")
    records = parser.add_argument_group("records")
    records.add_argument("--pass-through", action="store_true", help="pack the files as they are")
    records.add_argument("--resize", type=int, default=0, help="length of the shorter side")
    records.add_argument("--center-crop", action="store_true", help="crop a square in the middle")
    records.add_argument("--quality", type=int, default=95,
                         help="1 to 100 for JPEG, the compression 0 to 9 for PNG")
    records.add_argument("--num-thread", type=int, default=1, help="threads that pack")
    records.add_argument("--color", type=int, default=1, choices=[-1, 0, 1],
                         help="1 colours, 0 gray, -1 as the file has it")
    records.add_argument("--encoding", default=".jpg", choices=[".jpg", ".png"],
                         help="format of packed images")
    records.add_argument("--pack-label", action="store_true",
                         help="pack all labels of the list, not the first alone")


def run(args):
    if args.list:
        return make_lists(args)
    folder, name = os.path.split(os.path.abspath(args.prefix))
    lists = sorted(os.path.join(folder, file) for file in os.listdir(folder)
                   if file.startswith(name) and file.endswith(".lst"))
    if not lists:
        raise ValueError(f"{args.prefix}: expected a .lst file that begins so; make it with --list")
    failed = sum(pack_list(args, path) for path in lists)
    return 1 if failed else 0


def find_images(root, recursive, endings):
    """Yields (label, path below `root`)."""
    endings = tuple(ending.lower() for ending in endings)
    if not recursive:
        for name in sorted(os.listdir(root)):
            if name.lower().endswith(endings) and os.path.isfile(os.path.join(root, name)):
                yield 0, name
        return
    labels = {}
    for path, folders, files in os.walk(root, followlinks=True):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(endings):
                yield labels.setdefault(path, len(labels)), os.path.relpath(os.path.join(path, name),
                                                                            root)
    for path, label in labels.items():
        print(os.path.relpath(path, root), label)


def make_lists(args):
    """Write `prefix.lst`, or its parts for training, testing and validation, or of several chunks."""
    from .._core import write_file

    images = list(enumerate(find_images(args.root, args.recursive, args.exts)))
    if not images:
        raise ValueError(f"{args.root}: expected files that end with {' '.join(args.exts)}")
    if args.shuffle:
        random.seed(100)
        random.shuffle(images)
    size = -(-len(images) // args.chunks)
    for number in range(args.chunks):
        chunk = images[number * size:(number + 1) * size]
        suffix = f"_{number}" if args.chunks > 1 else ""
        training, testing = int(size * args.train_ratio), int(size * args.test_ratio)
        parts = {"": chunk} if args.train_ratio == 1 else {
            "_test": chunk[:testing], "_train": chunk[testing:testing + training],
            "_val": chunk[testing + training:]}
        for part, content in parts.items():
            if part and not content:
                continue
            lines = [f"{key}\t{float(label):f}\t{path}\n" for key, (label, path) in content]
            write_file(f"{args.prefix}{suffix}{part}.lst", "".join(lines).encode())


def read_list(path):
    """[(number, labels, path of the image)] of a .lst file."""
    items = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            parts = [part.strip() for part in line.strip().split("\t")]
            if parts == [""]:
                continue
            try:
                if len(parts) < 3:
                    raise ValueError
                items.append((int(parts[0]), [float(one) for one in parts[1:-1]], parts[-1]))
            except ValueError:
                raise ValueError(f"{path}, line {number}: expected a number, labels and a path with "
                                 f"tabs between them, got {line!r}") from None
    return items


def pack_one(args, item):
    """The bytes of a record."""
    from .. import image, recordio
    from ..image import codec

    key, labels, name = item
    header = recordio.IRHeader(0, labels if args.pack_label else labels[0], key, 0)
    with open(os.path.join(args.root, name), "rb") as file:
        content = file.read()
    if args.pass_through:
        return recordio.pack(header, content)
    gray = args.color == 0 or (args.color == -1 and codec.is_gray(content))
    picture = codec.decode(content, color=not gray, name=name)
    if args.center_crop and picture.shape[0] != picture.shape[1]:
        edge = min(picture.shape[:2])
        top, left = (picture.shape[0] - edge) // 2, (picture.shape[1] - edge) // 2
        picture = picture[top:top + edge, left:left + edge]
    if args.resize:
        picture = image.resize_short(picture, args.resize, interp=1)
    return recordio.pack(header, codec.encode(picture.asnumpy(), args.encoding, args.quality))


def pack_list(args, path):
    """Pack the images of a list; returns how many could not be read."""
    from concurrent.futures import ThreadPoolExecutor
    from itertools import islice

    from tqdm import tqdm

    from .. import recordio
    from ..base import MXNetError

    def attempt(item):
        try:
            return item, pack_one(args, item), None
        except (MXNetError, OSError) as error:
            return item, None, error

    items, base, failed = read_list(path), os.path.splitext(path)[0], 0
    remaining, waiting = iter(items), []
    with recordio.MXIndexedRecordIO(base + ".idx", base + ".rec", "w") as writer, \
            ThreadPoolExecutor(max(1, args.num_thread)) as threads, \
            tqdm(total=len(items), desc=os.path.basename(base), unit="image") as progress:
        while True:
            # A few ahead of what is written: the memory does not grow with the list.
            ahead = 4 * max(1, args.num_thread) - len(waiting)
            waiting += [threads.submit(attempt, item) for item in islice(remaining, ahead)]
            if not waiting:
                break
            item, record, error = waiting.pop(0).result()
            progress.update()
            if error is None:
                writer.write_idx(item[0], record)
            else:
                failed += 1
                progress.write(f"{item[2]}: left out: {error}")
    return failed
