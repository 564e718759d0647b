# SPDX-License-Identifier: MIT
"""Bad input on a redis port: what is said, that none of it becomes a command, what it costs."""

import contextlib
import os
import random
import socket
import threading
import time

import pytest

from harness import SANITIZER, SLOW, Server, dataset, wait_for
from redis_servers import redis_config, resident, wire
from redis_wire import encode

READONLY = b"-READONLY You can't write against a read only replica.\r\n"
PING = encode("PING")
MIB = 1 << 20
memory = pytest.mark.skipif(SANITIZER is not None, reason="a sanitizer keeps freed memory")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One for the whole file: whatever was sent, the next test finds it well."""
    server = Server(tmp_path_factory.mktemp("hostile") / "server", **redis_config())
    server.start()
    server.load({**dataset("one"), "hoge": "piyo", "big": "b" * MIB})
    yield server
    with wire(server) as conn:
        assert conn.ask("GET", "hoge") == b"piyo"
    server.stop()


@pytest.fixture
def conn(server):
    with wire(server) as conn:
        yield conn


@pytest.fixture
def costs_at_most(server):
    """costs_at_most(bytes): the server's memory has not grown by more since the test began."""
    before = resident(server.pid)
    with open(f"/proc/{server.pid}/clear_refs", "w", encoding="ascii") as refs:
        refs.write("5")  # VmHWM begins anew

    def check(most):
        grown = resident(server.pid, "VmHWM") - before
        assert grown <= most, f"{grown} bytes instead of {most}"

    return check


# ---- broken framing: one error, then the end -----------------------------------------------------

