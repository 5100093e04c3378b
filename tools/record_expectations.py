#!/usr/bin/env python3
"""Asks a 1.9.1 wheel what every sample of api/ops.json gives.

Usage: PYTHON_WITH_THE_WHEEL tools/record_expectations.py [OPERATOR...]

Writes tests/ops/expected/OPERATOR.npz:

  "SAMPLE/predict/0"  output 0 in predict mode, float32; "SAMPLE/train/0" in train mode, where it differs
  "SAMPLE/grad/0"     gradient of input 0 for the drawn head gradients
  "SAMPLE/mutated/2"  input 2 after an update
  "dtypes"            JSON: sample -> the types of the first input that 1.9.1 runs -> outputs' types
  "shapes"            JSON: sample -> other input shapes -> output shapes; null where 1.9.1 refuses

Every operator is asked in a process of its own, so that one that aborts costs only its own rows."""

import io
import json
import os
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/ops"))
warnings.filterwarnings("ignore")

import mxnet as mx  # noqa: E402
import numpy as np  # noqa: E402
from harness import calls, inputs, variants  # noqa: E402

TARGET = ROOT / "tests/ops/expected"
MOST_ELEMENTS = 4096  # larger samples are judged by the reference kernel only
DTYPES = [dtype for dtype in inputs.DTYPES if dtype != "bfloat16"]


def arrays_of(op, index, sample, dtypes):
    drawn = inputs.draw(op["name"], index, sample, sample["shapes"])
    return [mx.nd.array(inputs.convert(a, d), dtype=d) for a, d in zip(drawn, dtypes)]


def outputs_of_updates(op, sample, arrays):
    """`out` for an operator on groups of inputs: 1.9.1 does not make those arrays itself."""
    count = next((int(v) for k, v in sample["attributes"].items() if k.startswith("num_")), 0)
    if not count or op["group"] < 2:
        return {}
    return {"out": [arrays[k * op["group"]].copy() for k in range(count)]}


def record_values(op, index, sample, rows):
    name, key = op["name"], str(index)
    attributes = sample["attributes"]
    count = len(sample["shapes"])
    dtypes = ["float32"] * count
    if not op["mutates"]:  # indices may have to be integers
        try:
            dtypes = calls.infer_dtypes(mx, name, count, attributes, "float32") or dtypes
        except mx.base.MXNetError:
            pass  # updates have no symbols
    arrays = arrays_of(op, index, sample, dtypes)
    out = outputs_of_updates(op, sample, arrays)
    outputs = calls.imperative(mx, name, arrays, attributes, **out)
    predicted = [output.asnumpy() for output in outputs]
    if sum(o.size for o in predicted) > MOST_ELEMENTS:
        return
    for position, output in enumerate(predicted):
        rows[f"{key}/predict/{position}"] = output
    for position in op["mutates"]:
        rows[f"{key}/mutated/{position}"] = arrays[position].asnumpy()
    if op["mutates"] or not count:
        return
    arrays = arrays_of(op, index, sample, dtypes)
    for array in arrays:
        array.attach_grad()
    with mx.autograd.record():
        outputs = calls.imperative(mx, name, arrays, attributes)
    for position, output in enumerate(outputs):
        value = output.asnumpy()
        if not np.array_equal(value, predicted[position], equal_nan=True):
            rows[f"{key}/train/{position}"] = value
    if not op["differentiable"]:
        return
    heads = inputs.draw(name, index, {"low": -1, "high": 1}, [o.shape for o in outputs], "head")
    heads = [mx.nd.array(h, dtype=o.dtype) for h, o in zip(heads, outputs)]
    mx.autograd.backward(outputs, heads)
    for position, array in enumerate(arrays):
        rows[f"{key}/grad/{position}"] = array.grad.asnumpy()


def record_dtypes(op, sample):
    accepted = {}
    for dtype in DTYPES:
        try:
            dtypes = [dtype] * len(sample["shapes"])
            if not op["mutates"]:
                dtypes = calls.infer_dtypes(
                    mx, op["name"], len(dtypes), sample["attributes"], dtype
                )
            if dtypes is None or (dtypes and dtypes[0] != dtype):
                continue
            # Ones: drawn integers could make it divide by 0, which ends the process.
            arrays = [mx.nd.ones(s, dtype=d) for s, d in zip(sample["shapes"], dtypes)]
            out = outputs_of_updates(op, sample, arrays)
            outputs = calls.imperative(mx, op["name"], arrays, sample["attributes"], **out)
            [output.wait_to_read() for output in outputs]
            accepted[dtype] = [calls.type_name(o.dtype, "") for o in outputs]
        except (mx.base.MXNetError, TypeError, ValueError, LookupError):
            continue
    return accepted


def record_shapes(op, sample):
    rows = {}
    if op["mutates"]:
        return rows
    for name, shapes in variants.all_variants(sample["shapes"]):
        with mx.util.np_shape(True):
            rows[name] = calls.infer_shapes(mx, op["name"], sample["attributes"], shapes)
    return rows


def record(op, part):
    """One part of what there is to know about one operator, as bytes."""
    rows, failures = {}, []
    for index, sample in enumerate(op["samples"]):
        key = str(index)
        try:
            if part == "values" and not calls.draws(op):
                record_values(op, index, sample, rows)
            elif part == "dtypes":
                rows[key] = record_dtypes(op, sample)
            elif part == "shapes":
                rows[key] = record_shapes(op, sample)
        except Exception as error:  # the report at the end names it
            what = str(error).strip().splitlines()[-1][:150]
            failures.append(f"{op['name']}/{key} {part}: {type(error).__name__}: {what}")
    answer = io.BytesIO()
    if part == "values":
        np.savez(answer, **{k: v.astype(np.float32) for k, v in rows.items()})
    else:
        answer.write(json.dumps(rows).encode())
    text = json.dumps(failures).encode()
    return len(text).to_bytes(8, "little") + text + answer.getvalue()


def in_child(op, part):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        with os.fdopen(writer, "wb") as stream:
            stream.write(record(op, part))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    return answer if status == 0 else None


def main():
    wanted = set(sys.argv[1:])
    TARGET.mkdir(parents=True, exist_ok=True)
    operators = json.loads((ROOT / "api/ops.json").read_text())
    for op in operators:
        if wanted and op["name"] not in wanted:
            continue
        rows = {}
        for part in ("values", "dtypes", "shapes"):
            answer = in_child(op, part)
            if answer is None:
                print(f"{op['name']} {part}: the process died", file=sys.stderr)
                continue
            size = int.from_bytes(answer[:8], "little")
            for failure in json.loads(answer[8 : 8 + size]):
                print(failure, file=sys.stderr)
            body = answer[8 + size :]
            rows.update(np.load(io.BytesIO(body)) if part == "values" else {part: np.array(body)})
        np.savez_compressed(TARGET / f"{op['name']}.npz", **{key: rows[key] for key in sorted(rows)})
    for path in TARGET.glob("*.npz"):  # operators that are gone
        if path.stem not in {op["name"] for op in operators}:
            path.unlink()


if __name__ == "__main__":
    main()
