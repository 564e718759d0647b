# SPDX-License-Identifier: MIT
"""memcached's text protocol over real sockets, byte for byte."""

import contextlib
import os
import re
import socket
import struct
from pathlib import Path

import pytest
from pymemcache.client.base import Client as PymemcacheClient
from pymemcache.exceptions import MemcacheClientError, MemcacheServerError

from harness import SANITIZER, Server, dataset, whole_set

LONGEST = "k" * 250
WORDS = {
    **dataset("one"),
    "hoge": "piyo",
    "a": "1",
    "empty": "",
    "lines": "x\r\nEND\r\nget a\r\n",
    "umlaut-ü": "ü",
    LONGEST: "longest",
}

READ_ONLY = b"CLIENT_ERROR read-only server\r\n"
BAD_LINE = b"CLIENT_ERROR bad command line format\r\n"
HOGE = b"VALUE hoge 0 4\r\npiyo\r\n"
A = b"VALUE a 0 1\r\n1\r\n"
END = b"END\r\n"

# (what is sent, what comes back): each leaves the connection open and in step.
TRANSCRIPT = [
    (b"get hoge\r\n", HOGE + END),
    (b"get hoge\n", HOGE + END),
    (b"get nothing\r\n", END),
    (b"get hoge nothing a\r\n", HOGE + A + END),
    (b"get a hoge a\r\n", A + HOGE + A + END),
    (b"get  a   hoge\r\n", A + HOGE + END),
    (b"get empty\r\n", b"VALUE empty 0 0\r\n\r\nEND\r\n"),
    (b"get lines\r\n", b"VALUE lines 0 15\r\nx\r\nEND\r\nget a\r\n\r\nEND\r\n"),
    ("get umlaut-ü\r\n".encode(), "VALUE umlaut-ü 0 2\r\nü\r\nEND\r\n".encode()),
    (f"get {LONGEST}\r\n".encode(), f"VALUE {LONGEST} 0 7\r\nlongest\r\nEND\r\n".encode()),
    (b"get " + b"k" * 251 + b"\r\n", BAD_LINE),
    (b"get a " + b"k" * 251 + b" hoge\r\n", BAD_LINE),
    (b"get\r\n", BAD_LINE),
    (b"gets\r\n", BAD_LINE),
    (b"gat 0 a\r\n", A + END),
    (b"gat 100 hoge nothing a\r\n", HOGE + A + END),
    (b"gat soon a\r\n", b"CLIENT_ERROR invalid exptime argument\r\n"),
    (b"gat 0\r\n", BAD_LINE),
    (b"touch hoge 0\r\n", b"TOUCHED\r\n"),
    (b"touch nothing 0\r\n", b"NOT_FOUND\r\n"),
    (b"touch hoge 0 noreply\r\n", b""),
    (b"GET a\r\n", b"ERROR\r\n"),
    (b"\r\n", b"ERROR\r\n"),
    (b"bogus\r\n", b"ERROR\r\n"),
    (b"bogus a b c\r\n", b"ERROR\r\n"),
    (b"get / http/1.1\r\n", END),
    (b"PROXY TCP4 127.0.0.1 127.0.0.1 1024 11211\r\n", b"ERROR\r\n"),
    (b"PROXY TCP4 127.0.0.1 127.0.0.1 1024 noreply\r\n", b""),
    (b"slabs reassign 1 2\r\n", b"ERROR\r\n"),
    (b"set a 0 0 1\r\n2\r\n", READ_ONLY),
    (b"add a 0 0 1\r\n2\r\n", READ_ONLY),
    (b"replace a 0 0 1\r\n2\r\n", READ_ONLY),
    (b"append a 0 0 1\r\n2\r\n", READ_ONLY),
    (b"prepend a 0 0 1\r\n2\r\n", READ_ONLY),
    (b"cas a 0 0 1 7\r\n2\r\n", READ_ONLY),
    (b"set a 0 0 0\r\n\r\n", READ_ONLY),
    (b"set a 0 0 1 noreply\r\n2\r\n", b""),
    (b"cas a 0 0 1 7 noreply\r\n2\r\n", b""),
    (b"set a 0 0 17\r\ndelete a\r\nget a\r\n\r\n", READ_ONLY),
    (b"set a 0 0 9 noreply\r\nflush_all\r\n", b""),
    (b"set " + b"k" * 251 + b" 0 0 7\r\nversion\r\n", BAD_LINE),
    (b"set a x 0 7\r\nversion\r\n", BAD_LINE),
    (b"ms a 1\r\n2\r\n", READ_ONLY),
    (b"ms a 7 T0 q\r\nversion\r\n", READ_ONLY),
    (b"ms " + b"k" * 251 + b" 7\r\nversion\r\n", BAD_LINE),
    (b"md a\r\n", READ_ONLY),
    (b"md a q\r\n", READ_ONLY),
    (b"ma a q\r\n", READ_ONLY),
    (b"md\r\n", BAD_LINE),
    (b"delete a\r\n", READ_ONLY),
    (b"delete a 0\r\n", READ_ONLY),
    (b"delete a noreply\r\n", b""),
    (
        b"delete a 5\r\n",
        b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n",
    ),
    (b"incr a 1\r\n", READ_ONLY),
    (b"decr a 1\r\n", READ_ONLY),
    (b"incr a 1 noreply\r\n", b""),
    (b"flush_all\r\n", b"CLIENT_ERROR flush_all not allowed\r\n"),
    (b"verbosity 1\r\n", b"OK\r\n"),
    (b"verbosity 1 noreply\r\n", b""),
    (b"verbosity\r\n", b"ERROR\r\n"),
    (b"stats items\r\n", END),
    (b"stats slabs\r\n", END),
    (b"stats sizes\r\n", b"STAT sizes_status disabled\r\nEND\r\n"),
    (b"stats reset\r\n", b"RESET\r\n"),
    (b"stats detail on\r\n", b"OK\r\n"),
    (b"stats detail off\r\n", b"OK\r\n"),
    (b"stats nonsense\r\n", b"ERROR\r\n"),
    (b"stats cachedump 1 1\r\n", b"CLIENT_ERROR stats cachedump not allowed\r\n"),
    (b"lru_crawler metadump all\r\n", b"ERROR metadump not allowed\r\n"),
    (b"lru_crawler mgdump all\r\n", b"ERROR key dump not allowed\r\n"),
    (b"lru_crawler metadump\r\n", b"ERROR\r\n"),
    (b"lru_crawler mgdump\r\n", b"ERROR\r\n"),
    (b"bogus x noreply\r\n", b""),
    (b"watch\r\n", b"CLIENT_ERROR watch commands not allowed\r\n"),
    (b"shutdown\r\n", b"ERROR: shutdown not enabled\r\n"),
    (b"get hoge\r\n", HOGE + END),
]
REQUESTS = b"".join(request for request, _ in TRANSCRIPT)
REPLIES = b"".join(reply for _, reply in TRANSCRIPT)