ENDS = [
    (b"*1000000000\r\n", b"invalid multibulk length"),
    (b"*1048577\r\n", b"invalid multibulk length"),
    (b"*2147483647\r\n", b"invalid multibulk length"),
    (b"*99999999999999999999999999\r\n", b"invalid multibulk length"),
    (b"*2\r\n$3\r\nGET\r\n$-5\r\n", b"invalid bulk length"),
    (b"*2\r\n$3\r\nGET\r\n$-9223372036854775808\r\n", b"invalid bulk length"),
    (b"*2\r\n$3\r\nGET\r\n$2147483647\r\n", b"invalid bulk length"),
    (b"*2\r\n$3\r\nGET\r\n$18446744073709551617\r\n", b"invalid bulk length"),
    (b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$-5\r\n", b"invalid bulk length"),
    (b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$536870913\r\n", b"invalid bulk length"),
    (b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n:1\r\n", b"expected '$', got ':'"),
    (b'ECHO "abc\r\n', b"unbalanced quotes in request"),
    (b"GET 'hoge\r\n", b"unbalanced quotes in request"),
    (b"x" * (64 * 1024 + 1), b"too big inline request"),
    (b"GET " + b"y" * (1 << 17) + b"\r\n", b"too big inline request"),
    (b"*1\r\n$1" + b"0" * 70000, b"too big bulk count string"),
    (b"*" + b"1" * 70000, b"too big mbulk count string"),
]


@pytest.mark.parametrize("data,error", ENDS, ids=[repr(data[:40])[2:-1] for data, _ in ENDS])
def test_broken_framing_is_told_once_and_ends_the_connection(conn, data, error):
    """What comes before is answered, and what comes behind is no command."""
    conn.send(encode("GET", "hoge") + data)
    with contextlib.suppress(OSError):
        conn.send(PING * 3)
    assert conn.rest() == b"$4\r\npiyo\r\n-ERR Protocol error: " + error + b"\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"*2\r\n$3\r\nGET\r\n$4\r\nhogeXX*1\r\n$4\r\nPING\r\n",
        b"*2\r\n$3\r\nGETXX$4\r\nhoge\r\n*1\r\n$4\r\nPING\r\n",
        b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\nhogePING\r\nPING\r\n",
        b"*3\r\n$3\r\nSET\r\n$1\r\naXX$1\r\nb\r\nPING\r\n",
        b"*2\r\n$3\r\nGET\r\n$4\r\nhoge\nPING\r\nPING\r\n",
    ],
)
def test_a_block_without_its_end_ends_the_connection(conn, data):
    """redis skips two bytes, whatever they are, and goes on: what was a value is a command then."""
    conn.send(data)
    said = conn.rest()
    assert b"PONG" not in said and b"piyo" not in said
    assert said.startswith(b"-ERR Protocol error") and said.count(b"\r\n") == 1, said


FOREIGN = [
    b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nGET hoge\r\n",
    b"post /x HTTP/1.0\r\n\r\nGET hoge\r\n",
    b"Host: localhost\r\nGET hoge\r\n",
    b"HOST: localhost\r\nGET hoge\r\n",
    encode("POST", "/") + encode("GET", "hoge"),
    encode("Host:", "x") + encode("GET", "hoge"),
]


@pytest.mark.parametrize("data", FOREIGN, ids=repr)
def test_what_a_browser_is_made_to_send_ends_the_connection_without_a_word(conn, data):
    conn.send(data)
    assert conn.rest() == b""


def test_a_get_of_http_ends_at_its_host_line(conn):
    conn.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: y\r\n\r\nGET hoge\r\n")
    said = conn.rest()
    assert said in (b"", b"-ERR wrong number of arguments for 'get' command\r\n")


def test_a_tls_hello_gets_no_value(conn):
    hello = bytes.fromhex("160301010a01000106") + b"\x03\x03" + os.urandom(32).replace(b"\n", b"x")
    conn.send(hello + b"\r\nGET hoge\r\n")
    conn.sock.shutdown(socket.SHUT_WR)
    said = conn.rest()
    assert said == b""


def test_a_memcached_client_gets_errors_and_its_data_is_no_hit(conn):
    conn.send(b"set hoge 0 0 8\r\nGET hoge\r\nget hoge\r\nversion\r\nquit\r\n")
    said = conn.rest()
    assert said.startswith(READONLY)
    assert said.endswith(b"+OK\r\n") or b"piyo" not in said


@pytest.mark.parametrize(
    "data,reply",
    [
        (b"ECHO a\0b\r\n", b"$3\r\na\0b\r\n"),
        (b"GET hoge\0\r\n", b"$-1\r\n"),
        (b"GE\0T hoge\r\n", None),
        (b"\0\r\n", None),
        (encode(b"GET\0", "hoge"), None),
        (encode(b"GE\0T", "hoge"), None),
        (encode("GET", b"hoge\0"), b"$-1\r\n"),
        (encode("GET", b"\0" * 1000), b"$-1\r\n"),
        (encode("CLIENT", b"I\0D"), None),
        (encode("CLIENT", "SETNAME", b"a\0b"), None),
        (encode("SELECT", b"0\0"), None),
    ],
    ids=repr,
)
def test_a_nul_is_a_byte_like_others(conn, data, reply):
    conn.send(data + encode("ECHO", "end"))
    said = conn.stream.readline()
    if reply is None:
        assert said.startswith(b"-ERR "), said
    else:
        said += conn.exactly(len(reply) - len(said))
        assert said == reply
    assert conn.answer() == b"end"


def test_a_nul_for_the_dollar_is_broken_framing(conn):
    conn.send(b"*1\r\n\0\r\n")
    assert conn.rest().startswith(b"-ERR Protocol error: expected '$', got ")


def test_a_protocol_error_ends_a_connection_that_wanted_no_replies(conn):
    conn.send(encode("CLIENT", "REPLY", "OFF") + b"*x\r\n" + PING)
    assert b"PONG" not in conn.rest()


# ---- amounts -------------------------------------------------------------------------------------


@memory
def test_half_a_gibibyte_of_a_refused_set_costs_no_memory(conn, costs_at_most):
    conn.send(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$%d\r\n" % (512 * MIB))
    block = b"*1\r\n$4\r\nPING\r\n" * (MIB // 14) + b"x" * (MIB % 14)
    for _ in range(512):
        conn.send(block)
    conn.send(b"\r\n" + PING)
    assert conn.exactly(len(READONLY)) == READONLY
    assert conn.answer() == b"PONG"
    costs_at_most(2 * MIB)


@memory
def test_many_large_arguments_of_a_refused_write_cost_no_memory(conn, costs_at_most):
    count = 200_000
    conn.send(b"*%d\r\n$4\r\nMSET\r\n" % (count + 1))
    part = b"$300\r\n" + b"y" * 300 + b"\r\n"
    for _ in range(count // 1000):
        conn.send(part * 1000)
    conn.send(PING)
    assert conn.exactly(len(READONLY)) == READONLY
    assert conn.answer() == b"PONG"
    costs_at_most(2 * MIB)


def test_an_argument_that_is_too_long_to_keep_is_refused_and_the_connection_is_in_step_or_ends(
    conn,
):
    """The default of max_bulk is 1 MiB."""
    key = b"k" * (2 * MIB)
    with contextlib.suppress(OSError):
        conn.send(encode("GET", key) + PING)
    said = conn.stream.readline()
    assert said.startswith(b"-ERR "), said
    rest = conn.stream.readline() if b"Protocol error" not in said else conn.rest()
    assert rest in (b"+PONG\r\n", b"")


def test_more_keys_than_a_request_may_have_are_refused(conn):
    conn.send(encode("MGET", *["hoge"] * 70_000) + PING)
    said = conn.stream.readline()
    assert said.startswith(b"-ERR "), said[:100]
    assert conn.answer() == b"PONG"
    assert conn.ask("MGET", *["hoge"] * 65_536) == [b"piyo"] * 65_536


def test_a_transaction_is_bounded(conn):
    """1024 commands or 1 MiB by default."""
    for words, count in ((["GET", "hoge"], 2000), (["ECHO", "x" * 100_000], 20)):
        conn.send(encode("MULTI") + encode(*words) * count + encode("EXEC") + PING)
        replies = [conn.reply() for _ in range(count + 3)]
        kinds = [reply.kind for reply in replies]
        assert "-" in kinds[1:-2] and replies[-1].value == b"PONG"
        assert kinds[-2] == "-" and replies[-2].value.startswith(b"EXECABORT ")
    conn.send(encode("MULTI") + encode("GET", "hoge") * 1000 + encode("EXEC"))
    for _ in range(1001):
        conn.answer()
    assert conn.answer() == [b"piyo"] * 1000


@memory
def test_a_million_gets_from_a_client_that_does_not_read_cost_little(server, costs_at_most):
    """The server stops reading, and answers all of them when the client does read."""
    count = 1_000_000
    request = encode("GET", "marker")
    with wire(server, receive_buffer=65536) as conn:

        def send():
            for _ in range(count // 1000):
                conn.send(request * 1000)

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        stands_still(conn)
        with wire(server) as other:
            assert other.ask("GET", "hoge") == b"piyo"
        costs_at_most(4 * MIB)
        assert sender.is_alive(), "it read all of them"
        left = count * len(b"$3\r\none\r\n")
        while left > 0:
            data = conn.stream.read(min(left, 9_000_000))
            assert data == b"$3\r\none\r\n" * (len(data) // 9)
            left -= len(data)
        sender.join(60)
        assert conn.ask("PING") == b"PONG"
    costs_at_most(4 * MIB)


def stands_still(conn):
    """Waits until the server has taken nothing for a while: its side of the socket is full."""
    import fcntl  # pylint: disable=import-outside-toplevel
    import struct  # pylint: disable=import-outside-toplevel

    last, since = -1, time.monotonic()

    def still():
        nonlocal last, since
        now = struct.unpack("i", fcntl.ioctl(conn.sock, 0x5411, bytes(4)))[0]  # SIOCOUTQ
        if now != last or now == 0:
            last, since = now, time.monotonic()
        return time.monotonic() - since > 0.3 * SLOW

    wait_for(still, "the server to stop reading")


@memory
def test_large_values_for_a_client_that_does_not_read_cost_little(server, costs_at_most):
    with wire(server, receive_buffer=4096) as conn:
        conn.send(encode("GET", "big") * 2000)
        conn.stream.peek(1)
        with wire(server) as other:
            for _ in range(100):
                assert other.ask("GET", "hoge") == b"piyo"
        costs_at_most(8 * MIB)


LIMITS = {
    "max_arguments": 10,
    "max_keys": 5,
    "max_bulk": "1KiB",
    "proto_max_bulk": "10KiB",
    "max_inline": "1KiB",
    "max_transaction": "1KiB",
    "max_keys_reply": "1KiB",
}
TOO_LARGE = b"-ERR the arguments of this command are too large\r\n"
AT_LIMITS = [
    (encode("EXISTS", *"abcde"), b":0\r\n"),
    (encode("EXISTS", *"abcdef"), b"-ERR too many keys in one request, send several\r\n"),
    (encode("PING", *"abcdefghi"), b"-ERR wrong number of arguments for 'ping' command\r\n"),
    (encode("PING", *"abcdefghij"), b"-ERR Protocol error: invalid multibulk length\r\n"),
    (encode("EXISTS", "x" * 1024), b":0\r\n"),
    (encode("EXISTS", "x" * 1025), TOO_LARGE),
    (encode("PING", "x" * 1025), TOO_LARGE),
    (encode("SET", "a", "x" * 10240), READONLY),
    (encode("SET", "a", "x" * 10241), b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"EXISTS " + b"x" * 1010 + b"\r\n", b":0\r\n"),
    (b"EXISTS " + b"x" * 1025 + b"\r\n", b"-ERR Protocol error: too big inline request\r\n"),
    (encode("KEYS", "key000?"), encode(*(f"key000{i}" for i in range(10)))),
    (encode("KEYS", "*"), b"-ERR the reply to KEYS is too large, use SCAN\r\n"),
]


def test_the_limits_are_those_of_the_options(serve):
    server = serve(**redis_config(**LIMITS))
    server.load(dataset("one", 300))
    for request, reply in AT_LIMITS:
        with wire(server) as conn:
            with contextlib.suppress(OSError):
                conn.send(request + encode("QUIT"))
            rest = b"" if b"Protocol error" in reply else b"+OK\r\n"
            assert conn.rest() == reply + rest, request[:60]
    with wire(server) as conn:
        conn.send(encode("MULTI") + encode("ECHO", "z" * 300) * 5 + encode("EXEC"))
        assert [conn.reply().kind for _ in range(7)] == ["+"] * 4 + ["-"] * 3


def test_a_million_empty_lines_are_no_requests(conn):
    for _ in range(1000):
        conn.send(b"\r\n" * 1000)
    conn.send(b"*0\r\n" * 10_000 + b"*-1\r\n" * 10_000 + PING)
    assert conn.answer() == b"PONG"


@memory
def test_a_request_that_never_ends_costs_what_the_limits_say(server, costs_at_most):
    """A hundred connections, each inside a request of its own."""
    with contextlib.ExitStack() as stack:
        conns = [stack.enter_context(wire(server)) for _ in range(100)]
        for conn in conns:
            conn.send(b"*1000000\r\n$4\r\nMGET\r\n" + b"$1\r\na\r\n" * 1000)
        with wire(server) as other:
            assert other.ask("GET", "hoge") == b"piyo"
        costs_at_most(100 * 64 * 1024)


def test_a_request_byte_by_byte_takes_no_longer_than_its_length_says(conn):
    """What was scanned is not scanned again."""
    count = 20_000
    begin = time.monotonic()
    conn.send(b"*%d\r\n$6\r\nEXISTS\r\n" % (count + 1))
    for _ in range(count):
        conn.send(b"$4\r\nhoge\r\n")
    assert conn.answer() == count
    took = time.monotonic() - begin
    assert took < 15 * SLOW, f"{took:.1f} s"


@pytest.mark.parametrize("seed", range(4))
def test_nonsense_harms_nobody(server, seed):
    """Pieces of requests in any order: the server answers something or closes, and lives."""
    dice = random.Random(seed)
    pieces = [
        *(b"*1\r\n", b"*3\r\n", b"*-1\r\n", b"$3\r\n", b"$0\r\n\r\n", b"$4\r\nPING\r\n", b"\r\n"),
        *(b"\n", b"\r"),
        *(b"GET hoge\r\n", b'"', b"'", b"\\x", b"\0", b"*", b"$", b"9999999", b"MULTI\r\n"),
        b"EXEC\r\n",
        *(encode("MULTI"), encode("EXEC"), encode("SUBSCRIBE", "a"), encode("RESET")),
        encode("HELLO", 3),
        *(encode("CLIENT", "REPLY", "OFF"), encode("SET", "a", "b"), encode("HGETALL", "hoge")),
        encode("SCAN", 0),
        *(encode("KEYS", "*"), encode("CLIENT", "TRACKING", "on"), encode("WATCH", "a")),
        encode("DISCARD"),
        *(encode("MGET", "hoge", "x"), encode("INFO"), encode("COMMAND", "COUNT")),
        *(encode("SELECT", 0), b"\xff" * 9),
    ]
    for _ in range(300 if SANITIZER is None else 100):
        with wire(server) as conn:
            data = b"".join(dice.choices(pieces, k=dice.randrange(1, 30)))
            with contextlib.suppress(OSError):
                conn.send(data)
                conn.sock.shutdown(socket.SHUT_WR)
            conn.rest()
    with wire(server) as conn:
        assert conn.ask("GET", "hoge") == b"piyo"


def test_patterns_that_explode_elsewhere_do_not_here(conn):
    """Stars cost no more than their number times the text's length."""
    pattern = "a*" * 200 + "b"
    begin = time.monotonic()
    assert conn.ask("KEYS", "*" * 1000 + "hoge") == [b"hoge"]
    assert conn.ask("KEYS", "k*" * 500 + "x") == []
    assert conn.ask("KEYS", pattern) == []
    assert conn.ask("KEYS", "[" * 1000) == []
    assert conn.ask("KEYS", "\\" * 999) == []
    assert conn.ask("SCAN", 0, "MATCH", "*e*" * 300 + "[", "COUNT", 1000)[1] == []
    assert conn.ask("KEYS", "*[" + "b" * 1020 + "]") == []
    assert conn.error("KEYS", "*[" + "b" * 1023) == "ERR the pattern is too long"
    assert conn.error("SCAN", 0, "MATCH", "*" * 1025) == "ERR the pattern is too long"
    assert time.monotonic() - begin < 15 * SLOW


def test_what_a_connection_may_keep_is_bounded(conn):
    begin = time.monotonic()
    long = "n" * 1025
    for words in (["SETNAME", long], ["SETINFO", "LIB-NAME", long], ["SETINFO", "LIB-VER", long]):
        assert "cannot contain" in conn.error("CLIENT", *words)
    prefixes = [word for i in range(300) for word in ("PREFIX", f"{i:06}")]
    assert "too many prefixes" in conn.error("CLIENT", "TRACKING", "ON", "BCAST", *prefixes)
    wide = [word for i in range(70) for word in ("PREFIX", f"{i:06}" * 200)]
    assert "too many prefixes" in conn.error("CLIENT", "TRACKING", "ON", "BCAST", *wide)
    assert "too large" in conn.error("UNSUBSCRIBE", *(["x"] * 100_000))
    assert time.monotonic() - begin < 15 * SLOW


def test_clients_that_come_and_go_inside_requests_leave_nothing(server):
    def open_files():
        return len(os.listdir(f"/proc/{server.pid}/fd"))

    before = open_files()
    for data in (
        b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000000\r\nxx",
        b"GET ho",
        encode("MULTI"),
        encode("KEYS", "*"),
        encode("SUBSCRIBE", "a"),
        encode("HGETALL", "big"),
        b"*2\r\n$3\r\nGET\r\n$100000\r\n" + b"k" * 5000,
    ):
        for _ in range(30):
            with wire(server) as conn:
                conn.send(data)
    wait_for(lambda: open_files() <= before, "the connections to be closed")
