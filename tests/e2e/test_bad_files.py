# SPDX-License-Identifier: MIT
"""Files whose sum is right and whose content is not: kept aside, explained, never served."""

import gzip
import json
import subprocess

import pytest

from harness import dataset, encode, hexdigest

GOOD = encode(dataset("two"))


def bomb(compress):
    """Becomes more than a thousand times as large as it is."""
    return compress(b'{"marker": "' + b"x" * (100 << 20) + b'"}')


def zstd(data):
    return subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout



GARBAGE = {
    "no bytes": b"",
    "one zero": b"\0",
    "prose": b"this is no JSON\n",
    "random bytes": bytes(range(256)) * 64,
    "cut short": GOOD[: len(GOOD) // 2],
    "without its last byte": GOOD[:-1],
    "trailing data": GOOD + b"x",
    "two objects in a row without a line end": GOOD + GOOD,
    "an array": b'["a", "b"]',
    "a string": b'"marker"',
    "a number": b"42",
    "null": b"null",
    "a zero byte after the object": GOOD + b"\0",
    "bad UTF-8 in a value": b'{"marker": "\xff\xfe"}',
    "bad UTF-8 in a key": b'{"\xc3\x28": "x"}',
    "a lone surrogate": b'{"marker": "\\ud800"}',
    "a bad escape": b'{"marker": "\\q"}',
    "a raw line end in a string": b'{"marker": "a\nb"}',
    "a trailing comma": b'{"marker": "a",}',
    "a comment": b'{"marker": "a" /* b */}',
    "deep nesting": b'{"marker": ' + b"[" * 100000 + b"]" * 100000 + b"}",
    "unclosed deep nesting": b'{"marker": ' + b"[" * 1000000,
    "cut gzip": gzip.compress(GOOD)[:-9],
    "gzip with a wrong sum": gzip.compress(GOOD)[:-8] + b"\0\0\0\0" + gzip.compress(GOOD)[-4:],
    "gzip magic and nothing": b"\x1f\x8b",
    "gzip of prose": gzip.compress(b"this is no JSON"),
    "gzip bomb": lambda: bomb(gzip.compress),
    "zstd bomb": lambda: bomb(zstd),
    "zstd magic and nothing": b"\x28\xb5\x2f\xfd",
    "zstd magic and noise": b"\x28\xb5\x2f\xfd" + bytes(range(256)),
}


def rejected_copy(server):
    """The file that was kept aside, of which there is one at most."""
    copies = sorted(server.store().glob("data0[01]/data.db.rejected"))
    assert len(copies) <= 1, copies
    return copies[0] if copies else None


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_with_a_right_sum_is_kept_aside_and_the_old_data_set_stays(serve, name):
    server = serve()
    server.load(dataset("one"))
    data = GARBAGE[name]() if callable(GARBAGE[name]) else GARBAGE[name]
    server.drop(data)
    reason = server.wait("words", r"rejected .*data\.json: ").message
    assert server.serving() == "one"
    stats = server.stats()
    assert stats["goromdb_generation"] == "1"
    assert stats["goromdb_rejections"] == "1"
    copy = rejected_copy(server)
    assert copy and copy.read_bytes() == data
    why = copy.with_name("data.db.rejected.reason").read_text()
    assert why.strip() and why.strip().splitlines()[0] in reason or reason.split(": ", 1)[1] in why
    server.drop(GOOD)
    server.adopted(2)
    assert server.serving() == "two"


def test_garbage_as_the_first_data_set_leaves_the_server_waiting(serve):
    server = serve()
    server.drop(b"garbage")
    server.wait("words", "rejected ")
    with server.client() as client:
        assert client.ask(b"get marker") == b"SERVER_ERROR not ready"
    server.load(dataset("one"))
    server.wait("server", "ready:")
    assert server.serving() == "one"


def test_the_same_garbage_dropped_again_is_rejected_again(serve):
    server = serve()
    server.load(dataset("one"))
    for count in (1, 2, 3):
        after = server.mark()
        server.drop(b"garbage %d" % count)
        server.wait("words", "rejected ", after)
        assert server.stats()["goromdb_rejections"] == str(count)
        assert rejected_copy(server).read_bytes() == b"garbage %d" % count
    server.load(dataset("two"))
    assert server.serving() == "two"


def test_a_rejected_file_is_not_tried_again_by_a_restart(serve):
    server = serve()
    server.load(dataset("one"))
    server.drop(b"garbage")
    server.wait("words", "rejected ")
    server.restart(ready=True)
    assert server.serving() == "one"
    assert not server.find("words", "rejected ")
    assert server.load(dataset("two")) > 1
    assert server.serving() == "two"


@pytest.mark.parametrize("data", [b"{}", b" {\n} \n", gzip.compress(b"{}", mtime=0)], ids=repr)
def test_an_empty_data_set_is_rejected(serve, data):
    server = serve()
    server.load(dataset("one"))
    server.drop(data)
    message = server.wait("words", "rejected ").message
    assert "min_entries" in message
    assert server.serving() == "one"


def test_an_empty_data_set_is_served_where_that_is_allowed(serve):
    server = serve(words={"min_entries": 0})
    server.load(dataset("one"))
    server.load({})
    with server.client() as client:
        assert client.get("marker") is None
        assert client.stats()["goromdb_entries"] == "0"


def test_a_data_set_with_too_few_entries_is_rejected(serve):
    server = serve(words={"min_entries": 50})
    server.load(dataset("one", 49))
    server.drop(dataset("two", 48))
    message = server.wait("words", "rejected ").message
    assert "49" in message and "50" in message
    assert server.serving(49) == "one"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xef\xbb\xbf" + GOOD, id="with-a-byte-order-mark"),
        pytest.param(gzip.compress(GOOD), id="gzip"),
        pytest.param(gzip.compress(GOOD[:500]) + gzip.compress(GOOD[500:]), id="two-gzip-members"),
        pytest.param(json.dumps(dataset("two"), indent=4).encode(), id="indented"),
        pytest.param(GOOD.replace(b"{", b'{"marker": "first", ', 1), id="duplicate-keys"),
        pytest.param(b"\n\n  " + GOOD + b"\n\n", id="space-around"),
    ],
)
def test_what_looks_odd_and_is_right_is_served(serve, data):
    server = serve()
    server.load(dataset("one"))
    server.drop(data)
    server.adopted(2)
    assert server.serving() == "two"
    assert server.stats()["goromdb_checksum"].endswith(hexdigest(data))


