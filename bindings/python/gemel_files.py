"""Read the files of MXNet and Gemel with NumPy alone: this one file, copied anywhere, is enough.

    arrays = read_params("net-0010.params")          # dict of name to array, or list
    graph = read_symbol("net-symbol.json")           # nodes, arguments, auxiliary, outputs
    for record in RecordFile("train.rec"):           # bytes; RecordFile(...)[key] with an .idx; also parts
        header, image = unpack(record)
    states = read_states("net-0010.states")          # optimizer states as arrays

Every version of these files is read, back to MXNet 0.7. An array is a NumPy array (bfloat16 as
float32) or a `SparseArray`. Nothing in a file is executed, and every length is checked against what is
left before memory is taken: a damaged file is a `FileError` that says where.

On the command line: `python gemel_files.py info FILE...` and
`python gemel_files.py convert IN.params OUT.npz|OUT.safetensors`.
"""
import _compat_pickle
import argparse
import collections
import io
import json
import os
import pickle
import pickletools
import struct
import sys

import numpy as np

__all__ = ["FileError", "SparseArray", "read_params", "read_array", "Symbol", "read_symbol", "RecordFile", "IRHeader",
           "unpack", "read_states", "Optimizer", "write_npz", "write_safetensors"]

LIST_MAGIC = 0x112
VERSION_1, VERSION_2, VERSION_3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
RECORD_MAGIC = 0xCED7230A
MOST_AXES = 32
DTYPES = ["float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool", "int16", "uint16", "uint32",
          "uint64", "bfloat16"]


class FileError(ValueError):
    """A file that is damaged, truncated or of another kind; the text says what was expected and where."""


class SparseArray:
    """An array of which few values are stored.

    Attributes
    ----------
    stype : str
        "row_sparse": `data[i]` is the row `indices[i]`. "csr": `indptr[i]:indptr[i + 1]` are the places of
        row i in `data` and in `indices`, its columns.
    shape : tuple of int
    data, indices, indptr : numpy.ndarray
        `indptr` is None for row_sparse.
    """

    def __init__(self, stype, shape, data, indices, indptr=None):
        self.stype, self.shape, self.data, self.indices, self.indptr = stype, shape, data, indices, indptr
        self.dtype = data.dtype

    def __repr__(self):
        return f"<SparseArray {self.stype} {self.shape} {self.dtype}, {len(self.data)} stored>"

    def todense(self):
        """The same values as a NumPy array, which may need far more memory than the file."""
        dense = np.zeros(self.shape, self.dtype)
        if self.stype == "row_sparse":
            dense[self.indices] = self.data
        else:
            dense[np.repeat(np.arange(self.shape[0]), np.diff(self.indptr)), self.indices] = self.data
        return dense

    def check(self):
        """Raise FileError when indices lie outside of the array."""
        limit = self.shape[0] if self.stype == "row_sparse" else self.shape[1]
        wrong = self.indices.size and (self.indices.min() < 0 or self.indices.max() >= limit)
        if self.stype == "csr":
            wrong = wrong or len(self.indptr) != self.shape[0] + 1 or self.indptr[0] != 0 \
                or (np.diff(self.indptr) < 0).any() or self.indptr[-1] > len(self.data)
        if wrong or len(self.indices) != len(self.data):
            raise FileError(f"the indices of a {self.stype} array of shape {self.shape} lie outside of it")


class _Reader:
    """Bytes read in order; every read is checked first."""

    def __init__(self, data, name):
        self.data, self.name, self.at = memoryview(data), name, 0

    def fail(self, text):
        raise FileError(f"{self.name}, byte {self.at}: {text}")

    def left(self):
        return len(self.data) - self.at

    def take(self, length, what):
        if not 0 <= length <= self.left():
            self.fail(f"{what} needs {length} bytes, {self.left()} are left: the file is truncated or damaged")
        self.at += length
        return self.data[self.at - length:self.at]

    def number(self, form, what):
        return struct.unpack("<" + form, self.take(struct.calcsize(form), what))[0]


