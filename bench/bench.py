# SPDX-License-Identifier: MIT
"""Runs the benchmark; script/bench builds first and calls this. docs/performance.md explains it."""

import argparse
import dataclasses
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

import library
import plots
import probes
import reload
import report
import servers
import workloads
from lab import Lab


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--build", default="build", help="the folder of a release build")
    parser.add_argument(
        "--quick", action="store_true", help="a few minutes; fewer and shorter rounds"
    )
    parser.add_argument(
        "--only", action="append", metavar="WORKLOAD", help="may be repeated; a group or one of it"
    )
    parser.add_argument("--list", action="store_true", help="print the workloads' names")
    parser.add_argument("--rounds", type=int, help="of each timed measurement")
    parser.add_argument("--seconds", type=float, help="of each timed measurement")
    parser.add_argument(
        "--limit", type=float, metavar="MINUTES", help="begin no workload after so many"
    )
    parser.add_argument(
        "--report", metavar="RESULTS.json", help="tables and plots of results; measures nothing"
    )
    parser.add_argument(
        "--readme",
        metavar="RESULTS.json",
        help="print the README's table of results; measures nothing",
    )
    return parser.parse_args()  # fmt: skip


def machine():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    else:
        model = platform.machine()
    cpus = len(
        [x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("processor")]
    )
    return f"{cpus} CPUs {model}, Linux {platform.release()}"


def interleave(lab, workload):
    """A B C A B C ...: only ratios within a round mean something."""
    for number in range(lab.rounds):
        lab.say(f"{workload.title}, round {number + 1} of {lab.rounds}")
        for cell in workload.cells:
            result = lab.measure(cell, **workload.options)
            lab.record(workload.name, cell.label, number, result)


class Plan:
    """All that can be measured, by name and group, in an order that starts each server once."""

    def __init__(self, lab):
        self.lab = lab
        self.items = []  # (group, name, what to do)
        self.results = {"workloads": [], "probes": [], "reloads": []}
        for group in workloads.GROUPS:
            for workload in group(lab):
                self.items.append(
                    (group.__name__, workload.name, lambda w=workload: self._reads(w))
                )
        self.items.append(("library", "library", lambda: self._probe(library.measure)))
        for name, probe in probes.PROBES.items():
            self.items.append(("probes", name, lambda p=probe: self._probe(p)))
        self.items.append(("reload", "reload", self._reload))

    def _reads(self, workload):
        interleave(self.lab, workload)
        goals = [dataclasses.asdict(goal) for goal in workload.goals]
        self.results["workloads"].append(
            {"name": workload.name, "title": workload.title, "main": workload.main, "value": workload.value, "goals": goals}
        )  # fmt: skip
        # Large data sets go at once; that of a million rows is used by many.
        self.lab.stop_servers(*{c.data for c in workload.cells if c.data != "real"} or {""})

    def _probe(self, probe):
        self.results["probes"] += probe(self.lab)

    def _reload(self):
        rows, self.results["reloads"] = reload.measure(self.lab)
        self.results["probes"] += rows

    def chosen(self, only):
        names = {name for _, name, _ in self.items} | {group for group, _, _ in self.items}
        for name in only or ():
            if name not in names:
                raise SystemExit(f"script/bench: no workload {name!r}; --list has their names")
        return [item for item in self.items if not only or item[0] in only or item[1] in only]


def write(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "results.md").write_text(report.markdown(results))
    plots.draw(results, folder)


def run(options):
    lab = Lab(options.build, options.quick)
    lab.rounds = options.rounds or lab.rounds
    lab.seconds = options.seconds or lab.seconds
    plan = Plan(lab)
    if options.list:
        for group, name, _ in plan.items:
            print(name if group == name else f"{name} ({group})")
        return
    limit = 60 * (options.limit or (12 if options.quick else 120))
    began, chosen = time.monotonic(), plan.chosen(options.only)
    left_out = [name for _, name, _ in chosen]  # of the time, or of an end before the end
    folder = lab.build / "bench-results"
    results = plan.results | {
        "when": time.strftime("%Y-%m-%d"), "machine": machine(), "versions": lab.versions(),
        "load_average": os.getloadavg()[0], "quick": options.quick, "rounds": lab.rounds, "seconds": lab.seconds, "left_out": left_out,
        "records": lab.records,
    }  # fmt: skip
    try:
        for _, name, measure in chosen:
            if time.monotonic() - began > limit:
                break
            measure()
            left_out.remove(name)
    finally:
        servers.stop_all()
        shutil.rmtree(lab.work / "servers", ignore_errors=True)
        results |= plan.results
        write(results, folder)
    print(report.markdown(results))
    print(f"in {folder}: results.json, results.md and the plots", file=sys.stderr)


def main():
    options = arguments()
    if options.report or options.readme:
        path = Path(options.report or options.readme)
        results = json.loads(path.read_text())
        if options.report:
            write(results, path.parent)
        print(report.readme(results) if options.readme else report.markdown(results))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run(options)
    except KeyboardInterrupt:
        return 130
    except subprocess.TimeoutExpired as error:
        raise SystemExit(
            f"script/bench: no end within {error.timeout} s: {error.cmd[:6]}"
        ) from None
    return 0


if __name__ == "__main__":
    sys.exit(main())
