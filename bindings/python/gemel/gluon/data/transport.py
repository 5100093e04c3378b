"""Batches between processes: arrays travel in anonymous shared memory, the rest as a pickle.

The memory has no name, only file descriptors, so that nothing stays behind whichever process dies.
"""
import array
import io
import mmap
import os
import pickle
import socket
import struct
import tempfile

import numpy as np

from ... import ndarray as nd

__all__ = ["encode", "decode", "send", "receive", "Raw"]

_HEADER = struct.Struct("<qqq")  # number of the task, bytes of arrays, bytes of the pickle
_ALIGNMENT = 64


class Raw:
    """A NumPy array that is to arrive as an NDArray."""

    def __init__(self, values):
        self.values = values


def _rebuild(values):
    return nd.array(values, dtype=values.dtype)


class _Pickler(pickle.Pickler):
    def reducer_override(self, value):
        if isinstance(value, Raw):
            return _rebuild, (value.values,)
        if isinstance(value, nd.NDArray) and value.dtype != "bfloat16":
            return _rebuild, (value.asnumpy(),)
        return NotImplemented


def _anonymous_file():
    if hasattr(os, "memfd_create"):
        return os.memfd_create("gemel-batch", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as stream:
        return os.dup(stream.fileno())


def encode(value):
    """`(file descriptor, bytes of arrays, bytes of the pickle)` of any value that pickles."""
    buffers, stream = [], io.BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=buffers.append).dump(value)
    views = [one.raw() for one in buffers]
    sizes = [view.nbytes for view in views]
    text = pickle.dumps((sizes, stream.getvalue()))
    offsets, end = [], 0
    for size in sizes:
        offsets.append(end)
        end += -(-size // _ALIGNMENT) * _ALIGNMENT
    descriptor = _anonymous_file()
    try:
        os.ftruncate(descriptor, end + len(text))
        with mmap.mmap(descriptor, end + len(text)) as memory:
            for offset, size, view in zip(offsets, sizes, views):
                memory[offset:offset + size] = view
            memory[end:] = text
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, end, len(text)


def decode(descriptor, array_bytes, text_bytes):
    """The value; NumPy arrays in it are views of the shared memory. Closes the descriptor."""
    try:
        memory = mmap.mmap(descriptor, array_bytes + text_bytes)
    finally:
        os.close(descriptor)
    view = memoryview(memory)
    sizes, text = pickle.loads(view[array_bytes:])
    buffers, offset = [], 0
    for size in sizes:
        buffers.append(view[offset:offset + size])
        offset += -(-size // _ALIGNMENT) * _ALIGNMENT
    return pickle.loads(text, buffers=buffers)


def send(connection, number, encoded):
    """Send an encoded value with its task's number over a socket; closes the descriptor."""
    descriptor, array_bytes, text_bytes = encoded
    try:
        header = _HEADER.pack(number, array_bytes, text_bytes)
        rights = array.array("i", [descriptor])
        sent = connection.sendmsg([header], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        connection.sendall(header[sent:])
    finally:
        os.close(descriptor)


def receive(connection):
    """`(number, encoded value)` from a socket; `EOFError` where the other end is gone."""
    header, descriptors = b"", []
    while len(header) < _HEADER.size:
        part, ancillary, _, _ = connection.recvmsg(_HEADER.size - len(header),
                                                   socket.CMSG_SPACE(4))
        for _, _, content in ancillary:
            descriptors += np.frombuffer(content[:4], np.int32).tolist()
        if not part:
            for one in descriptors:
                os.close(one)
            raise EOFError
        header += part
    number, array_bytes, text_bytes = _HEADER.unpack(header)
    return number, (descriptors[0], array_bytes, text_bytes)
