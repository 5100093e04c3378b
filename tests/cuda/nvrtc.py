"""NVIDIA's run-time compiler, from the PyPI package nvidia-cuda-nvrtc-cu12; it needs no GPU.

It runs in a process of its own: `python nvrtc.py ARCHITECTURE` reads JSON (source, headers) from
standard input and writes the machine code to standard output."""
import ctypes
import importlib.metadata
import json
import subprocess
import sys

PACKAGE = "nvidia-cuda-nvrtc-cu12"
OPTIONS = ["--std=c++20", "--device-as-default-execution-space", "--fmad=false"]


def library_path():
    """The library's file, or None where the package is not installed."""
    try:
        files = importlib.metadata.files(PACKAGE) or ()
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((str(f.locate()) for f in files if f.name.startswith("libnvrtc.so")), None)


def compile_cubin(source, headers, architecture):
    """The machine code of `source` for e.g. "sm_90"; `headers` are pairs (name, text).

    Raises `RuntimeError` with the compiler's messages.
    """
    done = subprocess.run([sys.executable, __file__, architecture], capture_output=True, timeout=250,
                          input=json.dumps([source, headers]).encode())
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return done.stdout


def _strings(texts):
    return (ctypes.c_char_p * len(texts))(*[text.encode() for text in texts])


def _answer(program, size_of, get):
    size = ctypes.c_size_t()
    size_of(program, ctypes.byref(size))
    data = ctypes.create_string_buffer(size.value)
    get(program, data)
    return data.raw


def main(architecture):
    nvrtc = ctypes.CDLL(library_path())
    source, headers = json.load(sys.stdin)
    program = ctypes.c_void_p()
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", len(headers),
                             _strings([text for _, text in headers]),
                             _strings([name for name, _ in headers]))
    options = [*OPTIONS, f"--gpu-architecture={architecture}"]
    if nvrtc.nvrtcCompileProgram(program, len(options), _strings(options)):
        log = _answer(program, nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog)
        sys.exit(log.rstrip(b"\0").decode())
    sys.stdout.buffer.write(_answer(program, nvrtc.nvrtcGetCUBINSize, nvrtc.nvrtcGetCUBIN))


if __name__ == "__main__":
    main(sys.argv[1])