@contextlib.contextmanager
def serving(folder, **options):
    listener = {"protocol": "memcached", "listen": "127.0.0.1:0", "databases": ["words"]}
    server = Server(folder / "server", listeners=[{**listener, "options": options}])
    server.start()
    try:
        server.load(WORDS)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """One server for the whole file: these tests change nothing."""
    with serving(tmp_path_factory.mktemp("memcached")) as server:
        yield server


@pytest.fixture
def client(words):
    with words.client() as client:
        yield client


@pytest.fixture
def stock(words):
    client = PymemcacheClient(words.address(), timeout=20, connect_timeout=20)
    yield client
    client.close()


def version_of(client):
    reply = client.ask(b"version")
    assert re.fullmatch(rb"VERSION 1\.6\.45-goromdb-\d+\.\d+\.\d+\S*", reply), reply
    return reply + b"\r\n"


@pytest.mark.parametrize(
    "request_,reply", TRANSCRIPT, ids=[repr(r)[2:60].rstrip("'") for r, _ in TRANSCRIPT]
)
def test_a_request_gets_exactly_this_reply(client, request_, reply):
    version = version_of(client)
    client.send(request_ + b"version\r\n")
    assert client.exactly(len(reply) + len(version)) == reply + version


def test_all_requests_in_one_packet_get_all_replies_in_order(client):
    version = version_of(client)
    client.send(REQUESTS + b"version\r\n")
    assert client.exactly(len(REPLIES) + len(version)) == REPLIES + version


