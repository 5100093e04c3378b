"""A clean release build of everything that a user installs, on 2 jobs, without ccache. Takes minutes."""
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[0] = str(ROOT / "benchmarks")
from runner import finish, parser_for  # noqa: E402  pylint: disable=wrong-import-position,import-error


def lines(report):
    """The figures."""
    yield f"clean release build, 2 jobs: {report['wall']:.0f} s, CPU {report['cpu']:.0f} s (aim 300 s)"


def main():
    """Configures and builds in a folder that is thrown away."""
    parser = parser_for("build")
    parser.add_argument("cmake", nargs="*", help="further arguments of cmake, after --")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gemel-build-") as folder:
        start = time.perf_counter()
        subprocess.run(["cmake", "-S", str(ROOT), "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                        "-DCMAKE_CXX_COMPILER_LAUNCHER=/usr/bin/env", f"-DPython_EXECUTABLE={sys.executable}",
                        *options.cmake], check=True, stdout=sys.stderr)
        subprocess.run(["cmake", "--build", folder, "--parallel", "2"], check=True, stdout=sys.stderr)
        wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    finish({"workload": "build", "wall": wall, "cpu": used.ru_utime + used.ru_stime, "aim": 300}, options, lines)


if __name__ == "__main__":
    main()
