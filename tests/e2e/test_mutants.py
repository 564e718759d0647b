# SPDX-License-Identifier: MIT
"""Hundreds of damaged files of each storage, each with a right sum, dropped into a running server under load.

What was damaged where nobody looks is accepted, and its content is what `goromdb dump` says. The server stays up,
answers from accepted files only, takes the next good file at once, and grows neither in memory nor in descriptors.
"""

import base64
import concurrent.futures
import gzip
import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import pytest

import writers
from harness import PROGRAM, SANITIZER, SLOW, WRONG, Client, wait_for
from ledger import Content, Ledger, MemcachedReader, RedisReader, RedisWalker, address_of
from mutants import mutant
from readers import batches

MUTANTS = 200 if SANITIZER is None else 24
LANES = 3  # after a rejection a database looks again after 300 ms: several are fed at once
GOOD_EACH = 12  # so many mutants in a lane, then good files
GROWTH = 2 << 20  # bytes by which the second half of the mutants may let the server grow
ENTRIES = 160
PAUSE = 0.15  # seconds between two turns of a reader: several hundred keys each
INDEX = {"index": "hash"}


def text(words):
    return {key.decode(): value.decode() for key, value in words.items()}


def as_json(words):
    return json.dumps(text(words), ensure_ascii=False).encode()


def ndjson(words):
    lines = [json.dumps({"key": k, "value": v}, ensure_ascii=False) for k, v in text(words).items()]
    return "\n".join([*lines, ""]).encode()


@dataclass(frozen=True)
class Kind:
    """A storage, how a file for it is written, how long its pages are, its databases' options, and a part of MUTANTS."""

    storage: str
    write: Callable
    page: int = 4096
    options: list = field(default_factory=lambda: [{}, INDEX])
    part: float = 1


KINDS = {
    "json": Kind("json", as_json, 512, [{}]),
    "ndjson": Kind("json", ndjson, 512, [{}]),
    "gzipped json": Kind("json", lambda w: gzip.compress(as_json(w), mtime=0), 512, [{}]),
    "lmdb": Kind("lmdb", writers.mdb_load),
    "bolt": Kind("bolt", writers.bolt),
    "cdb": Kind("cdb", writers.cdb, 512),
    "bdb btree": Kind("bdb", writers.bdb, part=0.4),
    "bdb btree, compressed": Kind("bdb", lambda w: writers.bdb(w, settings=["compressed=1"]), part=0.4),
    "bdb btree, duplicates": Kind("bdb", lambda w: writers.bdb_duplicates(w, "btree"), part=0.4),
    "bdb hash": Kind("bdb", lambda w: writers.bdb(w, "hash"), part=0.4),
    "bdb hash, duplicates": Kind("bdb", lambda w: writers.bdb_duplicates(w, "hash"), part=0.4),
    "memcachedb-bdb": Kind("memcachedb-bdb", writers.memcachedb),
}


# ---- what is in a file -----------------------------------------------------------------------------


def field_of(entry, name):
    return base64.b64decode(entry[f"{name}_b64"]) if f"{name}_b64" in entry else entry[name].encode()


class Dumps:
    """What `goromdb dump` says is in a file; equal entries of many files are kept once."""

    def __init__(self, storage, folder):
        self.storage, self.folder = storage, folder
        self.pairs = {}

    def content(self, data, number):
        """None where it cannot be read."""
        path, output = self.folder / f"file{number}", self.folder / f"entries{number}"
        path.write_bytes(data)
        # Of pages that lead in a circle there is no end.
        limited = ["prlimit", f"--fsize={50 * len(data) + (1 << 20)}", "--"]
        command = [*limited, str(PROGRAM), "dump", "--storage", self.storage, str(path)]
        try:
            with open(output, "wb") as out:
                done = subprocess.run(
                    command, stdout=out, stderr=subprocess.DEVNULL, timeout=15 * SLOW, check=False
                )
            lines = output.read_bytes().splitlines() if done.returncode == 0 else None
            assert path.stat().st_size == len(data), f"dump changed the file: {number}"
        except subprocess.TimeoutExpired:
            lines = None
        finally:
            path.unlink()
            output.unlink(missing_ok=True)
        if lines is None:
            return None
        pairs, spaces = [], set()
        for line in lines:
            entry = json.loads(line)
            if "namespace" in entry or "namespace_b64" in entry:
                spaces.add(field_of(entry, "namespace"))
                continue
            pair = field_of(entry, "key"), field_of(entry, "value")
            pairs.append(self.pairs.setdefault(pair, pair))
        return Content(pairs, spaces)


# ---- the server ------------------------------------------------------------------------------------


def config(kind):
    """A database for each lane and each of the kind's options, with a listener of each protocol."""
    databases = {
        f"lane{lane}-{number}": {
            "storage": kind.storage,
            "file": f"in{lane}{number}/data",
            "basedir": f"store{lane}{number}",
            "options": options,
            "poll_interval": "1h",  # nothing is taken up because somebody looked once more
            "guard_timeout": f"{4 + SLOW:.0f}s",
        }
        for lane in range(LANES)
        for number, options in enumerate(kind.options)
    }
    listeners = [
        {"protocol": protocol, "listen": "127.0.0.1:0", "databases": [name]}
        for name in databases
        for protocol in ("memcached", "redis")
    ]
    # Readers keep the cores busy: a loader of low priority would be most of the test's time.
    return {"databases": databases, "listeners": listeners, "server": {"load_priority": "normal"}}


