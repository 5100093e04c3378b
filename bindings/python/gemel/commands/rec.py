"""Looks into .rec files, checks, splits, shuffles and extracts them."""

import os

HELP = "look into a .rec file, check, split, shuffle or extract it"


def add_arguments(parser):
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name, text):
        added = actions.add_parser(name, help=text, description=text)
        added.add_argument("file", metavar="FILE.rec")
        return added

    action("info", "say what is in the file")
    action("verify", "read every record and decode every image; exit status 1 where one is damaged")
    split = action("split", "write parts of the file as large as one another")
    split.add_argument("parts", type=int)
    shuffle = action("shuffle", "write the records in a random order")
    shuffle.add_argument("target", metavar="TARGET.rec")
    shuffle.add_argument("--seed", type=int, default=0)
    extract = action("extract", "write the images of the records, and a list of them, to a folder")
    extract.add_argument("folder")


def run(args):
    return {"info": info, "verify": verify, "split": split, "shuffle": shuffle,
            "extract": extract}[args.action](args)


def _records(path, **options):
    from .._core import RecordReader

    reader = RecordReader(path, **options)
    return reader, iter(reader.read, None)


def _header(record):
    """(IRHeader, content), or None for what is no image record."""
    import struct

    from .. import recordio

    try:
        header, content = recordio.unpack(record)
    except (struct.error, ValueError):
        return None
    return (header, content) if _ending(content) else None


def _ending(content):
    starts = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png", b"GIF8": ".gif", b"BM": ".bmp"}
    return next((ending for start, ending in starts.items() if content.startswith(start)), "")


def describe(path):
    """Print the number of records and bytes, damage, and what the images and labels are."""
    reader, records = _records(path, skip_damaged=True)
    sizes, formats, widths, classes = [], {}, {}, set()
    for record in records:
        sizes.append(len(record))
        image = _header(record)
        if image is None:
            continue
        header, content = image
        formats[_ending(content)[1:]] = formats.get(_ending(content)[1:], 0) + 1
        width = header.flag or 1
        widths[width] = widths.get(width, 0) + 1
        classes.add(float(header.label) if not header.flag else None)
    print(f"records  {len(sizes)}: {sum(sizes):,} bytes"
          + (f", {min(sizes):,} to {max(sizes):,} each" if sizes else ""))
    if formats:
        print("images   " + ", ".join(f"{count} {name}" for name, count in formats.items()))
        print("labels   " + ", ".join(f"{width} in {count} records" for width, count in widths.items())
              + (f", {len(classes)} different" if None not in classes else ""))
    if reader.damaged:
        print(f"damaged  {reader.damaged} places, {reader.skipped_bytes:,} bytes")


def info(args):
    describe(args.file)


def verify(args):
    from ..base import MXNetError
    from ..image import codec

    reader, records = _records(args.file, skip_damaged=True)
    count = broken = 0
    for number, record in enumerate(records):
        count += 1
        image = _header(record)
        if image is None or _ending(image[1]) not in (".jpg", ".png"):
            continue
        try:
            codec.decode(image[1], name=f"record {number}")
        except MXNetError as error:
            broken += 1
            print(error)
    print(f"{count} records, {reader.damaged} damaged places, {broken} damaged images")
    return 1 if reader.damaged or broken else 0


def _write(path, records):
    from .. import recordio

    base = os.path.splitext(path)[0]
    with recordio.MXIndexedRecordIO(base + ".idx", path, "w") as writer:
        for key, record in records:
            writer.write_idx(key, record)


def split(args):
    if args.parts < 1:
        raise ValueError(f"expected at least one part, got {args.parts}")
    base = os.path.splitext(args.file)[0]
    for part in range(args.parts):
        _, records = _records(args.file, num_parts=args.parts, part_index=part)
        _write(f"{base}_{part}.rec", enumerate(records))


def shuffle(args):
    import random

    reader, records = _records(args.file)
    places, place = [], 0
    for _ in records:
        places.append(place)
        place = reader.tell()
    random.Random(args.seed).shuffle(places)

    def shuffled():
        for key, start in enumerate(places):
            reader.seek(start)
            yield key, reader.read()

    _write(args.target, shuffled())


def extract(args):
    from .._core import write_file

    os.makedirs(args.folder, exist_ok=True)
    lines, count = [], 0
    for number, record in enumerate(_records(args.file)[1]):
        count += 1
        image = _header(record)
        name = f"{number:08d}{_ending(image[1]) if image else '.bin'}"
        write_file(os.path.join(args.folder, name), image[1] if image else record)
        if image:
            header = image[0]
            labels = header.label if header.flag else [header.label]
            lines.append("\t".join([str(header.id), *(f"{one:f}" for one in labels), name]) + "\n")
    write_file(os.path.join(args.folder, "images.lst"), "".join(lines).encode())
    print(f"{count} records")
