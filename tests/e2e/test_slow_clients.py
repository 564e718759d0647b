# SPDX-License-Identifier: MIT
"""Clients that read slowly or not at all: what they get, what they cost, whom they hold up."""

import contextlib
import re
import threading

import pytest

from harness import DEADLINE, SANITIZER, SLOW, ErrorReply, dataset, wait_for, whole_set

BIG = (8 if SANITIZER else 32) << 20
MIDDLE = 8 << 20  # more than the kernel takes for a client that does not read


def big_set(marker, size=BIG):
    return {**dataset(marker), "big": marker[0] * size}


def read_head(client, key, size):
    """Asks for a big value and takes only the line before it."""
    client.send(b"get %s\r\n" % key.encode())
    assert client.line() == b"VALUE %s 0 %d" % (key.encode(), size)


def read_part(client, letter, size):
    assert client.exactly(size) == letter * size


def is_cut(client, size):
    """Reads what is left for a client that was cut; it must be less than it was promised."""
    left = 0
    with contextlib.suppress(ConnectionResetError):
        while part := client.stream.read1(1 << 20):
            left += len(part)
    return left < size


def cuts(server):
    """How many clients were closed because they kept an old data set, a number for each log line."""
    found = (re.match(r"(\d+) client(?:s|\(s\))? .*closed", e.message) for e in server.events)
    return [int(match[1]) for match in found if match]


def cut_connections(server):
    return int(server.stats()["goromdb_connections_cut"])


# ---- what they get -----------------------------------------------------------------------------


