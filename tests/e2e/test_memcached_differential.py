# SPDX-License-Identifier: MIT
"""goromdb beside memcached with the same data: the same bytes to both, the replies byte for byte.

Text, meta and binary requests, each on a connection of its own, all on one, cut at random and, where they
are short, at every byte. What may differ stands in SAME_BUT (numbers that are a server's own) and
in DIFFERENT with its reason and with what memcached 1.6.45 does; an entry that no longer differs fails.
GOROMDB_TEST_MEMCACHED names another memcached than the one in PATH, such as 1.6.45.
"""

import base64
import functools
import os
import random
import re
import socket
import struct
import subprocess
from dataclasses import dataclass

import pytest

import writers
from harness import DEADLINE, SLOW, Server, accepts, wait_for

pytestmark = pytest.mark.xdist_group("memcached_differential")

MEMCACHED = os.environ.get("GOROMDB_TEST_MEMCACHED", "memcached")
SEED = int(os.environ.get("GOROMDB_TEST_SEED", random.SystemRandom().randrange(1 << 32)))

BINARY_KEY = b"bin\x00\r\n \xff"
K250, K251 = b"k" * 250, b"k" * 251
DATA = {  # key: value, flags
    b"a": (b"1", 0),
    b"foo": (b"bar", 5),
    b"empty": (b"", 7),
    b"max": (b"x" * 100, 4294967295),
    b"crlf": (b"\r\nEND\r\nVALUE a 0 1\r\n", 1),
    b"bytes": (bytes(range(256)) * 8, 65536),
    b"noreply": (b"n", 0),
    b"far": (b"f", 0),
    b"unread": (b"u", 0),
    b"tab\there": (b"t", 0),
    "schlüssel-ключ".encode(): ("grün".encode(), 32),
    K250: (b"long", 2),
    BINARY_KEY: (b"binary", 3),
    b"1MiB": (random.Random(1).randbytes(1 << 20), 9),
    b"16MiB": (random.Random(2).randbytes(16 << 20), 10),
}
MARK = b"the-end-of-it"  # in no key


def b64(key):
    return base64.b64encode(key)


# ---- binary packets --------------------------------------------------------------------------------


def packet(opcode, key=b"", extras=b"", value=b"", opaque=0xA1B2C3D4, **lies):
    """`lies`: fields of the head that are not what the parts say."""
    body = extras + key + value
    head = {"keylen": len(key), "extlen": len(extras), "type": 0, "vbucket": 0, "bodylen": len(body)}
    head |= {"opaque": opaque, "cas": 0, **lies}
    return struct.pack(">BBHBBHIIQ", 0x80, opcode, *head.values()) + body


GET, SET, ADD, DELETE, INCR, QUIT = 0x00, 0x01, 0x02, 0x04, 0x05, 0x07
FLUSH, GETQ, NOOP, ADDQ = 0x08, 0x09, 0x0A, 0x12
VERSION, GETK, GETKQ, APPEND, STAT, QUITQ = 0x0B, 0x0C, 0x0D, 0x0E, 0x10, 0x17
VERBOSITY, TOUCH, GAT, GATQ, SASL_LIST, SASL_AUTH = 0x1B, 0x1C, 0x1D, 0x1E, 0x20, 0x21
SASL_STEP, GATK, GATKQ = 0x22, 0x23, 0x24
TIME, EIGHT = bytes(4), bytes(8)
NO_INITIAL = bytes(16) + b"\xff" * 4  # extras of INCR: a key that is not there stays so


# ---- cases -----------------------------------------------------------------------------------------


