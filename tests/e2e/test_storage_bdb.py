# SPDX-License-Identifier: MIT
"""storage-bdb and memcachedb-bdb: what is their own, beside test_storages.py."""

import random
import re
from pathlib import Path

import pytest

import writers
from harness import SANITIZER, SLOW, Client, Inbox
from redis_servers import listener, wire

bsddb3 = pytest.importorskip("bsddb3.db", reason="python3-bsddb3 is not installed")

WORDS = {b"key%d" % i: b"value %d " % i * (i % 50) for i in range(3000)}
DAMAGED = 40 if SANITIZER is None else 10


def by_bsddb3(kind, flags=0, subdbs=(None,), words=WORDS):
    """A file of the Python binding."""

    def make(path):
        for subdb in subdbs:
            handle = bsddb3.DB()
            handle.set_flags(flags)
            handle.open(str(path), subdb, kind, bsddb3.DB_CREATE)
            for key, value in words.items():
                handle.put(int(key[3:]) + 1 if kind == bsddb3.DB_RECNO else key, value)
            handle.close()

    return writers.made(make)


def check(client, words):
    names = [key.decode() for key in words]
    for i in range(0, len(names), 100):
        some = names[i : i + 100]
        assert client.get_many(some) == {name: words[name.encode()] for name in some}


@pytest.mark.parametrize(
    "kind, flags",
    [
        (bsddb3.DB_BTREE, 0),
        (bsddb3.DB_HASH, 0),
        (bsddb3.DB_BTREE, bsddb3.DB_CHKSUM),
        (bsddb3.DB_HASH, bsddb3.DB_CHKSUM),
    ],
)
def test_files_of_bsddb3_are_served_without_being_told_their_kind(serve, kind, flags):
    server = serve(words={"storage": "bdb"})
    server.drop(by_bsddb3(kind, flags))
    server.adopted(1)
    with server.client() as client:
        check(client, WORDS)


def test_a_recno_is_served_by_decimal_numbers(serve):
    server = serve(words={"storage": "bdb"})
    server.drop(by_bsddb3(bsddb3.DB_RECNO))
    server.adopted(1)
    with server.client() as client:
        check(client, {b"%d" % (int(key[3:]) + 1): value for key, value in WORDS.items()})
        assert client.get_many(["0", "3001", "01", "x"]) == {}


def test_the_option_subdb_serves_one_of_them(serve):
    server = serve(words={"storage": "bdb", "options": {"subdb": "two"}})
    server.drop(by_bsddb3(bsddb3.DB_BTREE, 0, ["one", "two"]))
    server.adopted(1)
    with server.client() as client:
        check(client, WORDS)
        after = server.mark()
        server.drop(by_bsddb3(bsddb3.DB_BTREE, 0, ["one", "three"]))
        assert "no sub-database two" in server.wait("words", "rejected ", after).message
        check(client, WORDS)


def test_namespaces_may_be_prefixes_as_the_go_program_had_them(serve):
    listener = {
        "protocol": "memcached",
        "listen": "127.0.0.1:0",
        "databases": ["words"],
        "options": {"namespace_separator": ":"},
    }
    server = serve(
        words={"storage": "bdb", "options": {"namespaces": "prefix"}}, listeners=[listener]
    )
    server.drop(writers.bdb({b"usersanna": b"1", b"usersbert": b"2", b"pricesanna": b"9.99"}))
    server.adopted(1)
    with server.client() as client:
        asked = ["users:anna", "prices:anna", "users:bert", "prices:bert", "usersanna"]
        assert client.get_many(asked) == {
            "users:anna": b"1",
            "prices:anna": b"9.99",
            "users:bert": b"2",
            "usersanna": b"1",
        }


def test_no_name_is_a_hash_because_prefixes_may_have_any(serve):
    options = {"namespaces": "prefix"}
    server = serve(words={"storage": "bdb", "options": options}, listeners=[listener()])
    server.drop(writers.bdb({b"usersanna": b"1", b"plain": b"2"}))
    server.adopted(1)
    with wire(server) as conn:
        assert conn.ask("GET", "nothing") is None
        assert conn.ask("EXISTS", "nothing", "users", "plain") == 1
        assert conn.ask("TYPE", "users") == b"none"
        assert conn.ask("HGET", "users", "anna") == b"1"
        assert sorted(conn.ask("KEYS", "*")) == [b"plain", b"usersanna"]
        assert conn.ask("DBSIZE") == 2


