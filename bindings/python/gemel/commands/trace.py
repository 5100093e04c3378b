"""Where the time of a trace went: the critical path, and what idle workers waited for."""

HELP = "print the critical path and the largest gaps of a trace (mx.profiler, GEMEL_TRACE)"


def add_arguments(parser):
    parser.add_argument("file", help="a trace in Chrome's form, as mx.profiler.dump() writes it")
    parser.add_argument("--gaps", type=int, default=10, metavar="N", help="gaps per worker (default 10)")


class Task:
    """One task, or one wait of a thread, with times in microseconds."""

    def __init__(self, event, end=None):
        arguments = event.get("args", {})
        self.name = event["name"]
        self.thread = event["tid"]
        self.start = event["ts"]
        self.end = end if end is not None else event["ts"] + event.get("dur", 0)
        self.ready = self.start - arguments.get("queued_us", 0)
        self.pushed = self.ready - arguments.get("waited_us", 0)
        self.reads = set(arguments.get("reads", ()))
        self.writes = set(arguments.get("writes", ()))
        self.is_wait = event.get("cat") == "wait"

    @property
    def duration(self):
        return self.end - self.start

    def shared_tags(self, before):
        """The tags because of which this task comes after `before`."""
        return (self.reads | self.writes) & before.writes | self.writes & before.reads


def read(path):
    """The tasks, the waits (both in order of their start) and the names of the threads of a file."""
    import json

    with open(path, encoding="utf-8") as file:
        trace = json.load(file)
    events = trace["traceEvents"] if isinstance(trace, dict) else trace
    threads, tasks, waits = {}, [], []
    ends = {(e.get("cat"), e.get("id")): e["ts"] for e in events if e.get("ph") == "e"}
    for event in events:
        if event.get("ph") == "M" and event["name"] == "thread_name":
            threads[event["tid"]] = event["args"]["name"]
        elif event.get("cat") == "wait":
            waits.append(Task(event))
        elif "reads" in event.get("args", ()) and event.get("ph") in ("X", "b"):
            tasks.append(Task(event, ends.get((event.get("cat"), event.get("id")))))
    tasks.sort(key=lambda task: task.start)
    return tasks, waits, threads


class Dependencies:
    """Who used a tag, in order of time; answers which of them a task had to wait for."""

    def __init__(self, tasks):
        self.users = {}
        for task in sorted(tasks, key=lambda task: task.end):
            for tag in task.reads | task.writes:
                self.users.setdefault(tag, []).append(task)
        self.ends = {tag: [task.end for task in users] for tag, users in self.users.items()}

    def last_before(self, task):
        """The last task to end before this one began that holds a tag which orders them, or None."""
        import bisect

        best = None
        for tag in task.reads | task.writes:
            users = self.users[tag]
            at = bisect.bisect_right(self.ends[tag], task.start)
            for other in reversed(users[max(0, at - 64):at]):
                if other is not task and task.shared_tags(other):
                    if best is None or other.end > best.end:
                        best = other
                    break
        return best


def critical_path(tasks, dependencies):
    """The chain of tasks that ends last, each with the reason why it did not start earlier."""
    previous, last = {}, {}
    for task in tasks:  # who held the thread before
        previous[id(task)] = last.get(task.thread)
        if task.thread not in last or task.end >= last[task.thread].end:
            last[task.thread] = task
    path, task = [], max(tasks, key=lambda task: task.end)
    while task is not None:
        before, worker = dependencies.last_before(task), previous[id(task)]
        if worker is not None and worker.end > task.start:
            worker = None
        if before is None or (worker is not None and worker.end > before.end):
            reason, source = "its worker was busy", worker
        else:
            reason, source = "it needs what that wrote or read", before
        if source is not None and task.pushed > source.end:
            reason = "it was pushed only then"
        path.append((task, reason if source is not None else "the first"))
        task = source
    return path[::-1]


def gaps(tasks, dependencies, waits):
    """Idle times of one worker: (length, from, until, what the next task waited for)."""
    rows, end = [], None
    for task in tasks:
        if end is not None and task.start > end:
            rows.append((task.start - end, end, task.start, cause(task, end, dependencies, waits)))
        end = task.end if end is None else max(end, task.end)
    return sorted(rows, key=lambda row: -row[0])


def cause(task, idle_since, dependencies, waits):
    """What kept `task` from starting at `idle_since`."""
    if task.pushed > idle_since and task.ready - task.pushed < (task.start - idle_since) / 2:
        inside = [w for w in waits if w.start < task.pushed and w.end > idle_since]
        if inside:
            longest = max(inside, key=lambda w: min(w.end, task.pushed) - max(w.start, idle_since))
            return f"{task.name} was not pushed yet: the program waited ({longest.name})"
        return f"{task.name} was not pushed yet: the program was busy"
    before = dependencies.last_before(task)
    if before is not None and before.end > idle_since:
        tags = ", ".join(str(tag) for tag in sorted(task.shared_tags(before)))
        return f"{task.name} waited for {before.name} (tag {tags})"
    return f"{task.name} was ready: the worker woke up late"


def milliseconds(microseconds):
    return f"{microseconds / 1000:.3f} ms"


def folded(path):
    """Neighbours of one name and one reason count as one row: (name, reason, number, microseconds)."""
    rows = []
    for task, reason in path:
        if rows and rows[-1][:2] == [task.name, reason]:
            rows[-1][2] += 1
            rows[-1][3] += task.duration
        else:
            rows.append([task.name, reason, 1, task.duration])
    return rows


def report(tasks, waits, threads, most_gaps):
    """The lines that the command prints."""
    begin, end = min(task.start for task in tasks), max(task.end for task in tasks)
    dependencies = Dependencies(tasks)
    path = critical_path(tasks, dependencies)
    work = sum(task.duration for task, _ in path)
    yield f"{len(tasks)} tasks in {milliseconds(end - begin)}"
    yield ""
    yield f"critical path: {len(path)} tasks, {milliseconds(work)} of work ({100 * work / max(end - begin, 1e-9):.0f} %)"
    for name, reason, number, duration in folded(path):
        times = f" x {number}" if number > 1 else ""
        yield f"  {milliseconds(duration):>14}  {name}{times}  ({reason})"
    by_thread = {}
    for task in tasks:
        by_thread.setdefault(task.thread, []).append(task)
    for thread, own in sorted(by_thread.items()):
        busy = sum(task.duration for task in own)
        yield ""
        yield f"{threads.get(thread, thread)}: {len(own)} tasks, {milliseconds(busy)} busy"
        for length, since, _, why in gaps(own, dependencies, waits)[:most_gaps]:
            yield f"  idle {milliseconds(length):>14}  at {milliseconds(since - begin)}: {why}"


def run(args):
    try:
        tasks, waits, threads = read(args.file)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{args.file}: expected a trace in Chrome's form: {error}") from None
    if not tasks:
        raise ValueError(f"{args.file}: no task of the engine is in it")
    for line in report(tasks, waits, threads, args.gaps):
        print(line)
