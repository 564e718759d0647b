# SPDX-License-Identifier: MIT
"""The redis protocol where only the whole server shows it: loops, swaps, several databases, memory.

What each request is answered is test_redis_differential.py's matter.
"""

import contextlib
import re
import resource
import threading
import time
from pathlib import Path

import pytest

from harness import SANITIZER, compile_c, dataset, wait_for
from redis_servers import RealRedis, redis_config, resident, wire
from redis_wire import RedisError, Wire, encode

LOADING = "LOADING Redis is loading the dataset in memory"
READONLY = "READONLY You can't write against a read only replica."
GENERATION = b"__goromdb__:generation"
INVALIDATE = b"__redis__:invalidate"
ODD = Path(__file__).with_name("odd_plugin.c")
release_only = pytest.mark.skipif(SANITIZER is not None, reason="a sanitizer's memory says nothing")


def as_bytes(words):
    return {key.encode(): value.encode() for key, value in words.items()}


# ---- no data yet ---------------------------------------------------------------------------------


def commands_of(conn):
    """Name to arity and flags, subcommands for those that have some."""
    found = {}
    for row in conn.ask("COMMAND"):
        for command in row[9] or [row]:
            found[command[0].decode()] = (command[1], {flag.decode() for flag in command[2]})
    return found


def test_before_the_first_data_set_exactly_the_commands_that_redis_refuses_are_loading(serve):
    server = serve(**redis_config())
    with wire(server) as conn:
        table = commands_of(conn)
    assert len(table) > 300
    wrong = []
    for command, (arity, flags) in sorted(table.items()):
        words = command.split("|")
        words += ["1"] * (abs(arity) - len(words))
        with wire(server) as conn:
            conn.send(encode(*words) + encode("QUIT"))
            text = conn.rest().split(b"\r\n")[0].decode()
        # A write is refused for good before it is for now, but this one may read.
        expected = "loading" not in flags and ("write" not in flags or command == "getex")
        if (text == f"-{LOADING}") != expected:
            wrong.append(f"{command} {flags}: {text[:100]}")
    assert not wrong, "\n".join(wrong)


def test_loading_ends_on_the_same_connection_with_the_first_data_set(serve):
    server = serve(**redis_config())
    with wire(server) as conn:
        for request in (["GET", "marker"], ["PING"], ["DBSIZE"], ["KEYS", "*"], ["SCAN", "0"]):
            assert conn.error(*request) == LOADING
        assert conn.ask("SELECT", 0) == b"OK"
        assert conn.error("SET", "a", "b") in (LOADING, READONLY)
        assert conn.info()["loading"] == "1"
        assert not [key for key in conn.info() if re.fullmatch(r"db\d+", key)]
        conn.ask("MULTI")
        assert conn.error("GET", "marker") == LOADING
        assert conn.error("EXEC").startswith("EXECABORT ")
        server.load(dataset("one"))
        assert conn.ask("GET", "marker") == b"one"
        assert conn.ask("PING") == b"PONG"
        info = conn.info()
        assert info["loading"] == "0" and info["db0"] == "keys=65,expires=0,avg_ttl=0"


def test_each_database_is_loading_for_itself(serve):
    server = serve(**redis_config("one", "two"))
    server.load(dataset("the second"), "two")
    with wire(server) as conn:
        assert conn.error("GET", "marker") == LOADING
        conn.ask("SELECT", 1)
        assert conn.ask("GET", "marker") == b"the second"
        assert conn.error("SELECT", 2) == "ERR DB index is out of range"
        assert conn.ask("GET", "marker") == b"the second"
        info = conn.info()
        assert info["db1"] == "keys=65,expires=0,avg_ttl=0" and "db0" not in info
        server.load(dataset("the first"), "one")
        assert conn.ask("GET", "marker") == b"the second"
        conn.ask("SELECT", 0)
        assert conn.ask("GET", "marker") == b"the first"