def text_cases():
    keys = [b"a", b"foo", b"empty", b"max", b"crlf", b"bytes", b"noreply", b"tab\there", K250]
    keys += ["schlüssel-ключ".encode(), b"missing", b"1MiB"]
    lines = [verb + key for key in keys for verb in (b"get ", b"gets ", b"gat 0 ", b"gats 0 ")]
    lines += [b"touch " + key + b" 0" for key in keys]
    lines += [
        b"get " + b" ".join(keys),
        b"gets " + b" ".join(keys[:8] * 3),
        b"gat 0 " + b" ".join(reversed(keys)),
        b"get a a missing a",
        b"get 16MiB",
        b"  get a",
        b"get  a   foo ",
        b"get / http/1.1",
        b"get a\r",
        b"get " + b"a " * 700,
        b"gat 0 a a",
        b"gat 1 missing",
        b"touch a 0 noreply",
        b"touch missing 0 noreply",
        *(line + b" " + K251 for line in (b"get", b"gets", b"get a", b"gat 0", b"gats 0 a", b"touch")),
        b"gat",
        b"gat x a",
        b"gats 99999999999 far",
        b"touch",
        b"touch a",
        b"touch a x",
        b"get",
        b"gets",
        b"gat 0",
        b"GET a",
        b"Get a",
        b"get\ta",
        b"version",
        b"version x",
        b"verbosity 0",
        b"verbosity 0 noreply",
        b"verbosity",
        b"verbosity x",
        b"quit",
        b"quit now",
        b"delete none 5",
        b"delete none 5 noreply",
        b"delete none b c",
        b"delete",
        b"delete " + K251,
        b"incr a",
        b"incr a x",
        b"incr a -1",
        b"incr",
        b"decr " + K251 + b" 1",
        b"flush_all",
        b"flush_all 10",
        b"flush_all noreply",
        b"watch",
        b"watch fetchers",
        b"shutdown",
        b"shutdown graceful",
        b"stats nonsense",
        b"stats reset",
        b"stats sizes",
        b"stats detail on",
        b"stats detail off",
        b"stats detail dump",
        b"stats detail",
        b"stats detail x",
        b"stats cachedump 1 1",
        b"lru_crawler",
        b"lru_crawler bogus",
        b"lru_crawler metadump all",
        b"lru_crawler metadump all x",
        b"lru_crawler metadump",
        b"lru_crawler mgdump all",
        b"lru_crawler mgdump all x",
        b"lru_crawler mgdump",
        b"cache_memlimit",
        b"slabs",
        b"slabs x",
        b"slabs reassign x",
        b"lru",
        b"lru x",
        b"bogus",
        b"bogus a b c",
        b"bogus x noreply",
        b"noreply",
        b"versionx",
        b"",
        b"   ",
        b"m",
        b"mz a",
        b"x HTTP/1.1",
        b"GET / HTTP/1.1",
        b"a b HTTP/1.0 d",
        b"POST /",
    ]
    blocks = [
        b"set w 0 0 3\r\nabc",
        b"add w2 0 0 3\r\nabc",
        b"set w 0 0 3 noreply\r\nabc",
        b"replace none 0 0 3 noreply\r\nabc",
        b"append none 0 0 3 noreply\r\nabc",
        b"cas none 0 0 3 1 noreply\r\nabc",
        b"cas none 0 0 3 1\r\nabc",
        b"prepend none 1 1 0 noreply\r\n",
        b"ms w 3\r\nabc",
        b"ms w 3 q\r\nabc",
        b"ms " + K251 + b" 3\r\nabc",
        b"md none",
        b"md none q",
        b"md",
        b"md " + K251,
        b"ma none",
        b"ma none q",
        b"ma",
        b"delete none",
        b"delete none 0",
        b"delete none noreply",
        b"incr none 1",
        b"incr none 1 noreply",
        b"set w 0 0 -1",
        b"set w 0 0 x",
        b"set w 0 0",
        b"set",
        b"ms w x",
        b"ms",
        b"set w 0 0 3\r\nabcd",
        b"set w 0 0 99999999999",
    ]
    return [line + b"\r\n" for line in lines + blocks] + [b"get a\n", b"version\n", b"mn\n"]


