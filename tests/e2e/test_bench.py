# SPDX-License-Identifier: MIT
"""The benchmark's own honesty: its generator notices each wrong byte, each miss and each late reply, and its
tables say what was missed."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time

import pytest

from harness import DEADLINE, PROGRAM, REPO, SLOW, accepts, wait_for

pytestmark = pytest.mark.skipif(
    not (PROGRAM.parent / "bench" / "loadgen").exists(), reason="the program's folder has no bench/"
)
LOADGEN = PROGRAM.parent / "bench" / "loadgen"
FLOOR = PROGRAM.parent / "bench" / "floor"
PROTOCOLS = ("text", "meta", "binary", "redis")

WORDS = {
    "short": "v",
    "empty": "",
    "k" * 250: "a key of the greatest length",
    "lines": "one\r\nEND\r\nVALUE lines 0 1\r\nx\r\n*1\r\n$-1\r\n",
    "länge": "täuscht",
    "large": "0123456789" * 40_000,
}


def write_rows(path, words):
    lines = [
        b"+%d,%d:%b->%b\n" % (len(key.encode()), len(value.encode()), key.encode(), value.encode())
        for key, value in words.items()
    ]
    path.write_bytes(b"".join(lines) + b"\n")
    return path


def loadgen(port, protocol, rows, *args):
    command = [LOADGEN, "--port", port, "--protocol", protocol, "--data", rows, *args]
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=2 * DEADLINE, check=False
    )


def measured(*args):
    done = loadgen(*args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def two_protocols(serve):
    """A server of WORDS, and its ports by the generator's protocols."""
    listeners = [{"protocol": p, "listen": "127.0.0.1:0"} for p in ("memcached", "redis")]
    server = serve(listeners=listeners)
    server.load(WORDS)
    memcached, redis = (address[1] for address in server.listening())
    return {"text": memcached, "meta": memcached, "binary": memcached, "redis": redis}


@contextlib.contextmanager
def answering(talk):
    """A port whose connections are each handed to `talk` in a thread."""

    def accept():
        with contextlib.suppress(OSError):
            while True:
                conn, _ = listener.accept()
                threading.Thread(target=serve_one, args=(conn,), daemon=True).start()

    def serve_one(conn):
        with conn, contextlib.suppress(OSError):
            talk(conn)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def recorded(port, protocol, rows, *args):
    """The bytes of the real server's right replies to a checked run over one connection."""
    reply = bytearray()

    def pass_on(conn):
        with socket.create_connection(("127.0.0.1", port)) as real:

            def requests():
                with contextlib.suppress(OSError):
                    while piece := conn.recv(1 << 16):
                        real.sendall(piece)
                    real.shutdown(socket.SHUT_WR)

            threading.Thread(target=requests, daemon=True).start()
            while piece := real.recv(1 << 16):
                reply.extend(piece)
                conn.sendall(piece)

    with answering(pass_on) as between:
        measured(between, protocol, rows, "--check", "--order", "each", "--connections", 1, *args)
    return bytes(reply)


