"""Reads the extract of 1.9.1's operator table and compares declarations with it."""

import re
from dataclasses import dataclass

# operator -> {parameter, "inputs", "aliases" or "operator": why it differs from 1.9.1}
DIFFERENCES = {
    "khatri_rao": {"num_args": "1.9.1 counts the inputs outside of its declaration"},
    "add_n": {"num_args": "1.9.1 counts the inputs outside of its declaration"},
    "smooth_l1": {"scalar": "1.9.1's text leaves out the default, which is 1"},
    **{
        name: {"inputs": "1.9.1 names the states of a group oddly, or as auxiliary"}
        for name in (
            "multi_mp_sgd_update",
            "multi_mp_sgd_mom_update",
            "preloaded_multi_mp_sgd_update",
            "preloaded_multi_mp_sgd_mom_update",
            "_multi_adamw_update",
            "_multi_mp_adamw_update",
            "_multi_lamb_update",
            "_multi_mp_lamb_update",
        )
    },
    "_linspace": {
        name: "1.9.1's table shows the declaration of _arange; its parser has this one"
        for name in ("stop", "step", "repeat", "infer_range", "num", "endpoint")
    },
    "_set_value": {"src": "1.9.1's text leaves out the default, which is 0"},
    "multi_sum_sq": {"inputs": "1.9.1's table was made with two arrays"},
}


@dataclass
class Row:
    name: str
    aliases: set
    arguments: list
    parameters: dict  # name -> (type, default or None)


def parameter_of(text):
    name, _, rest = text.partition(" = ")
    default = None
    found = re.search(r", ?optional, ?default=(.*)$", rest)
    if found:
        default = found.group(1).strip().strip("'")
        rest = rest[: found.start()]
    else:
        rest = re.sub(r", ?required$", "", rest)
    return name.strip(), (rest.strip(), default)


def reference_rows(path):
    """Every name and alias -> its row."""
    table = {}
    for line in path.read_text().splitlines()[1:]:
        cells = (line.split("\t") + [""] * 9)[:9]
        names = {alias.strip() for alias in cells[3].split(",") if alias.strip()} | {cells[0]}
        parameters = dict(parameter_of(text) for text in cells[5].split(" | ") if text)
        arguments = [name for name in cells[8].split(",") if name]
        for name in names:
            table[name] = Row(cells[0], names - {name}, arguments, parameters)
    return table


def normal_type(text):
    text = re.sub(r"\s+", "", text)
    if text.startswith("{"):
        return tuple(sorted(text.strip("{}").replace("'", "").split(",")))
    return text


# Element types that 1.9.1's operators do not take.
NEW_DTYPES = {"int16", "uint16", "uint32", "uint64"}


def same_type(ours, reference):
    ours, reference = normal_type(ours), normal_type(reference)
    if isinstance(ours, tuple) and isinstance(reference, tuple):
        return set(reference) <= set(ours) and set(ours) - set(reference) <= NEW_DTYPES
    return ours == reference


def normal_default(text):
    text = text.strip().strip("'")
    booleans = {"True": "1", "False": "0", "true": "1", "false": "0"}
    if text in booleans:
        return booleans[text]
    if text and text[0] in "[(":
        return tuple(normal_default(part) for part in text[1:-1].split(",") if part.strip())
    try:
        return f"{float(text):.6g}"
    except ValueError:
        return text


def same_default(ours, reference):
    if ours is None or reference is None:
        return ours is None and reference is None
    return normal_default(ours) == normal_default(reference)
