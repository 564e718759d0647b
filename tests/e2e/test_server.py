# SPDX-License-Identifier: MIT
"""The process: listeners, limits, signals, who has what, and memory."""

import contextlib
import fcntl
import json
import mmap
import os
import re
import signal
import socket
import struct
import subprocess
import threading

import pytest

from harness import (
    DEADLINE,
    PROGRAM,
    REPO,
    SANITIZER,
    SLOW,
    Client,
    Inbox,
    Server,
    compile_c,
    dataset,
    encode,
    has_ipv6,
    run,
    wait_for,
    whole_set,
)


def listener(listen, *databases):
    return {"protocol": "memcached", "listen": listen, "databases": list(databases or ["words"])}


# ---- listeners ---------------------------------------------------------------------------------


def connections_of_loops(server):
    """How many clients each event loop polls: loops that have one, most first."""
    counts = []
    for entry in os.scandir(f"/proc/{server.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(entry.path) != "anon_inode:[eventpoll]":
                continue
            with open(f"/proc/{server.pid}/fdinfo/{entry.name}", encoding="ascii") as info:
                watched = re.findall(r"^tfd: *(\d+)", info.read(), re.M)
            sockets = [os.readlink(f"/proc/{server.pid}/fd/{fd}") for fd in watched]
            counts.append(sum(name.startswith("socket:") for name in sockets))
    return sorted(counts, reverse=True)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_connections_are_spread_evenly_over_the_loops(serve, tmp_path, kind):
    where = "127.0.0.1:0" if kind == "tcp" else f"unix:{tmp_path}/socket"
    server = serve(server={"threads": 4}, listeners=[listener(where)])
    server.load(dataset("one"))
    idle = connections_of_loops(server)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.client()) for _ in range(24)]
        for client in clients:
            assert whole_set(client) == "one"
        busy = connections_of_loops(server)
        assert [b - i for b, i in zip(busy, idle)][:4] == [6] * 4
        for client in clients[:12]:
            client.close()
        wait_for(lambda: server.stats()["curr_connections"] == "13", "12 connections to end")
        for _ in range(12):
            assert whole_set(stack.enter_context(server.client())) == "one"
        assert [b - i for b, i in zip(connections_of_loops(server), idle)][:4] == [6] * 4


def test_one_database_is_served_on_several_listeners(serve):
    server = serve(listeners=[listener("127.0.0.1:0"), listener("127.0.0.1:0")])
    server.load(dataset("one"))
    addresses = server.listening()
    assert len(set(addresses)) == 2
    for address in addresses:
        with Client(address) as client:
            assert whole_set(client) == "one"


def test_two_databases_are_served_on_two_listeners(serve):
    server = serve(
        databases={
            name: {"storage": "json", "file": f"in/{name}.json", "basedir": name}
            for name in ("words", "names")
        },
        listeners=[
            listener("127.0.0.1:0", "words"),
            listener("127.0.0.1:0", "names"),
            listener("127.0.0.1:0", "names", "words"),
        ],
    )
    server.load(dataset("the words"), "words")
    server.load(dataset("the names"), "names")
    for databases, marker in (
        (["words"], "the words"),
        (["names"], "the names"),
        (["names", "words"], "the names"),
    ):
        with server.client(databases) as client:
            assert whole_set(client) == marker


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_ipv6_is_served(serve):
    server = serve(listeners=[listener("[::1]:0")])
    server.load(dataset("one"))
    assert server.address()[0] == "::1"
    assert server.serving() == "one"


def test_a_unix_socket_is_served_and_goes_away_at_the_end(serve):
    server = serve(listeners=[listener("unix:goromdb.sock")])
    path = server.folder / "goromdb.sock"
    assert server.address() == str(path)
    server.load(dataset("one"))
    assert server.serving() == "one"
    server.stop()
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced(serve):
    server = serve(listeners=[listener("unix:goromdb.sock")])
    server.load(dataset("one"))
    server.kill9()
    assert (server.folder / "goromdb.sock").is_socket()
    server.start(ready=True)
    assert server.serving() == "one"


def test_a_file_in_the_place_of_a_unix_socket_is_not_deleted(serve):
    server = serve(start=False, listeners=[listener("unix:goromdb.sock")])
    (server.folder / "goromdb.sock").write_text("precious")
    result = run("--config", server.config_file)
    assert result.returncode in (1, 2)
    assert "goromdb.sock" in result.stderr
    assert (server.folder / "goromdb.sock").read_text() == "precious"


