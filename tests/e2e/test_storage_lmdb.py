# SPDX-License-Identifier: MIT
"""storage-lmdb: files of mdb_load and of python3-lmdb, served, swapped under load, and refused."""

import random
import shutil
import subprocess
import threading

import pytest

from harness import DEADLINE, SANITIZER, wait_for

lmdb = pytest.importorskip("lmdb", reason="python3-lmdb is not installed")

ENTRIES = 30_000 if SANITIZER is None else 8_000
CONNECTIONS = 8
BATCH = 100
NO_TREE = {"subdir": False, "lock": False, "sync": False, "map_size": 1 << 30}


def entries(generation, count=ENTRIES):
    """Keys without spaces; values of any bytes, some larger than a page, that begin with the
    generation."""
    chance = random.Random(7)
    return {
        f"key:{i:06}:{chance.randrange(1 << 30):x}": b"%d:" % generation
        + chance.randbytes(chance.randrange(60) if i % 500 else 20_000)
        for i in range(count)
    }


def written(path, words, **more):
    """A file of python3-lmdb."""
    path.unlink(missing_ok=True)
    with lmdb.open(str(path), **{**NO_TREE, **more}) as env, env.begin(write=True) as txn:
        for key, value in words.items():
            txn.put(key.encode(), value)
    return path.read_bytes()


def escaped(data):
    return "".join(chr(b) if 32 < b < 127 and b != 92 else f"\\{b:02x}" for b in data)


def loaded(path, words):
    """A file of mdb_load, whose map is as large as the header of the dump says."""
    if shutil.which("mdb_load") is None:
        pytest.skip("lmdb-utils are not installed")
    lines = ["VERSION=3", "format=print", "type=btree", "mapsize=1073741824", "HEADER=END"]
    for key in sorted(words):
        lines += [" " + escaped(key.encode()), " " + escaped(words[key])]
    dump = "\n".join([*lines, "DATA=END", ""])
    subprocess.run(["mdb_load", "-n", str(path)], input=dump, text=True, check=True)
    return path.read_bytes()


@pytest.fixture
def lmdb_server(serve):
    def make(**words):
        return serve(words={"storage": "lmdb", "file": "in/data.db", **words})

    return make


def batches(keys):
    return [keys[i : i + BATCH] for i in range(0, len(keys), BATCH)]


def in_threads(count, work):
    """Runs work(i) in threads; the first failure is raised here."""
    failures = []

    def guarded(i):
        try:
            work(i)
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    return threads, failures


@pytest.mark.parametrize("write", [written, loaded])
def test_a_file_is_read_back_byte_for_byte_by_many_at_once(lmdb_server, tmp_path, write):
    words = entries(1)
    server = lmdb_server()
    server.load(write(tmp_path / "made.db", words))
    assert server.stats()["goromdb_entries"] == str(len(words))
    keys = list(words)

    def read_all(number):
        shift = number * len(keys) // CONNECTIONS
        with server.client() as client:
            for some in batches(keys[shift:] + keys[:shift]):
                assert client.get_many(some) == {key: words[key] for key in some}
            assert client.get_many([f"{key}x" for key in some]) == {}

    threads, failures = in_threads(CONNECTIONS, read_all)
    for thread in threads:
        thread.join(2 * DEADLINE)
        assert not thread.is_alive()
    assert not failures, failures
    (slot,) = {path.parent for path in server.store().glob("data0?/data.db")}
    assert sorted(path.name for path in slot.iterdir() if "lock" in path.name) == []


def test_a_file_is_swapped_under_load_and_every_reply_is_of_one_generation(lmdb_server, tmp_path):
    server = lmdb_server()
    server.load(written(tmp_path / "made.db", entries(1)))
    keys = list(entries(1))
    stopping = threading.Event()
    replies = [0] * CONNECTIONS
    last = [0] * CONNECTIONS

    def read(number):
        chance = random.Random(number)
        with server.client() as client:
            while not stopping.is_set():
                some = chance.sample(keys, 30)
                got = client.get_many(some)
                assert len(got) == len(some)
                generations = {int(value.split(b":", 1)[0]) for value in got.values()}
                assert len(generations) == 1, generations
                (generation,) = generations
                assert generation >= last[number]
                last[number] = generation
                replies[number] += 1

    threads, failures = in_threads(CONNECTIONS, read)
    for generation in range(2, 5):
        before = list(replies)
        wait_for(
            lambda b=before: failures or all(now > then + 5 for now, then in zip(replies, b)),
            "replies to all",
        )
        made = written(tmp_path / "made.db", entries(generation))
        assert server.load(made) == generation
    wait_for(lambda: failures or all(each == 4 for each in last), "all to see the last")
    stopping.set()
    for thread in threads:
        thread.join(60)
    assert not failures, failures


def test_a_cut_or_damaged_file_is_rejected_and_the_old_one_stays(lmdb_server, tmp_path):
    words = entries(1, 3000)
    good = written(tmp_path / "made.db", words)
    server = lmdb_server()
    server.load(good)
    some = list(words)[:50]
    chance = random.Random(3)
    damaged = bytearray(good)
    for page in range(2, len(good) // 4096):
        damaged[page * 4096 + 12 : page * 4096 + 16] = chance.randbytes(4)
    bad = {
        "empty": (b"", "it is empty"),
        "half": (good[: len(good) // 2], "it is cut"),
        "two pages": (good[:8192], "it is cut"),
        "garbage": (chance.randbytes(20_000), "it is no LMDB file"),
        "json": (b'{"a": "b"}', "it is no LMDB file; this is a JSON file"),
        "page size 0": (good[:40] + bytes(4) + good[44:], "a page has 0 bytes"),
        "32 bits": (good[4:], "it is an LMDB file of a 32-bit machine"),
        "damaged": (bytes(damaged), r"page \d+ has bounds that cannot be|page \d+ is not the value"),
    }
    for what, (data, reason) in bad.items():
        after = server.mark()
        server.drop(data)
        event = server.wait("words", f"rejected .*data.db: .*({reason})", after=after)
        assert "died" not in event.message, what
        with server.client() as client:
            assert client.get_many(some) == {key: words[key] for key in some}, what
    after = server.mark()
    server.drop(written(tmp_path / "made.db", entries(2, 3000)))
    server.adopted(after=after)
    with server.client() as client:
        assert client.get(some[0]).startswith(b"2:")


def test_a_start_serves_what_was_adopted_before(lmdb_server, tmp_path):
    words = entries(1, 3000)
    server = lmdb_server()
    server.load(written(tmp_path / "made.db", words))
    server.stop()
    server.start(ready=True)
    with server.client() as client:
        for some in batches(list(words)):
            assert client.get_many(some) == {key: words[key] for key in some}


def test_the_option_database_and_a_map_of_any_size(lmdb_server, tmp_path):
    path = tmp_path / "made.db"
    with lmdb.open(str(path), **{**NO_TREE, "max_dbs": 3, "map_size": 1 << 42}) as env:
        words, others = env.open_db(b"words"), env.open_db(b"others", dupsort=True)
        with env.begin(write=True) as txn:
            txn.put(b"a", b"1", db=words)
            txn.put(b"b", b"2", db=others)
    server = lmdb_server(options={"database": "words"})
    server.load(path.read_bytes())
    with server.client() as client:
        assert client.get_many(["a", "b", "words"]) == {"a": b"1"}
    after = server.mark()
    server.drop(written(path, {"a": b"2"}))
    server.wait("words", "rejected .*it has no named database words .*; it has none", after=after)