def test_values_of_every_kind_are_served_as_the_contract_says(serve):
    server = serve()
    server.drop(
        rb"""{"string": "a\u00e9\n\ud83d\ude00\"", "number": 1.50, "big": 123456789012345678901234567890,
        "true": true, "null": null, "array": [1,  "two", {"three": 3}], "empty": "",
        "space": {"inner": "value", "deep": {"er": 1}}, "\u00fcber": "unicode key"}"""
    )
    server.adopted(1)
    with server.client() as client:
        assert client.get("string") == 'a\u00e9\n\U0001f600"'.encode()
        assert client.get("number") == b"1.50"
        assert client.get("big") == b"123456789012345678901234567890"
        assert client.get("true") == b"true"
        assert client.get("null") == b"null"
        assert json.loads(client.get("array")) == [1, "two", {"three": 3}]
        assert client.get("empty") == b""
        assert client.get("\u00fcber") == b"unicode key"
        assert client.get("inner") is None


def test_one_bad_database_does_not_hold_up_another(serve):
    server = serve(
        databases={
            name: {"storage": "json", "file": f"in/{name}.json", "basedir": name}
            for name in ("bad", "good")
        }
    )
    server.pause_at("hashing")
    server.drop(b"garbage", "bad")
    server.wait_paused("hashing")
    server.resume("hashing")
    server.wait("bad", "rejected ")
    server.load(dataset("one"), "good")
    assert server.stats()["goromdb_ready"] == "0"
