# SPDX-License-Identifier: MIT
"""What is in memory when a new data set is adopted: warm, warm_rate, and the keys that are read most."""

import json
import os
import random
import re
import subprocess
import time

import pytest

import writers
from harness import compile_c, run, wait_for
from test_plugins import ODD

ENTRIES, SIZE = 4_000, 2_000  # about 8 MB
LOCKED = 600  # entries; anybody may lock as much as a few sets of them


def words_of(marker, entries=ENTRIES, size=SIZE):
    return {b"key%d" % i: f"{marker}:{i}:".ljust(size, "x").encode() for i in range(entries)}


WRITERS = {
    "cdb": writers.cdb,
    "lmdb": writers.mdb_load,
    "bolt": writers.bolt,
    "bdb": writers.bdb,
    "json": lambda words: json.dumps({k.decode(): v.decode() for k, v in words.items()}).encode(),
}


def mapped(server, path):
    """Bytes of the file that are in the server's table of pages, of all its maps of it."""
    resident, is_its = 0, False
    for line in open(f"/proc/{server.pid}/smaps", encoding="utf-8"):
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            is_its = line.rstrip().endswith(f" {path}")
        elif is_its and line.startswith("Rss:"):
            resident += int(line.split()[1]) * 1024
    return resident


def locked(server):
    """Bytes."""
    (line,) = re.findall(r"^VmLck:\s+(\d+) kB$", open(f"/proc/{server.pid}/status").read(), re.M)
    return int(line) * 1024


def slot(server, number):
    return server.store() / f"data0{number}" / "data.db"


@pytest.mark.parametrize("storage", ["cdb", "lmdb", "bolt", "bdb"])
def test_what_is_populated_is_mapped_when_it_is_adopted(serve, storage):
    server = serve(words={"storage": storage, "warm": "populate"})
    for generation in (1, 2):
        data = WRITERS[storage](words_of(f"set {generation}"))
        server.drop(data)
        server.adopted(generation)
        server.wait("words", rf"generation {generation} is warm: .* populated")
        path = slot(server, generation - 1)
        assert mapped(server, path) >= path.stat().st_size


@pytest.mark.parametrize("warm", ["touch", "off"])
def test_what_is_not_populated_is_not_mapped(serve, warm):
    server = serve(words={"storage": "cdb", "warm": warm})
    server.drop(writers.cdb(words_of("one")))
    server.adopted(1)
    assert mapped(server, slot(server, 0)) < 1 << 20


