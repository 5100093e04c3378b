"""The profiler from MXNet's own front end: trace file, sums, and what a program names itself."""

import json
import os
import sys

import mxnet as mx
from mxnet import nd, profiler

path = os.path.join(sys.argv[1], "trace.json")
profiler.set_config(profile_all=True, aggregate_stats=True, continuous_dump=True, filename=path)
profiler.set_state("run")
domain = profiler.Domain("mine")
task, frame, event = domain.new_task("a task"), domain.new_frame("a frame"), profiler.Event("an event")
counter = domain.new_counter("a counter", 3)
for named in (task, frame, event):
    named.start()
nd.dot(nd.ones((8, 8)), nd.ones((8, 8))).wait_to_read()
for named in (event, frame, task):
    named.stop()
counter += 2
counter -= 1
domain.new_marker("a marker").mark("process")
profiler.pause()
nd.exp(nd.ones((3,))).wait_to_read()
profiler.resume()
nd.waitall()
profiler.set_state("stop")

text = profiler.dumps()
assert "dot" in text and "a task" in text, text
table = json.loads(profiler.dumps(format="json", sort_by="max", ascending=True, reset=True))
assert table["Time"] and table["Unit"], table
profiler.dump()
with open(path) as stream:
    events = json.load(stream)["traceEvents"]
names = {event.get("name") for event in events}
assert {"dot", "a task", "a frame", "an event", "a counter", "a marker"} <= names, names
assert "exp" not in names

for wrong in ({"nothing_such": 1}, {"profile_all": "maybe"}):
    try:
        profiler.set_config(**wrong)
    except mx.base.MXNetError:
        continue
    raise AssertionError("expected an error")