def test_a_split_at_any_byte_changes_no_reply(client):
    version = version_of(client)
    for at in range(1, len(REQUESTS)):
        # The answer to `version` proves that the first part has been read before the second.
        client.send(b"version\r\n" + REQUESTS[:at])
        assert client.exactly(len(version)) == version, f"split at byte {at}"
        client.send(REQUESTS[at:])
        assert client.exactly(len(REPLIES)) == REPLIES, f"split at byte {at}"


def test_one_byte_at_a_time_changes_no_reply(client):
    for at in range(len(REQUESTS)):
        client.send(REQUESTS[at : at + 1])
    assert client.exactly(len(REPLIES)) == REPLIES


def test_a_thousand_pipelined_gets_are_answered_in_order(client):
    for _ in range(5):
        client.send(b"".join(b"get key%04d\r\n" % (i % 64) for i in range(1000)))
        for i in range(1000):
            assert client.read_values() == [(f"key{i % 64:04}", b"one:%d" % (i % 64))]


def test_a_get_of_many_keys_is_answered_in_order(client):
    keys = [f"key{i % 64:04}" for i in range(1000)]
    client.send(b"get " + " ".join(keys).encode() + b"\r\n")
    assert client.read_values() == [(key, b"one:%d" % int(key[3:])) for key in keys]


def test_the_cas_of_a_value_is_the_same_each_time_and_never_zero(words):
    seen = {}
    for _ in range(3):
        with words.client() as client:
            client.send(b"gets hoge a key0001\r\n")
            while (line := client.line()) != b"END":
                _, key, _, length, cas = line.split(b" ")
                client.exactly(int(length) + 2)
                assert 0 < int(cas) < 1 << 64
                seen.setdefault(key, set()).add(cas)
    assert len(seen) == 3
    assert all(len(values) == 1 for values in seen.values())
    assert len(set.union(*seen.values())) == 3


def test_the_cas_stays_over_a_reload_where_the_value_stays(serve):
    server = serve()

    def cas(client, key):
        client.send(b"gets %s\r\n" % key)
        line = client.line()
        client.exactly(int(line.split(b" ")[3]) + 2)
        assert client.line() == b"END"
        return line.split(b" ")[4]

    server.load({"same": "same", "other": "before"})
    with server.client() as client:
        same, other = cas(client, b"same"), cas(client, b"other")
        server.load({"same": "same", "other": "behind"})
        assert cas(client, b"same") == same
        assert cas(client, b"other") != other