def test_a_reply_in_flight_is_finished_with_the_old_data_set(serve):
    server = serve()
    server.load(big_set("old"))
    with server.client(receive_buffer=65536) as slow:
        read_head(slow, "big", BIG)
        read_part(slow, b"o", BIG // 2)
        server.load(big_set("new"))
        assert server.serving() == "new"
        read_part(slow, b"o", BIG // 2)
        assert slow.exactly(7) == b"\r\nEND\r\n"
        assert whole_set(slow) == "new"
        server.wait("words", "generation 1 closed")
    assert cut_connections(server) == 0


def test_a_client_that_keeps_reading_gets_all_of_an_old_value_and_no_reload_waits_for_it(serve):
    # A reload that waited for the client would wait for an hour.
    server = serve(server={"drain_timeout": "1h"})
    server.load(big_set("old"))
    with server.client(receive_buffer=65536) as slow:
        read_head(slow, "big", BIG)
        part = BIG // 32  # so that far more is unread than the kernel takes from the server
        read_part(slow, b"o", part)
        for number in (2, 3):
            assert server.load(big_set(f"set{number}")) == number
            assert server.serving() == f"set{number}"
            read_part(slow, b"o", part)
        server.wait("words", "generation 2 closed")
        assert not server.find("words", "generation 1 closed"), "it was closed under its reader"
        read_part(slow, b"o", BIG - 3 * part)
        assert slow.exactly(7) == b"\r\nEND\r\n"
        assert whole_set(slow) == "set3"
        server.wait("words", "generation 1 closed")
    assert cut_connections(server) == 0 and not cuts(server)


def test_two_old_data_sets_are_kept_for_their_readers_and_a_third_waits_for_one_to_go(serve):
    server = serve(server={"drain_timeout": "1h"})
    with contextlib.ExitStack() as stack:
        clients = []
        for number, marker in enumerate(["able", "baker"], 1):
            assert server.load(big_set(marker, MIDDLE)) == number
            clients.append(stack.enter_context(server.client(receive_buffer=65536)))
            read_head(clients[-1], "big", MIDDLE)
        assert server.load(dataset("charlie")) == 3
        server.drop(dataset("dog"))
        for client, letter in zip(clients, (b"a", b"b")):
            read_part(client, letter, MIDDLE)
            assert client.exactly(7) == b"\r\nEND\r\n"
            server.adopted(4)
            assert whole_set(client) == "dog"
    server.wait("words", "generation 2 closed")
    server.wait("words", "generation 3 closed")
    history = [e.message.split(":")[0] for e in server.events if e.object == "words"]
    assert history.index("generation 1 closed") < history.index("generation 4 adopted")
    assert history.index("generation 4 adopted") < history.index("generation 2 closed")
    assert cut_connections(server) == 0
    assert server.load(dataset("easy")) == 5
    assert server.serving() == "easy"


def test_pipelined_requests_behind_a_slow_reply_are_answered_by_one_data_set_each(serve):
    server = serve()
    server.load(big_set("old", MIDDLE))
    keys = b" ".join(k.encode() for k in dataset("x"))
    with server.client(receive_buffer=65536) as slow:
        slow.send(b"get big\r\n" + (b"get " + keys + b"\r\n") * 20)
        assert slow.line() == b"VALUE big 0 %d" % MIDDLE
        server.load(dataset("new"))
        read_part(slow, b"o", MIDDLE)
        assert slow.exactly(7) == b"\r\nEND\r\n"
        seen = []
        for _ in range(20):
            words = {k: v.decode() for k, v in slow.read_values()}
            assert words == dataset(words["marker"])
            seen.append(words["marker"])
        assert seen == sorted(seen, reverse=True), "a connection went back to an old data set"
        server.wait("words", "generation 1 closed")


# ---- who is cut --------------------------------------------------------------------------------


def test_a_client_that_never_reads_is_cut_and_its_data_set_is_closed(serve):
    server = serve(server={"drain_timeout": "300ms"})
    server.load(big_set("old", MIDDLE * 2))
    with server.client() as other, server.client(receive_buffer=65536) as slow:
        read_head(slow, "big", MIDDLE * 2)
        for number in (2, 3, 4):
            assert server.load(dataset(f"set{number}")) == number
            assert whole_set(other) == f"set{number}"
            server.wait("words", f"generation {number - 1} closed")
        assert is_cut(slow, MIDDLE * 2)
        assert whole_set(other) == "set4"
    assert cut_connections(server) == 1
    wait_for(lambda: cuts(server) == [1], "the line about it")


def test_all_clients_that_are_cut_at_once_are_one_line_of_the_log(serve):
    server = serve(server={"threads": 1, "drain_timeout": "300ms"})
    server.load(big_set("old", MIDDLE))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.client(receive_buffer=65536)) for _ in range(5)]
        for client in clients:
            read_head(client, "big", MIDDLE)
        server.load(dataset("new"))
        server.wait("words", "generation 1 closed")
        assert all(is_cut(client, MIDDLE) for client in clients)
    assert cut_connections(server) == 5
    wait_for(lambda: cuts(server) == [5], "the line about them")