@pytest.mark.parametrize("storage", WRITERS)
def test_what_is_locked_is_locked_as_long_as_it_is_served(serve, storage):
    server = serve(words={"storage": storage, "warm": "lock"})
    assert locked(server) == 0
    size = 0
    for generation in (1, 2, 3):
        data = WRITERS[storage](words_of(f"set {generation}", LOCKED))
        server.drop(data)
        server.adopted(generation)
        server.wait("words", rf"generation {generation} is warm: .* locked into memory")
        if generation > 1:
            server.wait("words", f"generation {generation - 1} closed")
        size = size or locked(server)
        assert locked(server) >= LOCKED * SIZE
        wait_for(lambda: abs(locked(server) - size) < size // 4, "the old set to be unlocked")


def without_right_to_lock(limit):
    """Words before a command that make the limit of locked memory hold for root, too."""
    words = ["prlimit", f"--memlock={limit}:", "--"]
    return [*words, *(["setpriv", "--bounding-set=-ipc_lock", "--"] if os.geteuid() == 0 else [])]


def test_what_must_not_be_locked_is_said_and_adopted_when_it_may(serve):
    server = serve(
        words={"storage": "cdb", "warm": "lock", "poll_interval": "50ms"},
        wrap=without_right_to_lock(64 << 10),
    )
    server.drop(writers.cdb(words_of("small", entries=10)))
    server.adopted(1)
    server.drop(writers.cdb(words_of("large", LOCKED)))
    event = server.wait("words", "cannot open .*: cannot lock it into memory")
    assert "the limit of locked memory is 64.0 KiB" in event.message
    assert "LimitMEMLOCK=" in event.message
    with server.client() as client:
        assert client.get("key0").startswith(b"small:0:")
    subprocess.run(["prlimit", f"--pid={server.pid}", f"--memlock={8 << 20}:"], check=True)
    server.adopted(2)
    with server.client() as client:
        assert client.get("key0").startswith(b"large:0:")


def test_a_start_serves_at_once_and_locks_behind_that(serve):
    server = serve(words={"storage": "cdb", "warm": "lock"})
    server.drop(writers.cdb(words_of("one", LOCKED)))
    server.adopted(1)
    server.wait("words", "generation 1 is warm")
    server.restart()
    server.adopted(1)
    server.wait("words", "generation 1 is warm: .* locked into memory")
    assert locked(server) >= LOCKED * SIZE


def test_a_start_that_may_not_lock_serves_and_says_so(serve):
    server = serve(words={"storage": "cdb"})
    server.drop(writers.cdb(words_of("one", LOCKED)))
    server.adopted(1)
    server.config["databases"]["words"]["warm"] = "lock"
    server.config_file.write_text(json.dumps(server.config))
    server.wrap = without_right_to_lock(64 << 10)
    server.restart()
    server.adopted(1)
    server.wait("words", "cannot warm .*: cannot lock it into memory")
    with server.client() as client:
        assert client.get("key0").startswith(b"one:0:")


def test_a_file_is_read_at_the_rate_before_it_is_adopted(serve):
    server = serve(words={"storage": "cdb", "warm_rate": "8MiB"})
    data = writers.cdb(words_of("one"))
    server.pause_at("verified")
    server.drop(data)
    server.wait_paused("verified")
    began = time.monotonic()
    server.resume("verified")
    server.adopted(1)
    assert time.monotonic() - began >= len(data) / (8 << 20) * 0.9


def test_a_start_is_ready_long_before_its_file_is_warm_and_stops_at_once(serve):
    server = serve(words={"storage": "cdb"})
    server.drop(writers.cdb(words_of("one")))
    server.adopted(1)
    server.config["databases"]["words"]["warm_rate"] = "64KiB"  # two minutes
    server.config_file.write_text(json.dumps(server.config))
    server.restart()
    server.adopted(1)
    with server.client() as client:
        assert client.get("key7").startswith(b"one:7:")
    # What comes meanwhile is taken in between.
    server.drop(writers.cdb(words_of("two", entries=10)))
    server.adopted(2)
    server.stop()
    assert not server.find("words", "generation 1 is warm")


def test_what_was_read_most_is_mapped_before_the_next_data_set_is_served(serve):
    hot = [f"key{i}" for i in random.Random(7).sample(range(ENTRIES), 20)]
    server = serve(words={"storage": "cdb"}, server={"threads": 1})
    server.drop(writers.cdb(words_of("one")))
    server.adopted(1)
    with server.client() as client:
        for _ in range(400):
            client.get_many(hot)
    server.drop(writers.cdb(words_of("two")))
    server.adopted(2)
    event = server.wait("words", "generation 2: the .* keys that are read most were looked up")
    assert re.search(r"the (1\d|20) keys", event.message), event
    (adopted,) = server.find("words", "generation 2 adopted")
    assert server.events.index(event) < server.events.index(adopted)
    # A page for the place in the table, one or two for the record.
    assert mapped(server, slot(server, 1)) >= 20 * 4096


def push_out(path):
    """Out of the page cache."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    command = ["fincore", "--bytes", "--noheadings", "--output", "RES", path]
    left = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    if left > path.stat().st_size // 10:
        pytest.skip(f"{left} bytes of {path} cannot be pushed out of memory: a tmpfs, perhaps")


@pytest.mark.parametrize("warm", ["off", "touch", "populate"])
def test_a_file_that_memory_had_lost_is_read_before_the_swap_or_by_the_loops_which_is_counted(
    serve, warm
):
    keys = [f"key{i}" for i in range(ENTRIES)]
    random.Random(3).shuffle(keys)
    server = serve(words={"storage": "cdb", "warm": warm})
    server.drop(writers.cdb(words_of("one")))
    server.adopted(1)
    server.wait("words", "generation 1: in its first second")
    # What is read after the first second is not counted: on a busy machine that may be all.
    for generation in range(2, 12):
        before = server.stats()
        server.pause_at("verified")
        server.drop(writers.cdb(words_of(f"set {generation}")))
        server.wait_paused("verified")
        push_out(slot(server, (generation - 1) % 2))
        began = time.monotonic()
        with server.client() as client:
            server.forget_steps()
            server.adopted(generation)
            for at in range(0, 1000, 50):
                client.get_many(keys[at : at + 50])
        in_time = time.monotonic() - began < 0.9
        event = server.wait("words", f"generation {generation}: in its first second")
        major, minor = map(int, re.search(r"(\d+) pages .* and (\d+) from", event.message).groups())
        after = server.stats()
        for name, count in (("minor", minor), ("major", major)):
            name = f"goromdb_cold_faults_{name}"
            assert int(after[name]) - int(before[name]) == count
        assert event.level == ("info" if major else "debug")
        if in_time and (warm != "off" or major > 100):
            break
    assert in_time
    assert major > 100 if warm == "off" else major == 0


@pytest.mark.parametrize("warm", ["populate", "lock"])
def test_a_storage_that_does_not_tell_its_memory_cannot_hold_it(serve, tmp_path, warm):
    plugin = compile_c(ODD, tmp_path / "storage-odd.so")
    server = serve(start=False, words={"storage": str(plugin), "warm": warm})
    for words in ([], ["check"]):
        result = run(*words, "--config", server.config_file)
        assert result.returncode == 2, result
        assert f"{server.config_file}:" in result.stderr and result.stderr.count("\n") == 1
        assert "storage odd does not say which memory it reads" in result.stderr