# ---- writes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1 << 20, 16 << 20], ids=["1MiB", "16MiB"])
def test_a_large_refused_value_is_swallowed_and_its_content_is_never_a_command(client, size):
    block = (b"get a\r\nquit\r\nset a 0 0 1\r\n" * (size // 24 + 1))[:size]
    client.send(b"set a 0 0 %d\r\n" % size + block + b"\r\nget a\r\n")
    expected = READ_ONLY + A + END
    assert client.exactly(len(expected)) == expected


@pytest.mark.skipif(SANITIZER is not None, reason="a sanitizer keeps freed memory")
def test_a_refused_value_is_not_buffered(words, client):
    def resident():
        with open(f"/proc/{words.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) << 10

    before = resident()
    size = 48 << 20
    client.send(b"set a 0 0 %d\r\n" % size)
    for _ in range(48):
        client.send(b"x" * (1 << 20))
    client.send(b"\r\n")
    assert client.line() == READ_ONLY[:-2]
    assert resident() - before < 8 << 20


def test_a_refused_value_may_arrive_in_pieces(client):
    version = version_of(client)
    pieces = [b"set a 0 0 10\r\n", b"12345", b"67890", b"\r", b"\n"]
    for i in range(1, len(pieces)):
        client.send(b"version\r\n" + b"".join(pieces[:i]))
        assert client.exactly(len(version)) == version
        client.send(b"".join(pieces[i:]) + b"get a\r\n")
        expected = READ_ONLY + A + END
        assert client.exactly(len(expected)) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"set a 0 0 many",
        b"set a 0 0 -1",
        b"set a 0 0 99999999999999999999",
        b"set a 0 0 2147483647",
        b"set a 0 0",
        b"set",
    ],
    ids=lambda line: line.decode(),
)
def test_a_write_of_unknown_length_ends_the_connection(client, line):
    client.send(line + b"\r\nget a\r\nversion\r\n")
    assert client.line() == BAD_LINE[:-2]
    assert client.ended(), "the payload could have been read as commands"


def test_a_data_block_without_its_end_ends_the_connection(client):
    client.send(b"set a 0 0 1\r\nlonger than one\r\nget a\r\n")
    assert client.line() == b"CLIENT_ERROR bad data chunk"
    assert client.ended()


def test_a_write_whose_client_leaves_half_way_harms_nobody(words):
    for at in (1, 5, 12, 13, 14, 500):
        with words.client() as client:
            client.send((b"set a 0 0 1000\r\n" + b"x" * 1000)[:at])
    with words.client() as client:
        assert client.get("a") == b"1"


# ---- write_reply: not_stored ---------------------------------------------------------------------

NOT_STORED = b"NOT_STORED\r\n"


def add(key, block, noreply=b""):
    return b"add %s 0 0 %d%s\r\n" % (key, len(block), noreply) + block + b"\r\n"


@pytest.fixture(scope="module")
def not_stored(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("not_stored"), write_reply="not_stored") as server:
        yield server


def test_an_add_of_a_key_that_is_there_is_not_stored_and_any_other_is_refused(not_stored):
    sent = [
        (b"get a\r\n", A + END),
        (add(b"a", b"get a\r\nquit"), NOT_STORED),
        (add(b"nothing", b"flush_all"), READ_ONLY),
        (b"get a nothing\r\n", A + END),
        (add(b"a", b"x", b" noreply"), b""),
        (add(b"nothing", b"x", b" noreply"), b""),
        (add(LONGEST.encode(), b""), NOT_STORED),
        (b"set nothing 0 0 1\r\nx\r\n", NOT_STORED),
        (b"ms a 1 ME k O7\r\nx\r\n", b"NS ka O7\r\n"),
        (b"ms nothing 1 ME k O8\r\nx\r\n", READ_ONLY),
        (b"get a\r\n", A + END),
    ]
    requests, replies = (b"".join(part) for part in zip(*sent))
    with not_stored.client() as client:
        client.send(requests)
        assert client.exactly(len(replies)) == replies
        for at in range(len(requests)):
            client.send(requests[at : at + 1])
        assert client.exactly(len(replies)) == replies


@pytest.mark.parametrize(
    "key,reply", [(b"a", NOT_STORED), (b"nothing", READ_ONLY)], ids=["a", "nothing"]
)
def test_an_add_of_a_large_value_knows_its_key_at_the_end(not_stored, key, reply):
    block = b"get a\r\nquit\r\n" * (1 << 20)
    with not_stored.client() as client:
        client.send(
            b"get hoge\r\n" + add(key, block) + b"get hoge\r\n" + add(key, block) + b"get a\r\n"
        )
        expected = HOGE + END + reply + HOGE + END + reply + A + END
        assert client.exactly(len(expected)) == expected


def test_adds_that_are_looked_up_are_counted_as_refused(not_stored):
    with not_stored.client() as client:
        before = client.stats()
        client.send(add(b"a", b"x") + add(b"nothing", b"x") + add(b"a", b"x", b" noreply"))
        expected = NOT_STORED + READ_ONLY
        assert client.exactly(len(expected)) == expected
        after = client.stats()
    assert int(after["goromdb_refused"]) - int(before["goromdb_refused"]) == 3


def test_an_add_before_the_first_data_set_is_not_ready(serve):
    listener = {"protocol": "memcached", "listen": "127.0.0.1:0", "databases": ["words"]}
    listener["options"] = {"write_reply": "not_stored"}
    server = serve(listeners=[listener])
    with server.client() as client:
        client.send(add(b"a", b"x"))
        assert client.line() == b"SERVER_ERROR not ready"
        server.load(WORDS)
        client.send(add(b"a", b"x"))
        assert client.line() == b"NOT_STORED"


def test_a_lock_by_an_add_is_never_taken_and_never_said_to_be_taken_by_another(not_stored):
    client = PymemcacheClient(not_stored.address(), timeout=20, connect_timeout=20)
    assert client.add("hoge", "mine", noreply=False) is False
    with pytest.raises(MemcacheClientError, match="read-only"):
        client.add("lock", "mine", noreply=False)
    assert client.get("hoge") == b"piyo"
    client.close()


# ---- what is no memcached ----------------------------------------------------------------------


def read_to_the_end(client):
    try:
        return client.stream.read()
    except ConnectionError:
        return b""


@pytest.mark.parametrize("start", [b"", b"get ", b"set a 0 0 1 "], ids=["noise", "get", "set"])
def test_a_line_without_an_end_ends_the_connection(words, client, start):
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    try:
        client.send(start)
        for _ in range(64):
            client.send(b"x" * 65536)
    except OSError:
        pass  # closed while we were writing, as it should be
    left = read_to_the_end(client)
    assert len(left) < 1000, left[:1000]
    with words.client() as another:
        assert another.get("a") == b"1"


def test_a_get_of_endless_keys_ends_the_connection(words, client):
    try:
        client.send(b"get")
        for _ in range(1 << 10):
            client.send(b" key" * 1024)
    except OSError:
        pass
    read_to_the_end(client)
    with words.client() as another:
        assert another.get("a") == b"1"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="http"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), id="tls"),
        pytest.param(b"*1\r\n$4\r\nPING\r\n", id="redis"),
        pytest.param(bytes(range(256)), id="every-byte"),
        pytest.param(b"\0" * 4096, id="zeros"),
        pytest.param(b"get a\0b\r\n", id="a-zero-in-a-key"),
    ],
)
def test_other_protocols_and_noise_do_no_harm(words, data):
    with words.client() as client:
        client.send(data)
        client.sock.shutdown(socket.SHUT_WR)
        read_to_the_end(client)
    with words.client() as client:
        assert client.get("a") == b"1"


