"""Handles, errors and texts of the C ABI."""

import ctypes
import threading

import pytest

FREES = ("MXNDArrayFree", "MXSymbolFree", "MXExecutorFree", "MXFreeCachedOp", "MXKVStoreFree")


def number():
    return ctypes.byref(ctypes.c_int())


def test_null_handle_is_an_error(api):
    message = api.fails("MXNDArrayGetDType", None, number())
    assert message == "[MXNDArrayGetDType] expected an NDArray handle, got null"


def test_freed_handle_is_an_error(api):
    handle = api.array([1, 2])
    api.MXNDArrayFree(handle)
    assert "was freed" in api.fails("MXNDArrayGetDType", handle, number())
    assert "was freed" in api.fails("MXNDArrayFree", handle)
    other = api.array([3])  # takes the slot, but not the old handle's place
    assert other.value != handle.value
    assert "was freed" in api.fails("MXNDArrayWaitToRead", handle)
    api.MXNDArrayFree(other)


def test_handle_of_another_type_is_an_error(api):
    symbol = ctypes.c_void_p()
    api.MXSymbolCreateVariable(b"x", ctypes.byref(symbol))
    assert "got one of a Symbol" in api.fails("MXNDArrayGetDType", symbol, number())
    assert "expected an operator handle" in api.fails(
        "MXSymbolGetAtomicSymbolName", symbol, ctypes.byref(ctypes.c_char_p()))
    api.MXSymbolFree(symbol)


@pytest.mark.parametrize("value", [1, 0x10, 0x7FFF_FFFF_FFFF_FFFF, 0x7F00_1234_5678, 1 << 56])
def test_foreign_value_is_an_error(api, value):
    api.fails("MXNDArrayGetDType", ctypes.c_void_p(value), number())
    api.fails("MXNDArrayFree", ctypes.c_void_p(value))


def test_address_of_an_object_is_an_error(api):
    block = ctypes.create_string_buffer(64)
    assert "foreign" in api.fails("MXSymbolFree", ctypes.c_void_p(ctypes.addressof(block)))


@pytest.mark.parametrize("name", FREES)
def test_freeing_null_does_nothing(api, name):
    getattr(api, name)(None)


def test_missing_address_is_an_error(api):
    handle = api.array([1])
    assert "expected an address for the dtype" in api.fails("MXNDArrayGetDType", handle, None)
    assert "expected an address" in api.fails("MXSymbolCreateFromJSON", None,
                                             ctypes.byref(ctypes.c_void_p()))
    api.MXNDArrayFree(handle)


def test_last_error_belongs_to_the_thread(api):
    api.fails("MXNDArrayGetDType", None, number())
    seen = []

    def other():
        seen.append(api.error())
        api.fails("MXNDArrayWaitToRead", None)
        seen.append(api.error())

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen[0] == ""
    assert "[MXNDArrayWaitToRead]" in seen[1]
    assert "[MXNDArrayGetDType]" in api.error()


def test_error_message_can_be_set(api):
    api.library.NNAPISetLastError(b"mine")
    api.library.NNGetLastError.restype = ctypes.c_char_p
    assert api.error() == "mine"
    assert api.library.NNGetLastError() == b"mine"


def test_texts_belong_to_the_thread(api):
    """A list stays while another thread asks for lists of its own."""
    first, second = ctypes.c_void_p(), ctypes.c_void_p()
    api.MXSymbolCreateVariable(b"first", ctypes.byref(first))
    api.MXSymbolCreateVariable(b"second", ctypes.byref(second))
    size, array = ctypes.c_uint32(), ctypes.POINTER(ctypes.c_char_p)()
    api.MXSymbolListArguments(first, ctypes.byref(size), ctypes.byref(array))
    others = []
    thread = threading.Thread(target=lambda: others.extend(
        api.listed("MXSymbolListArguments", second) for _ in range(100)))
    thread.start()
    thread.join()
    assert array[0] == b"first"
    assert others == [["second"]] * 100


def test_threads_make_and_free_handles(api):
    """Slots are reused across threads without two live handles ever being equal."""
    failures = []

    def work():
        for _ in range(200):
            mine = [api.array([float(i)]) for i in range(5)]
            if len({h.value for h in mine}) != 5 or [api.values(h)[0] for h in mine] != [0, 1, 2, 3, 4]:
                failures.append(mine)
            for handle in mine:
                api.MXNDArrayFree(handle)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_function_of_a_later_part_is_an_error(api):
    message = api.fails("MXRtcCudaModuleFree", None)
    assert message == "[MXRtcCudaModuleFree] is not available in this version of Gemel"


def test_every_declared_function_is_exported(api):
    import json
    from pathlib import Path

    table = json.loads((Path(__file__).parents[2] / "api/c_api.json").read_text())
    missing = [row["name"] for row in table["functions"] if not hasattr(api.library, row["name"])]
    assert not missing
    assert len(table["functions"]) == 298