def _content(source):
    """(bytes, name) of a path or of bytes."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return source, "bytes"
    with open(source, "rb") as file:
        return file.read(), os.fspath(source)


# Arrays.

def _shape(reader, ndim, form, unknown_allowed=False):
    if ndim == -1 and unknown_allowed:
        return None
    if not 0 <= ndim <= MOST_AXES:
        reader.fail(f"expected an array of at most {MOST_AXES} axes, got {ndim}")
    shape = tuple(reader.number(form, "the size of an axis") for _ in range(ndim))
    if unknown_allowed and -1 in shape:
        return None
    if any(size < 0 for size in shape):
        reader.fail(f"expected sizes of axes, got {shape}")
    return shape


def _dtype(reader):
    flag = reader.number("i", "the dtype")
    if not 0 <= flag < len(DTYPES):
        reader.fail(f"expected the number of a dtype (0 to {len(DTYPES) - 1}), got {flag}")
    return DTYPES[flag]


def _values(reader, shape, dtype):
    count = 1
    for size in shape:
        count *= size
    stored = np.dtype("uint16" if dtype == "bfloat16" else "uint8" if dtype == "bool" else dtype).newbyteorder("<")
    raw = reader.take(count * stored.itemsize, f"an array of shape {shape} and dtype {dtype}")
    values = np.frombuffer(raw, stored)
    if dtype == "bfloat16":
        values = (values.astype(np.uint32) << 16).view(np.float32)
    elif dtype == "bool":
        values = values != 0
    else:
        values = values.astype(values.dtype.newbyteorder("="))
    try:
        return values.reshape(shape)
    except ValueError:  # nothing in it, but sizes that no array can have
        return reader.fail(f"no array has the shape {shape}")


def _array(reader):
    """One array, of any version; None where the file says that there is none."""
    magic = reader.number("I", "the header of an array")
    stype = 0
    if magic in (VERSION_2, VERSION_3):
        stype = reader.number("i", "the storage type")
        if not -1 <= stype <= 2:
            reader.fail(f"expected a storage type (0 to 2), got {stype}")
    storage = _shape(reader, reader.number("i", "the number of axes"), "q") if stype > 0 else None
    if magic in (VERSION_1, VERSION_2, VERSION_3):
        shape = _shape(reader, reader.number("i", "the number of axes"), "q", magic == VERSION_3)
    else:
        shape = _shape(reader, magic, "I")
    if shape is None or (not shape and magic != VERSION_3):
        return None
    reader.take(8, "the device")
    dtype = _dtype(reader)
    if stype <= 0:
        return _values(reader, shape, dtype)
    return _sparse(reader, stype, storage, shape, dtype)


def _sparse(reader, stype, storage, shape, dtype):
    if stype == 2 and len(shape) != 2:
        reader.fail(f"expected a csr array of two axes, got shape {shape}")
    kinds = []
    for _ in range(stype):  # row_sparse has one index array, csr has two
        kind = _dtype(reader)
        kinds.append((kind, _shape(reader, reader.number("i", "the number of axes"), "q")))
        if kind not in ("int64", "int32") or len(kinds[-1][1]) != 1:
            reader.fail(f"expected one axis of int32 or int64 indices, got {kinds[-1]}")
    data = _values(reader, storage, dtype)
    indices = [_values(reader, size, kind) for kind, size in kinds]
    if stype == 1:
        result = SparseArray("row_sparse", shape, data, indices[0])
    else:
        result = SparseArray("csr", shape, data, indices[1], indices[0])
    if storage[1:] != (shape[1:] if stype == 1 else ()):
        reader.fail(f"expected {result.stype} data that fit the shape {shape}, got {storage}")
    result.check()
    return result


def read_array(source):
    """The one array in bytes that an array was pickled to (`MXNDArraySaveRawBytes`)."""
    return _array(_Reader(*_content(source)))


def read_params(source):
    """The arrays of a `.params` or `.nd` file: a dict when they have names, else a list.

    `source` is a path or bytes. An entry that holds no array is None.
    """
    reader = _Reader(*_content(source))
    magic = reader.number("Q", "the header of a list of arrays")
    if magic != LIST_MAGIC:
        reader.at = 0
        reader.fail(f"no file of arrays: expected it to begin with {LIST_MAGIC:#x}, got {magic:#x}")
    reader.take(8, "the header of a list of arrays")
    count = reader.number("Q", "the number of arrays")
    if count > reader.left() // 4:
        reader.fail(f"{count} arrays do not fit the {reader.left()} bytes that are left")
    arrays = [_array(reader) for _ in range(count)]
    names = reader.number("Q", "the number of names")
    if names not in (0, count) or names > reader.left() // 8:
        reader.fail(f"expected no names or {count}, got {names}")
    if not names:
        return arrays
    texts = []
    for _ in range(names):
        text = bytes(reader.take(reader.number("Q", "the length of a name"), "a name"))
        try:
            texts.append(text.decode())
        except UnicodeDecodeError:
            reader.fail(f"a name is no UTF-8: {text!r}")
    return dict(zip(texts, arrays))


# Symbols.

# Operators whose last inputs are auxiliary states.
_AUXILIARY = {"BatchNorm": 2, "BatchNorm_v1": 2, "CuDNNBatchNorm": 2, "_contrib_SyncBatchNorm": 2,
              "IdentityAttachKLSparseReg": 1}


class Symbol:
    """A graph as plain data.

    Attributes
    ----------
    nodes : list of dict
        Each with "op" ("null" is a variable), "name", "attrs" (text to text: parameters and attributes
        together), "inputs" (pairs of node number and output number) and, where there are some, "subgraphs"
        (list of Symbol).
    arguments, auxiliary, outputs : list of str
        Names, in the order of the file.
    attrs : dict
        Attributes of the graph.
    version : int
        major * 10000 + minor * 100 + patch of the MXNet that wrote it, 800 when the file does not say.
    """

    def __init__(self, graph, name):
        if not isinstance(graph, dict) or not isinstance(graph.get("nodes"), list) or "heads" not in graph:
            raise FileError(f"{name}: no graph: expected an object with nodes and heads")
        self._name = name
        self.nodes = [self._node(number, node) for number, node in enumerate(graph["nodes"])]
        attrs = graph.get("attrs", {})
        if not isinstance(attrs, dict):
            raise FileError(f"{name}: expected the attributes of the graph as an object")
        self.attrs = {key: value[1] if isinstance(value, list) and len(value) == 2 else value
                      for key, value in attrs.items()}
        self.version = self.attrs.get("mxnet_version", 800)
        self._heads = [self._entry(head, len(self.nodes)) for head in self._list(graph["heads"], "heads")]
        self._starts = graph.get("node_row_ptr")
        states = set()
        for node in self.nodes:
            count = _AUXILIARY.get(node["op"], 0)
            # Files before 0.9 name no auxiliary states.
            if count and len(node["inputs"]) > 3 - (count == 1) * 2:
                states |= {number for number, _ in node["inputs"][-count:] if self.nodes[number]["op"] == "null"}
        variables = [number for number, node in enumerate(self.nodes) if node["op"] == "null"]
        self.arguments = [self.nodes[number]["name"] for number in variables if number not in states]
        self.auxiliary = [self.nodes[number]["name"] for number in variables if number in states]
        self.outputs = [self._output(*head) for head in self._heads]

    def _list(self, value, what):
        if not isinstance(value, list):
            raise FileError(f"{self._name}: expected a list of {what}, got {type(value).__name__}")
        return value

    def _entry(self, entry, limit):
        valid = isinstance(entry, list) and len(entry) in (2, 3) and all(type(item) is int for item in entry)
        if not valid or not 0 <= entry[0] < limit or entry[1] < 0:
            raise FileError(f"{self._name}: expected the numbers of a node before {limit} and of its output, "
                            f"got {entry!r}")
        return entry[0], entry[1]

    def _node(self, number, node):
        if not isinstance(node, dict) or not isinstance(node.get("op"), str) or not isinstance(node.get("name"), str):
            raise FileError(f"{self._name}: node {number} has no operator or no name")
        attrs = {}
        for key in ("param", "attr", "attrs"):  # up to 0.8; with it up to 1.1; since 1.2
            part = node.get(key, {})
            if not isinstance(part, dict):
                raise FileError(f"{self._name}: expected the {key} of node {number} as an object")
            attrs.update(part)
        result = {"op": node["op"], "name": node["name"], "attrs": attrs,
                  "inputs": [self._entry(entry, number) for entry in self._list(node.get("inputs", []), "inputs")]}
        if node.get("subgraphs"):
            result["subgraphs"] = [Symbol(graph, f"{self._name}, {node['name']}")
                                   for graph in self._list(node["subgraphs"], "subgraphs")]
        return result

    def _output(self, number, index):
        node = self.nodes[number]
        if node["op"] == "null":
            return node["name"]
        starts = self._starts
        several = index > 0
        if isinstance(starts, list) and len(starts) > number + 1 and node["op"] not in _AUXILIARY:
            several = several or starts[number + 1] - starts[number] > 1
        return f"{node['name']}_output{index if several else ''}"


def read_symbol(source):
    """The graph in a `-symbol.json` file of any version, or in its text."""
    if isinstance(source, str) and source.lstrip().startswith("{"):
        data, name = source.encode(), "text"
    else:
        data, name = _content(source)
    try:
        return Symbol(json.loads(bytes(data), strict=False), name)
    except (ValueError, RecursionError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{name}: no JSON: {error}") from None


# Records.

_RECORD_MAGIC_BYTES = struct.pack("<I", RECORD_MAGIC)
IRHeader = collections.namedtuple("IRHeader", ["flag", "label", "id", "id2"])


class RecordFile:
    """The records of a `.rec` file as bytes, in order; by key when there is an index.

    Parameters
    ----------
    path : str
    index : str, optional
        The `.idx` file; by default the one beside it, if any.
    skip_damaged : bool
        Whether iteration goes on with the next record that can be found behind a damaged place, and
        counts it in `damaged`, instead of raising a FileError.
    num_parts, part_index : int
        Iterate over one of several parts only, as large as one another. Every record is in one of them.
    """

    def __init__(self, path, index=None, skip_damaged=False, num_parts=1, part_index=0):
        if not 0 <= part_index < num_parts:
            raise ValueError(f"expected part_index below num_parts, got {part_index} of {num_parts}")
        self._file, self._name = open(path, "rb"), os.fspath(path)
        self._size = os.fstat(self._file.fileno()).st_size
        self._skip_damaged, self.damaged = skip_damaged, 0
        step = (-(-self._size // num_parts) + 3) // 4 * 4
        self._begin, self._end = min(self._size, step * part_index), min(self._size, step * (part_index + 1))
        beside = os.path.splitext(self._name)[0] + ".idx"
        index = index or (beside if os.path.exists(beside) else None)
        self.offsets = self._read_index(index) if index else {}

    def _read_index(self, path):
        offsets = {}
        with open(path, encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                parts = line.split()
                if not parts:
                    continue
                try:
                    key, offset = parts
                    offsets[int(key) if key.lstrip("-").isdigit() else key] = int(offset)
                except ValueError:
                    raise FileError(f"{path}, line {number}: expected a key and an offset, got {line!r}") from None
        return offsets

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._file.close()

    def keys(self):
        return list(self.offsets)

    def __len__(self):
        whole = self._end - self._begin == self._size
        return len(self.offsets) if self.offsets and whole else sum(1 for _ in self)

    def __getitem__(self, key):
        return self.read_at(self.offsets[key])[0]

    def __iter__(self):
        offset, self.damaged = self._begin and self.find(self._begin), 0
        while offset < self._end:
            try:
                record, offset = self.read_at(offset)
            except FileError:
                if not self._skip_damaged:
                    raise
                self.damaged += 1
                offset = self.find(max(offset + 1, self._failed))
                continue
            yield record

    def find(self, offset):
        """The first place at or after `offset` where a record begins, or the size of the file."""
        offset = (offset + 3) // 4 * 4
        while offset + 8 <= self._size:
            self._file.seek(offset)
            block = self._file.read(1 << 16)
            at = block.find(_RECORD_MAGIC_BYTES)
            while 0 <= at <= len(block) - 8:
                word = struct.unpack_from("<I", block, at + 4)[0]
                if at % 4 == 0 and word >> 29 < 2 and word & (1 << 29) - 1 <= self._size - offset - at - 8:
                    return offset + at
                at = block.find(_RECORD_MAGIC_BYTES, at + 1)
            offset += (len(block) - 8) // 4 * 4 + 4
        return self._size

    def _fail(self, offset, text):
        self._failed = offset
        raise FileError(f"{self._name}, byte {offset}: {text}")

    def read_at(self, offset):
        """(record, offset of the next one) from the offset of a record's beginning."""
        parts = []
        while True:
            if not 0 <= offset <= self._size - 8:
                self._fail(offset, "expected a record, the file ends: it is truncated or damaged")
            self._file.seek(offset)
            magic, word = struct.unpack("<II", self._file.read(8))
            kind, length = word >> 29, word & (1 << 29) - 1
            if magic != RECORD_MAGIC or kind > 3 or (kind in (0, 1)) != (not parts):
                self._fail(offset, f"expected a record, got {magic:#x} and {word:#x}")
            if length > self._size - offset - 8:
                self._fail(offset, f"a record needs {length} bytes, {self._size - offset - 8} are left")
            parts.append(self._file.read(length))
            offset += 8 + (length + 3) // 4 * 4
            if kind in (0, 3):
                break
        return _RECORD_MAGIC_BYTES.join(parts), offset