def test_a_client_of_one_database_is_not_disturbed_by_swaps_of_another(serve):
    server = serve(
        databases={
            name: {"storage": "json", "file": f"in/{name}.json", "basedir": name} for name in "ab"
        },
        listeners=[
            {"protocol": "memcached", "listen": "127.0.0.1:0", "databases": [name]} for name in "ab"
        ],
        server={"threads": 1, "drain_timeout": "200ms"},
    )
    server.load(big_set("a1", MIDDLE), "a")
    server.load(big_set("b1"), "b")
    with server.client(["b"], receive_buffer=65536) as slow:
        read_head(slow, "big", BIG)
        for number in (2, 3, 4):
            with server.client(["a"], receive_buffer=65536) as stuck:
                read_head(stuck, "big", MIDDLE)
                assert server.load(big_set(f"a{number}", MIDDLE), "a") == number
                server.wait("a", f"generation {number - 1} closed")
                assert is_cut(stuck, MIDDLE)
            read_part(slow, b"b", BIG // 4)
        read_part(slow, b"b", BIG // 4)
        assert slow.exactly(7) == b"\r\nEND\r\n"
        assert whole_set(slow) == "b1"
    assert cut_connections(server) == 3
    assert not server.find("b", "generation 1 closed")


# ---- what they cost ----------------------------------------------------------------------------


def memory(server, field):
    with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
        return int(re.search(rf"{field}:\s+(\d+) kB", status.read()).group(1)) << 10


@pytest.mark.skipif(SANITIZER is not None, reason="a sanitizer takes memory of its own")
def test_long_replies_to_clients_that_do_not_read_take_little_memory(serve):
    clients_count, keys, size = 40, 4096, 4096
    server = serve()
    server.load({**dataset("one"), "page": "x" * size})
    assert server.serving() == "one"
    before = memory(server, "VmRSS")
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(server.client(receive_buffer=65536)) for _ in range(clients_count)
        ]
        for client in clients:
            client.send(b"get" + b" page" * keys + b"\r\n")
        for client in clients:  # the first bytes leave when the answer is as long as it gets
            assert client.line() == b"VALUE page 0 %d" % size
        for client in clients[:4]:
            assert client.exactly(size + 2) == b"x" * size + b"\r\n"
            assert client.read_values() == [("page", b"x" * size)] * (keys - 1)
        assert server.serving() == "one"
        grown = memory(server, "VmHWM") - before
        assert grown < clients_count * (3 << 19) + (16 << 20), f"{grown >> 20} MiB for 40 clients"


def test_the_version_of_a_repeated_value_is_computed_once_and_not_for_each_key(serve):
    server = serve(server={"threads": 1})
    server.load(big_set("old", MIDDLE))

    def time_of(requests, keys):
        """CPU seconds that the server spends on computing the answer, not sending it."""
        with server.client() as watch, contextlib.ExitStack() as stack:
            before = float(watch.stats()["rusage_user"])
            for _ in range(requests):
                client = stack.enter_context(server.client(receive_buffer=65536))
                client.send(b"gets" + b" big" * keys + b"\r\n")
                assert client.line().startswith(b"VALUE big 0 %d " % MIDDLE)
            return float(watch.stats()["rusage_user"]) - before

    time_of(1, 1)
    one_each = time_of(10, 1)  # ten versions at most
    at_once = min(time_of(1, 500) for _ in range(3))  # one version, or 500
    assert at_once < one_each * 5 + 0.1 * SLOW, f"{at_once:.3f} s, one key {one_each / 10:.3f} s"


# ---- the end -----------------------------------------------------------------------------------


class Asker(threading.Thread):
    """A client that asks without pause until the server ends the connection between two replies."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.replies = 0
        self.trouble = None

    def run(self):
        try:
            with self.server.client() as client:
                keys = list(dataset("x"))
                request = b"get " + b" ".join(key.encode() for key in keys) + b"\r\n"
                while True:
                    client.send(request)
                    if not client.stream.peek(1):  # the end, and no reply has begun
                        return
                    values = {k: v.decode() for k, v in client.read_values()}
                    assert values == dataset("one")
                    self.replies += 1
        except (OSError, ErrorReply, AssertionError, ValueError) as error:
            self.trouble = repr(error)


def test_a_signal_under_load_ends_every_connection_after_a_whole_reply(serve):
    server = serve(server={"stop_timeout": "10m"})
    server.load(dataset("one"))
    askers = [Asker(server) for _ in range(3)]
    for asker in askers:
        asker.start()
    wait_for(
        lambda: all(asker.replies > 100 for asker in askers) or any(a.trouble for a in askers),
        "load from every client",
    )
    server.process.terminate()
    assert server.exit_code() == 0
    for asker in askers:
        asker.join(DEADLINE)
        assert not asker.is_alive(), "a client was not shown the end"
    assert [asker.trouble for asker in askers] == [None] * 3


def test_a_signal_ends_a_server_whose_clients_are_idle_at_once(serve):
    server = serve(server={"stop_timeout": "10m"})
    server.load(dataset("one"))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.client()) for _ in range(20)]
        assert {whole_set(client) for client in clients} == {"one"}
        server.process.terminate()
        assert server.exit_code() == 0
        for client in clients:
            assert client.stream.read(1) == b""  # an end, not a reset
