# SPDX-License-Identifier: MIT
"""What the meta commands and packets need the whole program for: memory, swaps, dumps of all keys.

Their replies are in test_memcached_differential.py and in the plugin's own tests.
"""

import base64
import urllib.parse

import pytest

from harness import SANITIZER, dataset, encode
from test_memcached_differential import ADD, GETKQ, NOOP, SET, packet
from test_server import MallocCount

NOOP_REPLY = b"\x81" + packet(NOOP)[1:]


def memcached(**options):
    return {"protocol": "memcached", "listen": "127.0.0.1:0", "databases": ["words"], "options": options}


def multiget(keys):
    return b"".join(packet(GETKQ, key.encode()) for key in keys) + packet(NOOP)


def read_packets(client):
    """{key: value} of the packets up to that of NOOP."""
    found = {}
    while True:
        head = client.exactly(24)
        if head == NOOP_REPLY:
            return found
        size = int.from_bytes(head[8:12], "big")
        keylen, extlen = int.from_bytes(head[2:4], "big"), head[4]
        body = client.exactly(size)
        assert head[6:8] == b"\0\0", body
        found[body[extlen : extlen + keylen].decode()] = body[extlen + keylen :].decode()


CODE = base64.b64encode(b"key0001")
LOADS = {
    "mg": (b"mg key0001 v k c f s t O1\r\nmg nothing v\r\nme key0002\r\n" * 32 + b"mn\r\n", b"MN\r\n"),
    "mg of base64": ((b"mg " + CODE + b" b v k\r\n") * 64 + b"mn\r\n", b"MN\r\n"),
    "packets": (multiget([f"key{i:04}" for i in range(64)]), NOOP_REPLY),
    "adds": (
        b"add key0001 0 0 3\r\nabc\r\nms a2V5MDAwMQ== 3 ME b k O1\r\nabc\r\nadd nothing 0 0 1\r\n1\r\n" * 32
        + b"mn\r\n",
        b"MN\r\n",
    ),
    "packets of ADD": (packet(ADD, b"key0001", bytes(8), b"v" * 10_000) + packet(NOOP), NOOP_REPLY),
    "refused packets": (packet(SET, b"k", bytes(8), b"v" * 10_000) + packet(NOOP), NOOP_REPLY),
}


@pytest.mark.skipif(SANITIZER is not None, reason="a sanitizer brings its own malloc")
@pytest.mark.parametrize("load", LOADS)
def test_meta_and_binary_requests_allocate_nothing_after_warm_up(serve, tmp_path, load):
    count = MallocCount(tmp_path)
    listeners = [memcached(write_reply="not_stored")]
    server = serve(words={"poll_interval": "1h"}, listeners=listeners, env=count.environment())
    server.load(dataset("one"))
    request, end = LOADS[load]
    with server.client() as client:

        def ask(times):
            for _ in range(times):
                client.send(request)
                got = b""
                while not got.endswith(end):
                    got = got[-len(end) :] + client.stream.read1(1 << 16)

        ask(200)
        fewest = 1 << 60
        for _ in range(5):
            before = int(count)
            ask(100)
            fewest = min(fewest, int(count) - before)
    assert fewest == 0, f"{fewest} allocations in 100 times {load}"


def test_a_binary_connection_outlives_a_swap_and_never_gets_half_a_set(serve):
    server = serve()
    server.load(dataset("one"))
    keys = ["marker", *dataset("one")]
    seen = set()
    with server.client() as client:

        def whole():
            client.send(multiget(keys))
            found = read_packets(client)
            assert found == dataset(found["marker"])
            seen.add(found["marker"])

        whole()
        for marker in ("two", "three"):
            server.drop(dataset(marker))
            while marker not in seen:
                whole()
    assert seen == {"one", "two", "three"}


def test_a_dump_lists_every_key_once_and_the_connection_goes_on(serve):
    server = serve(listeners=[memcached(dump=True)])
    words = {f"key {i} ä": "v" * (i % 7) for i in range(20_000)}
    server.load(encode(words))
    with server.client() as client:
        client.send(b"lru_crawler metadump all\r\nmn\r\nlru_crawler mgdump all\r\nmn\r\n")
        assert client.line() == b"OK"
        sizes = {}
        while (line := client.stream.readline()) != b"END\r\n":
            fields = dict(word.split("=", 1) for word in line.decode().split())
            key = urllib.parse.unquote(fields["key"])
            assert key not in sizes
            sizes[key] = int(fields["size"]) - len(key.encode())
        assert sizes == {key: len(value) for key, value in words.items()}
        assert client.line() == b"MN"
        assert client.line() == b"OK"
        keys = []
        while (line := client.line()) != b"EN":
            verb, code, flag = line.split()
            assert (verb, flag) == (b"mg", b"b")
            keys.append(base64.b64decode(code).decode())
        assert sorted(keys) == sorted(words)
        assert client.line() == b"MN"


def test_a_dump_is_refused_by_default(serve):
    server = serve()
    server.load(dataset("one"))
    with server.client() as client:
        assert client.ask(b"lru_crawler metadump all") == b"ERROR metadump not allowed"
        assert client.ask(b"lru_crawler mgdump all") == b"ERROR key dump not allowed"