def test_a_fault_of_the_storage_is_an_error_and_never_a_nil(serve, tmp_path):
    plugin = compile_c(ODD, tmp_path / "storage-odd.so")
    server = serve(
        **redis_config(storage=str(plugin))
        | {"databases": {"words": {"storage": str(plugin), "file": "in/motd", "basedir": "store"}}}
    )
    server.load(b"good\nnew")
    with wire(server) as conn:
        assert conn.ask("GET", "content") == b"new"
        for key in ("corrupt", "fault"):
            assert conn.error("GET", key) == "ERR storage error"
            assert conn.error("STRLEN", key) == "ERR storage error"
            assert conn.error("EXISTS", "content", key) == "ERR storage error"
            assert conn.error("TYPE", key) == "ERR storage error"
            assert conn.error("MGET", "content", key, "nothing") == "ERR storage error"
        conn.ask("MULTI")
        conn.ask("GET", "content")
        conn.ask("GET", "corrupt")
        content, fault = conn.ask("EXEC")
        assert content == b"new" and str(fault) == "ERR storage error"


# ---- one generation ------------------------------------------------------------------------------


def marked(marker, entries=64):
    """dataset() and the same again as a namespace."""
    words = dataset(marker, entries)
    return {**words, "hash": {key: value for key, value in words.items() if key != "marker"}}


class Transactions(threading.Thread):
    """Reads all of a data set in one transaction, again and again, and looks that it is one's."""

    def __init__(self, server, resp):
        super().__init__(daemon=True)
        self.server, self.resp = server, resp
        self.stopping = threading.Event()
        self.failure, self.seen, self.rounds = None, [], 0

    def run(self):
        keys = [f"key{i:04}" for i in range(64)]
        requests = [["GET", "marker"], ["MGET", *keys], ["HGETALL", "hash"], ["DBSIZE"]]
        requests += [["HKEYS", "hash"], ["GETRANGE", "key0007", 0, -1], ["GET", "marker"]]
        request = b"".join(encode(*words) for words in [["MULTI"], *requests, ["EXEC"]])
        try:
            with wire(self.server, self.resp) as conn:
                while not self.stopping.is_set():
                    conn.send(request)
                    assert conn.answer() == b"OK"
                    assert [conn.answer() for _ in requests] == [b"QUEUED"] * len(requests)
                    self.check(keys, conn.answer())
                    self.rounds += 1
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def check(self, keys, replies):
        marker, values, hash_, size, names, part, again = replies
        expected = [value.encode() for value in dataset(marker.decode()).values()][1:]
        assert again == marker and values == expected and part == expected[7]
        if not isinstance(hash_, dict):
            hash_ = dict(zip(hash_[::2], hash_[1::2]))
        assert hash_ == dict(zip((key.encode() for key in keys), expected))
        assert sorted(names) == [key.encode() for key in keys] and size == 66
        if self.seen[-1:] != [marker]:
            assert marker not in self.seen, f"{marker} again after {self.seen}"
            self.seen.append(marker)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_transaction_sees_one_data_set_however_often_it_is_swapped(serve, threads):
    server = serve(**redis_config(server={"threads": threads}))
    server.load(marked("set0"))
    readers = [Transactions(server, resp) for resp in (2, 3, 2)]
    for reader in readers:
        reader.start()
    for number in range(1, 9):
        before = [reader.rounds for reader in readers]
        wait_for(
            lambda: any(r.failure for r in readers)
            or all(r.rounds > b + 2 for r, b in zip(readers, before)),
            "transactions of every reader",
        )
        server.load(marked(f"set{number}"))
    wait_for(lambda: all(r.failure or r.seen[-1:] == [b"set8"] for r in readers), "the last set")
    for reader in readers:
        reader.stopping.set()
        reader.join(60)
        assert reader.failure is None, repr(reader.failure)
        assert len(reader.seen) > 2


def test_exec_is_null_when_what_is_watched_has_been_swapped(serve):
    server = serve(**redis_config("one", "two"))
    server.load(dataset("a"), "one")
    server.load(dataset("x"), "two")
    for resp in (2, 3):
        with wire(server, resp) as conn:

            def transaction(conn=conn):
                conn.ask("MULTI")
                conn.ask("GET", "marker")
                return conn.ask("EXEC")

            conn.ask("WATCH", "marker")
            assert transaction() == [b"a"]
            conn.ask("WATCH", "marker", "no such key")
            server.load(dataset("a"), "one")
            assert transaction() is None
            assert transaction() == [b"a"]  # EXEC has forgotten what was watched
            conn.ask("WATCH", "marker")
            server.load(dataset("a"), "one")
            conn.ask("UNWATCH")
            assert transaction() == [b"a"]
            conn.ask("WATCH", "marker")
            server.load(dataset("x"), "two")  # another database than the watched one
            assert transaction() == [b"a"]
            conn.ask("MULTI")
            conn.ask("GET", "marker")
            server.load(dataset("a"), "one")  # nothing is watched
            assert conn.ask("EXEC") == [b"a"]


