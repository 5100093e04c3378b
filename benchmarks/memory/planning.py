"""How long planning takes, what width costs, what a budget costs: prints one JSON object.

`planning`: milliseconds from a symbol of so many operators to its memory plan (shapes, types, fusion and
lifetimes, nothing bound). `width`: bytes of GoogLeNet's inference (batch 1) and the longest chain's share, if so many
chains may run at once. `budget`: ResNet-50's training at batch 64 in shares of its own plan. `recompute`: milliseconds
of its training step at batch 16 as planned, and within an eighth of what arrays of their own would take.
"""
import json
import time

import gemel as mx
from networks import MEMORY_CASES, convnet, memory_executor

NODES, WIDTHS, SHARES = (1_000, 10_000, 100_000), (1, 2, 4), (0.9, 0.8, 0.7, 0.6, 0.5)


def chain(nodes):
    """A residual network without weights: `nodes` operators that do not fuse into one."""
    net = kept = mx.sym.Variable("data")
    for number in range(nodes // 4):
        net = mx.sym.Pooling(net, kernel=(3, 3), pad=(1, 1), pool_type="avg", name=f"pool{number}")
        net = mx.sym.softmax(mx.sym.Activation(net, act_type="relu", name=f"act{number}"), name=f"softmax{number}")
        net = kept = mx.sym.elemwise_add(net, kept, name=f"add{number}")
    return net


def milliseconds(nodes, repeats=5):
    """The shortest time that planning takes."""
    symbol, times = chain(nodes), []
    for _ in range(repeats if nodes < 100_000 else 2):
        start = time.perf_counter()
        symbol.memory_plan(data=(1, 4, 8, 8))
        times.append((time.perf_counter() - start) * 1e3)
    return min(times)


def widths():
    """{width: [bytes, share of the longest chain]}"""
    executor = convnet("googlenet")(mx).simple_bind(mx.cpu(), grad_req="null", data=(1, 3, 224, 224))
    return {width: executor.memory_of_width(width) for width in WIDTHS}


def budgets():
    """{share: [bytes planned, share of the forward pass that runs twice, seconds to choose]}"""
    assert "resnet50, training" in MEMORY_CASES
    rows, least = {}, None
    for share in SHARES:
        executor = memory_executor(mx, "resnet50, training")
        plan = executor.memory_plan()
        start = time.perf_counter()
        try:
            work = executor.fit_memory(int(share * plan["both"]))
        except mx.MXNetError as error:
            least = str(error)
            break
        rows[share] = [executor.memory_plan()["both"], work, time.perf_counter() - start]
    return rows, least


def recompute(batch=16, rounds=3):
    """{"budget": bytes, "planned": bytes, "plain": ms, "fitted": ms, "repeated": share of the forward pass}: the least
    of rounds in turns; or {"refused": why}."""
    times = {"plain": [], "fitted": []}
    executors = {name: memory_executor(mx, "resnet50, training", batch) for name in times}
    budget = executors["plain"].memory_plan()["naive"] // 8
    try:
        repeated = executors["fitted"].fit_memory(budget)
    except mx.MXNetError as error:
        return {"refused": str(error)}
    for round_number in range(rounds + 1):
        for name, executor in executors.items():
            start = time.perf_counter()
            executor.forward_backward()
            mx.nd.waitall()
            if round_number:  # the first prepares
                times[name].append((time.perf_counter() - start) * 1e3)
    return {"budget": budget, "planned": executors["fitted"].memory_plan()["both"], "repeated": repeated,
            **{name: min(taken) for name, taken in times.items()}}


if __name__ == "__main__":
    fits, refused = budgets()
    print(json.dumps({"planning": {nodes: milliseconds(nodes) for nodes in NODES}, "width": widths(),
                      "budget": fits, "least": refused, "recompute": recompute()}))