def unpack(record):
    """(IRHeader, rest) of an image record; several labels are an array."""
    reader = _Reader(record, "record")
    flag, label, number, number2 = struct.unpack("<IfQQ", reader.take(24, "the header of a record"))
    if flag:
        label = np.frombuffer(reader.take(4 * flag, f"{flag} labels"), "<f4").astype(np.float32)
    return IRHeader(flag, label, number, number2), bytes(reader.take(reader.left(), "the rest"))


# Optimizer states.

class Optimizer:
    """A pickled optimizer as plain data: the name of its class and its attributes."""

    def __init__(self, *_, **__):
        self.attributes = {}

    def __setstate__(self, state):
        if isinstance(state, tuple) and len(state) == 2:
            state = {**(state[0] or {}), **(state[1] or {})}
        self.attributes = dict(state)

    def __repr__(self):
        return f"<{type(self).__name__} {self.attributes}>"


class _PickledArray:
    value = None

    def __init__(self, *_):
        pass

    def __setstate__(self, state):
        handle = state.get("handle") if isinstance(state, dict) else None
        if handle is not None:
            if not isinstance(handle, (bytes, bytearray)):
                raise FileError("expected an array as bytes in a pickle")
            self.value = read_array(bytes(handle))


class _PickledNumpy(_PickledArray):
    def __setstate__(self, state):
        _, shape, kind, fortran, data = state
        if not isinstance(kind, _PickledDtype) or not isinstance(data, bytes):
            raise FileError("expected a NumPy array of numbers in a pickle")
        self.value = np.frombuffer(data, kind.dtype).reshape(shape, order="F" if fortran else "C").copy()


