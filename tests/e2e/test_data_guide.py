# SPDX-License-Identifier: MIT
"""docs/data.md is run as it stands, and the programs of examples/export against real servers.

In the guide a block ```sh run is run, in the order of the page; the block behind it, if it is a bare
one, is what that printed, but for the time it took. ```sh serve is a server that runs to the end.
"""

import base64
import concurrent.futures
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pymemcache
import pytest

from harness import DEADLINE, PROGRAM, REPO, SANITIZER_REPORT, Client, wait_for
from redis_servers import free_port

GUIDE = REPO / "docs" / "data.md"
EXPORT = REPO / "examples" / "export"
BLOCK = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
CACHES = {
    "redis": ["redis-server", "--bind", "127.0.0.1", "--save", "", "--port"],
    # Items that move from one list to another meanwhile are left out of a metadump.
    "memcached": ["memcached", "-o", "no_lru_maintainer", "-l", "127.0.0.1", "-u", "nobody", "-p"],
}


class Ended(Exception):
    """A server ended by itself; what it said."""


@contextlib.contextmanager
def running(command, cwd, port):
    """Until the end; yields when the port answers."""
    with open(cwd / f"log.{port}", "w+b") as log:
        process = subprocess.Popen(command, cwd=cwd, stdout=log, stderr=log)

        def answers():
            if process.poll() is not None:
                raise Ended(Path(log.name).read_text(errors="replace"))
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return True

        try:
            wait_for(answers, f"{command[0]} to listen")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(DEADLINE)
        said = Path(log.name).read_text(errors="replace")
        assert not SANITIZER_REPORT.search(said), said


@pytest.fixture
def cache(tmp_path):
    """cache(name) starts that server and returns its port."""
    with contextlib.ExitStack() as stack:

        def start(name):
            if shutil.which(CACHES[name][0]) is None:
                pytest.skip(f"{CACHES[name][0]} is not installed")
            for _ in range(5):
                with contextlib.suppress(Ended):  # somebody else took the port
                    port = free_port()
                    stack.enter_context(running([*CACHES[name], str(port)], tmp_path, port))
                    return port
            raise AssertionError(f"{name} does not start")

        yield start


def shell(script, cwd):
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=3 * DEADLINE,
        check=False,
        env={**os.environ, "PATH": f"{PROGRAM.parent}:/usr/bin:{os.environ['PATH']}"},
    )


def without_times(text):
    return re.sub(r"\b\d+\.\d\d s$", "0.00 s", text, flags=re.MULTILINE)


def test_every_command_of_the_guide_prints_what_the_guide_shows(cache, tmp_path):
    ports = {"11211": free_port(), "6379": cache("redis"), "11212": cache("memcached")}

    def placed(text):
        return re.sub(r"\b(11211|6379|11212)\b", lambda m: str(ports[m.group()]), text)

    folder = tmp_path / "guide"
    folder.mkdir()
    (folder / "examples").symlink_to(REPO / "examples")
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert sum(info == "sh run" for info, _ in blocks) > 10
    with contextlib.ExitStack() as servers:
        for (info, body), (next_info, shown) in zip(blocks, [*blocks[1:], ("end", "")]):
            if info == "sh serve":
                program, *args = shlex.split(body)
                command = [str(PROGRAM.with_name(program)), *args]
                servers.enter_context(running(command, folder, ports["11211"]))
            elif info == "sh run":
                done = shell(placed(body), folder)
                assert done.returncode == 0, f"{body}\n{done.stdout}"
                if next_info == "":
                    assert without_times(done.stdout.replace("\r\n", "\n")) == without_times(
                        shown
                    ), body


def test_csv_as_postgres_writes_it_is_read(tmp_path):
    """COPY ... TO STDOUT CSV HEADER: NULL is nothing, an empty text "", JSON has its quotes doubled."""
    (tmp_path / "copy.csv").write_bytes(
        b'key,value\n1,"{""id"":1,""name"":""a, \xc3\xa9\\nb""}"\n2,\n3,""\n4,"two\nlines"\n'
    )
    done = shell(
        "goromdb build --storage lmdb --input copy.csv --output out --quiet; goromdb dump out",
        tmp_path,
    )
    assert done.returncode == 0, done.stdout
    rows = [json.loads(line) for line in done.stdout.splitlines()[1:]]
    assert {row["key"]: row["value"] for row in rows} == {
        "1": '{"id":1,"name":"a, \u00e9\\nb"}',
        "2": "",
        "3": "",
        "4": "two\nlines",
    }


# ---- the programs that export --------------------------------------------------------------------

BINARY = {
    b"hoge": b"fuga",
    b"empty": b"",
    "z\u00e9".encode(): b"a\tb\r\nc",
    b"\xff%41": b"\xfe\x00\n",
}
MANY = {b"key%05d" % i: b"value %d" % i for i in range(5000)}  # of several batches