def meta_cases():
    keys = [b"a", b"foo", b"empty", b"max", b"crlf", b"bytes", K250, b"missing", b"1MiB"]
    lines = [b"mg " + key + flags for key in keys for flags in (b"", b" v", b" k s f t", b" q v")]
    lines += [b"mg " + key + b" O123 k c v t f s" for key in keys]
    lines += [b"me " + key for key in keys]
    coded = [b64(BINARY_KEY), b64(b"missing"), b64(b"\0"), b64(b"q" * 187)]
    lines += [b"mg " + key + flags for key in coded for flags in (b" b", b" b v", b" s b k O9 v")]
    lines += [b"mg " + line for line in (b"YQ b v", b"YQ==x b", b"Y-Q= b", b"==== b q", b"a b")]
    flags = b"v q k O1 s f t u P1 Lx R0 F1 I J1 D1"
    lines += [
        b"mg 16MiB v k",
        b"mn",
        b"mn x",
        b"mn noreply",
        b"me",
        b"me missing k q",
        b"me " + b64(BINARY_KEY) + b" b",
        b"me " + K251,
        b"me YQ b",
        b"mg",
        b"mg " + K251,
        b"mg " + K251 + b" q",
        b"mg  foo   v  ",
        b"  mg foo v",
        b"mg foo " + flags,
        b"mg missing " + flags,
        b"mg foo v k c s f t h l u P L O q T0 R0 N0 E0 C0 I",
        b"mg foo v k c s f t h l u P L O q R0 I D1 J1 F1 C99",
        b"mg " + b64(b"a") + b" b k v",
        b"mg YQ==YQ== b",
        b"mg vivified N30",
        b"mg unread u h l",
        b"mg foo v C1",
        b"mg foo E1",
        b"mg foo x",
        b"mg foo M",
        b"mg foo !",
        b"mg foo \xc3\xa4",
        b"mg far T2147483648",
        b"mg foo F4294967296",
        *(
            b"mg foo " + rest
            for rest in (
                b"v v",
                b"vv",
                b"kk",
                b"O1 O2",
                b"S1",
                b"noreply",
                b"v noreply",
                b"T",
                b"Tx",
                b"T1x",
                b"Rx q",
                b"R",
                b"N",
                b"C",
                b"Cx",
                b"C-1",
                b"C18446744073709551616",
                b"Fx",
                b"J",
                b"D",
                b"Tx J",
                b"O" + b"o" * 31,
                b"O" + b"o" * 32,
                b"O" + b"o" * 32 + b" q",
                b"Mx v",
                b"h",
                b"l v",
            )
        ),
        b"mg missing O" + b"o" * 32,
        b"mg missing q O1 k",
        b"mg missing q O1 O2",
    ]
    return [line + b"\r\n" for line in lines]


def binary_cases():
    keys = [b"a", b"foo", b"empty", b"max", b"crlf", b"bytes", K250, BINARY_KEY, b"1MiB", b"missing"]
    made = [packet(opcode, key) for key in keys for opcode in (GET, GETQ, GETK, GETKQ)]
    made += [packet(o, key, TIME) for key in keys for o in (TOUCH, GAT, GATQ, GATK, GATKQ)]
    made += [
        b"".join(packet(GETKQ, key, opaque=i) for i, key in enumerate(keys)) + packet(NOOP),
        b"".join(packet(GETQ, b"missing") for _ in range(50)),
        packet(GET, b"a", type=7, vbucket=9, cas=99),
        packet(GETK, b"16MiB"),
        packet(VERSION),
        packet(NOOP),
        packet(QUIT),
        packet(QUITQ),
        packet(STAT, b"nonsense"),
        packet(STAT, b"sizes"),
        packet(STAT, b"reset"),
        packet(STAT, b"detail"),
        packet(STAT, b"detail on"),
        packet(STAT, b"detail off"),
        packet(STAT, b"detail dump"),
        packet(STAT, b"cachedump 1 1"),
        packet(SASL_LIST),
        packet(SASL_AUTH, b"PLAIN", b"", b"\0user\0pass"),
        packet(SASL_STEP, b"PLAIN", b"", b"x"),
        packet(0x50),
        packet(0xFF),
        packet(0x50, b"k", b"e", b"v" * 50),
        packet(VERBOSITY, b"", TIME),
        # writes: of keys that are not there, so that memcached's data stays as it is
        packet(DELETE, b"none"),
        packet(INCR, b"none", NO_INITIAL),
        packet(APPEND, b"none", b"", b"v"),
        packet(FLUSH),
        packet(SET, b"w", EIGHT, b"v"),
    ]
    # heads that close
    made += [packet(o) for o in (GET, GETQ, GETK, GETKQ, DELETE, TOUCH, GAT, SET, APPEND, INCR)]
    made += [packet(o, b"a", TIME) for o in (GET, GETK, DELETE, SET, APPEND, INCR)]
    made += [packet(o, b"a") for o in (NOOP, VERSION, QUIT, QUITQ, TOUCH, GAT, SASL_LIST, FLUSH)]
    made += [packet(o, K251) for o in (GET, GETKQ, DELETE)]
    made += [
        packet(GET, b"a", b"", b"v"),
        packet(GET, b"a", keylen=5),
        packet(GET, b"a", extlen=5, bodylen=1),
        packet(SET, b"k", EIGHT, keylen=65535, bodylen=65534),
        packet(SASL_AUTH, b"", b"", b"xx"),
        packet(STAT, b"items", b"e"),
        packet(GAT, b"a", TIME, b"xx"),
        packet(SET, b"k", EIGHT, bodylen=0xFFFFFFFF),
    ]
    return made