class _PickledDtype:
    def __init__(self, name="", *_):
        if not isinstance(name, str) or name[:1] not in ("b", "i", "u", "f") or not name[1:].isdigit():
            raise FileError(f"expected a dtype of numbers in a pickle, got {name!r}")
        self.dtype = np.dtype(name)

    def __setstate__(self, state):
        if isinstance(state, tuple) and len(state) > 1 and state[1] == ">":
            self.dtype = self.dtype.newbyteorder(">")


def _scalar(kind, data):
    if not isinstance(kind, _PickledDtype) or not isinstance(data, bytes) or len(data) != kind.dtype.itemsize:
        raise FileError("expected a NumPy number in a pickle")
    return np.frombuffer(data, kind.dtype)[0]


def _plain_object(cls, base, state):
    if base is not object or not isinstance(cls, type):
        raise FileError("expected a plain object in a pickle")
    return cls()


def _encoded(text, encoding):
    return text.encode("latin1" if encoding == "latin1" else "utf-8")


def _bytes(text=b"", encoding="latin1"):
    if not isinstance(text, (bytes, str)):  # a number would be a wish for memory
        raise FileError("expected bytes in a pickle")
    return bytearray(text.encode(encoding) if isinstance(text, str) else text)


_NUMPY = {"_reconstruct": lambda *_: _PickledNumpy(), "scalar": _scalar, "dtype": _PickledDtype, "ndarray": object}
_PLAIN = {("builtins", "object"): object, ("builtins", "bytearray"): _bytes, ("builtins", "set"): set,
          ("builtins", "complex"): complex, ("collections", "OrderedDict"): collections.OrderedDict,
          ("copyreg", "_reconstructor"): _plain_object, ("copy_reg", "_reconstructor"): _plain_object,
          ("_codecs", "encode"): _encoded}


