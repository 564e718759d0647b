# SPDX-License-Identifier: MIT
"""The first second behind a swap, of a file that is not in the page cache: with each setting of `warm`.

    ninja -C build goromdb bench/loadgen && /usr/bin/python3 bench/warm.py --build build

An open loop asks for single keys, zipf distributed, at a fixed rate. A new data set is dropped; when it has been hashed and
verified the server is held up at that step and the file is pushed out of the page cache, as a machine short of memory
would have done; then it goes on: warms the file as it is told, and adopts it. One line for each storage and setting: medians
of the latencies in the second behind the adoption, of the loops' page faults in it, and of what warming took.
docs/performance.md has a table.
"""

import argparse
import ctypes
import json
import mmap
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy

sys.dont_write_bytecode = True

import rows
import servers

RATE = 5_000  # requests/s
CONNECTIONS = 20
BEFORE, SECONDS = 2.0, 8  # of load before the drop, and in all
ENTRIES, VALUE_BYTES = 300_000, 1_000
SETTINGS = ("off", "touch", "populate", "lock")
HELD_AT = "verified"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="the folder of a release build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--storage", action="append", help="cdb and lmdb unless it is given")
    return parser.parse_args()


def made(build, work, storage, mark):
    """(data file, rows) of the data set `mark`."""
    as_json, as_rows = rows.synthetic_files(work, mark, ENTRIES, VALUE_BYTES + len(mark))
    file = work / f"{mark}.{storage}"
    if not file.exists():
        rows.build(build / "goromdb", storage, as_json, file)
    return file, as_rows


def resident(path):
    """The share of a file that is in the page cache."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    size = path.stat().st_size
    pages = ctypes.create_string_buffer(-(-size // mmap.PAGESIZE))
    with open(path, "rb") as file:
        at = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
        if libc.mincore(at, size, pages) != 0:
            raise OSError(ctypes.get_errno(), "mincore")
        libc.munmap(at, size)
    return sum(byte & 1 for byte in pages.raw) / len(pages.raw)


def push_out(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    left = resident(path)
    if left > 0.02:
        raise SystemExit(f"bench/warm.py: {left:.0%} of {path} stayed in the page cache")


def cold_faults(server):
    """(minor, major) of the loops in the first second of each generation so far, as the server counts them."""
    text = servers.answer(("127.0.0.1", server.address["text"]), b"stats\r\n", b"END\r\n").decode()
    stats = dict(line.split(" ", 2)[1:] for line in text.splitlines() if line.startswith("STAT "))
    return [int(stats[f"goromdb_cold_faults_{kind}"]) for kind in ("minor", "major")]


def run(build, work, storage, warm):
    """Figures of one swap."""
    old, as_rows = made(build, work, storage, "old")
    new, _ = made(build, work, storage, "new")
    for file in (old, new):
        servers.sum_of(file)
    cpus = sorted(os.sched_getaffinity(0))
    steps = work / "steps"
    steps.mkdir(exist_ok=True)
    for left in steps.iterdir():
        left.unlink()
    os.environ["GOROMDB_TEST_STEPS"] = str(steps)
    server = servers.Goromdb(
        build / "goromdb", work, f"warm-{storage}-{warm}", storage, old, str(cpus[-1]),
        settings={"warm": warm, "guard": "never"},
    ).ready(servers.first_key(as_rows))  # fmt: skip
    times = server.folder / "times"
    client = subprocess.Popen(
        ["taskset", "-c", str(cpus[0]), build / "bench" / "loadgen", "--data", as_rows,
         "--port", str(server.address["text"]), "--order", "zipf", "--rate", str(RATE),
         "--connections", str(CONNECTIONS), "--warmup", "0.5", "--seconds", str(SECONDS),
         "--times", times, "--announce"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    client.stderr.readline()
    time.sleep(BEFORE)
    (steps / f"{HELD_AT}.pause").touch()
    dropped = server.drop(new)
    while not (steps / f"{HELD_AT}.paused").exists():
        time.sleep(0.005)
    push_out(server.folder / "store" / "data01" / "data.db")
    faults = cold_faults(server)
    resumed = time.time()
    (steps / f"{HELD_AT}.pause").unlink()
    adopted = server.adopted(dropped)
    time.sleep(max(0.0, adopted + 1.2 - time.time()))
    faults = [now - then for now, then in zip(cold_faults(server), faults)]
    output, errors = client.communicate(timeout=60)
    if client.returncode != 0:
        raise SystemExit(f"bench/warm.py: {errors.strip()}")
    json.loads(output)
    server.stop()
    at, us = numpy.loadtxt(times, unpack=True)
    times.unlink()
    epoch = time.time() - time.monotonic()
    before = us[at < dropped - epoch - 0.05]
    first = us[(at >= adopted - epoch) & (at < adopted - epoch + 1)]
    return {
        "before p99": numpy.percentile(before, 99) / 1e3,
        "p50": numpy.percentile(first, 50) / 1e3,
        "p99": numpy.percentile(first, 99) / 1e3,
        "max": first.max() / 1e3,
        "minor": faults[0],
        "major": faults[1],
        "warming": adopted - resumed,
    }


def main():
    options = arguments()
    build = Path(options.build).resolve()
    work = build / "bench-work" / "warm"
    storages = options.storage or ["cdb", "lmdb"]
    found = {(storage, warm): [] for storage in storages for warm in SETTINGS}
    try:
        for number in range(options.rounds):
            for (storage, warm), runs in found.items():
                print(f"{storage}, warm: {warm}, round {number + 1}", file=sys.stderr, flush=True)
                runs.append(run(build, work, storage, warm))
    finally:
        servers.stop_all()
    print(
        "| storage | `warm` | p99 before, ms | p50, ms | p99, ms | max, ms | pages read | pages mapped | s to adopt |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for (storage, warm), runs in found.items():
        of = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        print(f"| {storage} | {warm} | {of['before p99']:.2f} | {of['p50']:.2f} | {of['p99']:.2f} | {of['max']:.1f} "
              f"| {of['major']:.0f} | {of['minor']:.0f} | {of['warming']:.2f} |")  # fmt: skip


if __name__ == "__main__":
    main()