# ---- what may differ -------------------------------------------------------------------------------


OPEN, CLOSED, SILENT = "open", "closed", "silent"  # how a connection is after a case


@dataclass(frozen=True)
class SameBut:
    """A part of replies that is a server's own: it is blotted out on both sides."""

    why: str
    pattern: re.Pattern
    by: bytes
    shows: bool = True  # False: only when the servers have run for a while


def same_but(why, pattern, by, **kwargs):
    return SameBut(why, re.compile(pattern, re.DOTALL), by, **kwargs)


SAME_BUT = [
    same_but(
        "the cas is a hash of the value, not a counter: it is the same after a reload",
        rb"(?m:^(VALUE [^ ]+ \d+ \d+) \d+\r$)",
        rb"\1 CAS\r",
    ),
    same_but("the same of mg", rb"(?m:^((?:VA|HD)\b[^\r\n]*) c\d+)", rb"\1 cCAS"),
    same_but("the version tells goromdb's, too", rb"(?m:^VERSION [^\r\n]*)", rb"VERSION X"),
    same_but(
        "me: nothing is known of the last access; the size is that of key and value",
        rb"(?m:^(ME \S+ exp=-1) la=\d+ cas=\d+ fetch=\w+ cls=\d+ size=\d+)",
        rb"\1 X",
    ),
    same_but(
        "mg: nothing is known of the last access", rb"(?m:^((?:VA|HD)\b[^\r\n]*) h\d)", rb"\1 hX"
    ),
    same_but("the same", rb"(?m:^((?:VA|HD)\b[^\r\n]*) l\d+)", rb"\1 lX", shows=False),
]

REFUSED = b"CLIENT_ERROR read-only server\r\n"
BAD = b"CLIENT_ERROR bad command line format\r\n"
CODE = b"CLIENT_ERROR error decoding key\r\n"
READ_ONLY = "a write is refused"
LATER = "as memcached 1.6.45"


@dataclass(frozen=True)
class Different:
    """Our whole reply to a case. `newer`: what memcached 1.6.45 has in common with it."""

    ours: bytes
    why: str
    end: str = OPEN
    newer_is_ours: bool = False


def error(opcode, status, text, opaque=0xA1B2C3D4):
    return struct.pack(">BBHBBHIIQ", 0x81, opcode, 0, 0, 0, status, len(text), opaque, 0) + text


def later(ours, end=OPEN):
    return Different(ours, LATER, end, newer_is_ours=True)


UNKNOWN_LENGTH = "the length of what follows is not known: goromdb closes, memcached runs it as commands"
LOST = "where a packet ends is not known: goromdb closes"