def exported(program, *args):
    """{(namespace, key): (value, flags)} of what it prints, and what it says."""
    done = subprocess.run(
        ["/usr/bin/python3", str(EXPORT / program), *args],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    def of(row, name):
        return (
            base64.b64decode(row[name + "_b64"])
            if name + "_b64" in row
            else row.get(name, "").encode()
        )

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    found = {(of(r, "namespace"), of(r, "key")): (of(r, "value"), r.get("flags", 0)) for r in rows}
    return found, done.stdout, done.stderr


def plain(words, flags=0):
    return {(b"", key): (value, flags) for key, value in words.items()}


def served(serve, folder, text):
    """A client of a server of the file that is built of that text."""
    built = subprocess.run(
        [
            str(PROGRAM),
            "build",
            "--storage",
            "json",
            "--from",
            "ndjson",
            "--input",
            "-",
            "--output",
            str(folder / "built.json"),
            "--duplicates",
            "last",
        ],
        input=text.encode(),
        capture_output=True,
        timeout=DEADLINE,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    server = serve(words={"options": {"format": "ndjson"}})
    server.inbox().drop((folder / "built.json").read_bytes())
    server.adopted(1)
    return pymemcache.Client(server.address(), default_noreply=False)


def test_what_redis_has_is_exported_byte_for_byte_and_served(cache, serve, tmp_path):
    redis = pytest.importorskip("redis")
    port = cache("redis")
    with redis.Redis(port=port) as client:
        client.mset({**BINARY, **MANY})
        client.hset("users", mapping={"anna": "1", b"\xff": b"\xfe"})
        client.hset(b"\xfe", "k", "v")
        client.rpush("queue", "a", "b")
    url = f"redis://127.0.0.1:{port}/0"
    found, text, said = exported("from_redis.py", url)
    assert found == plain({**BINARY, **MANY})
    assert said == (
        "from_redis.py: left out: 2 of type hash\nfrom_redis.py: left out: 1 of type list\n"
    )
    hashes = {
        (b"users", b"anna"): (b"1", 0),
        (b"users", b"\xff"): (b"\xfe", 0),
        (b"\xfe", b"k"): (b"v", 0),
    }
    assert exported("from_redis.py", "--hashes", url)[0] == {**plain({**BINARY, **MANY}), **hashes}
    assert exported("from_redis.py", "--match", "key0000?", url)[0].keys() == {
        (b"", b"key%05d" % i) for i in range(10)
    }
    client = served(serve, tmp_path, text)
    assert {key: client.get(key) for key in BINARY} == BINARY


def test_what_memcached_has_is_exported_with_its_flags_and_served(cache, serve, tmp_path):
    port = cache("memcached")
    address = f"127.0.0.1:{port}"
    source = pymemcache.Client(("127.0.0.1", port), default_noreply=False)
    assert source.set_many({**BINARY, **MANY}, flags=4294967295) == []
    source.set(b"gone", b"x", expire=-1)
    with Client(("127.0.0.1", port)) as raw:
        assert raw.ask(b"ms AQI= 1 b\r\nx") == b"HD"  # the key is the bytes 1 and 2
    found, text, said = exported("from_memcached.py", address)
    assert found == plain({**BINARY, **MANY}, flags=4294967295)
    assert said == "from_memcached.py: left out: 1 with keys that no text protocol can ask for\n"
    client = served(serve, tmp_path, text)
    assert {key: client.get(key) for key in BINARY} == BINARY
    with Client(client.server) as raw:
        assert raw.ask(b"get hoge") == b"VALUE hoge 4294967295 4"


@pytest.mark.parametrize(
    "program, place",
    [("from_redis.py", "redis://127.0.0.1:{}/0"), ("from_memcached.py", "127.0.0.1:{}")],
)
def test_an_export_from_nobody_is_one_line_and_a_failure(program, place):
    if program == "from_redis.py":
        pytest.importorskip("redis")
    done = subprocess.run(
        ["/usr/bin/python3", str(EXPORT / program), place.format(free_port())],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"{program}: ") and "refused" in done.stderr


def test_an_export_waits_for_memcacheds_crawler():
    """A server that is busy once, then has one key."""

    def answer(listener):
        asked = 0
        while asked < 2:
            connection, _ = listener.accept()
            with connection:
                if connection.recv(100) == b"lru_crawler metadump all\r\n":
                    asked += 1
                    connection.sendall(
                        b"BUSY currently processing crawler request\r\n"
                        if asked == 1
                        else b"key=hoge exp=-1 la=1 cas=1 fetch=no cls=1 size=60\r\nEND\r\n"
                    )
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(100) == b"get hoge\r\n"
            connection.sendall(b"VALUE hoge 3 4\r\nfuga\r\nEND\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            served_all = pool.submit(answer, listener)
            found, _, _ = exported("from_memcached.py", f"127.0.0.1:{listener.getsockname()[1]}")
            served_all.result(DEADLINE)
    assert found == {(b"", b"hoge"): (b"fuga", 3)}


def test_an_export_to_a_reader_that_ends_says_nothing(cache):
    port = cache("memcached")
    source = pymemcache.Client(("127.0.0.1", port), default_noreply=False)
    assert source.set_many(MANY) == []
    done = shell(f"set +o pipefail; {EXPORT}/from_memcached.py 127.0.0.1:{port} | head -1", EXPORT)
    assert done.returncode == 0 and re.fullmatch(r'\{"key": "key\d+", .*\}\n', done.stdout)
