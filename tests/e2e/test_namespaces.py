# SPDX-License-Identifier: MIT
"""Namespaces and several databases over one memcached listener, by the key's prefix."""

import json
import threading

import pytest

from harness import run, wait_for


def listener(databases, **options):
    return {
        "protocol": "memcached",
        "listen": "127.0.0.1:0",
        "databases": databases,
        "options": options,
    }


def database(name, **more):
    return {"storage": "json", "file": f"in/{name}.json", "basedir": f"store-{name}", **more}


WORDS = {"hoge": "fuga", "users": {"anna": "1", "a:b": "2"}, "a/b": "slash"}
PRICES = {"hoge": "9.99", "users": {"anna": "free"}}


@pytest.fixture
def two(serve):
    """Two databases: on a listener that tells them by prefix, and on a plain one each."""
    server = serve(
        databases={"words": database("words"), "prices": database("prices")},
        listeners=[
            listener(["words", "prices"], database_separator="/", namespace_separator=":"),
            listener(["words"]),
            listener(["prices"], namespace_separator="::"),
        ],
    )
    server.drop(json.dumps(WORDS).encode(), "words")
    server.adopted(database="words")
    return server


def test_keys_name_databases_and_namespaces(two):
    two.drop(json.dumps(PRICES).encode(), "prices")
    two.adopted(database="prices")
    with two.client(["words", "prices"]) as client:
        asked = ["hoge", "prices/hoge", "users:anna", "prices/users:anna", "words/users:a:b"]
        assert client.get_many([*asked, "prices/none", "none:hoge", "a/b", ":hoge"]) == {
            "hoge": b"fuga",
            "prices/hoge": b"9.99",
            "users:anna": b"1",
            "prices/users:anna": b"free",
            "words/users:a:b": b"2",
            "a/b": b"slash",
            ":hoge": b"fuga",
        }
    with two.client(["words"]) as client:
        assert client.get_many(["hoge", "users:anna", "prices/hoge"]) == {"hoge": b"fuga"}
    with two.client(["prices"]) as client:
        assert client.get_many(["hoge", "users::anna", "users:anna"]) == {
            "hoge": b"9.99",
            "users::anna": b"free",
        }


def test_a_request_waits_for_the_data_sets_that_it_names_and_for_no_other(two):
    with two.client(["words", "prices"]) as client:
        client.send(b"get hoge\r\nget hoge prices/hoge\r\nget users:anna\r\n")
        reply = (
            b"VALUE hoge 0 4\r\nfuga\r\nEND\r\n"
            b"SERVER_ERROR not ready\r\n"
            b"VALUE users:anna 0 1\r\n1\r\nEND\r\n"
        )
        assert client.exactly(len(reply)) == reply


def test_each_database_is_swapped_on_its_own_under_load(two):
    """A key of each in one request: neither waits for the other, none is missed."""
    two.drop(json.dumps({"n": "0"}).encode(), "prices")
    two.adopted(database="prices")
    two.drop(json.dumps({"n": "0", "in": {"n": "0"}}).encode(), "words")
    two.adopted(2, "words")
    done = threading.Event()
    seen, faults = set(), []

    def read():
        with two.client(["words", "prices"]) as client:
            while not done.is_set():
                found = client.get_many(["n", "prices/n", "words/in:n"])
                if len(found) != 3 or found["n"] != found["words/in:n"]:
                    faults.append(found)
                    return
                seen.add((found["n"], found["prices/n"]))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    wait_for(lambda: (b"0", b"0") in seen or faults, "the first data sets to be read")
    for n in range(1, 5):
        two.drop(json.dumps({"n": str(n)}).encode(), "prices")
        two.adopted(n + 1, "prices")
        two.drop(json.dumps({"n": str(n), "in": {"n": str(n)}}).encode(), "words")
        two.adopted(n + 2, "words")
    wait_for(lambda: (b"4", b"4") in seen or faults, "the last data sets to be read")
    done.set()
    for reader in readers:
        reader.join()
    assert not faults


@pytest.mark.parametrize("separator", [" ", "a b", "\x01", "x" * 9])
def test_a_separator_that_no_key_could_have_is_refused(serve, separator):
    server = serve(
        start=False,
        databases={"words": database("words")},
        listeners=[listener(["words"], namespace_separator=separator)],
    )
    result = run("check", "--config", server.config_file)
    assert result.returncode == 2
    assert "namespace_separator" in result.stderr