DIFFERENT = {
    # text
    b"get\r\n": later(BAD),
    b"gets\r\n": later(BAD),
    b"gat\r\n": later(BAD),
    b"gat 0\r\n": later(BAD),
    b"gats 99999999999 far\r\n": later(b"CLIENT_ERROR invalid exptime argument\r\n"),
    b"touch\r\n": later(BAD),
    b"touch a\r\n": later(BAD),
    b"touch " + K251 + b"\r\n": later(BAD),
    b"delete\r\n": later(BAD),
    b"incr\r\n": later(BAD),
    b"incr a\r\n": later(BAD),
    b"md\r\n": later(BAD),
    b"ma\r\n": later(BAD),
    b"bogus x noreply\r\n": later(b""),
    b"x HTTP/1.1\r\n": later(b"", CLOSED),
    b"POST /\r\n": Different(b"", "a browser can be made to send it; redis closes, too", CLOSED),
    b"lru_crawler mgdump all\r\n": later(b"ERROR key dump not allowed\r\n"),
    b"set w 0 0 3\r\nabc\r\n": Different(REFUSED, READ_ONLY),
    b"add w2 0 0 3\r\nabc\r\n": Different(REFUSED, READ_ONLY),
    b"cas none 0 0 3 1\r\nabc\r\n": Different(REFUSED, READ_ONLY),
    b"ms w 3\r\nabc\r\n": Different(REFUSED, READ_ONLY),
    b"ms w 3 q\r\nabc\r\n": Different(REFUSED, READ_ONLY),
    b"ms " + K251 + b" 3\r\nabc\r\n": later(BAD),
    b"md none\r\n": Different(REFUSED, READ_ONLY),
    b"md none q\r\n": Different(REFUSED, READ_ONLY),
    b"ma none\r\n": Different(REFUSED, READ_ONLY),
    b"ma none q\r\n": Different(REFUSED, READ_ONLY),
    b"delete none\r\n": Different(REFUSED, READ_ONLY),
    b"delete none 0\r\n": Different(REFUSED, READ_ONLY),
    b"incr none 1\r\n": Different(REFUSED, READ_ONLY),
    **{
        line: Different(BAD, UNKNOWN_LENGTH, CLOSED)
        for line in (
            b"set\r\n",
            b"set w 0 0\r\n",
            b"set w 0 0 -1\r\n",
            b"set w 0 0 x\r\n",
            b"set w 0 0 99999999999\r\n",
            b"ms\r\n",
            b"ms w x\r\n",
        )
    },
    b"set w 0 0 3\r\nabcd\r\n": Different(
        b"CLIENT_ERROR bad data chunk\r\n", UNKNOWN_LENGTH, CLOSED
    ),
    # meta
    b"mg\r\n": later(BAD),
    b"mg foo E1\r\n": later(b"HD\r\n"),
    b"mg foo x\r\n": later(b"HD\r\n"),
    b"mg foo M\r\n": later(b"HD\r\n"),
    b"mg far T2147483648\r\n": later(b"CLIENT_ERROR bad token in command line format\r\n"),
    b"mg foo F4294967296\r\n": later(BAD),
    b"mg YQ== b k v\r\n": Different(
        b"VA 1 kYQ== b\r\n1\r\n", "the key is told as it was asked for; memcached: as it was stored"
    ),
    b"mg YQ==YQ== b\r\n": Different(CODE, "two texts for one key are one too many"),
    b"mg vivified N30\r\n": Different(b"EN\r\n", "a miss makes no entry"),
    # binary
    packet(0x50, b"k", b"e", b"v" * 50): Different(
        error(0x50, 0x81, b"Unknown command"), "memcached skips more than the packet's body"
    ),
    packet(VERBOSITY, b"", TIME): Different(
        error(VERBOSITY, 0, b""), "as the text has it; memcached does not know the opcode"
    ),
    packet(SET, b"w", EIGHT, b"v"): Different(error(SET, 5, b"Read-only"), READ_ONLY),
    packet(APPEND, b"none", b"", b"v"): Different(error(APPEND, 5, b"Read-only"), READ_ONLY),
    packet(DELETE, b"none"): Different(error(DELETE, 5, b"Read-only"), READ_ONLY),
    packet(INCR, b"none", NO_INITIAL): Different(error(INCR, 5, b"Read-only"), READ_ONLY),
    packet(FLUSH): Different(error(FLUSH, 5, b"Read-only"), READ_ONLY),
    packet(GAT, b"a", TIME, b"xx"): Different(error(GAT, 4, b"Invalid arguments"), LOST, CLOSED),
    packet(SET, b"k", EIGHT, keylen=65535, bodylen=65534): Different(
        error(SET, 0x81, b"Unknown command"), "memcached waits for a key that can not be", CLOSED
    ),
    packet(SET, b"k", EIGHT, bodylen=0xFFFFFFFF): Different(
        error(SET, 4, b"Invalid arguments"), LATER, CLOSED, newer_is_ours=True
    ),
}


