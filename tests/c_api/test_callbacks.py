"""Functions of the caller: engine tasks, gradients, updaters; memory shared with others."""

import ctypes
import os

import numpy as np


class Callbacks(ctypes.Structure):
    """MXCallbackList."""

    _fields_ = [("count", ctypes.c_int), ("functions", ctypes.POINTER(ctypes.c_void_p)),
                ("states", ctypes.POINTER(ctypes.c_void_p))]


def callback_list(*functions):
    addresses = (ctypes.c_void_p * len(functions))(*[ctypes.cast(f, ctypes.c_void_p).value for f in functions])
    result = Callbacks(len(functions), addresses, (ctypes.c_void_p * len(functions))())
    result.kept = functions, addresses
    return result


def test_synchronous_task_is_ordered_by_its_arrays(api):
    array, data = api.array([1, 2]), ctypes.c_void_p()
    deleted = []
    api.MXNDArrayGetData(array, ctypes.byref(data))
    values = ctypes.cast(data, ctypes.POINTER(ctypes.c_float))

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
    def work(engine, state):
        values[0] = 10

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    def delete(state):
        deleted.append(True)

    api.MXEnginePushSyncND(work, None, delete, None, None, 0, (ctypes.c_void_p * 1)(array.value), 1, None, 0,
                           b"mine")
    (doubled,) = api.invoke("_mul_scalar", [array], scalar=2)
    assert api.values(doubled) == [20, 4]
    api.MXNDArrayWaitAll()
    assert deleted == [True]
    assert "use the ND form" in api.fails("MXEnginePushSync", work, None, delete, None, None, 1, None, 0, None, 0,
                                          None)


def test_asynchronous_task_ends_when_it_says_so(api):
    array = api.array([0])
    waiting = []

    class OnComplete(ctypes.Structure):
        _fields_ = [("callback", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)),
                    ("engine", ctypes.c_void_p), ("state", ctypes.c_void_p)]

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(OnComplete))
    def work(engine, state, done):
        waiting.append("ran")
        done[0].callback(done[0].engine, done[0].state, None)

    api.MXEnginePushAsyncND(work, None, None, None, None, 0, (ctypes.c_void_p * 1)(array.value), 1, None, 0, None,
                            ctypes.c_bool(True))
    assert waiting == ["ran"]
    api.MXNDArrayWaitToRead(array)


def test_gradient_of_a_users_function(api):
    deleted = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.c_void_p),
                      ctypes.POINTER(ctypes.c_int), ctypes.c_int, ctypes.c_void_p)
    def backward(heads, gradients, arrays, requests, training, state):
        assert (heads, gradients, requests[0]) == (1, 1, 1)
        head, target = ctypes.c_void_p(arrays[0]), ctypes.c_void_p(arrays[1])
        (tripled,) = api.invoke("_mul_scalar", [head], scalar=3)
        data = (ctypes.c_float * 2)(*api.values(tripled))
        api.MXNDArraySyncCopyFromCPU(target, data, ctypes.c_size_t(2))
        for handle in (head, target, tripled):
            api.MXNDArrayFree(handle)
        return 1

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
    def delete(state):
        deleted.append(True)
        return 1

    callbacks = callback_list(backward, delete)
    x, gradient, y = api.array([1, 2]), api.array([0, 0]), api.array([3, 6])
    api.MXAutogradMarkVariables(1, (ctypes.c_void_p * 1)(x.value), (ctypes.c_uint32 * 1)(1),
                                (ctypes.c_void_p * 1)(gradient.value))
    api.MXAutogradSetIsRecording(1, None)
    api.MXCustomFunctionRecord(1, (ctypes.c_void_p * 1)(x.value), 1, (ctypes.c_void_p * 1)(y.value),
                               ctypes.byref(callbacks))
    (z,) = api.invoke("square", [y])
    api.MXAutogradSetIsRecording(0, None)
    api.MXAutogradBackward(1, (ctypes.c_void_p * 1)(z.value), None, 0)
    assert api.values(gradient) == [18, 36]
    for handle in (y, z):
        api.MXNDArrayFree(handle)
    assert deleted == [True]


def test_store_with_an_updater(api):
    store, seen = ctypes.c_void_p(), []
    api.MXKVStoreCreate(b"local", ctypes.byref(store))
    w, out = api.array([1, 1]), api.array([0, 0])
    api.MXKVStoreInitEx(store, 1, (ctypes.c_char_p * 1)(b"w"), (ctypes.c_void_p * 1)(w.value))
    kind = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)

    @kind
    def update(key, received, stored, state):
        seen.append((key, api.values(ctypes.c_void_p(received))))
        data = (ctypes.c_float * 2)(7, 8)
        api.MXNDArraySyncCopyFromCPU(ctypes.c_void_p(stored), data, ctypes.c_size_t(2))
        api.MXNDArrayFree(ctypes.c_void_p(received))
        api.MXNDArrayFree(ctypes.c_void_p(stored))

    api.MXKVStoreSetUpdaterEx(store, None, update, None)
    api.MXKVStorePushEx(store, 2, (ctypes.c_char_p * 2)(b"w", b"w"), (ctypes.c_void_p * 2)(w.value, w.value), 0)
    assert seen == [(b"w", [2, 2])]
    api.MXKVStorePullEx(store, 1, (ctypes.c_char_p * 1)(b"w"), (ctypes.c_void_p * 1)(out.value), 0)
    assert api.values(out) == [7, 8]
    assert "key q" in api.fails("MXKVStorePullEx", store, 1, (ctypes.c_char_p * 1)(b"q"),
                                (ctypes.c_void_p * 1)(out.value), 0)
    assert "unknown type 'nowhere'" in api.fails("MXKVStoreCreate", b"nowhere", ctypes.byref(ctypes.c_void_p()))
    api.MXKVStoreFree(store)


def test_dlpack_shares_memory(api):
    array, tensor, other = api.array([1, 2]), ctypes.c_void_p(), ctypes.c_void_p()
    api.MXNDArrayToDLPack(array, ctypes.byref(tensor))
    api.MXNDArrayFromDLPackEx(tensor, ctypes.c_bool(False), ctypes.byref(other))
    api.MXNDArraySyncCopyFromCPU(other, (ctypes.c_float * 2)(5, 6), ctypes.c_size_t(2))
    assert api.values(array) == [5, 6]
    api.MXNDArrayFree(other)
    api.MXNDArrayToDLPack(array, ctypes.byref(tensor))
    api.MXNDArrayCallDLPackDeleter(tensor)


def test_shared_memory(api):
    array, other = api.array([1, 2, 3]), ctypes.c_void_p()
    pid, number = ctypes.c_int(), ctypes.c_int()
    api.MXNDArrayGetSharedMemHandle(array, ctypes.byref(pid), ctypes.byref(number))
    assert pid.value == os.getpid()
    api.MXNDArrayCreateFromSharedMemEx(pid.value, os.dup(number.value), (ctypes.c_int * 1)(3), 1, 0,
                                       ctypes.byref(other))
    api.MXNDArraySyncCopyFromCPU(other, (ctypes.c_float * 3)(7, 8, 9), ctypes.c_size_t(3))
    np.testing.assert_array_equal(api.values(array), [7, 8, 9])
    api.fails("MXNDArrayCreateFromSharedMemEx", 1, 987, (ctypes.c_int * 1)(3), 1, 0, ctypes.byref(other))
