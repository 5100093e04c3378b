"""Calls every implemented function of the C ABI with wrong arguments: `wrong_arguments.py LIBRARY TABLE`.

Null, freed, foreign and misplaced handles; null and empty places; counts of -1, 0 and 1. Prints each
function before it is called, so that the last line names what ended the process. Counts that promise
more than there is, and addresses of nothing, are not among them: no library can tell.
"""

import ctypes
import json
import re
import sys

# Arguments that are descriptors or process-wide states.
LEFT_OUT = {"MXNDArrayCreateFromSharedMem", "MXNDArrayCreateFromSharedMemEx", "MXNotifyShutdown"}
HANDLE = re.compile(r"\b(\w+Handle|AtomicSymbolCreator|DataIterCreator)\b")
ADDRESSES = {"DLManagedTensorHandle", "ContextHandle", "EngineFnPropertyHandle", "EngineVarHandle"}
INTEGERS = re.compile(r"\b(int|unsigned|uint32_t|int64_t|uint64_t|size_t|mx_uint|nn_uint|bool|dim_t)\b")


def arguments_of(signature):
    """One of "handle", "integer", "real" or "place" for each argument, with its text."""
    inside = signature[signature.index("(") + 1:signature.rindex(")")].strip()
    kinds = []
    for text in filter(None, (part.strip() for part in inside.split(","))):
        handle = HANDLE.search(text)
        if "*" in text or "[" in text or (handle and handle.group(1) in ADDRESSES):
            kinds.append(("place", text))
        elif handle:
            kinds.append(("handle", handle.group(1)))
        elif re.search(r"\b(float|mx_float|double)\b", text):
            kinds.append(("real", text))
        elif INTEGERS.search(text):
            kinds.append(("integer", text))
        else:
            kinds.append(("function", text))
    return kinds


def main():
    library = ctypes.CDLL(sys.argv[1])
    library.MXGetLastError.restype = ctypes.c_char_p
    with open(sys.argv[2]) as stream:
        functions = [row for row in json.load(stream)["functions"] if row["implemented"]]
    taken = set()
    room = ctypes.create_string_buffer(1 << 14)

    def array():
        handle = ctypes.c_void_p()
        assert library.MXNDArrayCreateEx((ctypes.c_uint32 * 1)(2), 1, 1, 0, 0, 0, ctypes.byref(handle)) == 0
        return handle

    def sparse():
        handle = ctypes.c_void_p()
        assert library.MXNDArrayCreateSparseEx(
            1, (ctypes.c_uint32 * 2)(3, 2), 2, 1, 0, 0, 0, 1, (ctypes.c_int * 1)(6), (ctypes.c_uint32 * 1)(1),
            (ctypes.c_uint32 * 1)(0), ctypes.byref(handle)) == 0
        return handle

    def symbol():
        handle = ctypes.c_void_p()
        assert library.MXSymbolCreateVariable(b"x", ctypes.byref(handle)) == 0
        return handle

    def freed():
        handle = array()
        assert library.MXNDArrayFree(handle) == 0
        return handle

    makers = {"null": lambda: None, "freed": freed, "foreign": lambda: ctypes.c_void_p(0x7F0012345678),
              "an array": array, "a sparse array": sparse, "a symbol": symbol}
    for row in functions:
        name = row["name"]
        if name in LEFT_OUT or not row["signature"].startswith("int"):
            continue
        function = getattr(library, name)
        kinds = arguments_of(row["signature"])
        for what, maker in makers.items():
            if what != "null" and not any(kind == "handle" for kind, _ in kinds):
                continue
            for number in (0, 1, -1):
                for place in (None, room):
                    ctypes.memset(room, 0, len(room))
                    values = []
                    for kind, text in kinds:
                        if kind == "handle":
                            values.append(maker())
                        elif kind == "integer":
                            unsigned = re.search(r"uint|size_t|unsigned", text)
                            width = ctypes.c_int64 if re.search(r"64|size_t|dim_t", text) else ctypes.c_int
                            values.append(width(0 if unsigned and number < 0 else number))
                        elif kind == "real":
                            values.append(ctypes.c_float(number))
                        else:
                            values.append(place if kind == "place" else None)
                    print(name, what, number, place is not None, flush=True)
                    result = function(*values)
                    assert result in (0, -1), (name, result)
                    if result == -1:
                        assert library.MXGetLastError(), name
                    first = kinds[0] if kinds else None
                    if first and first[0] == "handle" and what in ("freed", "foreign") and result == 0:
                        taken.add(f"{name} took a {what} handle")
    assert not taken, sorted(taken)
    print("survived")


if __name__ == "__main__":
    main()