def test_an_exec_in_words_of_a_swap_in_between_is_of_the_new_set_alone(serve):
    server = serve(**redis_config())
    server.load(marked("one"))
    with wire(server) as conn:
        conn.ask("MULTI")
        conn.ask("GET", "marker")
        server.load(marked("two"))
        conn.ask("HGET", "hash", "key0001")
        assert conn.ask("EXEC") == [b"two", b"two:1"]


# ---- announcements -------------------------------------------------------------------------------


def nothing_more(conn):
    """True when no push came before the answer to a PING."""
    conn.pushes.clear()
    assert conn.ask("PING", "nothing more") == b"nothing more"
    return conn.pushes == []


def test_a_swap_invalidates_once_what_a_tracking_client_has(serve):
    server = serve(**redis_config(server={"threads": 3}))
    server.load(dataset("one"))
    with contextlib.ExitStack() as stack:
        conns = [stack.enter_context(wire(server, 3)) for _ in range(8)]
        for conn in conns:
            assert conn.ask("CLIENT", "TRACKING", "on") == b"OK"
            assert conn.ask("GET", "marker") == b"one"
        bcast = stack.enter_context(wire(server, 3))
        bcast.ask("CLIENT", "TRACKING", "on", "BCAST", "PREFIX", "key")
        untracked = stack.enter_context(wire(server, 3))
        for number in range(3):
            server.load(dataset(f"set{number}"))
            for conn in [*conns, bcast]:
                assert conn.push() == [b"invalidate", None]
                assert nothing_more(conn)
                assert conn.ask("GET", "marker") == b"set%d" % number
            assert nothing_more(untracked)
        conns[0].ask("CLIENT", "TRACKING", "off")
        server.load(dataset("last"))
        assert conns[1].push() == [b"invalidate", None]
        assert nothing_more(conns[0])


def test_an_optin_client_is_told_only_of_what_it_may_have_kept(serve):
    server = serve(**redis_config())
    server.load(dataset("one"))
    with wire(server, 3) as conn:
        conn.ask("CLIENT", "TRACKING", "on", "OPTIN")
        conn.ask("GET", "marker")
        server.load(dataset("two"))
        assert nothing_more(conn)
        conn.ask("CLIENT", "CACHING", "yes")
        assert conn.ask("GET", "marker") == b"two"
        server.load(dataset("three"))
        assert conn.push() == [b"invalidate", None]
        assert nothing_more(conn)
        server.load(dataset("four"))  # it has kept nothing since
        assert nothing_more(conn)


def test_a_client_of_resp2_is_invalidated_over_a_channel(serve):
    server = serve(**redis_config())
    server.load(dataset("one"))
    with wire(server) as listener, wire(server) as conn:
        number = listener.ask("CLIENT", "ID")
        listener.ask("SUBSCRIBE", INVALIDATE)
        assert conn.ask("CLIENT", "TRACKING", "on", "REDIRECT", number) == b"OK"
        assert conn.ask("GET", "marker") == b"one"
        for marker in ("two", "three"):
            server.load(dataset(marker))
            assert listener.answer() == [b"message", INVALIDATE, None]
            assert listener.ask("PING") == [b"pong", b""]


def test_a_swap_looks_to_tracking_clients_as_a_flush_of_redis_does(serve, tmp_path):
    """Byte for byte: the push of RESP3, and the message to the connection that is redirected to."""
    server = serve(**redis_config())
    server.load(dataset("one"))
    redis = RealRedis(tmp_path / "redis")
    try:
        seen = []
        for address, change in (
            (server.address(), lambda: server.load(dataset("two"))),
            (redis.path, lambda: ask_once(redis.path, "FLUSHALL")),
        ):
            with Wire(address) as told, Wire(address) as two, Wire(address, 3) as three:
                number = told.ask("CLIENT", "ID")
                told.ask("SUBSCRIBE", INVALIDATE)
                two.ask("CLIENT", "TRACKING", "on", "REDIRECT", number)
                two.ask("GET", "marker")
                three.ask("CLIENT", "TRACKING", "on")
                three.ask("GET", "marker")
                change()
                three.send(encode("QUIT"))
                told.send(encode("QUIT"))
                seen.append((three.rest(), told.rest()))
        assert seen[0] == seen[1]
    finally:
        redis.stop()