class _Unpickler(pickle.Unpickler):
    """Knows arrays, numbers and optimizers; anything else by name is an error."""

    def find_class(self, module, name):
        module = _compat_pickle.IMPORT_MAPPING.get(module, module)  # Python 2's names
        package, _, rest = module.partition(".")
        if package in ("mxnet", "gemel"):
            if rest.startswith(("ndarray", "numpy")) and name in ("NDArray", "ndarray", "CSRNDArray",
                                                                  "RowSparseNDArray"):
                return _PickledArray
            if rest.startswith(("optimizer", "lr_scheduler")):
                return type(str(name), (Optimizer,), {})
            raise FileError(f"a pickle of optimizer states names {module}.{name}, which is none")
        if package == "numpy":
            if name in _NUMPY:
                return _NUMPY[name]
            if name in DTYPES:
                return np.dtype(name).type
        if (module, name) in _PLAIN:
            return _PLAIN[module, name]
        if package not in sys.stdlib_module_names | {"numpy"} and name[:1].isupper():
            return type(str(name), (Optimizer,), {})  # an optimizer of the user's own: only its name and numbers
        raise FileError(f"a pickle of optimizer states names {module}.{name}, which is not allowed")

    def persistent_load(self, pid):
        raise FileError("a pickle of optimizer states refers to something outside")


