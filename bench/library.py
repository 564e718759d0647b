# SPDX-License-Identifier: MIT
"""LMDB and Berkeley DB without an index: what goromdb adds to the library's own get."""

import subprocess

from lab import Cell
from probes import row


def _raw(lab, storage):
    """us a get in a loop, on the server's CPU."""
    gets = 200_000 if lab.quick else 1_000_000
    command = ["taskset", "-c", lab.server_cpu, lab.build / "bench" / "rawget", storage]
    command += [lab.file("real", storage), lab.data("real").rows, gets]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, check=True, timeout=300
    )
    return float(done.stdout)


def measure(lab):
    found = []
    for storage in ("lmdb", "bdb"):
        ratios, raws = [], []
        for number in range(lab.rounds):
            raw = _raw(lab, storage)
            results = {}
            for cell in (Cell("floor"), Cell(storage)):
                results[cell.server] = result = lab.measure(cell, keys=100)
                lab.record(f"library-{storage}", cell.label, number, result)
            above = results[storage]["server_us_per_key"] - results["floor"]["server_us_per_key"]
            ratios.append(above / raw)
            raws.append(raw)
        note = f"the library's own get {sorted(raws)[len(raws) // 2]:.2f} us"
        title = f"{storage}, get of 100 keys: above the floor, to the library's own get"
        found.append(row(f"library-{storage}", title, ratios, "x", 1.3, note=note))
    return found