def ask_once(address, *words):
    with Wire(address) as conn:
        return conn.ask(*words)


@pytest.mark.parametrize("resp", [2, 3])
def test_every_swap_is_published_once(serve, resp):
    server = serve(**redis_config("one", "two", server={"threads": 3}))
    with contextlib.ExitStack() as stack:
        conns = [stack.enter_context(wire(server, resp)) for _ in range(6)]
        for conn in conns[:5]:
            conn.send(encode("SUBSCRIBE", GENERATION, "other"))
            assert conn.reply().plain() == [b"subscribe", GENERATION, 1]
            assert conn.reply().plain() == [b"subscribe", b"other", 2]
        conns[5].send(encode("PSUBSCRIBE", "__goromdb__:*"))
        assert conns[5].reply().plain() == [b"psubscribe", b"__goromdb__:*", 1]
        for database in ("one", "two", "one"):
            number = server.load(dataset(database), database)
            text = f"{database} {number}".encode()
            for conn in conns[:5]:
                assert conn.reply().plain() == [b"message", GENERATION, text]
            assert conns[5].reply().plain() == [b"pmessage", b"__goromdb__:*", GENERATION, text]
        conns[0].send(encode("UNSUBSCRIBE", GENERATION))
        assert conns[0].reply().plain() == [b"unsubscribe", GENERATION, 1]
        server.load(dataset("last"), "two")
        assert conns[1].reply().plain()[0] == b"message"
        conns[0].send(encode("PING"))
        assert conns[0].reply().plain() in (b"PONG", [b"pong", b""])


def test_a_message_comes_between_two_replies_and_not_inside_one(serve):
    server = serve(**redis_config())
    server.load({**dataset("one"), "big": "b" * (8 << 20)})
    with wire(server, 3, receive_buffer=65536) as conn:
        conn.ask("CLIENT", "TRACKING", "on")
        conn.send(encode("GET", "big") * 3 + encode("GET", "marker"))
        conn.stream.peek(1)
        server.load(dataset("two"))
        kinds = [conn.reply() for _ in range(5)]
        assert [reply.kind for reply in kinds].count(">") == 1
        values = [reply.value for reply in kinds if reply.kind == "$"]
        assert all(value in (None, b"b" * (8 << 20), b"two", b"one") for value in values)
        assert values[0] == b"b" * (8 << 20)


# ---- the server about itself ---------------------------------------------------------------------


def client_lines(conn, *words):
    text = conn.ask("CLIENT", "LIST", *words).decode()
    return [dict(part.split("=", 1) for part in line.split(" ")) for line in text.splitlines()]


def test_client_list_tells_of_all_connections_on_all_loops(serve):
    server = serve(**redis_config("words", "more", server={"threads": 4}))
    server.load(dataset("one"))
    with contextlib.ExitStack() as stack:
        conns = [stack.enter_context(wire(server, 2 + i % 2)) for i in range(24)]
        numbers = [conn.ask("CLIENT", "ID") for conn in conns]
        assert len(set(numbers)) == 24
        for i, conn in enumerate(conns):
            conn.ask("CLIENT", "SETNAME", f"client-{i}")
        conns[3].ask("SELECT", 1)
        conns[5].send(encode("SUBSCRIBE", "a", "b"))
        conns[5].reply(), conns[5].reply()
        plain = stack.enter_context(wire(server))
        number = plain.ask("CLIENT", "ID")
        lines = {int(line["id"]): line for line in client_lines(plain)}
        assert set(lines) == {*numbers, number}
        for i, (conn, id_) in enumerate(zip(conns, numbers)):
            line = lines[id_]
            assert line["name"] == f"client-{i}"
            assert line["resp"] == str(2 + i % 2)
            assert line["addr"] == "%s:%d" % conn.sock.getsockname()
            assert line["laddr"] == "%s:%d" % conn.sock.getpeername()
        assert lines[numbers[3]]["db"] == "1" and lines[numbers[5]]["sub"] == "2"
        assert lines[number]["name"] == "" and lines[number]["db"] == "0"
        assert [int(line["id"]) for line in client_lines(plain, "ID", numbers[7], 99999)] == [
            numbers[7]
        ]
        info = plain.ask("CLIENT", "INFO").decode()
        assert info.startswith(f"id={number} ") and info.endswith("\n")
        conns.pop().close()
        wait_for(lambda: len(client_lines(plain)) == 24, "the closed one to be forgotten")
        assert plain.info()["connected_clients"] == "24"