def test_every_loop_answers(serve):
    server = serve(server={"threads": 4})
    server.load(dataset("one"))
    # The kernel spreads connections over the loops; 64 reach each of four, but for one in 10^7.
    clients = [server.client() for _ in range(64)]
    for client in clients:
        assert whole_set(client) == "one"
    server.load(dataset("two"))
    for client in clients:
        assert whole_set(client) == "two"
        client.close()


# ---- who has it --------------------------------------------------------------------------------


def refusal(server, **kwargs):
    result = run("--config", server.config_file, **kwargs)
    assert result.returncode == 1, (result.returncode, result.stderr)
    return result.stderr


def test_a_second_server_on_the_same_store_says_who_has_it(serve):
    first = serve()
    first.load(dataset("one"))
    second = serve(start=False, words={"basedir": str(first.store())})
    assert re.search(rf"\b{first.pid}\b", refusal(second))
    assert first.serving() == "one"


def test_a_second_server_on_the_same_address_says_who_has_it(serve):
    first = serve()
    first.load(dataset("one"))
    port = first.address()[1]
    second = serve(start=False, listeners=[listener(f"127.0.0.1:{port}")])
    message = refusal(second)
    assert re.search(rf"\b{first.pid}\b", message)
    assert f"127.0.0.1:{port}" in message
    assert first.serving() == "one"


def test_a_second_server_on_the_same_unix_socket_says_who_has_it(serve):
    first = serve(listeners=[listener("unix:goromdb.sock")])
    first.load(dataset("one"))
    second = serve(start=False, listeners=[listener(f"unix:{first.folder}/goromdb.sock")])
    message = refusal(second)
    assert "goromdb.sock" in message
    assert re.search(rf"\b{first.pid}\b", message)
    assert first.serving() == "one"


def test_an_address_that_another_program_has_is_named_with_its_owner(serve):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = serve(start=False, listeners=[listener(f"127.0.0.1:{port}")])
        message = refusal(server)
        assert f"127.0.0.1:{port}" in message
        assert re.search(rf"\b{os.getpid()}\b", message)


def test_a_slot_that_is_a_link_is_refused(serve):
    server = serve(start=False)
    (server.store() / "data00").mkdir(parents=True)
    (server.store() / "data01").symlink_to("data00")
    message = refusal(server)
    assert message.count("\n") == 1, message
    assert f"{server.store()}/data01" in message and "link" in message


def test_slots_that_are_one_folder_by_a_mount_are_refused(serve):
    server = serve(start=False)
    slots = [server.store() / name for name in ("data00", "data01")]
    for slot in slots:
        slot.mkdir(parents=True)
    mounted = ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"']
    mounted += ["sh", *map(str, slots)]
    probe = subprocess.run([*mounted, "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"this machine does not allow to mount: {probe.stderr.strip()}")
    message = refusal(server, wrap=mounted)
    assert message.count("\n") == 1 and "same folder" in message, message


def test_a_store_is_free_again_after_a_kill(serve):
    server = serve()
    server.load(dataset("one"))
    server.kill9()
    server.start(ready=True)
    assert server.serving() == "one"


# ---- limits ------------------------------------------------------------------------------------


def test_connections_past_the_limit_are_turned_away_with_a_word(serve):
    server = serve(server={"max_connections": 3})
    server.load(dataset("one"))
    clients = [server.client() for _ in range(3)]
    assert {whole_set(client) for client in clients} == {"one"}
    for _ in range(3):
        with server.client() as client:
            assert client.line() == b"ERROR Too many open connections"
            assert client.ended()
    assert int(clients[0].stats()["rejected_connections"]) >= 3
    for client in clients:
        assert whole_set(client) == "one"
    clients.pop().close()

    def served():
        with server.client() as client:
            with contextlib.suppress(OSError):
                return client.ask(b"version").startswith(b"VERSION")

    wait_for(served, "a place for another connection")
    for client in clients:
        client.close()


def test_an_idle_connection_is_closed_and_a_busy_one_is_not(serve):
    server = serve(server={"idle_timeout": f"{3 + SLOW:.0f}s"})
    server.load(dataset("one"))
    with server.client() as idle, server.client() as busy:
        assert whole_set(idle) == "one"
        closed = threading.Event()

        def watch():
            idle.ended()
            closed.set()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        while not closed.is_set():
            assert whole_set(busy) == "one"
        assert whole_set(busy) == "one"
        watcher.join()


def test_a_thousand_connections_are_served(serve):
    server = serve()
    server.load(dataset("one"))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.client()) for _ in range(400 if SANITIZER else 1000)]
        for client in clients:
            client.send(b"get marker\r\n")
        for client in clients:
            assert client.read_values() == [("marker", b"one")]


