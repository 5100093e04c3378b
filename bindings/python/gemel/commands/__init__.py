"""The `gemel` command: one module of this package for each subcommand.

A subcommand's module has `HELP` (one line), `add_arguments(parser)` and `run(args)`; `run` returns
the exit status (None is 0). What it raises as an error of the input becomes one line on standard
error and exit status 1.
"""

import argparse
import os
import sys

from . import env, im2rec, info, predict, rec, trace, tune

SUBCOMMANDS = {"predict": predict, "info": info, "env": env, "trace": trace,
               "im2rec": im2rec, "rec": rec, "tune": tune}


def make_parser():
    """The command line of `gemel`."""
    from .. import __version__

    parser = argparse.ArgumentParser(prog="gemel", description="Gemel from the command line.")
    parser.add_argument("--version", action="version", version=f"gemel {__version__}")
    subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    for name, module in SUBCOMMANDS.items():
        module.add_arguments(
            subparsers.add_parser(name, help=module.HELP, description=module.__doc__)
        )
    return parser


def main(argv=None):
    """Run one subcommand; returns the exit status."""
    args = make_parser().parse_args(argv)
    from ..base import MXNetError

    try:
        status = SUBCOMMANDS[args.subcommand].run(args)
        sys.stdout.flush()
        return status or 0
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (MXNetError, OSError, ValueError) as error:
        text = " ".join(str(error).split())
        print(f"gemel {args.subcommand}: error: {text}", file=sys.stderr)
        return 1