def test_the_go_programs_flags_serve_memcachedb(serve, tmp_path):
    folder = tmp_path / "server"
    (folder / "in").mkdir(parents=True)
    flags = "-addr 127.0.0.1:0 -storage memcachedb-bdb -file in/data.db -basedir store"
    server = serve(start=False, folder=folder, args=flags.split())
    server.start(listening=False)
    place = server.wait_line(r"listening on (\S+):(\d+) \(memcached; default\)")
    Inbox(folder / "in" / "data.db").drop(writers.memcachedb({b"k": b"value"}, 7))
    server.wait_line("generation 1 adopted")
    with Client((place[1], int(place[2]))) as client:
        client.send(b"get k\r\n")
        reply = b"VALUE k 7 5\r\nvalue\r\nEND\r\n"
        assert client.exactly(len(reply)) == reply


def test_a_btree_is_mapped_once_a_loop_and_no_page_is_read_by_a_system_call(serve):
    """As /proc counts them."""
    server = serve(words={"storage": "bdb"}, server={"threads": 2})
    server.drop(by_bsddb3(bsddb3.DB_BTREE))
    server.adopted(1)

    def counted():
        io = Path(f"/proc/{server.pid}/io").read_text()
        return int(re.search(r"rchar: (\d+)", io)[1])

    with server.client() as client:
        check(client, WORDS)
        before = counted()
        check(client, WORDS)
        requests = sum(len(key) + 1 for key in WORDS) + 100 * len(WORDS)
        assert counted() - before < requests, "pages were read"
    maps = Path(f"/proc/{server.pid}/maps").read_text().splitlines()
    # And once by the core, which looks at the last page.
    assert len([line for line in maps if line.endswith("/data.db")]) == 2 + 1


def test_prefixes_lead_to_memcachedb_items_in_a_sub_database(serve):
    item = writers.memcachedb_item
    listener = {
        "protocol": "memcached",
        "listen": "127.0.0.1:0",
        "databases": ["words"],
        "options": {"namespace_separator": ":"},
    }
    options = {"namespaces": "prefix", "subdb": "own"}
    server = serve(words={"storage": "memcachedb-bdb", "options": options}, listeners=[listener])
    own = {b"usersanna": item(b"usersanna", b"1", 7), b"x": item(b"x", b"")}
    server.drop(writers.bdb_namespaces({b"own": own, b"other": {b"usersbert": b"no item"}}))
    server.adopted(1)
    with server.client() as client:
        assert client.get_many(["users:anna", "users:bert", "x"]) == {"users:anna": b"1", "x": b""}


def test_copied_entries_are_read_without_their_file_and_a_restart_copies_them_again(serve):
    server = serve(words={"storage": "bdb", "options": {"index": "hash"}}, server={"threads": 2})
    server.drop(by_bsddb3(bsddb3.DB_BTREE))
    server.adopted(1)

    def check_stats(client):
        payload = sum(len(key) + len(value) for key, value in WORDS.items())
        stats = client.stats()
        assert stats["goromdb_entries"] == str(len(WORDS))
        resident = int(stats["goromdb_resident_bytes"])
        assert payload + 16 * len(WORDS) < resident < payload + 32 * len(WORDS)

    with server.client() as client:
        check(client, WORDS)
        check_stats(client)
    server.restart()
    server.adopted(1)
    with server.client() as client:
        (data,) = server.store().glob("data0*/data.db")
        data.write_bytes(b"")  # what is served lies in memory
        check(client, WORDS)
        check_stats(client)
        assert client.get_many(["none"]) == {}


def test_plain_values_are_no_memcachedb_items(serve):
    server = serve(words={"storage": "memcachedb-bdb"})
    server.drop(writers.bdb({b"k": b"plain"}))
    assert "the value of k is no MemcacheDB item" in server.wait("words", "rejected ").message


@pytest.mark.parametrize("index", ["none", "hash"])
def test_whatever_libdb_does_with_damaged_files_the_server_lives(serve, index):
    """libdb dies on some, or walks in circles: in another process."""
    options = {"index": index}
    limit = f"{4 + SLOW:.0f}s"
    server = serve(words={"storage": "bdb", "options": options, "guard_timeout": limit})
    old = {b"key0": b"old"}
    server.drop(writers.bdb(old))
    server.adopted(1)
    whole = bytearray(by_bsddb3(bsddb3.DB_BTREE))
    chance = random.Random(11)
    rejected = 0
    with server.client() as client:
        for _ in range(DAMAGED):
            bad = bytearray(whole)
            for _ in range(8):
                bad[chance.randrange(4096, len(bad))] = chance.randrange(256)
            after = server.mark()
            server.drop(bytes(bad))
            event = server.wait("words", r"(rejected |generation \d+ adopted)", after)
            rejected += "rejected" in event.message
            assert client.ask(b"version") != b""
    assert rejected > 0
