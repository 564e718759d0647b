# SPDX-License-Identifier: MIT
"""The redis protocol on the wire: a connection that hides nothing, and replies taken apart.

A reply is a Reply: its type's byte as RESP writes it, and its value. `plain()` is what a program
would like to see of it.
"""

import socket
from dataclasses import dataclass
from pathlib import Path

from harness import DEADLINE

AGGREGATES = b"*%~>|"


class RedisError(Exception):
    """The server answered with an error."""


@dataclass(frozen=True)
class Reply:
    """`kind`: the type's byte. `value`: bytes, int or None; a list of Reply for an aggregate, where
    a map's keys and values take turns."""

    kind: str
    value: object

    def plain(self):
        if self.kind == "-" or self.kind == "!":
            return RedisError(self.value.decode(errors="replace"))
        if self.kind == "%":
            items = [reply.plain() for reply in self.value]
            return dict(zip(items[::2], items[1::2]))
        if isinstance(self.value, list):
            return [reply.plain() for reply in self.value]
        if self.kind == "=":
            return self.value[4:]
        return self.value


def encode(*words):
    """A request as clients write it."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        if not isinstance(word, bytes):
            word = str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


def read_reply(line, exactly):
    """Reads one reply through `line()`, which takes off the line's end, and `exactly(n)`."""
    head = line()
    kind, rest = head[:1], head[1:]
    if kind in (b"+", b"-"):
        return Reply(kind.decode(), rest)
    if kind == b":":
        return Reply(":", int(rest))
    if kind in (b"_", b"#", b",", b"("):
        return Reply(kind.decode(), rest or None)
    if kind in (b"$", b"=", b"!"):
        length = int(rest)
        if length < 0:
            return Reply("$", None)
        data = exactly(length + 2)
        assert data.endswith(b"\r\n"), f"a bulk string of {length} bytes has no end: {data[-20:]!r}"
        return Reply(kind.decode(), data[:-2])
    if kind and kind in AGGREGATES:
        count = int(rest)
        if count < 0:
            return Reply("*", None)
        count *= 2 if kind in b"%|" else 1
        return Reply(kind.decode(), [read_reply(line, exactly) for _ in range(count)])
    raise AssertionError(f"no reply of redis' protocol: {head[:100]!r}")


def parse_all(data):
    """The replies that lie in `data` one behind the other."""
    at = 0

    def line():
        nonlocal at
        end = data.index(b"\r\n", at)
        found, at = data[at:end], end + 2
        return found

    def exactly(n):
        nonlocal at
        assert at + n <= len(data), "a bulk string is cut short"
        found, at = data[at : at + n], at + n
        return found

    replies = []
    while at < len(data):
        replies.append(read_reply(line, exactly))
    return replies


class Wire:
    """One connection. `pushes` collects what came unasked while ask() waited for its reply."""

    def __init__(self, address, resp=2, receive_buffer=None):
        if isinstance(address, (str, Path)):
            self.sock = socket.socket(socket.AF_UNIX)
        else:
            self.sock = socket.socket(socket.AF_INET)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(DEADLINE)
        self.sock.connect(str(address) if isinstance(address, Path) else address)
        self.stream = self.sock.makefile("rb", 256 * 1024)
        self.pushes = []
        self.hello = self.ask("HELLO", 3) if resp == 3 else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError(f"the connection ended inside a line: {line[:100]!r}")
        return line[:-2]

    def exactly(self, n):
        data = self.stream.read(n)
        if len(data) != n:
            raise ConnectionError(f"the connection ended after {len(data)} of {n} bytes")
        return data

    def reply(self):
        """The next reply or push, as it is."""
        return read_reply(self.line, self.exactly)

    def answer(self):
        """The next reply in plain words; an error is raised. Pushes before it go to `pushes`."""
        while (reply := self.reply()).kind == ">":
            self.pushes.append(reply.plain())
        plain = reply.plain()
        if isinstance(plain, RedisError):
            raise plain
        return plain

    def ask(self, *words):
        self.send(encode(*words))
        return self.answer()

    def error(self, *words):
        """The text of the error that this request must bring."""
        try:
            answer = self.ask(*words)
        except RedisError as error:
            return str(error)
        raise AssertionError(f"{words}: no error but {answer!r}")

    def push(self):
        """The next push, which must be the next thing that comes, if none came before."""
        if self.pushes:
            return self.pushes.pop(0)
        reply = self.reply()
        assert reply.kind == ">", reply
        return reply.plain()

    def rest(self):
        """All that comes until the server closes the connection."""
        try:
            return self.stream.read()
        except ConnectionError:
            return b""

    def ended(self):
        """True when the server has closed the connection and nothing is left to read."""
        try:
            return self.stream.read(1) == b""
        except ConnectionError:
            return True

    def info(self, *sections):
        lines = self.ask("INFO", *sections).decode().split("\r\n")
        return dict(line.split(":", 1) for line in lines if ":" in line and line[:1] != "#")

    def scan(self, *options, command=("SCAN",)):
        """All that a scan gives, from the first call to the cursor 0, repetitions included."""
        cursor, found = b"0", []
        while True:
            cursor, items = self.ask(*command, cursor, *options)
            found += items
            if cursor == b"0":
                return found
