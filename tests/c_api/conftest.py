"""The C ABI through ctypes, in the library that the package has loaded."""

import ctypes
from pathlib import Path

import pytest


def loaded_library():
    """The path of the libgemel.so of this process."""
    import gemel  # noqa: F401  (loads it)

    for line in Path("/proc/self/maps").read_text().splitlines():
        if line.endswith("/libgemel.so"):
            return line.split()[-1]
    raise RuntimeError("libgemel.so is not loaded")


class Api:
    """`api.MXNDArrayFree(handle)`: raises AssertionError with the message unless it returns 0."""

    def __init__(self, library):
        self.library = library
        library.MXGetLastError.restype = ctypes.c_char_p

    def error(self):
        return self.library.MXGetLastError().decode()

    def __getattr__(self, name):
        function = getattr(self.library, name)

        def checked(*arguments):
            result = function(*arguments)
            assert result == 0, f"{name}: {self.error()}"

        return checked

    def fails(self, name, *arguments):
        """The message of a call that must return -1."""
        assert getattr(self.library, name)(*arguments) == -1, f"{name} did not fail"
        return self.error()

    def array(self, values):
        """A handle of a new float32 array of one axis."""
        handle = ctypes.c_void_p()
        shape = (ctypes.c_uint32 * 1)(len(values))
        self.MXNDArrayCreateEx(shape, 1, 1, 0, 0, 0, ctypes.byref(handle))
        data = (ctypes.c_float * len(values))(*values)
        self.MXNDArraySyncCopyFromCPU(handle, data, ctypes.c_size_t(len(values)))
        return handle

    def values(self, handle):
        ndim, axes = ctypes.c_int(), ctypes.POINTER(ctypes.c_int)()
        self.MXNDArrayGetShapeEx(handle, ctypes.byref(ndim), ctypes.byref(axes))
        size = 1
        for i in range(ndim.value):
            size *= axes[i]
        data = (ctypes.c_float * size)()
        self.MXNDArraySyncCopyToCPU(handle, data, ctypes.c_size_t(size))
        return list(data)

    def operator(self, name):
        handle = ctypes.c_void_p()
        self.NNGetOpHandle(name.encode(), ctypes.byref(handle))
        return handle

    def invoke(self, name, inputs, **parameters):
        """Handles of the outputs."""
        keys, values = texts(parameters), texts(map(str, parameters.values()))
        count, outputs = ctypes.c_int(0), ctypes.POINTER(ctypes.c_void_p)()
        self.MXImperativeInvoke(self.operator(name), len(inputs), handles(inputs), ctypes.byref(count),
                                ctypes.byref(outputs), len(parameters), keys, values)
        return [ctypes.c_void_p(outputs[i]) for i in range(count.value)]

    def listed(self, name, *arguments):
        """The texts that a function with the last parameters (size, list) gives."""
        size, array = ctypes.c_uint32(), ctypes.POINTER(ctypes.c_char_p)()
        getattr(self, name)(*arguments, ctypes.byref(size), ctypes.byref(array))
        return [array[i].decode() for i in range(size.value)]


def texts(values):
    encoded = [value.encode() for value in values]
    return (ctypes.c_char_p * len(encoded))(*encoded)


def handles(values):
    return (ctypes.c_void_p * len(values))(*[value.value for value in values])


@pytest.fixture(scope="session")
def library_path():
    return loaded_library()


@pytest.fixture(scope="session")
def api(library_path):
    return Api(ctypes.CDLL(library_path))