def test_what_many_clients_send_at_once_is_answered_to_each(serve):
    """The program is stopped while they send, so that one turn of its loop brings them all: reads that are looked up
    together, others between them, halves of requests, clients that have gone or will say no more.
    """
    words = {f"key{i:03}": f"value of {i}" for i in range(200)}
    block = {key: f"VALUE {key} 0 {len(value)}\r\n{value}\r\n" for key, value in words.items()}
    server = serve()
    server.load(words)
    clients = []
    for i, key in enumerate(words):
        client = server.client()
        client.send(b"mn\r\n")
        assert client.line() == b"MN"
        request, reply = [
            (f"get {key}\r\n", f"{block[key]}END\r\n"),
            (f"get {key} nobody\r\nget nobody\r\n", f"{block[key]}END\r\nEND\r\n"),
            (f"get {key}\r\nmn\r\n", f"{block[key]}END\r\nMN\r\n"),
            (f"get{' key001' * 40}\r\n", f"{block['key001'] * 40}END\r\n"),
            (f"get {key}\r\nget ke", f"{block[key]}END\r\n"),
        ][i % 5]
        clients.append((i, client, request.encode(), reply.encode()))
    before = int(server.stats()["cmd_get"])
    os.kill(server.pid, signal.SIGSTOP)
    for i, client, request, _ in clients:
        client.send(request)
        if i % 20 == 5:  # gone, and the reply with it
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        if i % 20 == 10:
            client.sock.shutdown(socket.SHUT_WR)
    os.kill(server.pid, signal.SIGCONT)
    for i, client, _, reply in clients:
        if i % 20 == 5:
            continue
        assert client.exactly(len(reply)) == reply, i
        if i % 20 == 10:
            assert client.ended()
        if i % 5 == 4:
            client.send(b"y002\r\n")
            rest = f"{block['key002']}END\r\n".encode()
            assert client.exactly(len(rest)) == rest
        client.close()
    asked = 40 * (1 + 3 + 1 + 40 + 2)
    assert asked - 10 <= int(server.stats()["cmd_get"]) - before <= asked


def test_a_client_that_does_not_read_is_not_read_from(serve):
    server = serve()
    server.load({**dataset("one"), "big": "x" * (1 << 20)})
    with server.client(receive_buffer=4096) as greedy:
        greedy.sock.settimeout(0.5)
        requests = b"get big\r\n" * 1000
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 256 << 20:
                sent += greedy.sock.send(requests)
        assert sent < 64 << 20, "the server took requests without end from who reads no reply"
        assert server.serving() == "one"


# ---- the end -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_server_with_exit_0(serve, name):
    server = serve()
    server.load(dataset("one"))
    with server.client() as client:
        assert whole_set(client) == "one"
        server.process.send_signal(getattr(signal, name))
        server.wait("server", f"stopping on {name}")
        server.wait("server", "stopped")
        assert client.ended()
    assert server.exit_code() == 0


def test_a_hangup_does_not_end_the_server(serve):
    server = serve()
    server.load(dataset("one"))
    with server.client() as client:
        server.process.send_signal(signal.SIGHUP)
        server.wait("server", ".*SIGHUP")
        assert whole_set(client) == "one"
    server.load(dataset("two"))
    assert server.serving() == "two"


def test_a_signal_before_the_first_data_set_ends_the_server_too(serve):
    server = serve()
    server.stop()
    assert server.find("server", "stopped")


def test_a_signal_lets_a_reply_in_flight_finish(serve):
    size = 16 << 20
    server = serve()
    server.load({**dataset("one"), "big": "x" * size})
    with server.client(receive_buffer=65536) as slow:
        slow.send(b"get big\r\n")
        assert slow.line() == b"VALUE big 0 %d" % size
        server.process.terminate()
        server.wait("server", "stopping on SIGTERM")
        assert slow.exactly(size) == b"x" * size
        assert slow.exactly(7) == b"\r\nEND\r\n"
        assert slow.ended()
    server.stop()


def test_a_signal_cuts_pipelined_replies_between_two_of_them_only(serve):
    server = serve()
    words = {f"key{i}": str(i) * 20000 for i in range(10)}
    server.load(words)
    with server.client(receive_buffer=16384) as slow:

        def send():
            with contextlib.suppress(OSError):
                slow.send(b"".join(b"get key%d\r\n" % (i % 10) for i in range(500)))

        threading.Thread(target=send, daemon=True).start()
        assert slow.read_values() == [("key0", words["key0"].encode())]
        server.process.terminate()
        server.wait("server", "stopping on SIGTERM")
        answered = 1
        # The connection ends where a reply ends.
        while (line := slow.stream.readline()) != b"":
            key = f"key{answered % 10}"
            assert line == b"VALUE %s 0 %d\r\n" % (key.encode(), len(words[key]))
            assert slow.exactly(len(words[key]) + 2) == words[key].encode() + b"\r\n"
            assert slow.line() == b"END"
            answered += 1
    server.stop()


