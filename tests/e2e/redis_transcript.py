# SPDX-License-Identifier: MIT
"""The same bytes to any server of redis' protocol, and what it says to each case.

A case is one request or several, on a connection in its first state. RESET ends it, and a PING with
a mark shows where its reply ends, whatever the case did to the connection. Cases run one behind the
other on one connection: each when the one before has been answered, all at once, or in pieces of
which the server has read each before the next is sent.
"""

import contextlib
import fcntl
import random
import re
import struct
import threading
import time

from harness import DEADLINE
from redis_wire import Wire, encode

SIOCOUTQ = 0x5411


def words(text):
    """A request of words; "" and "a b" in quotes are one word each."""
    return [
        bytes(quoted or word, "utf-8").decode("unicode_escape").encode("latin-1")
        if "\\" in (quoted or word)
        else (quoted or word).encode()
        for quoted, word in re.findall(r'"([^"]*)"|(\S+)', text)
    ]


def encoded(case):
    """Bytes as they are, a text as a request of its words, a tuple word by word, lists of these."""
    if isinstance(case, list):
        return b"".join(map(encoded, case))
    if isinstance(case, tuple):
        return encode(*case)
    if isinstance(case, str):
        return encode(*words(case))
    return case


def name(case):
    """What a case is called in the list of differences."""
    if isinstance(case, list):
        return " | ".join(map(name, case))
    if isinstance(case, tuple):
        text = " ".join(w if isinstance(w, str) else repr(w)[2:-1] for w in case)
    else:
        text = case if isinstance(case, str) else repr(case)[2:-1]
    return text if len(text) < 120 else f"{text[:100]}... ({len(text)})"


def mark(number):
    return b"<end of %06d>" % number


def in_order(cases, resp):
    """The bytes of each case with what surrounds it."""
    hello = encode("HELLO", 3) if resp == 3 else b""
    for number, case in enumerate(cases):
        yield hello + encoded(case) + encode("RESET") + encode("PING", mark(number))


class Talk:
    """A connection whose replies are read while requests are still being sent."""

    def __init__(self, path, resp=2):
        self.conn = Wire(path, resp)
        self.received = bytearray()
        self.ended = False
        self.news = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        with contextlib.suppress(OSError):
            while part := self.conn.sock.recv(1 << 20):
                with self.news:
                    self.received += part
                    self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def wait_for_mark(self, number):
        """The end of that mark's reply in `received`."""
        text = b"$%d\r\n%s\r\n" % (len(mark(number)), mark(number))
        at = 0
        with self.news:
            end = time.monotonic() + DEADLINE
            while (found := self.received.find(text, at)) < 0:
                at = max(0, len(self.received) - len(text))
                assert not self.ended, f"the connection ended: ...{bytes(self.received[-300:])!r}"
                left = end - time.monotonic()
                assert left > 0, f"waited in vain for a reply; last: {self.received[-300:]!r}"
                self.news.wait(left)
            return found + len(text)

    def wait_for_end(self):
        with self.news:
            assert self.news.wait_for(lambda: self.ended, DEADLINE), "it is not closed"

    def send_in_pieces(self, data, sizes):
        """Each piece when the server has read the one before. Only over a unix socket: there the
        kernel counts what the other side has not read."""
        at, waiting = 0, bytes(4)
        for size in sizes:
            if at >= len(data):
                return
            self.conn.send(data[at : at + size])
            at += size
            end = time.monotonic() + DEADLINE
            while struct.unpack("i", fcntl.ioctl(self.conn.sock, SIOCOUTQ, waiting))[0] > 0:
                if self.ended:
                    return
                assert time.monotonic() < end, "the server does not read"

    def close(self):
        with contextlib.suppress(OSError):
            self.conn.sock.shutdown(2)  # SHUT_RDWR: the reader ends
        self.reader.join(DEADLINE)
        self.conn.close()


def chance_sizes(seed):
    """Sizes of pieces without end: most of them short."""
    dice = random.Random(seed)
    while True:
        yield dice.choice((1, 1, 2, 3, 5, 8, 13, 40, 200, 5000, 100_000))


def cut_apart(received, cases, resp):
    """What the server said to each case, without what surrounds it."""
    replies, at = [], 0
    for number in range(len(cases)):
        ending = b"+RESET\r\n$%d\r\n%s\r\n" % (len(mark(number)), mark(number))
        found = received.find(ending, at)
        assert found >= 0, f"no end of {name(cases[number])}: ...{bytes(received[at : at + 500])!r}"
        reply = bytes(received[at:found])
        if resp == 3:
            reply = reply[len_of_first(reply) :]
        replies.append(reply)
        at = found + len(ending)
    assert at == len(received), f"more than was asked for: {bytes(received[at : at + 500])!r}"
    return replies


def len_of_first(data):
    """Bytes of the first reply in `data`: HELLO's, which is no part of any case."""
    end = 0
    count = 1
    while count > 0:
        line_end = data.index(b"\r\n", end)
        kind, number = data[end : end + 1], data[end + 1 : line_end]
        end = line_end + 2
        count -= 1
        if kind == b"$":
            end += int(number) + 2
        elif kind in b"*%":
            count += int(number) * (2 if kind == b"%" else 1)
    return end


def transcripts(path, cases, resp, way="each", seed=0):
    """The replies to all cases on one connection. `way`: each, pipelined or pieces."""
    talk = Talk(path)
    try:
        requests = list(in_order(cases, resp))
        if way == "each":
            for number, request in enumerate(requests):
                talk.conn.send(request)
                talk.wait_for_mark(number)
        elif way == "pipelined":
            talk.conn.send(b"".join(requests))
        else:
            talk.send_in_pieces(b"".join(requests), chance_sizes(seed))
        talk.wait_for_mark(len(cases) - 1)
        return cut_apart(talk.received, cases, resp)
    finally:
        talk.close()


def last_words(path, case, resp=2, way="each", seed=0):
    """All that the server says to a case that makes it close the connection."""
    talk = Talk(path, resp)
    try:
        data = encoded(case)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if way == "pieces":
                talk.send_in_pieces(data, chance_sizes(seed))
            else:
                talk.conn.send(data)
        talk.wait_for_end()
        return bytes(talk.received)
    finally:
        talk.close()
