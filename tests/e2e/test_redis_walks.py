# SPDX-License-Identifier: MIT
"""SCAN, KEYS, HGETALL over whole data sets: they are complete, also over swaps, and harm nobody."""

import collections
import contextlib
import functools
import threading
import time

import pytest

from harness import SANITIZER, SLOW, Server, encode as as_json, wait_for
from redis_servers import lmdb_file, redis_config, resident, wire
from redis_wire import encode

LARGE = 1_000_000 if SANITIZER is None else 200_000  # more than the kernel takes at once
release_only = pytest.mark.skipif(SANITIZER is not None, reason="a sanitizer's memory says nothing")

# ---- scans ---------------------------------------------------------------------------------------


MANY = 3000


def many(marker, entries=MANY):
    """Keys, and a few namespaces; one of them is wide."""
    words = {f"{marker}:{i:05}".encode(): b"%d" % i for i in range(entries)}
    words |= {b"both:%04d" % i: marker.encode() for i in range(500)}
    words |= {b"space:%02d" % i: {b"f": b"v"} for i in range(20)}
    words[b"wide"] = {b"field%05d" % i: b"%d" % i for i in range(entries)}
    return words


def json_file(words):
    def texts(level):
        return {
            k.decode(): texts(v) if isinstance(v, dict) else v.decode() for k, v in level.items()
        }

    return as_json(texts(words))


STORAGES = pytest.mark.parametrize("storage", ["json", "lmdb"])
FILES = {"json": json_file, "lmdb": lmdb_file}


def twice(found):
    return [item for item, count in collections.Counter(found).items() if count > 1]


@STORAGES
def test_a_scan_gives_every_key_once(serve, storage):
    server = serve(**redis_config(storage=storage, server={"threads": 3}))
    words = many("one")
    server.load(FILES[storage](words))
    hashes = sorted(key for key, value in words.items() if isinstance(value, dict))
    with wire(server) as conn:
        assert conn.ask("DBSIZE") == len(words)
        for count in (1000, 10, 7, 100_000):
            assert sorted(conn.scan("COUNT", count)) == sorted(words), count
        assert sorted(conn.scan("TYPE", "hash")) == hashes
        assert sorted(conn.scan("TYPE", "string", "COUNT", 500)) == sorted(set(words) - set(hashes))
        assert conn.scan("TYPE", "list", "COUNT", 500) == []
        wanted = [key for key in words if key.startswith(b"both:01")]
        assert sorted(conn.scan("MATCH", "both:01??", "COUNT", 300)) == sorted(wanted)
        assert sorted(conn.scan("MATCH", "*[e]:1?", "TYPE", "hash", "COUNT", 300)) == [
            b"space:%02d" % i for i in range(10, 20)
        ]
        for count in (1000, 11):
            pairs = conn.scan("COUNT", count, command=("HSCAN", "wide"))
            assert not twice(pairs[::2]) and dict(zip(pairs[::2], pairs[1::2])) == words[b"wide"]
        assert sorted(conn.ask("KEYS", "*")) == sorted(words)
        assert sorted(conn.ask("KEYS", "space:*")) == hashes[:-1]
        assert conn.ask("HLEN", "wide") == MANY
        assert sorted(conn.ask("HKEYS", "wide")) == sorted(words[b"wide"])


@STORAGES
def test_a_scan_goes_on_over_any_connection(serve, storage):
    server = serve(**redis_config(storage=storage, server={"threads": 4}))
    words = many("one")
    server.load(FILES[storage](words))
    with contextlib.ExitStack() as stack:
        conns = [stack.enter_context(wire(server, 2 + i % 2)) for i in range(12)]
        cursors, found = {b"0"}, []
        cursor, at = b"0", 0
        while True:
            cursor, keys = conns[at % len(conns)].ask("SCAN", cursor, "COUNT", 37)
            found += keys
            at += 1
            if cursor == b"0":
                break
            assert int(cursor) < 1 << 64
            cursors.add(cursor)
        assert sorted(found) == sorted(words)
        assert at > len(words) // 100


@STORAGES
def test_two_scans_at_once_do_not_disturb_each_other(serve, storage):
    server = serve(**redis_config(storage=storage))
    words = many("one")
    server.load(FILES[storage](words))
    with wire(server) as conn:
        scans = [(b"0", []), (b"0", [])]
        counts, ended = (13, 50), 0
        while ended < 2:
            for i, (cursor, found) in enumerate(scans):
                if cursor is None:
                    continue
                cursor, keys = conn.ask("SCAN", cursor, "COUNT", counts[i])
                found += keys
                ended += cursor == b"0"
                scans[i] = (None if cursor == b"0" else cursor, found)
        for _, found in scans:
            assert sorted(found) == sorted(words)