# Where goromdb follows 1.6.18 and 1.6.45 says this.
BAD_TWICE = BAD + b"\r\n"
DETAIL = b"CLIENT_ERROR stats detail not allowed\r\n"
OLDER = {
    b"  get a\r\n": b"ERROR\r\n",
    b"  mg foo v\r\n": b"ERROR\r\n",
    b"get " + K251 + b"\r\n": BAD_TWICE,
    b"gets " + K251 + b"\r\n": BAD_TWICE,
    b"get a " + K251 + b"\r\n": BAD_TWICE,
    b"gat 0 " + K251 + b"\r\n": BAD_TWICE,
    b"gats 0 a " + K251 + b"\r\n": BAD_TWICE,
    b"verbosity\r\n": BAD,
    b"delete none 5\r\n": b"NOT_FOUND\r\n",
    b"delete none b c\r\n": b"NOT_FOUND\r\n",
    b"shutdown\r\n": b"SERVER_ERROR: shutdown not enabled\r\n",
    b"shutdown graceful\r\n": b"SERVER_ERROR: shutdown not enabled\r\n",
    **{b"stats detail%s\r\n" % word: DETAIL for word in (b"", b" on", b" off", b" dump", b" x")},
    b"noreply\r\n": b"",
    b"\r\n": BAD,
    b"m\r\n": BAD,
    b"mn\n": BAD,
    b"mg foo !\r\n": BAD,
    b"mg foo \xc3\xa4\r\n": BAD,
    b"me " + b64(BINARY_KEY) + b" b\r\n": b"EN\r\n",
    b"me YQ b\r\n": b"EN\r\n",
    **{
        packet(STAT, b"detail" + word): error(STAT, 1, b"Not found")
        for word in (b" on", b" off", b" dump")
    },
}


# ---- talking ---------------------------------------------------------------------------------------


def end_of(case, number):
    """A request whose reply shows where the case's ends, and that reply."""
    if case[:1] == b"\x80":
        request = packet(NOOP, opaque=0xE0000000 + number)
        return request, b"\x81" + request[1:]
    return b"mg %s k O%06d\r\n" % (MARK, number), b"EN k%s O%06d\r\n" % (MARK, number)