def replayed(reply, protocol, rows, *args):
    """A checked run against a server that says `reply` to whatever is asked first."""

    def talk(conn):
        conn.recv(1 << 16)
        conn.sendall(reply)
        while conn.recv(1 << 16):
            pass

    with answering(talk) as port:
        return loadgen(
            port, protocol, rows, "--check", "--order", "each", "--connections", 1, *args
        )


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("keys, pipeline", [(1, 1), (1, 7), (5, 3)])
def test_each_row_is_asked_for_and_a_right_server_passes(
    two_protocols, tmp_path, protocol, keys, pipeline
):
    rows = write_rows(tmp_path / "rows", WORDS)
    result = measured(
        two_protocols[protocol], protocol, rows, "--check", "--order", "each",
        "--keys", keys, "--pipeline", pipeline, "--connections", 2,
    )  # fmt: skip
    assert result["checked"] and result["requests"] * keys >= len(WORDS)
    assert result["hits"] == result["requests"] * keys


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("keys", [1, 3])
def test_keys_that_are_not_there_are_asked_for_and_must_miss(
    two_protocols, tmp_path, protocol, keys
):
    rows = write_rows(tmp_path / "rows", WORDS)
    args = ("--keys", keys, "--order", "each", "--absent", 1)
    assert measured(two_protocols[protocol], protocol, rows, "--check", *args)["hits"] == 0
    assert measured(two_protocols[protocol], protocol, rows, *args)["hits"] == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_single_wrong_byte_fails_a_check(two_protocols, tmp_path, protocol):
    rows = write_rows(tmp_path / "rows", {key: WORDS[key] for key in ("short", "länge")})
    right = recorded(two_protocols[protocol], protocol, rows, "--keys", 2)
    assert replayed(right, protocol, rows, "--keys", 2).returncode == 0
    free = set()
    if (
        protocol == "binary"
    ):  # the server chooses the cas: bytes 16 to 23 of each packet that has a value
        second = 24 + int.from_bytes(right[8:12], "big")
        free = {*range(16, 24), *range(second + 16, second + 24)}
    for at in range(0, len(right), max(1, round(SLOW))):
        wrong = right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :]
        done = replayed(wrong, protocol, rows, "--keys", 2)
        if at in free:
            assert done.returncode == 0, (at, done.stderr)
        else:
            assert done.returncode == 1 and "a wrong reply" in done.stderr, (at, done.stderr)
    done = replayed(right + right[:1], protocol, rows, "--keys", 2)
    assert done.returncode == 1 and "nobody asked for" in done.stderr


def test_a_reply_that_mixes_two_data_sets_fails_a_check(tmp_path):
    old = write_rows(tmp_path / "old", {"a": "old", "b": "old"})
    new = write_rows(tmp_path / "new", {"a": "newer", "b": "new"})
    sets = ({"a": "old", "b": "old"}, {"a": "newer", "b": "new"})

    def reply(a, b):
        parts = [(key, sets[of][key].encode()) for key, of in (("a", a), ("b", b))]
        text = [b"VALUE %b 0 %d\r\n%b\r\n" % (k.encode(), len(v), v) for k, v in parts]
        return b"".join(text) + b"END\r\n"

    args = ("text", old, "--keys", 2, "--other", new)
    assert replayed(reply(0, 0), *args).returncode == 0
    assert replayed(reply(1, 1), *args).returncode == 0
    for mixed in (reply(0, 1), reply(1, 0)):
        done = replayed(mixed, *args)
        assert done.returncode == 1 and "or all of the other data set" in done.stderr


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_timed_run_whose_server_has_other_rows_fails(two_protocols, tmp_path, protocol):
    rows = write_rows(tmp_path / "rows", {f"other{i}": "v" for i in range(10)})
    done = loadgen(two_protocols[protocol], protocol, rows, "--seconds", 1, "--warmup", 0)
    assert done.returncode == 1 and "0 hits instead of" in done.stderr


@pytest.mark.parametrize(
    "reply, complaint",
    [
        (b"SERVER_ERROR not ready\r\n", "not the reply to a get"),
        (b"", "the server closed a connection"),
        (b"END\r\nEND\r\n", "a reply that nobody asked for"),
    ],
)
def test_a_timed_run_ends_at_the_first_reply_that_is_none(tmp_path, reply, complaint):
    rows = write_rows(tmp_path / "rows", {"a": "v"})

    def talk(conn):
        conn.recv(1 << 16)
        conn.sendall(reply)
        if reply:
            conn.recv(1 << 16)

    with answering(talk) as port:
        done = loadgen(port, "text", rows, "--connections", 1, "--seconds", 5)
    assert done.returncode == 1 and complaint in done.stderr


