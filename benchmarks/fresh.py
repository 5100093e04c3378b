"""Rows whose repetitions are processes of their own, which take turns."""
import subprocess

from runner import published, summary


def _once(command, environment):
    """Wall clock, CPU time and version: the last words that a program prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    wall, cpu, version = done.stdout.split()[-3:]
    return float(wall), float(cpu), version


def measure(workload, name, sides, rounds, report, aim=None):
    """Adds a row to a report. `sides`: name -> (command, environment); one that fails is named as absent."""
    sides, times = dict(sides), {}
    for index in range(rounds + 1):   # the first round only warms
        for side, (command, environment) in list(sides.items()):
            try:
                wall, cpu, report["versions"][side] = _once(command, environment)
            except (OSError, subprocess.CalledProcessError) as error:
                report["absent"][side] = str(error)
                del sides[side]
                continue
            if index:
                times.setdefault(side, []).append((wall, cpu))
    results = {side: {"case": name, "wall": summary([wall for wall, _ in values]),
                      "cpu": summary([cpu for _, cpu in values])} for side, values in times.items()}
    ratio = {side: {clock: results["gemel"][clock]["min"] / entry[clock]["min"] for clock in ("wall", "cpu")}
             for side, entry in results.items() if side != "gemel" and "gemel" in results}
    report["rows"].append({"name": name, "aim": aim, "sides": results, "ratio": ratio, "published": {
        rival: text for rival, text in published(workload, name).items() if rival not in results}})
