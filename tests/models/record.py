"""Records what MXNet 1.9.1 computes for networks.py: `python record.py --mxnet-python PATH`."""
import argparse
import subprocess
import tempfile
from pathlib import Path

from networks import CURVES, NETWORKS

HERE = Path(__file__).parent


def write_symbols(folder):
    """Writes NAME.json of every network; dropout is left out, as its numbers are not 1.9.1's."""
    from gemel import model_zoo  # pylint: disable=import-outside-toplevel
    for name, (arguments, shape, _) in {**NETWORKS, **CURVES}.items():
        options = {"dropout": 0} if "googlenet" in name else {}
        symbol = model_zoo.get_symbol(*arguments, image_shape=shape[1:], **options)
        text = symbol.tojson()
        Path(folder, f"{name}.json").write_text(text.replace('"p": "0.5"', '"p": "0"'),
                                                encoding="utf-8")


def main():
    """Writes expected.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mxnet-python", required=True)
    python = parser.parse_args().mxnet_python
    with tempfile.TemporaryDirectory() as folder:
        write_symbols(folder)
        done = subprocess.run([python, HERE / "networks.py", folder], check=True, text=True,
                              stdout=subprocess.PIPE, env={"OMP_NUM_THREADS": "1"})
    (HERE / "expected.json").write_text(done.stdout.splitlines()[-1] + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