def test_a_client_that_never_reads_does_not_keep_the_server_from_ending(serve):
    server = serve()
    server.load({"big": "x" * (32 << 20)})
    with server.client(receive_buffer=4096) as slow:
        slow.send(b"get big\r\n" * 3)
        assert slow.line().startswith(b"VALUE big")
        server.stop()


def test_nobody_new_is_accepted_while_stopping(serve):
    size = 16 << 20
    server = serve()
    server.load({"big": "x" * size})
    address = server.address()
    with server.client(receive_buffer=65536) as slow:
        slow.send(b"get big\r\n")
        assert slow.line().startswith(b"VALUE big")
        server.process.terminate()
        server.wait("server", "stopping on SIGTERM")

        def refused():
            try:
                with Client(address) as client:
                    client.send(b"version\r\n")
                    return client.stream.read(1) == b""
            except OSError:
                return True

        wait_for(refused, "new connections to be refused")
        assert len(slow.exactly(size)) == size
    server.stop()


def test_a_log_that_nobody_reads_any_more_does_not_end_the_server(serve):
    # The harness writes the config only; the process is started here, with a pipe that breaks.
    server = serve(start=False, listeners=[listener("unix:goromdb.sock")])
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [PROGRAM, "--config", server.config_file], cwd=server.folder, stderr=writer
    )
    os.close(writer)
    try:
        with os.fdopen(reader, "rb") as log:
            assert any(b"listening on" in line for line in log)
        server.drop(dataset("one"))

        def served():
            assert process.poll() is None, f"it ended with {process.returncode}"
            with Client(server.folder / "goromdb.sock") as client:
                return client.stats()["goromdb_generation"] == "1" and whole_set(client) == "one"

        wait_for(served, "the data set to be served")
    finally:
        process.terminate()
        assert process.wait(DEADLINE) == 0


def test_a_log_that_nobody_reads_for_a_while_stops_nothing(serve):
    server = serve(start=False, listeners=[listener("unix:goromdb.sock")])
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    process = subprocess.Popen(
        [PROGRAM, "--config", server.config_file], cwd=server.folder, stderr=writer
    )
    os.close(writer)
    path = server.folder / "goromdb.sock"
    with os.fdopen(reader, "rb") as log:
        try:
            for number in range(1, 21):
                server.drop(dataset(f"{number:02}"))

                def adopted(generation=str(number)):
                    # The socket's name comes a moment before it listens.
                    with contextlib.suppress(OSError), Client(path) as client:
                        return client.stats()["goromdb_generation"] == generation
                    return False

                wait_for(adopted, f"data set {number} to be adopted")
            with Client(path) as client:
                assert whole_set(client) == "20"
        finally:
            process.terminate()
            assert process.wait(DEADLINE) == 0
        lines = log.read().splitlines()
    assert b"listening on" in b"".join(lines)
    assert all(json.loads(line)["time"] for line in lines[:-1]), "whole lines but for the last"


def test_a_start_that_fails_ends_although_nobody_reads_why(serve):
    first = serve(listeners=[listener("unix:goromdb.sock")])
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"#" * 4096)
    with os.fdopen(reader, "rb"), os.fdopen(writer, "wb") as full:
        done = subprocess.run(
            [PROGRAM, "--config", first.config_file], stderr=full, timeout=DEADLINE, check=False
        )
    assert done.returncode == 1


# ---- logs --------------------------------------------------------------------------------------


def test_a_json_log_is_json_whatever_bytes_are_in_it(tmp_path):
    name = b"not UTF-8: \xff \xed\xa0\x80 \xc0\x80; control: \n \x7f; UTF-8: \xc3\xbc"
    folder = tmp_path / os.fsdecode(name)
    server = Server(folder)
    server.start()
    try:
        server.load(dataset("one"))
    finally:
        server.stop()
    lines = (folder / "stderr.1").read_bytes().splitlines()
    messages = [json.loads(line.decode("utf-8"))["message"] for line in lines]
    shown = "not UTF-8: \ufffd \ufffd\ufffd\ufffd \ufffd\ufffd; control: \n \x7f; UTF-8: ü/"
    assert any(shown in message for message in messages), messages


