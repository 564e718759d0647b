# SPDX-License-Identifier: MIT
"""Every storage with files of its format's own writers: read back whole, swapped under load, and all
of them in one process."""

import json
import threading
from dataclasses import dataclass, field
from typing import Callable

import pytest

import writers
from harness import SANITIZER
from readers import batches, swap_under_load

ENTRIES, CONNECTIONS, SWAPS = (8_000, 8, 2) if SANITIZER is None else (3_000, 3, 1)


@dataclass(frozen=True)
class Kind:
    """A storage and how a file for it is written."""

    storage: str
    write: Callable
    namespaces: Callable = None  # of {namespace: {key: value}}; the others have none
    may_go_on: bool = False  # behind its pages: such a file is whole
    options: dict = field(default_factory=dict)

    def database(self):
        """Its part of a config."""
        return {"storage": self.storage, "options": self.options}


def json_namespaces(namespaces):
    texts = {ns: {k.decode(): v.decode() for k, v in w.items()} for ns, w in namespaces.items()}
    return json.dumps({**{ns.decode(): words for ns, words in texts.items() if ns}}).encode()


INDEX = {"index": "hash"}

KINDS = {
    "json": Kind(
        "json",
        lambda w: json.dumps({k.decode(): v.decode() for k, v in w.items()}).encode(),
        json_namespaces,
    ),
    "bdb btree": Kind("bdb", writers.bdb, writers.bdb_namespaces),
    "bdb hash": Kind("bdb", lambda w: writers.bdb(w, "hash")),
    "bdb btree of bsddb3": Kind("bdb", lambda w: writers.bsddb3(w, "btree")),
    "bdb hash of bsddb3": Kind("bdb", lambda w: writers.bsddb3(w, "hash")),
    "bdb with checksums": Kind("bdb", lambda w: writers.bdb(w, "btree", ["chksum=1"])),
    "bdb of a big-endian machine": Kind(
        "bdb", lambda w: writers.bdb(w, "btree", ["db_lorder=4321"])
    ),
    "memcachedb-bdb": Kind("memcachedb-bdb", writers.memcachedb),
    "bdb btree, index": Kind("bdb", writers.bdb, writers.bdb_namespaces, options=INDEX),
    "bdb hash, index": Kind("bdb", lambda w: writers.bdb(w, "hash"), options=INDEX),
    "memcachedb-bdb, index": Kind("memcachedb-bdb", writers.memcachedb, options=INDEX),
    "lmdb": Kind("lmdb", writers.mdb_load, writers.lmdb_namespaces, may_go_on=True),
    "lmdb of 512-byte pages": Kind("lmdb", lambda w: writers.mdb_load(w, 512), may_go_on=True),
    "lmdb of 16 KiB pages": Kind("lmdb", lambda w: writers.mdb_load(w, 16384), may_go_on=True),
    "bolt": Kind("bolt", writers.bolt, writers.bolt_namespaces, may_go_on=True),
    "boltdb": Kind("boltdb", writers.bolt, may_go_on=True),
    "cdb": Kind("cdb", writers.cdb),
    "lmdb, index": Kind(
        "lmdb", writers.mdb_load, writers.lmdb_namespaces, may_go_on=True, options=INDEX
    ),
    "bolt, index": Kind(
        "bolt", writers.bolt, writers.bolt_namespaces, may_go_on=True, options=INDEX
    ),
    "cdb, index": Kind("cdb", writers.cdb, options=INDEX),
}


@pytest.fixture(scope="module")
def words(real):
    """Real entries, of a size that every writer is quick with."""
    return dict(list(real.items())[:ENTRIES])


def as_bytes(words):
    return {key.encode(): value.encode() for key, value in words.items()}