def test_a_slow_request_is_in_the_slow_log(serve):
    server = serve(**redis_config(slowlog_slower_than="0s"))
    server.load(marked("one", 2000))
    with wire(server) as conn:
        begin = int(time.time()) - 1  # the kernel's coarse clock is a little behind
        conn.ask("CLIENT", "SETNAME", "slow")
        conn.ask("SLOWLOG", "RESET")
        conn.ask("KEYS", "key*")
        conn.ask("HGETALL", "hash")
        entries = conn.ask("SLOWLOG", "GET", "-1")
        assert conn.ask("SLOWLOG", "LEN") >= len(entries) >= 2
        assert [b"HGETALL", b"hash"] in [entry[3] for entry in entries]
        numbers = [entry[0] for entry in entries]
        assert numbers == sorted(numbers, reverse=True) and len(set(numbers)) == len(numbers)
        found = next(entry for entry in entries if entry[3] == [b"KEYS", b"key*"])
        assert begin <= found[1] <= time.time() and found[2] >= 0
        assert found[4] == b"%s:%d" % (
            conn.sock.getsockname()[0].encode(),
            conn.sock.getsockname()[1],
        )
        assert found[5] == b"slow"
    with wire(server) as other:  # one log for all connections
        assert [b"KEYS", b"key*"] in [entry[3] for entry in other.ask("SLOWLOG", "GET", 128)]
        other.ask("SLOWLOG", "RESET")
        assert other.ask("SLOWLOG", "LEN") <= 1


def test_nothing_is_slow_by_default(serve):
    server = serve(**redis_config())
    server.load(marked("one"))
    with wire(server) as conn:
        for _ in range(100):
            conn.ask("HGETALL", "hash")
            conn.ask("GET", "marker")
        # On a busy machine some are.
        assert conn.ask("SLOWLOG", "LEN") < 100 or SANITIZER


def test_info_follows_the_data_set(serve):
    server = serve(**redis_config())
    server.load(dataset("one"))
    with wire(server) as conn:
        before = conn.info()
        first = conn.ask("LASTSAVE")
        assert abs(first - time.time()) < 3600
        for request in (["GET", "marker"], ["GET", "nothing"], ["MGET", "key0001", "x", "y"]):
            conn.ask(*request)
        with contextlib.suppress(RedisError):
            conn.ask("SET", "a", "b")
        after = conn.info()
        assert int(after["keyspace_hits"]) - int(before["keyspace_hits"]) == 2
        assert int(after["keyspace_misses"]) - int(before["keyspace_misses"]) == 3
        assert int(after["total_commands_processed"]) > int(before["total_commands_processed"])
        number = server.load({**dataset("two"), "space": {"a": "b"}})
        again = conn.info("everything")
        assert again["db0"] == "keys=66,expires=0,avg_ttl=0"
        assert again["redis_version"] == "7.2.4" and again["role"] == "master"
        ours = dict(pair.split("=", 1) for pair in again["goromdb_database0"].split(","))
        assert ours["name"] == "words" and ours["generation"] == str(number)
        assert ours["loads"] == "2" and ours["checksum"].startswith("md5:")
        assert again["goromdb_rolled_back_to"] == "0"
        assert conn.ask("LASTSAVE") >= first
        conn.ask("CONFIG", "RESETSTAT")
        assert conn.info("stats")["keyspace_misses"] == "0"
        assert conn.ask("CONFIG", "GET", "port") == [b"port", str(server.address()[1]).encode()]


def test_one_connection_too_many_is_told_so(serve):
    server = serve(**redis_config(server={"max_connections": 2}))
    server.load(dataset("one"))
    with wire(server) as first, wire(server) as second:
        assert first.ask("PING") == second.ask("PING") == b"PONG"
        with wire(server) as third:
            assert third.rest() == b"-ERR max number of clients reached\r\n"
        assert first.ask("GET", "marker") == b"one"
        assert first.ask("CONFIG", "GET", "maxclients") == [b"maxclients", b"2"]


# ---- options -------------------------------------------------------------------------------------


