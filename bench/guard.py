# SPDX-License-Identifier: MIT
"""How fast a guard's process reads a new file that is in the page cache, as a part of `cat FILE > /dev/null`'s speed.

    ninja -C build && /usr/bin/python3 bench/guard.py --build build

Of Berkeley DB there are more kinds of file, as db5.3_load makes them: a hash, a btree with checksums, a hash with them, a btree
whose keys are compressed, a hash with duplicates, and a hash and a btree whose duplicates have trees of their own.

The process is started as the server starts it (core/guard/guard_words.h), with two threads and with one on one CPU, in turn
with `cat`, which has the same CPUs. One line for each storage and size, medians of the rounds: how long all of `cat` takes to
the time between the lines that tell that the guard has begun and that the file is good, and to all that its process takes.
`mapped` is the same of a program that maps the file, looks at each cache line and gives it back (bench/mapped.cc), with one
thread: no reader of a map that looks at all of it is faster. docs/architecture.md has a table.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

import rows

REAL = "packages, 1 million"  # names and short descriptions: keys of 2 to some 60 bytes
SIZES = {  # entries and bytes of a value, whose key has 14 more; 0: packages
    REAL: (1_000_000, 0),
    "67 bytes, 1 million": (1_000_000, 53),
    "67 bytes, 10 million": (10_000_000, 53),
    "110 bytes, 3.5 million": (3_500_000, 96),
    "1 KB, 400,000": (400_000, 1_000),
}
KINDS = {  # of Berkeley DB files that `goromdb build` does not make: how db5.3_load makes them
    "hash": ["-t", "hash"],
    "btree-checksums": ["-t", "btree", "-c", "chksum=1"],
    "hash-checksums": ["-t", "hash", "-c", "chksum=1"],
    "hash-duplicates": ["-t", "hash", "-c", "duplicates=1", "-c", "dupsort=1"],
    "hash-trees": ["-t", "hash", "-c", "duplicates=1", "-c", "dupsort=1"],
    "btree-trees": ["-t", "btree", "-c", "duplicates=1"],
    "btree-compressed": ["-t", "btree", "-c", "compressed=1"],
}
SAME_KEY = {"hash-duplicates": 1, "hash-trees": 3, "btree-trees": 3}  # digits of the key that are left out: 10, 1000 values of each
MEMORY, CPU_S, SCRATCH = 8 << 30, 600, 8 << 30
BEGUN, GOOD = b"guard: begun", b"guard: ok"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="the folder of a release build")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--storage", action="append", help="lmdb, bdb, memcachedb-bdb, bolt, cdb, or a kind of Berkeley DB file: " + ", ".join(KINDS))
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="of the storage, as in index=hash")
    options = parser.parse_args()
    for option in options.option:
        if "=" not in option:
            parser.error(f"--option {option}: NAME=VALUE is wanted")
    return options


def made(build, work, kind, size):
    """A file of that storage, or that kind of Berkeley DB file."""
    entries, value_bytes = SIZES[size]
    name = f"{entries}-{value_bytes or 'packages'}"
    pairs = rows.synthetic(entries, value_bytes) if value_bytes else rows.real(entries)
    file = work / (f"{name}-{kind}.bdb" if kind in KINDS else f"{name}.{kind}")
    if file.exists():
        return file
    if kind in KINDS:
        part = file.with_suffix(".part")
        part.unlink(missing_ok=True)
        load = subprocess.Popen(["db5.3_load", "-T", *KINDS[kind], part], stdin=subprocess.PIPE)
        for key, value in pairs:
            key = key[: len(key) - SAME_KEY.get(kind, 0)]
            load.stdin.write(f"{key}\n{value}\n".replace("\\", "\\\\").encode())
        load.stdin.close()
        if load.wait() != 0:
            raise SystemExit("bench/guard.py: db5.3_load failed")
        part.rename(file)
    else:
        as_json, _ = rows.files(work, name, pairs)
        rows.build(build / "goromdb", kind, as_json, file)
    return file


def cat(file):
    began = time.perf_counter()
    with open(os.devnull, "wb") as nowhere:
        subprocess.run(["cat", file], stdout=nowhere, check=True)
    return time.perf_counter() - began


def mapped(build, file):
    said = subprocess.run([build / "bench" / "mapped", file], capture_output=True, text=True, check=True).stdout
    return float(said.split()[-1])


def guard(build, work, file, threads, options=()):
    """With the storage's options, each as NAME=VALUE: (seconds from its start to its end, of these from its first sign to its verdict)"""
    scratch = work / "scratch"
    scratch.mkdir(exist_ok=True)
    words = ["open-in-guard", os.getpid(), MEMORY, CPU_S, SCRATCH, threads, scratch]
    words += [build / "plugins" / f"storage-{file.suffix[1:]}.so", file]
    words += [word for option in options for word in option.split("=", 1)]
    ours, its = os.pipe()
    began = time.perf_counter()
    process = os.posix_spawn(
        build / "goromdb", ["goromdb", *map(str, words)], os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, its, 1), (os.POSIX_SPAWN_OPEN, 3, file, os.O_RDONLY, 0)],
    )  # fmt: skip
    os.close(its)
    said = {}
    with open(ours, "rb") as lines:
        for line in lines:
            said[line.strip()] = time.perf_counter()
    os.waitpid(process, 0)
    if GOOD not in said:
        raise SystemExit(f"bench/guard.py: {file} was refused: {list(said)}")
    return time.perf_counter() - began, said[GOOD] - said[BEGUN]


def main():
    options = arguments()
    build = Path(options.build).resolve()
    work = build / "bench-work" / "guard"
    work.mkdir(parents=True, exist_ok=True)
    cpus = sorted(os.sched_getaffinity(0))
    ways = {"one": (1, cpus[-1:]), "two": (2, cpus)}
    print("| | entries | MB | mapped | one thread: reading | with its start | two threads: reading | with its start |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for kind in options.storage or ["lmdb", "bdb", *KINDS, "memcachedb-bdb", "bolt", "cdb"]:
        for size in SIZES:
            if kind in KINDS and SIZES[size][0] > 1_000_000:
                continue  # a hash takes db5.3_load too long
            if kind in SAME_KEY and size == REAL:
                continue  # what is left of a name is not the name of others
            os.sched_setaffinity(0, cpus)
            file = made(build, work, kind, size)
            cat(file)
            found, floors = {way: [] for way in ways}, []
            for _ in range(options.rounds):
                for way, (threads, its) in ways.items():
                    os.sched_setaffinity(0, its)  # and of those that are started
                    plain = cat(file)
                    whole, reading = guard(build, work, file, threads, options.option)
                    found[way].append((plain / reading, plain / whole))
                    if threads == 1:
                        floors.append(plain / mapped(build, file))
            ratios = [floors, *(each for way in ways for each in zip(*found[way]))]
            figures = [f"{statistics.median(each):.2f}" for each in ratios]
            print(f"| {kind} | {size} | {file.stat().st_size / 1e6:.0f} | {' | '.join(figures)} |", flush=True)


if __name__ == "__main__":
    main()