class Lane:
    """Databases of one kind, with the same files in them, and their readers."""

    def __init__(self, server, number, keys):
        self.server = server
        self.number = number
        self.names = [n for n in server.config["databases"] if n.startswith(f"lane{number}-")]
        self.ledgers = {name: Ledger() for name in self.names}
        self.accepted = self.rejected = 0
        self.readers = []
        for name, ledger in self.ledgers.items():
            where = lambda protocol, name=name: lambda: address_of(server, protocol, name)
            self.readers += [
                MemcachedReader(ledger, where("memcached"), keys, pause=PAUSE),
                RedisReader(ledger, where("redis"), keys, pause=PAUSE),
                RedisWalker(ledger, where("redis"), pause=PAUSE),
            ]

    def drop(self, data, content, label):
        """Into every database; returns the verdicts when all are there."""
        after = self.server.mark()
        numbers = {name: self.ledgers[name].offer(content, label) for name in self.names}
        for name in self.names:
            self.server.drop(data, name)
        verdicts = [self.verdict(name, after, numbers[name], content, label) for name in self.names]
        self.accepted += any(verdicts)
        self.rejected += not all(verdicts)
        self.check()
        return verdicts

    def verdict(self, name, after, number, content, label):
        event = self.server.wait(name, "generation .* adopted|rejected |.*trying again", after)
        assert "trying again" not in event.message, f"{label}: {event.message}"
        accepted = event.message.startswith("generation")
        if accepted:
            assert content is not None, f"{WRONG}{name}: accepted what cannot be dumped: {label}"
            self.ledgers[name].accept(number)
        else:
            self.ledgers[name].reject(number)
        return accepted

    def drop_good(self, data, content):
        # Not at the next poll: that is in an hour.
        assert all(self.drop(data, content, "a good file")), f"{WRONG}a good file was rejected"
        before = [reader.replies for reader in self.readers]
        wait_for(
            lambda: any(r.failure for r in self.readers)
            or all(r.replies > b + 8 or not r.is_alive() for r, b in zip(self.readers, before)),
            "replies to every reader",
        )
        self.check()

    def check(self):
        assert self.server.process.poll() is None, "the server ended"
        failures = [repr(r.failure)[:2000] for r in self.readers if r.failure]
        assert not failures, "\n".join(failures)

    def wait_closed(self):
        """Until the server keeps the newest generations only."""
        for name in self.names:
            adopted = len(self.server.find(name, "generation .* adopted"))
            closed = lambda name=name: len(self.server.find(name, "generation .* closed"))
            wait_for(lambda: closed() == adopted - 1, "old generations to be closed")


def resident(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) << 10


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


# ---- the tests -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def words(real):
    """Entries of a page and of several, in a file of some dozens of pages."""
    some = {k.encode(): v.encode() for k, v in list(real.items())[:ENTRIES]}
    for number, key in enumerate(list(some)[:: ENTRIES // 4]):
        some[key] = (some[key] * 40)[: 3000 << number]
    return some


@pytest.mark.parametrize("name", KINDS)
def test_no_mutant_hurts_a_server_under_load(serve, tmp_path, words, name):
    kind = KINDS[name]
    mutants = round(MUTANTS * kind.part)
    contents = [{key: tag + b"\n" + value for key, value in words.items()} for tag in (b"1", b"2")]
    good = [(kind.write(entries), Content(entries.items())) for entries in contents]
    dumps = Dumps(kind.storage, tmp_path)
    assert dumps.content(good[0][0], "good").pairs == good[0][1].pairs

    server = serve(**config(kind))
    lanes = [Lane(server, number, list(words)) for number in range(LANES)]
    for lane in lanes:
        lane.drop(*good[0], "the first file")
        for reader in lane.readers:
            reader.start()

    def run(lane, numbers):
        for count, number in enumerate(numbers, 1):
            one, two = good[number % 2][0], good[1 - number % 2][0]
            label, data = mutant(one, two, kind.page, f"{name} {number}")
            lane.drop(data, dumps.content(data, number), label)
            if count % GOOD_EACH == 0 or count == len(numbers):
                lane.drop_good(*good[1])
                lane.drop_good(*good[0])

    pid, sizes, fds = server.pid, [], []
    for half in (range(mutants // 2), range(mutants // 2, mutants)):
        with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
            done = [pool.submit(run, lane, half[lane.number :: LANES]) for lane in lanes]
        for each in done:
            each.result()
        for lane in lanes:
            lane.wait_closed()
        sizes.append(resident(pid))
        # One that is open for a moment is none that stays.
        wait_for(lambda: not fds or descriptors(pid) <= fds[0], f"no more than {fds} descriptors")
        fds.append(descriptors(pid))
    for lane in lanes:
        for reader in lane.readers:
            reader.end()
    accepted, rejected = (sum(getattr(ln, what) for ln in lanes) for what in ("accepted", "rejected"))
    print(
        f"{name}: {mutants} mutants and good files, {accepted} accepted, {rejected} rejected; "
        f"{sum(r.replies for ln in lanes for r in ln.readers)} replies; resident after half and all "
        f"{' and '.join(f'{size / 2**20:.1f}' for size in sizes)} MiB, descriptors {fds}"
    )
    assert server.pid == pid and rejected > mutants // 10
    assert fds[1] <= fds[0]
    if SANITIZER is None:
        assert sizes[1] - sizes[0] < GROWTH, "memory grows with every mutant"
    server.restart(ready=True)
    for lane in lanes:
        for database in lane.names:
            with Client(address_of(server, "memcached", database)) as client:
                keys = [key.decode() for key in words]
                got = {k.encode(): v for some in batches(keys) for k, v in client.get_many(some).items()}
                assert got == contents[0]