def _unwrapped(value, seen):
    """Arrays for their placeholders, each object once."""
    if id(value) in seen:
        return seen[id(value)][1]
    result = value
    seen[id(value)] = (value, value)
    if isinstance(value, _PickledArray):
        result = value.value
    elif isinstance(value, dict):
        result = {key: _unwrapped(item, seen) for key, item in value.items()}
    elif isinstance(value, (list, tuple)):
        result = type(value)(_unwrapped(item, seen) for item in value)
    elif isinstance(value, Optimizer):
        value.attributes = _unwrapped(value.attributes, seen)
    seen[id(value)] = (value, result)
    return result


def read_states(source):
    """The optimizer states in a `.states` file: a dict of index or name to None, an array or a tuple of them.

    A file that was written with the optimizer gives (states, Optimizer).
    """
    data, name = _content(source)
    data = bytes(data)
    try:
        for opcode, argument, _ in pickletools.genops(data):  # checks every length first
            if opcode.name.startswith("EXT") or ("PUT" in opcode.name and int(argument) > len(data)):
                raise FileError(f"{name}: {opcode.name} has no place in optimizer states")
        return _unwrapped(_Unpickler(io.BytesIO(data)).load(), {})
    except FileError:
        raise
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as error:  # whatever a damaged pickle runs into
        raise FileError(f"{name}: no optimizer states: {type(error).__name__}: {error}") from None


# Writing.

def _named(arrays):
    items = arrays.items() if isinstance(arrays, dict) else ((str(i), a) for i, a in enumerate(arrays))
    return {key: value.todense() if isinstance(value, SparseArray) else value
            for key, value in items if value is not None}


def write_npz(path, arrays):
    """Write arrays (a dict or a list) to a `.npz` file; sparse ones become dense."""
    with open(path, "wb") as file:
        np.savez(file, **_named(arrays))


def write_safetensors(path, arrays):
    """Write arrays (a dict or a list) to a `.safetensors` file; sparse ones become dense."""
    kinds = {"b": "BOOL", "f": "F", "i": "I", "u": "U"}
    header, offset, chunks = {}, 0, []
    for name, array in _named(arrays).items():
        array = np.ascontiguousarray(array).reshape(np.shape(array))
        kind = kinds[array.dtype.kind]
        kind += "" if kind == "BOOL" else str(8 * array.dtype.itemsize)
        chunk = array.astype(array.dtype.newbyteorder("<")).tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, offset + len(chunk)]}
        offset += len(chunk)
        chunks.append(chunk)
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(chunks)


# The command line.

def _describe(value):
    if value is None or np.isscalar(value):
        return str(value)
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(map(_describe, value)) + ")"
    return repr(value) if isinstance(value, SparseArray) else f"{value.dtype} {value.shape}"


def _info(path):
    if path.endswith(".json"):
        graph = read_symbol(path)
        yield f"{len(graph.nodes)} nodes, written by MXNet {graph.version}"
        for what in ("arguments", "auxiliary", "outputs"):
            yield f"{what}: {', '.join(getattr(graph, what))}"
    elif path.endswith(".rec"):
        with RecordFile(path) as records:
            sizes = [len(record) for record in records]
        yield f"{len(sizes)} records, {sum(sizes)} bytes"
    elif path.endswith(".states"):
        states = read_states(path)
        if isinstance(states, tuple):
            yield repr(states[1])
            states = states[0]
        for key, value in states.items():
            yield f"{key}: {_describe(value)}"
    else:
        arrays = read_params(path)
        for key, value in arrays.items() if isinstance(arrays, dict) else enumerate(arrays):
            yield f"{key}: {_describe(value)}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Reads the files of MXNet and Gemel.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info", help="what files hold").add_argument("files", nargs="+")
    convert = commands.add_parser("convert", help="a .params file as .npz or .safetensors")
    convert.add_argument("source")
    convert.add_argument("target")
    options = parser.parse_args(arguments)
    try:
        if options.command == "info":
            for path in options.files:
                print(f"{path}:")
                for line in _info(path):
                    print(f"  {line}")
            return 0
        writers = {".npz": write_npz, ".safetensors": write_safetensors}
        writer = writers.get(os.path.splitext(options.target)[1])
        if writer is None:
            parser.error(f"expected a target that ends with {' or '.join(writers)}, got {options.target}")
        writer(options.target, read_params(options.source))
    except (FileError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