def test_a_json_log_is_one_object_a_line(serve):
    server = serve()
    server.load(dataset("one"))
    server.drop(b'garbage " \\ \n \x01 \xff')
    server.wait("words", "rejected ")
    server.stop()
    for line in server.lines:
        fields = json.loads(line)
        assert set(fields) >= {"time", "level", "object", "message"}
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", fields["time"])
        assert fields["level"] in ("debug", "info", "warn", "error")


def test_the_log_level_hides_what_is_below_it(serve):
    server = serve(start=False, server={"log": {"format": "json", "level": "error"}})
    server.start(listening=False)
    server.drop(b"garbage")
    wait_for(lambda: list(server.store().glob("data0?/*.reason")), "the rejection")
    server.stop()
    assert all(event.level == "error" for event in server.events), server.log()


# ---- memory ------------------------------------------------------------------------------------


class MallocCount:
    """The counter that tests/lib/malloc_count.c keeps in a file."""

    def __init__(self, folder):
        self.shim = compile_c(REPO / "tests/lib/malloc_count.c", folder / "malloc_count.so")
        self.path = folder / "malloc_count"
        self.path.write_bytes(bytes(mmap.PAGESIZE))
        with open(self.path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def environment(self):
        return {"LD_PRELOAD": str(self.shim), "GOROMDB_MALLOC_COUNT": str(self.path)}

    def __int__(self):
        return struct.unpack_from("=Q", self.memory)[0]


WORDS = {**dataset("one"), "large": "x" * 100_000, "middle": "y" * 5000}

LOADS = {
    "single gets": b"get key0001\r\n",
    "misses": b"get nothing\r\n",
    "gets with cas": b"gets key0001 key0002\r\n",
    "multi-gets": b"get " + b" ".join(b"key%04d" % i for i in range(64)) + b"\r\n",
    "pipelined gets": b"".join(b"get key%04d\r\nget nothing\r\n" % i for i in range(64)),
    "middle values": b"get middle\r\n" * 4,
    "large values": b"get large middle large\r\n",
    "refused writes": b"set a 0 0 1000\r\n" + b"x" * 1000 + b"\r\ndelete a\r\n",
    "versions and errors": b"version\r\nbogus\r\nget " + b"k" * 300 + b"\r\n",
}


@pytest.mark.skipif(SANITIZER is not None, reason="a sanitizer brings its own malloc")
@pytest.mark.parametrize("load", LOADS)
def test_requests_allocate_nothing_after_warm_up(serve, tmp_path, load):
    count = MallocCount(tmp_path)
    server = serve(words={"poll_interval": "1h"}, env=count.environment())
    server.load(WORDS)
    assert int(count) > 0, "the counter does not count"
    request = LOADS[load]
    with server.client() as client:

        def ask(times):
            for _ in range(times):
                client.send(request + b"verbosity 1\r\n")
                while client.line() != b"OK":
                    pass

        ask(200)
        # The main thread may still be busy with the end of the reload; what requests allocate
        # shows in every one of these.
        rounds = []
        for _ in range(3):
            before = int(count)
            ask(2000)
            rounds.append(int(count) - before)
    assert min(rounds) == 0, f"{rounds} allocations in 2000 rounds of {load}"


@pytest.mark.skipif(SANITIZER is not None, reason="a sanitizer keeps freed memory")
def test_many_reloads_do_not_make_the_process_grow(serve):
    server = serve()

    def resident():
        with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) << 10

    def load(number):
        server.load(dataset(f"set{number}", 40000))
        if number > 1:
            server.wait("words", f"generation {number - 1} closed")

    for number in range(1, 9):
        load(number)
    before = resident()
    for number in range(9, 25):
        load(number)
    assert resident() - before < 8 << 20


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- >&- 2>&-"])
def test_a_server_without_standard_descriptors_serves_and_ends(closed, tmp_path):
    (tmp_path / "in").mkdir()
    socket_path = tmp_path / "s"
    (tmp_path / "goromdb.yaml").write_text(
        "databases: {words: {storage: json, file: in/words.json, basedir: store}}\n"
        "listeners: [{protocol: memcached, listen: 'unix:s', databases: [words]}]\n"
    )
    Inbox(tmp_path / "in" / "words.json").drop(encode({"k": "v"}))
    command = f'exec "$0" --config "$1" {closed}'
    with subprocess.Popen(
        ["bash", "-c", command, str(PROGRAM), str(tmp_path / "goromdb.yaml")]
    ) as serving:
        try:

            def answers():
                with contextlib.suppress(OSError), Client(str(socket_path)) as client:
                    return client.ask(b"get k") == b"VALUE k 0 1"
                return False

            wait_for(answers, "an answer")
            serving.terminate()
            assert serving.wait(60) == 0
        finally:
            serving.kill()
