"""TensorBoard event files: records with checksums, each a protocol buffer `tensorflow.Event`.

Formats: https://github.com/tensorflow/tensorboard (event.proto, summary.proto) and the TFRecord
framing: length, masked CRC-32C of the length, data, masked CRC-32C of the data, all little-endian.
"""
import os
import socket
import struct
import time

import numpy as np

__all__ = ["SummaryWriter"]


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def _masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _varint(value):
    value &= (1 << 64) - 1  # negative numbers take ten bytes
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    result.append(value)
    return bytes(result)


def _field_bytes(number, data):
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _field_double(number, value):
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _number(value):
    """A float of a number or of an array with one element."""
    return float(value.asnumpy().item() if hasattr(value, "asnumpy") else value)


class SummaryWriter:
    """Writes scalars and histograms for TensorBoard; use it in a `with` statement or `close` it.

    Parameters
    ----------
    logdir : str
        Folder of the file, made if it is not there.
    filename_suffix : str
    flush_secs : float
        Most seconds between what is added and what is in the file.
    """

    def __init__(self, logdir, filename_suffix="", flush_secs=30):
        os.makedirs(logdir, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        self.path = self._unused(os.path.join(logdir, name), filename_suffix)
        self._file = open(self.path, "xb")
        self._flush_secs = flush_secs
        self._flushed = time.time()
        self._write(_field_bytes(3, b"brain.Event:2"))
        self.flush()

    @staticmethod
    def _unused(path, suffix):
        number = 0
        while os.path.exists(candidate := path + (f".{number}" if number else "") + suffix):
            number += 1
        return candidate

    def _write(self, fields):
        event = _field_double(1, time.time()) + fields
        length = struct.pack("<Q", len(event))
        self._file.write(length + struct.pack("<I", _masked_crc(length)) + event +
                         struct.pack("<I", _masked_crc(event)))
        if time.time() - self._flushed > self._flush_secs:
            self.flush()

    def _add(self, tag, value, step):
        entry = _field_bytes(1, _field_bytes(1, tag.encode()) + value)
        self._write(_varint(2 << 3) + _varint(int(step or 0)) + _field_bytes(5, entry))

    def add_scalar(self, tag, value, global_step=None):
        """Add one number (also an NDArray with one element) under the name `tag`."""
        self._add(tag, _varint(2 << 3 | 5) + struct.pack("<f", _number(value)), global_step)

    def add_histogram(self, tag, values, global_step=None, bins=30):
        """Add how the elements of an array are distributed.

        Parameters
        ----------
        tag : str
        values : NDArray or numpy.ndarray
            At least one element.
        global_step : int, optional
        bins : int
            Number of intervals of equal width.
        """
        values = values.asnumpy() if hasattr(values, "asnumpy") else np.asarray(values)
        values = values.astype("float64").ravel()
        if values.size == 0:
            raise ValueError(f"[add_histogram] expected at least one value for '{tag}', got none")
        counts, edges = np.histogram(values, bins=bins)
        histogram = b"".join([
            _field_double(1, values.min()), _field_double(2, values.max()),
            _field_double(3, values.size), _field_double(4, values.sum()),
            _field_double(5, (values * values).sum()),
            _field_bytes(6, edges[1:].astype("<f8").tobytes()),
            _field_bytes(7, counts.astype("<f8").tobytes())])
        self._add(tag, _field_bytes(5, histogram), global_step)

    def flush(self):
        """Hand everything to the file."""
        self._file.flush()
        self._flushed = time.time()

    def close(self):
        """Flush and end the file."""
        if not self._file.closed:
            self.flush()
            self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