def test_an_open_loop_charges_a_stall_to_all_who_would_have_come(tmp_path):
    rows = write_rows(tmp_path / "rows", {"a": "v"})
    stall, rate = 0.5, 1000

    def talk(conn):
        begun, stalled = time.monotonic(), False
        while request := conn.recv(1 << 16):
            if not stalled and time.monotonic() - begun > 0.7:
                stalled = True
                time.sleep(stall)
            conn.sendall(b"VALUE a 0 1\r\nv\r\nEND\r\n" * request.count(b"\n"))

    with answering(talk) as port:
        args = ("--connections", 1, "--warmup", 0.2, "--seconds", 2, "--rate", rate)
        result = measured(port, "text", rows, *args, "--times", tmp_path / "times")
        closed = measured(port, "text", rows, "--connections", 1, "--warmup", 0.2, "--seconds", 2)
    assert (
        abs(result["latencies"] - 2 * rate) <= 2
    )  # each that was due, however late its reply came
    times = [float(line.split()[1]) for line in (tmp_path / "times").read_text().splitlines()]
    assert len(times) == result["latencies"]
    late = sum(us > 100_000 for us in times)  # those of the first 400 ms of the stall
    assert late >= 0.95 * rate * (stall - 0.1)
    assert result["max_us"] >= 0.95e6 * stall
    # A closed loop sends one request meanwhile: that is what makes it blind.
    assert closed["max_us"] >= 0.95e6 * stall and closed["p99_us"] < 100_000 * SLOW


def test_the_floor_answers_every_request_with_its_reply(tmp_path):
    rows = write_rows(tmp_path / "rows", {f"key{i}": "v" * 20 for i in range(100)})
    (tmp_path / "reply").write_bytes(b"VALUE key 0 20\r\n%b\r\nEND\r\n" % (b"v" * 20))
    path = tmp_path / "socket"
    floor = subprocess.Popen([FLOOR, f"unix:{path}", "1", tmp_path / "reply"])
    try:
        wait_for(lambda: accepts(path), "the floor to listen")
        command = [LOADGEN, "--unix", path, "--data", rows, "--pipeline", 50, "--server", floor.pid]
        command += ["--seconds", 1, "--warmup", 0]
        done = subprocess.run(
            list(map(str, command)), capture_output=True, text=True, timeout=DEADLINE, check=False
        )
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert result["requests"] > 0 and result["server_cpu_s"] > 0
    finally:
        floor.kill()
        floor.wait()


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(str(REPO / "bench"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import report

    return report


def test_the_table_has_the_median_of_the_rounds_ratios_and_says_which_goal_is_missed(report):
    # The medians of the cells alone would give 2 and 20: a ratio of 10.
    costs = {"json text": (1, 2, 30), "floor text": (20, 1, 30)}
    records = [
        {"workload": "get", "cell": cell, "round": n, "server_us_per_key": us, "loops_cpu_s": [],
         "keys_per_s": 1, "p50_us": 1, "p99_us": 1, "p999_us": 1, "own_us_per_key": 1,
         "others_cpu_s": 0, "stolen_s": 0, "seconds": 1}
        for cell, of in costs.items()
        for n, us in enumerate(of)
    ]  # fmt: skip
    goal = {"a": "json text", "b": "floor text", "value": "server_us_per_key", "least": False}
    goals = [
        goal | {"text": "kept", "limit": 1.2, "stretch": 1.0},
        goal | {"text": "broken", "limit": 0.9, "stretch": None},
    ]
    workload = {"name": "get", "title": "GET", "main": True, "value": "server_us_per_key"}
    slow = {
        "title": "load",
        "note": "",
        "value": 0.1,
        "unit": "GB/s",
        "limit": 0.25,
        "stretch": None,
    }
    results = {
        "workloads": [workload | {"goals": goals}], "probes": [slow | {"least": True}], "records": records,
        "when": "today", "machine": "a", "versions": {}, "rounds": 3, "seconds": 1, "left_out": [],
        "load_average": 0,
    }  # fmt: skip
    text = report.markdown(results)
    assert "| GET | kept | 1 x | 1.2 | 1 | stretch |" in text
    assert "| GET | broken | 1 x | 0.9 | – | **missed** |" in text
    assert "| load |  | 0.1 GB/s | ≥ 0.25 | – | **missed** |" in text