def test_an_http_request_is_cut_off_silently(client):
    client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert read_to_the_end(client) == b""


@pytest.mark.parametrize("line", [b"POST / HTTP/1.1", b"Host: localhost", b"x HTTP/1.0"])
def test_nothing_behind_a_line_of_http_is_read(client, line):
    client.send(line + b"\r\nget a\r\n")
    assert read_to_the_end(client) == b""


@pytest.mark.parametrize("first", [b"\x16\x03\x01", b"\x81\x00"], ids=["tls", "a-servers-packet"])
def test_a_first_byte_that_no_client_sends_ends_the_connection(client, first):
    client.send(first + b"\r\nget a\r\n")
    assert read_to_the_end(client) == b""


def test_the_first_byte_decides_about_the_protocol_for_good(words):
    noop = struct.pack(">BBHBBHIIQ", 0x80, 0x0A, 0, 0, 0, 0, 0, 7, 0)
    with words.client() as client:
        client.send(b"get a\r\n" + noop + b"\r\nget a\r\n")
        expected = A + END + b"ERROR\r\n" * 2 + A + END  # the opcode is a line end
        assert client.exactly(len(expected)) == expected
    with words.client() as client:
        client.send(noop + b"get a\r\n")
        assert read_to_the_end(client) == b"\x81" + noop[1:]


