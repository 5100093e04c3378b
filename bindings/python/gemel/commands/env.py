"""Versions, devices, features and settings: what to put into a report of a bug."""

HELP = "print versions, devices, features and settings"


def add_arguments(parser):
    parser.add_argument("--docs", action="store_true", help="also say what each setting does")


def section(title, rows):
    """A titled table of (name, value) rows."""
    width = max((len(name) for name, _ in rows), default=0)
    print(title)
    for name, value in rows:
        print(f"  {name:<{width}}  {value}".rstrip())


def run(args):
    import os
    import platform

    import numpy

    from .. import __version__, _core, context

    section(
        "versions",
        [
            ("gemel", __version__),
            ("python", platform.python_version()),
            ("numpy", numpy.__version__),
            ("system", platform.platform()),
        ],
    )
    kind, workers = _core.engine_configuration()
    section(
        "devices",
        [
            ("cpu", f"{platform.machine()}, engine {kind}, compute workers: {workers}"),
            ("gpu", f"{context.num_gpus()}"),
        ],
    )
    section(
        "features",
        [(name, "yes" if there else "no") for name, there in sorted(_core.features().items())],
    )
    rows = []
    for setting in _core.settings():
        value = f"{setting['value'] or '(empty)'}  from {setting['source']}"
        rows.append((setting["name"], value))
        if args.docs:
            rows.append(("", f"{setting['doc']} Variables: {' '.join(setting['environment'])}"))
    section("settings", rows)
    present = [v for v in _core.setting_variables() if v["name"] in os.environ]
    section(
        "MXNet's variables that are set",
        [(v["name"], f"sets {v['setting']}" if v["setting"] else f"no effect: {v['why']}") for v in present],
    )