def connect(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(DEADLINE)
    sock.connect(path)
    return sock


class Reader:
    def __init__(self, sock):
        self.sock, self.received = sock, b""

    def until(self, end):
        """The bytes before `end`, or all, and how the connection is then."""
        chunks, tail = [self.received], self.received
        while end not in tail:
            try:
                data = self.sock.recv(1 << 20)
            except TimeoutError:
                return b"".join(chunks), SILENT
            except ConnectionError:
                data = b""
            if not data:
                return b"".join(chunks), CLOSED
            chunks.append(data)
            tail = tail[-len(end) :] + data
        reply, _, self.received = b"".join(chunks).partition(end)
        return reply, OPEN


def send(sock, data, cut):
    try:
        for piece in cut(data):
            sock.sendall(piece)
    except ConnectionError:
        pass  # closed: what came before that is read


def whole(data):
    yield data


def every_byte(data):
    for i in range(len(data)):
        yield data[i : i + 1]


def at_random(dice):
    def cut(data):
        at = 0
        while at < len(data):
            size = 1 + dice.randrange(dice.choice((4, 40, 4000)))
            yield data[at : at + size]
            at += size

    return cut


def on_their_own(path, cases, cut=whole, patience=DEADLINE):
    """(reply, end) of each case on a connection of its own; `patience`: seconds for a listed difference."""
    replies = []
    for number, case in enumerate(cases):
        request, end = end_of(case, number)
        with connect(path) as sock:
            if case in DIFFERENT:  # memcached may wait for more
                sock.settimeout(patience)
            send(sock, case + request, cut)
            replies.append(Reader(sock).until(end))
    return replies


def on_one(path, cases, cut=whole, at_once=40):
    """The same of cases that do not close, on one connection, `at_once` pipelined."""
    replies = []
    with connect(path) as sock:
        reader = Reader(sock)
        for first in range(0, len(cases), at_once):
            some = cases[first : first + at_once]
            ends = [end_of(case, first + i) for i, case in enumerate(some)]
            send(sock, b"".join(case + end[0] for case, end in zip(some, ends)), cut)
            replies += [reader.until(end) for _, end in ends]
    return replies


# ---- the servers -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memcached")
    path = str(folder / "memcached.sock")
    command = [MEMCACHED, "-s", path, "-I", "32m", "-m", "256", "-t", "1", "-F", "-W", "-X"]
    command += ["-u", "root"] if os.geteuid() == 0 else []
    with open(folder / "memcached.log", "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_for(lambda: accepts(path), "memcached to listen")
        with connect(path) as sock:
            reader = Reader(sock)
            for key, (value, flags) in DATA.items():
                words = (b64(key), len(value), b" b") if key == BINARY_KEY else (key, len(value), b"")
                sock.sendall(b"ms %s %d F%d%s\r\n" % (*words[:2], flags, words[2]) + value + b"\r\n")
                assert reader.until(b"HD\r\n") == (b"", OPEN), key
        yield path
    finally:
        process.terminate()
        process.wait(DEADLINE)


NOT_STORED = ".not-stored"  # behind the path of our socket: the listener with that write_reply


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    listener = {"protocol": "memcached", "listen": "unix:goromdb.sock", "databases": ["words"]}
    cache_aside = {**listener, "listen": f"unix:goromdb.sock{NOT_STORED}"}
    cache_aside["options"] = {"write_reply": "not_stored"}
    server = Server(
        tmp_path_factory.mktemp("goromdb"),
        words={"storage": "memcachedb-bdb"},
        listeners=[listener, cache_aside],
    )
    server.start()
    items = {key: writers.memcachedb_item(key, *item) for key, item in DATA.items()}
    server.load(writers.bdb(items))
    yield server.address()
    server.stop()


# ---- the comparison --------------------------------------------------------------------------------


def blot(case, reply, rules):
    """The reply without what is a server's own."""
    if case[:1] == b"\x80":
        return blot_packets(reply)
    for rule in rules:
        reply = rule.pattern.sub(rule.by, reply)
    return reply


def is_same(case, our, their, rules):
    return our == their or blot(case, our, rules) == blot(case, their, rules)


def blot_packets(reply):
    """The cas of each packet, and the text of VERSION."""
    out, at = [], 0
    while at + 24 <= len(reply):
        size = 24 + struct.unpack(">I", reply[at + 8 : at + 12])[0]
        body = reply[at + 24 : at + size]
        if reply[at + 1] == VERSION and reply[at + 6 : at + 8] == b"\0\0":
            out.append(reply[at : at + 8] + b"SIZE" + reply[at + 12 : at + 24] + b"VERSION")
        else:
            cas = b"CAS" if reply[at + 16 : at + 24] != bytes(8) else b"0"
            out.append(reply[at : at + 16] + cas + body)
        at += size
    return b"".join(out) + reply[at:]


def short(data):
    return repr(data) if len(data) < 300 else f"{data[:200]!r}... ({len(data)} bytes)"


def compare(cases, got, wanted, way):
    wrong, newer = [], is_newer()
    for case, (our, our_end), (their, their_end) in zip(cases, got, wanted):
        same = our_end == their_end and is_same(case, our, their, SAME_BUT)
        both = f"{short(case)}\n  ours:   {short(our)} {our_end}\n  theirs: {short(their)} {their_end}"
        entry = DIFFERENT.get(case)
        if entry is not None:
            if (our, our_end) != (entry.ours, entry.end):
                wrong.append(f"{both}\n  not the listed {short(entry.ours)} {entry.end}")
            elif same != (newer and entry.newer_is_ours):
                wrong.append(f"{both}\n  the list says otherwise")
        elif newer and case in OLDER:
            if same or their != OLDER[case]:
                wrong.append(f"{both}\n  the list says otherwise")
        elif not same:
            wrong.append(both)
    assert not wrong, f"{len(wrong)} of {len(cases)} ({way}, seed {SEED}):\n" + "\n".join(wrong)


@functools.cache
def is_newer():
    version = subprocess.run([MEMCACHED, "-V"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, version.split()[1].split("."))) >= (1, 6, 45)


def test_every_listed_difference_is_tried():
    cases = {case for group in CASES.values() for case in group}
    assert not (set(DIFFERENT) | set(OLDER)) - cases


def test_every_rule_is_needed(ours, theirs):
    cases = CASES["text"] + CASES["meta"]
    pairs = list(zip(cases, on_their_own(ours, cases), on_their_own(theirs, cases, patience=SLOW)))
    for rule in SAME_BUT:
        if not rule.shows:
            continue
        others = [other for other in SAME_BUT if other is not rule]
        assert any(
            not is_same(case, our, their, others)
            for case, (our, _), (their, _) in pairs
            if case not in DIFFERENT and case not in OLDER
        ), rule


def test_an_add_of_a_key_that_is_there_gets_memcacheds_reply(ours, theirs):
    """With write_reply: not_stored; so do writes that want a key that is there, of one that is not."""
    cases = [
        b"add a 0 0 3\r\nabc\r\n",
        b"add a 0 0 3 noreply\r\nabc\r\n",
        b"add " + K250 + b" 0 0 0\r\n\r\n",
        b"add 1MiB 0 0 100000\r\n" + b"v" * 100_000 + b"\r\n",
        b"replace none 0 0 3\r\nabc\r\n",
        b"append none 0 0 3\r\nabc\r\n",
        b"prepend none 0 0 3\r\nabc\r\n",
        b"cas none 0 0 3 2\r\nabc\r\n",
        b"ms a 3 ME\r\nabc\r\n",
        b"ms a 3 ME k O123 q\r\nabc\r\n",
        b"ms a 3 O1 k ME\r\nabc\r\n",
        b"ms " + b64(BINARY_KEY) + b" 3 ME b k O1\r\nabc\r\n",
        b"ms none 3 MR k\r\nabc\r\n",
        b"ms none 3 MA O1\r\nabc\r\n",
        b"ms none 3 C9 k O1\r\nabc\r\n",
        b"ms a 3 ME k k\r\nabc\r\n",
        b"ms a 3 ME O" + b"o" * 32 + b"\r\nabc\r\n",
        packet(ADD, b"a", EIGHT, b"v"),
        packet(ADDQ, b"a", EIGHT, b"v"),
        packet(ADD, BINARY_KEY, EIGHT, b"v" * 1000),
    ]
    wanted = on_their_own(theirs, cases, patience=SLOW)
    for cut in (whole, at_random(random.Random(SEED))):
        compare(cases, on_their_own(ours + NOT_STORED, cases, cut), wanted, "adds")


@pytest.mark.parametrize("section", [b"stats", b"stats settings"])
def test_the_statistics_have_every_name_that_memcacheds_have(ours, theirs, section):
    def names(path):
        with connect(path) as sock:
            sock.sendall(section + b"\r\n")
            reply, _ = Reader(sock).until(b"END\r\n")
        return [line.split(b" ")[1] for line in reply.splitlines()]

    known = names(ours)
    assert len(set(known)) == len(known)
    if is_newer():
        pytest.skip("the names are those of 1.6.18")
    missing = [name for name in names(theirs) if name not in known]
    assert [name for name in missing if not name.startswith((b"ext_", b"ssl_"))] == []


CASES = {"text": text_cases(), "meta": meta_cases(), "binary": binary_cases()}


@pytest.mark.parametrize("group", CASES)
def test_a_request_gets_memcacheds_reply(ours, theirs, group):
    cases = CASES[group]
    assert len(set(cases)) == len(cases), sorted(c for c in cases if cases.count(c) > 1)
    wanted = on_their_own(theirs, cases, patience=SLOW)
    got = on_their_own(ours, cases)
    compare(cases, got, wanted, "on their own")
    dice = random.Random(SEED)
    small = [i for i, case in enumerate(cases) if len(case) + len(wanted[i][0]) < 4000]
    for cut, name in ((at_random(dice), "in pieces"), (every_byte, "byte by byte")):
        some = [cases[i] for i in small]
        compare(some, on_their_own(ours, some, cut), [wanted[i] for i in small], name)
    going_on = [i for i in range(len(cases)) if got[i][1] == wanted[i][1] == OPEN]
    dice.shuffle(going_on)
    some = [cases[i] for i in going_on]
    for cut, name in ((whole, "pipelined"), (at_random(dice), "pipelined in pieces")):
        compare(some, on_one(ours, some, cut), [wanted[i] for i in going_on], name)