def test_no_datagram_is_answered_or_listened_for(words):
    """memcached's UDP answers a forged sender with much more than was sent."""
    inodes = set()
    for name in ("udp", "udp6"):
        table = Path(f"/proc/{words.pid}/net/{name}")
        if table.exists():
            inodes |= {line.split()[9] for line in table.read_text().splitlines()[1:]}
    folder = f"/proc/{words.pid}/fd"
    links = [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)]
    sockets = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    assert sockets and not sockets & inodes


def test_quit_ends_the_connection_without_a_word(client):
    client.send(b"get a\r\nquit\r\nget a\r\n")
    assert read_to_the_end(client) == A + END


def test_a_client_that_closes_its_half_gets_its_replies(client):
    client.send(b"get a\r\n" * 100)
    client.sock.shutdown(socket.SHUT_WR)
    assert read_to_the_end(client) == (A + END) * 100


def test_a_reset_connection_harms_nobody(words):
    for _ in range(20):
        with words.client() as client:
            client.send(b"get a\r\n" * 1000)
            linger = b"\1\0\0\0\0\0\0\0"  # on, 0 s: close() resets
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    with words.client() as client:
        assert client.get("a") == b"1"


# ---- statistics --------------------------------------------------------------------------------


def test_the_statistics_have_every_name_that_exporters_read(client):
    stats = client.stats()
    names = """pid uptime time version pointer_size rusage_user rusage_system max_connections
    curr_connections total_connections rejected_connections cmd_get cmd_set cmd_flush cmd_touch
    cmd_meta get_hits get_misses get_expired get_flushed delete_misses delete_hits incr_misses
    incr_hits decr_misses decr_hits cas_misses cas_hits cas_badval touch_hits touch_misses auth_cmds
    auth_errors bytes_read bytes_written limit_maxbytes accepting_conns listen_disabled_num threads
    conn_yields curr_items total_items bytes evictions reclaimed goromdb_generation goromdb_checksum
    goromdb_entries goromdb_rejections goromdb_loads goromdb_ready"""
    assert [name for name in names.split() if name not in stats] == []
    assert stats["curr_items"] == str(len(WORDS))


# prometheus' memcached_exporter reads these as numbers, and what it can not read makes it report the
# server as down; its words for extstore, proxies and slabs only where the server has such.
EXPORTED = """get_hits get_misses delete_hits delete_misses incr_hits incr_misses decr_hits decr_misses
cas_hits cas_misses cas_badval touch_hits touch_misses cmd_set cmd_flush uptime time bytes
limit_maxbytes curr_items total_items bytes_read bytes_written curr_connections total_connections
rejected_connections conn_yields listen_disabled_num evictions reclaimed store_too_large
store_no_memory lru_crawler_starts direct_reclaims crawler_items_checked crawler_reclaimed
moves_to_cold moves_to_warm moves_within_lru accepting_conns""".split()


def test_the_statistics_are_numbers_where_an_exporter_reads_numbers(client):
    stats = client.stats()
    assert all(float(stats[name]) >= 0 for name in EXPORTED)
    for name in ("rusage_user", "rusage_system"):
        assert re.fullmatch(r"\d+\.\d{6}", stats[name])
    assert stats["version"]
    assert not {"extstore_limit_maxbytes", "proxy_backend_total"} & set(stats)
    assert int(client.stats("settings")["maxconns"]) > 0


def test_the_connections_are_told_as_memcached_tells_them(words, client):
    conns = client.stats("conns")
    host, port = client.sock.getsockname()
    mine = [name.split(":")[0] for name, value in conns.items() if value == f"tcp:{host}:{port}"]
    assert len(mine) == 1
    told = {
        name.split(":")[1]: value for name, value in conns.items() if name.split(":")[0] == mine[0]
    }
    assert set(told) == {"addr", "listen_addr", "state", "secs_since_last_cmd"}
    assert told["listen_addr"] == "tcp:%s:%d" % words.address()
    assert int(told["secs_since_last_cmd"]) >= 0


def test_the_statistics_tell_the_process(words, client):
    stats = client.stats()
    assert stats["pid"] == str(words.pid)
    assert stats["version"].startswith("1.6.45-goromdb-")
    assert int(stats["curr_connections"]) >= 1
    assert stats["threads"] == "2"