@STORAGES
@pytest.mark.parametrize("at", [0.1, 0.5, 0.95], ids=["early", "half way", "late"])
def test_a_scan_over_a_swap_gives_what_both_sets_have(serve, storage, at):
    server = serve(**redis_config(storage=storage))
    first, second = many("one"), many("two", MANY // 2)
    server.load(FILES[storage](first))
    both = set(first) & set(second)
    with wire(server) as conn:
        cursor, found = b"0", []
        while len(found) < at * len(first):
            cursor, keys = conn.ask("SCAN", cursor, "COUNT", 50)
            found += keys
        assert cursor != b"0"
        field_cursor, pairs = conn.ask("HSCAN", "wide", 0, "COUNT", 100)
        server.load(FILES[storage](second))
        while cursor != b"0":
            cursor, keys = conn.ask("SCAN", cursor, "COUNT", 50)
            found += keys
        assert both <= set(found) <= set(first) | set(second)
        while field_cursor != b"0":
            field_cursor, more = conn.ask("HSCAN", "wide", field_cursor, "COUNT", 100)
            pairs += more
        assert set(second[b"wide"]) <= set(pairs[::2]) <= set(first[b"wide"])


def test_a_cursor_that_was_never_given_is_told_apart(serve):
    server = serve(**redis_config())
    server.load(json_file(many("one")))
    with wire(server) as conn:
        error = conn.error("SCAN", 123456789012345)
        assert error == "ERR invalid cursor"
        assert conn.error("HSCAN", "wide", 123456789012345) == "ERR invalid cursor"
        assert conn.ask("SCAN", 0, "COUNT", 1)[0] != b"0"


@STORAGES
def test_chance_keys_are_spread_over_the_data_set(serve, storage):
    server = serve(**redis_config(storage=storage))
    words = {b"key:%02d" % i: b"v" for i in range(20)}
    words |= {b"space:%d" % i: {b"field%02d" % j: b"%d" % j for j in range(20)} for i in range(5)}
    server.load(FILES[storage](words))
    with wire(server) as conn:
        conn.send(encode("RANDOMKEY") * 2000)
        keys = collections.Counter(conn.answer() for _ in range(2000))
        assert set(keys) == set(words)
        conn.send(encode("HRANDFIELD", "space:1") * 2000)
        fields = collections.Counter(conn.answer() for _ in range(2000))
        assert set(fields) == set(words[b"space:1"])
        assert max(fields.values()) < 1000
        some = conn.ask("HRANDFIELD", "space:1", 7)
        assert len(set(some)) == 7 and set(some) <= set(words[b"space:1"])
        pairs = conn.ask("HRANDFIELD", "space:1", -50, "WITHVALUES")
        assert len(pairs) == 100 and len(set(pairs[::2])) > 5
        assert all(value == b"%d" % int(field[5:]) for field, value in zip(pairs[::2], pairs[1::2]))


# ---- large answers -------------------------------------------------------------------------------


class Pinger(threading.Thread):
    """Asks for PING without end; `longest` is the longest that one took, in seconds."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.conn = wire(server)
        self.stopping = threading.Event()
        self.answers, self.longest = 0, 0.0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(60)
        self.conn.close()

    def run(self):
        while not self.stopping.is_set():
            begin = time.monotonic()
            self.conn.send(b"PING\r\n")
            if self.conn.line() != b"+PONG":
                return
            self.longest = max(self.longest, time.monotonic() - begin)
            self.answers += 1


@functools.cache
def large_set(marker):
    """LARGE keys and a namespace of as many; every value names the set. As the text of JSON."""
    keys = ",".join(f'"{marker}:{i:07}":"{marker}"' for i in range(LARGE))
    fields = ",".join(f'"f{i:07}":"{marker}:{i:07}"' for i in range(LARGE))
    return f'{{"wide":{{{fields}}},{keys}}}'.encode()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """One loop, so that what holds it up is seen."""
    server = Server(
        tmp_path_factory.mktemp("large") / "server",
        **redis_config(server={"threads": 1, "drain_timeout": "1h"}),
    ).start()
    server.load(large_set("one"))
    yield server
    server.stop()


ALL = [["HGETALL", "wide"], ["KEYS", "*"], ["HVALS", "wide"]]


def read_large(conn, request, marker):
    """The reply to one of ALL, unlooked at: so much work in this process would hold up a Pinger."""
    item = len(f"$11\r\n{marker}:0000000\r\n")  # a key, and a value
    count, size = {
        "HGETALL": (2 * LARGE, LARGE * (item + len("$8\r\nf0000000\r\n"))),
        "KEYS": (LARGE + 1, LARGE * item + len("$4\r\nwide\r\n")),
        "HVALS": (LARGE, LARGE * item),
    }[request[0]]
    assert conn.line() == b"*%d" % count
    return conn.exactly(size)


def check_large(reply, request, marker):
    """That it is all of that set's."""
    items = reply.split(b"\r\n")[1::2]
    expected = {f"{marker}:{i:07}".encode() for i in range(LARGE)}
    values = items[1::2] if request[0] == "HGETALL" else items
    if request[0] == "KEYS":
        expected.add(b"wide")
    assert len(values) == len(expected) and set(values) == expected
    if request[0] == "HGETALL":
        assert all(name[1:] == value[-7:] for name, value in zip(items[::2], values))


def beside(large, request, marker):
    """How many PINGs of another client are answered while this request is, and the seconds that the
    slowest of them took."""
    with wire(large) as conn, Pinger(large) as pinger:
        wait_for(lambda: pinger.answers > 100, "the first answers")
        before, pinger.longest = pinger.answers, 0.0
        conn.send(encode(*request))
        reply = read_large(conn, request, marker)
        during, longest = pinger.answers - before, pinger.longest
    check_large(reply, request, marker)
    print(f"{request}: {during} answers meanwhile, the slowest after {longest:.4f} s")
    return during, longest


@pytest.mark.parametrize("request_", ALL, ids=lambda request: request[0])
def test_a_large_answer_holds_nobody_up(large, request_):
    """A busy machine holds up everybody, but hardly ten times. An answer in one go would let
    about as many others through as it has MiB."""
    marker = large_marker(large)
    tries = (beside(large, request_, marker) for _ in range(10))
    assert any(during >= LARGE // 10_000 and longest < 0.1 * SLOW for during, longest in tries)


def large_marker(server):
    with wire(server) as conn:
        return conn.ask("HGET", "wide", "f0000000").split(b":")[0].decode()


def test_large_answers_over_a_swap_are_whole_and_of_one_data_set(large):
    marker = large_marker(large)
    new = "two" if marker == "one" else "one"
    with contextlib.ExitStack() as stack:
        conns = [stack.enter_context(wire(large, receive_buffer=65536)) for _ in ALL]
        for conn, request in zip(conns, ALL):
            conn.send(encode(*request))
            conn.stream.peek(1)  # it has begun
        large.load(large_set(new))
        assert large_marker(large) == new
        for conn, request in zip(conns, ALL):
            check_large(read_large(conn, request, marker), request, marker)
            assert conn.ask("HGET", "wide", "f0000000") == f"{new}:0000000".encode()


@pytest.mark.parametrize("storage", ["json", "lmdb"])
def test_the_last_slice_of_a_walk_over_a_swap_is_of_the_set_that_it_began_in(serve, storage):
    """Nobody but the walk holds the old data set when its last slice is written, too large to be
    sent at once."""
    server = serve(**redis_config(storage=storage))
    fields = {b"field%04d" % i: b"%04d" % i * 5000 for i in range(600)}
    server.load(FILES[storage]({b"wide": fields, b"hoge": b"piyo"}))
    with wire(server, receive_buffer=65536) as slow:
        slow.send(encode("HGETALL", "wide"))
        slow.stream.peek(1)
        server.load(FILES[storage]({b"hoge": b"fuga"}))
        pairs = slow.answer()
        assert dict(zip(pairs[::2], pairs[1::2])) == fields
        assert slow.ask("GET", "hoge") == b"fuga"


def test_a_transaction_of_many_walks_is_given_up(serve):
    """Its replies are one batch, which is not sent before all of it is worded."""
    server = serve(**redis_config(storage="lmdb"))
    server.load(lmdb_file({b"key%05d" % i: b"v" for i in range(30_000)}))
    with wire(server) as conn:
        for words in (["KEYS", "*"], ["SCAN", "0", "COUNT", "100000", "MATCH", "nothing"]):
            conn.send(encode("MULTI") + encode(*words) * 200 + encode("EXEC"))
            for _ in range(201):
                conn.answer()
            reply = conn.reply()
            given_up = [each for each in reply.value if each.kind == "-"]
            assert len(reply.value) == 200 and len(given_up) > 150
        assert conn.ask("DBSIZE") == 30_000


def test_a_long_line_of_slow_requests_lets_others_have_their_turn(serve):
    requests = int(300 / SLOW)
    server = serve(**redis_config(storage="lmdb"))
    server.load(lmdb_file({b"a": b"ab" * 1000, b"b": b"ba" * 1000}))
    with wire(server) as busy, wire(server) as conn:
        conn.ask("PING")

        def slowest():
            busy.send(encode("LCS", "a", "b", "LEN") * requests)
            seconds = 0.0
            for _ in range(20):
                begin = time.monotonic()
                assert conn.ask("PING") == b"PONG"
                seconds = max(seconds, time.monotonic() - begin)
            assert [busy.answer() for _ in range(requests)] == [1999] * requests
            return seconds

        assert any(slowest() < 0.2 * SLOW for _ in range(5))


@release_only
def test_a_client_that_does_not_read_its_large_answer_costs_little_and_harms_nobody(large):
    marker = large_marker(large)
    with wire(large, receive_buffer=65536) as slow, wire(large) as conn:
        conn.ask("PING")
        before = resident(large.pid)
        slow.send(encode("HGETALL", "wide") * 50)
        slow.stream.peek(1)
        for _ in range(2000):
            assert conn.ask("PING") == b"PONG"
        assert resident(large.pid) - before < 8 << 20
        check_large(read_large(slow, ["HGETALL"], marker), ["HGETALL"], marker)
    with wire(large) as conn:
        assert conn.ask("PING") == b"PONG"