def test_a_password_is_asked_for(serve):
    server = serve(**redis_config(password="secret"))
    server.load(dataset("one"))
    noauth = "NOAUTH Authentication required."
    with wire(server) as conn:
        for request in (["GET", "marker"], ["PING"], ["INFO"], ["SET", "a", "b"], ["CLIENT", "ID"]):
            assert conn.error(*request) == noauth
        assert conn.error("HELLO", 3).startswith(
            "NOAUTH HELLO must be called with the client already"
        )
        wrong = "WRONGPASS invalid username-password pair or user is disabled."
        assert conn.error("AUTH", "guess") == wrong
        assert conn.error("AUTH", "nobody", "secret") == wrong
        assert conn.error("HELLO", 3, "AUTH", "default", "guess") == wrong
        assert conn.error("GET", "marker") == noauth
        assert conn.ask("AUTH", "secret") == b"OK"
        assert conn.ask("GET", "marker") == b"one"
        assert conn.ask("RESET") == b"RESET"
        assert conn.error("GET", "marker") == noauth
        assert conn.ask("HELLO", 3, "AUTH", "default", "secret", "SETNAME", "me")[b"proto"] == 3
        assert conn.ask("CLIENT", "GETNAME") == b"me"
        assert conn.ask("AUTH", "default", "secret") == b"OK"
    assert "secret" not in server.log()


def test_who_has_not_said_the_password_is_bounded_more_narrowly(serve):
    server = serve(**redis_config(password="secret"))
    server.load(dataset("one"))
    for data, error in (
        (b"*11\r\n", b"-ERR Protocol error: unauthenticated multibulk length\r\n"),
        (
            b"*2\r\n$4\r\nAUTH\r\n$16385\r\n",
            b"-ERR Protocol error: unauthenticated bulk length\r\n",
        ),
    ):
        with wire(server) as conn:
            conn.send(data)
            assert conn.rest() == error
    with wire(server) as conn:
        conn.ask("AUTH", "secret")
        assert conn.ask("MGET", *["marker"] * 20) == [b"one"] * 20


@pytest.mark.parametrize(
    "option,error", [("readonly", READONLY), ("noperm", "NOPERM this server is read-only")]
)
def test_a_refused_write_is_worded_as_the_option_wishes(serve, option, error):
    server = serve(**redis_config(write_error=option))
    server.load(dataset("one"))
    with wire(server) as conn:
        for request in (["SET", "a", "b"], ["DEL", "a"], ["FLUSHALL"], ["LPUSH", "a", "b"]):
            assert conn.error(*request) == error
        assert conn.error("SET", "a") == "ERR wrong number of arguments for 'set' command"
        assert conn.ask("GET", "marker") == b"one"


@pytest.mark.parametrize("role,word", [("master", b"master"), ("replica", b"slave")])
def test_the_role_is_the_one_that_the_option_gives(serve, role, word):
    server = serve(**redis_config(role=role))
    server.load(dataset("one"))
    with wire(server, 3) as conn:
        assert conn.info("replication")["role"] == word.decode()
        assert conn.ask("ROLE")[0] == word
        assert conn.hello[b"role"] == (b"master" if role == "master" else b"replica")
        assert conn.hello[b"version"] == b"7.2.4" and conn.hello[b"mode"] == b"standalone"
        assert conn.hello[b"id"] == conn.ask("CLIENT", "ID")


# ---- memory --------------------------------------------------------------------------------------


@release_only
def test_an_idle_connection_costs_less_than_two_kibibytes(serve):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(10_000, hard - 1000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = serve(**redis_config(server={"threads": 2, "max_connections": count + 100}))
    server.load(dataset("one"))
    with contextlib.ExitStack() as stack:
        for _ in range(50):  # the loops have warmed up
            stack.enter_context(wire(server)).ask("GET", "marker")
        before = resident(server.pid)
        conns = [stack.enter_context(contextlib.closing(socket_to(server))) for _ in range(count)]
        for conn in conns:
            conn.sendall(b"*2\r\n$3\r\nGET\r\n$7\r\nkey0001\r\n")
        for conn in conns:
            assert conn.recv(100) == b"$5\r\none:1\r\n"
        grown = resident(server.pid) - before
    print(f"{grown / count:.0f} bytes for each of {count} idle connections")
    assert grown < 2048 * count


def socket_to(server):
    import socket  # pylint: disable=import-outside-toplevel

    sock = socket.create_connection(server.address(), timeout=60)
    return sock