def test_the_statistics_count_hits_misses_and_refusals(serve):
    server = serve()
    server.load(WORDS)
    with server.client() as client:
        before = client.stats()
        client.send(b"get a\r\nget hoge nothing\r\nget nothing\r\nset a 0 0 1\r\n2\r\nversion\r\n")
        while not client.line().startswith(b"VERSION"):
            pass
        after = client.stats()

    def grown(name):
        return int(after[name]) - int(before[name])

    assert grown("cmd_get") in (3, 4), "counted by request or, as memcached does, by key"
    assert grown("get_hits") == 2
    assert grown("get_misses") == 2
    assert grown("bytes_read") > 0 and grown("bytes_written") > 0


def test_the_settings_have_what_exporters_read(client):
    settings = client.stats("settings")
    for name in ("maxconns", "lru_crawler", "item_size_max", "binding_protocol"):
        assert name in settings
    assert settings["lru_crawler"] == "no"


def test_stats_reset_resets_the_counters(serve):
    server = serve()
    server.load(WORDS)
    with server.client() as client:
        client.get("a")
        assert int(client.stats()["get_hits"]) == 1
        assert client.ask(b"stats reset") == b"RESET"
        stats = client.stats()
        assert stats["get_hits"] == "0"
        assert stats["goromdb_generation"] == "1"


# ---- a stock client ----------------------------------------------------------------------------


def test_pymemcache_reads(stock):
    assert stock.get("hoge") == b"piyo"
    assert stock.get("nothing") is None
    assert stock.get("nothing", "default") == "default"
    assert stock.get_many(["hoge", "nothing", "a"]) == {"hoge": b"piyo", "a": b"1"}
    assert stock.get_many([f"key{i:04}" for i in range(64)]) == {
        f"key{i:04}": b"one:%d" % i for i in range(64)
    }
    value, cas = stock.gets("hoge")
    assert value == b"piyo" and int(cas) > 0
    assert set(stock.gets_many(["hoge", "a"])) == {"hoge", "a"}
    assert stock.version().startswith(b"1.6.45-goromdb-")
    stats = stock.stats()
    assert stats[b"goromdb_generation"] == 1
    assert stats[b"curr_items"] == len(WORDS)
    assert stock.touch("hoge", 10, noreply=False) is True
    assert stock.touch("nothing", 10, noreply=False) is False


@pytest.mark.parametrize(
    "write",
    [
        lambda c: c.set("a", "2", noreply=False),
        lambda c: c.add("b", "2", noreply=False),
        lambda c: c.replace("a", "2", noreply=False),
        lambda c: c.append("a", "2", noreply=False),
        lambda c: c.prepend("a", "2", noreply=False),
        lambda c: c.cas("a", "2", b"7", noreply=False),
        lambda c: c.delete("a", noreply=False),
        lambda c: c.incr("a", 1),
        lambda c: c.decr("a", 1),
        lambda c: c.flush_all(noreply=False),
    ],
    ids="set add replace append prepend cas delete incr decr flush_all".split(),
)
def test_pymemcache_is_told_that_it_may_not_write(stock, write):
    with pytest.raises(MemcacheClientError, match="read-only|not allowed"):
        write(stock)
    assert stock.get("a") == b"1"


def test_pymemcache_writes_without_a_reply_leave_the_connection_in_step(stock):
    assert stock.get("hoge") == b"piyo"
    connection = stock.sock
    for _ in range(10):
        stock.set("a", "get hoge\r\n", noreply=True)
        stock.delete("a", noreply=True)
        assert stock.get("a") == b"1"
    assert stock.sock is connection


def test_pymemcache_is_told_that_there_is_no_data_yet(serve):
    server = serve()
    client = PymemcacheClient(server.address())
    with pytest.raises(MemcacheServerError, match="not ready"):
        client.get("a")
    server.load(WORDS)
    assert client.get("a") == b"1"
    client.close()


def test_two_clients_see_the_same(words):
    with words.client() as one, words.client() as other:
        assert whole_set(one) == whole_set(other) == "one"
