# SPDX-License-Identifier: MIT
"""Data files as the formats' own tools and libraries write them.

Each writer takes {key: value}, or {namespace: {key: value}} where it is named so, as bytes, and returns
the bytes of a file.
"""

import functools
import os
import struct
import subprocess
import tempfile
from pathlib import Path

import lmdb

HERE = Path(__file__).parent
BOLT = Path(__file__).parents[3] / "plugins" / "storage-bolt" / "reference" / "reference.go"


def run(command, data, **kwargs):
    done = subprocess.run(command, input=data, capture_output=True, check=False, **kwargs)
    assert done.returncode == 0, f"{command}: {done.stderr.decode(errors='replace')}"


def made(make):
    """The bytes of the file that `make(path)` makes."""
    with tempfile.TemporaryDirectory(prefix="goromdb-writer-") as folder:
        path = Path(folder) / "data"
        make(path)
        return path.read_bytes()


# ---- Berkeley DB: db_load reads text in which each line is the hex of a key or of a value ---------


def dump_of(words, header, more=lambda key: ()):
    """`more`: a key's other values."""
    lines = [b"VERSION=3", b"format=bytevalue", *header, b"HEADER=END"]
    for key, first in sorted(words.items()):
        for value in first, *more(key):
            lines += [b" " + key.hex().encode(), b" " + value.hex().encode()]
    return b"\n".join([*lines, b"DATA=END", b""])


def bdb(words, kind="btree", settings=()):
    """`settings`: as db_load's -c takes them."""
    flags = [word for setting in settings for word in ("-c", setting)]
    text = dump_of(words, [b"type=" + kind.encode()])
    return made(lambda path: run(["db_load", *flags, str(path)], text))


def bdb_duplicates(words, kind):
    """Each key's value is its first one: others are beside it or, of every eighth key, fill a tree of their own."""
    eighth = set(sorted(words)[::8])

    def more(key):
        return [b"another %d" % n * 4 for n in range(300 if key in eighth else len(key) % 3)]

    text = dump_of(words, [b"type=" + kind.encode(), b"duplicates=1"], more)
    return made(lambda path: run(["db_load", str(path)], text))


def bdb_namespaces(namespaces):
    """A sub-database each."""

    def make(path):
        for name, words in namespaces.items():
            text = dump_of(words, [b"database=" + name, b"type=btree"])
            run(["db_load", str(path)], text)

    return made(make)


def bsddb3(words, kind, flags=0):
    """By the Python binding; `kind`: "btree", "hash" or "recno", whose keys are decimal numbers."""
    from bsddb3 import db  # pylint: disable=import-outside-toplevel

    def make(path):
        handle = db.DB()
        handle.set_flags(flags)
        handle.open(str(path), None, getattr(db, f"DB_{kind.upper()}"), db.DB_CREATE)
        for key, value in words.items():
            handle.put(int(key) if kind == "recno" else key, value)
        handle.close()

    return made(make)


def memcachedb_item(key, value, flags=0):
    """struct _stritem as MemcacheDB stores it (shared by its 32- and 64-bit builds)."""
    suffix = b" %d %d\r\n" % (flags, len(value))
    head = struct.pack("<iBBxx", len(value) + 2, len(suffix), len(key))
    return head + key + b"\0" + suffix + value + b"\r\n"


def memcachedb(words, flags=0):
    return bdb({key: memcachedb_item(key, value, flags) for key, value in words.items()})


# ---- LMDB ----------------------------------------------------------------------------------------


@functools.cache
def page_size_library():
    """Makes a program believe that the machine's pages have PAGE_SIZE bytes."""
    library = Path(tempfile.mkdtemp(prefix="goromdb-pages-")) / "page_size.so"
    run(["cc", "-shared", "-fPIC", "-o", str(library), str(HERE / "page_size.c"), "-ldl"], b"")
    return str(library)


def mdb_load(words, page_size=None):
    """By mdb_load, whose map is 1 MiB unless the text says more."""
    size = (1 << 20) + 4 * sum(len(k) + len(v) + 64 for k, v in words.items())
    text = dump_of(words, [b"type=btree", b"mapsize=%d" % size])
    env = dict(os.environ)
    if page_size is not None:
        env |= {"LD_PRELOAD": page_size_library(), "PAGE_SIZE": str(page_size)}
    return made(lambda path: run(["mdb_load", "-n", str(path)], text, env=env))


def lmdb_namespaces(namespaces):
    """A named database each, by the Python binding; the name b"" is the main one."""

    def make(path):
        size = 1 << 28
        env = lmdb.open(str(path), subdir=False, lock=False, map_size=size, max_dbs=len(namespaces))
        for name, words in namespaces.items():
            handle = env.open_db(name or None)
            with env.begin(write=True, db=handle) as transaction:
                for key, value in words.items():
                    transaction.put(key, value)
        env.close()

    return made(make)


# ---- Bolt ----------------------------------------------------------------------------------------


@functools.cache
def bolt_program():
    """Built once, from Debian's package of the library: no module is fetched."""
    folder = tempfile.mkdtemp(prefix="goromdb-bolt-")
    env = {
        **os.environ,
        "GOPATH": "/usr/share/gocode",
        "GO111MODULE": "off",
        "GOCACHE": f"{folder}/cache",
        "GOFLAGS": "",
    }
    program = f"{folder}/bolt"
    run(["go", "build", "-o", program, str(BOLT)], b"", env=env)
    return program


def bolt_namespaces(namespaces):
    """A bucket each; the name a/b is a bucket in a bucket."""
    lines = []
    for name, words in namespaces.items():
        where = "/".join("x" + part.hex() for part in name.split(b"/"))
        lines += [f"put {where} x{key.hex()} x{value.hex()}\n" for key, value in words.items()]
    text = "".join([*lines, "commit\n"]).encode()
    return made(lambda path: run([bolt_program(), "write", str(path), "4096"], text))


def bolt(words):
    return bolt_namespaces({b"default": words})


# ---- cdb -----------------------------------------------------------------------------------------


def cdb(words):
    lines = b"".join(
        b"+%d,%d:%s->%s\n" % (len(key), len(value), key, value) for key, value in words.items()
    )
    return made(lambda path: run(["cdb", "-c", str(path)], lines + b"\n"))