def check_all_at_once(server, words, database=None):
    """Reads everything over many connections at once, each from another place on."""
    faults = []

    def read(shift):
        try:
            keys = list(words)
            keys = keys[shift:] + keys[:shift]
            with server.client([database] if database else None) as client:
                for some in batches(keys):
                    client.send(b"get " + " ".join(some).encode() + b"\r\n")
                    expected = [(key, words[key].encode()) for key in some]
                    assert client.read_values() == expected, f"keys around {some[0]}"
        except Exception as fault:  # pylint: disable=broad-except
            faults.append(repr(fault)[:500])

    step = max(1, len(words) // CONNECTIONS)
    threads = [threading.Thread(target=read, args=(i * step,)) for i in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", KINDS)
def test_a_file_of_the_formats_own_writer_is_read_back_whole_by_many_at_once(serve, words, name):
    kind = KINDS[name]
    server = serve(words=kind.database())
    server.drop(kind.write(as_bytes(words)))
    server.adopted(1)
    check_all_at_once(server, words)
    with server.client() as client:
        assert client.get_many([f"{key}-is-no-package" for key in list(words)[:100]]) == {}
        stats = client.stats()
    assert stats["goromdb_entries"] == str(len(words))
    assert int(stats["get_misses"]) == 100


@pytest.mark.parametrize("name", ["json", "bdb btree", "bdb hash", "bdb btree, index", "memcachedb-bdb", "lmdb", "lmdb, index", "bolt", "bolt, index", "cdb"])
def test_a_range_of_keys_is_read_where_the_storage_has_an_order(serve, words, name):
    kind = KINDS[name]
    server = serve(words=kind.database())
    server.drop(kind.write(as_bytes(words)))
    server.adopted(1)
    keys = sorted(words, key=str.encode)
    with server.client() as client:
        if name in ("json", "bdb hash", "cdb"):
            assert client.ask(b"rget a z 0 0 5") == b"CLIENT_ERROR this data set has no order of keys"
            return
        for first, last in ((0, 50), (100, 199), (len(keys) - 3, len(keys) - 1)):
            client.send(f"rget {keys[first]} {keys[last]} 0 0 100\r\n".encode())
            expected = [(key, words[key].encode()) for key in keys[first : last + 1]]
            assert client.read_values() == expected
            client.send(f"rget {keys[first]}! {keys[last]}! 1 1 100\r\n".encode())
            inside = [key for key in keys if keys[first] + "!" < key < keys[last] + "!"][:100]
            assert client.read_values() == [(key, words[key].encode()) for key in inside]


@pytest.mark.parametrize("name", [name for name in KINDS if name != "json"])
def test_files_are_swapped_under_load_and_every_reply_is_of_one_generation(serve, words, name):
    kind = KINDS[name]
    server = serve(words=kind.database())
    write = lambda data: kind.write(as_bytes(data))
    swap_under_load(server, words, SWAPS, CONNECTIONS, write)


@pytest.mark.parametrize("name", [name for name in KINDS if KINDS[name].namespaces])
def test_namespaces_are_read_over_the_wire(serve, name):
    kind = KINDS[name]
    listener = {
        "protocol": "memcached",
        "listen": "127.0.0.1:0",
        "databases": ["words"],
        "options": {"namespace_separator": ":"},
    }
    server = serve(words=kind.database(), listeners=[listener])
    sets = {
        b"users": {b"anna": b"1", b"bert": b"2"},
        b"prices": {b"anna": b"9.99"},
    }
    server.drop(kind.namespaces(sets))
    server.adopted(1)
    with server.client() as client:
        asked = ["users:anna", "prices:anna", "users:bert", "prices:bert", "none:anna", "anna"]
        assert client.get_many(asked) == {
            "users:anna": b"1",
            "prices:anna": b"9.99",
            "users:bert": b"2",
        }


@pytest.mark.parametrize("name", [name for name in KINDS if KINDS[name].options == INDEX])
def test_a_start_makes_the_index_of_what_was_adopted_before(serve, words, name):
    kind = KINDS[name]
    server = serve(words=kind.database())
    server.drop(kind.write(as_bytes(words)))
    server.adopted(1)
    server.stop()
    server.start(ready=True)
    check_all_at_once(server, words)
    with server.client() as client:
        stats = client.stats()
    assert stats["goromdb_entries"] == str(len(words))
    assert int(stats["goromdb_resident_bytes"]) > 8 * len(words)  # the index, at least


@pytest.mark.parametrize("flags", [0, 7, 4294967295])
def test_flags_of_memcachedb_items_reach_the_client(serve, flags):
    signed = flags - (1 << 32) if flags >= 1 << 31 else flags  # as MemcacheDB prints them
    server = serve(words={"storage": "memcachedb-bdb"})
    server.drop(writers.memcachedb({b"k": b"value"}, signed))
    server.adopted(1)
    with server.client() as client:
        reply = b"VALUE k %d 5\r\nvalue\r\nEND\r\n" % flags
        client.send(b"get k\r\n")
        assert client.exactly(len(reply)) == reply


# A file of each storage, and what it is called when another storage is given it: a cdb has no magic
# number.
OTHERS = {
    "bdb": (writers.bdb, "this is a Berkeley DB btree file"),
    "bdb hash": (lambda w: writers.bdb(w, "hash"), "this is a Berkeley DB hash file"),
    "lmdb": (writers.mdb_load, "this is an LMDB file"),
    "bolt": (writers.bolt, "this is a Bolt file"),
    "json": (KINDS["json"].write, "this is a JSON file"),
    "cdb": (writers.cdb, ""),
}


def family(name):
    """Which of OTHERS a storage reads itself."""
    return "bdb" if "bdb" in name else "bolt" if "bolt" in name else name.split()[0]


@pytest.mark.parametrize("name", KINDS)
def test_a_file_of_another_kind_is_refused_with_its_name(serve, name):
    kind = KINDS[name]
    server = serve(words=kind.database())
    good = {b"k": b"v"}
    server.drop(kind.write(good))
    server.adopted(1)
    for other, (write, label) in OTHERS.items():
        if family(kind.storage) == family(other):
            continue
        after = server.mark()
        server.drop(write({b"k": b"other"}))
        event = server.wait("words", "rejected ", after)
        # The storage for JSON calls the whole kind by one name.
        assert label.split(" file")[0] in event.message.replace("this file is", "this is"), other
    with server.client() as client:
        assert client.get("k") == b"v"


@pytest.mark.parametrize("name", [name for name in KINDS if name != "json"])
@pytest.mark.parametrize("damage", ["empty", "half", "a page", "random"])
def test_a_damaged_file_is_rejected_and_the_old_one_stays(serve, words, name, damage):
    kind = KINDS[name]
    server = serve(words=kind.database())
    server.drop(kind.write({b"k": b"old"}))
    server.adopted(1)
    whole = kind.write(as_bytes(dict(list(words.items())[:1000])))
    server.drop(
        {
            "empty": b"",
            "half": whole[: len(whole) // 2],
            "a page": whole[:4096],
            "random": bytes((i * 7919 >> 3) & 0xFF for i in range(100_000)),
        }[damage]
    )
    server.wait("words", "rejected ")
    with server.client() as client:
        assert client.get("k") == b"old"


@pytest.mark.parametrize("name", [name for name in KINDS if name != "json"])
def test_whole_pages_behind_a_file_are_refused_or_do_not_matter(serve, words, name):
    kind = KINDS[name]
    server = serve(words=kind.database())
    server.drop(kind.write({b"k": b"old"}))
    server.adopted(1)
    some = dict(list(words.items())[:1000])
    server.drop(kind.write(as_bytes(some)) + b"\x01" * 65536)
    if kind.may_go_on:
        server.adopted(2)
        check_all_at_once(server, some)
        return
    server.wait("words", "rejected ")
    with server.client() as client:
        assert client.get("k") == b"old"


def test_one_process_serves_every_kind_at_once(serve, words):
    """A database and a listener each, and one listener that tells them all by the key's prefix."""
    names = {f"db{i}": kind for i, kind in enumerate(KINDS.values())}
    databases = {
        name: {**kind.database(), "file": f"in/{name}", "basedir": f"store/{name}"}
        for name, kind in names.items()
    }
    listeners = [
        {"protocol": "memcached", "listen": "127.0.0.1:0", "databases": list(each), "options": opts}
        for each, opts in [
            *(([name], {}) for name in names),
            (list(names), {"database_separator": "/"}),
        ]
    ]
    server = serve(databases=databases, listeners=listeners)
    some = dict(list(words.items())[: ENTRIES // 10])
    for name, kind in names.items():
        own = {key: f"{name} {value}" for key, value in some.items()}
        server.drop(kind.write(as_bytes(own)), name)
        server.adopted(1, name)
    server.wait("server", "ready:")
    for name in names:
        check_all_at_once(server, {k: f"{name} {v}" for k, v in some.items()}, name)
    with server.client(list(names)) as client:
        for key, value in list(some.items())[:50]:
            asked = [f"{name}/{key}" for name in names]
            assert client.get_many(asked) == {
                f"{name}/{key}": f"{name} {value}".encode() for name in names
            }
