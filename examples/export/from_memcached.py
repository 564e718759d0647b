#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints what is in a running memcached as NDJSON, the input of `goromdb build --from ndjson`.

The keys come from `lru_crawler metadump all`, values and flags from gets of some hundred keys, so
that memory does not grow with the data. A key may come twice, and what is written or evicted
meanwhile may be missing: build with `--duplicates last`. What has expired is left out; keys with
spaces or control bytes, which only the binary protocol can write, are left out and counted on
standard error. Exit status: 0 done, 1 a failure.
"""

import argparse
import base64
import itertools
import json
import os
import socket
import sys
import time
import urllib.parse

from pymemcache.client.base import Client  # Debian: python3-pymemcache
from pymemcache.exceptions import MemcacheError

BATCH = 200
TIMEOUT = 60  # seconds


class Busy(MemcacheError):
    """memcached's crawler is at work."""


class ValueAndFlags:
    """Values as they are in memcached, whatever their flags mean to the client that wrote them."""

    @staticmethod
    def deserialize(_key, value, flags):
        return value, flags


def member(name, data):
    """Bytes that are not UTF-8 are base64 in NAME_b64."""
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {name + "_b64": base64.b64encode(data).decode()}


def show(key, value, flags):
    row = {**member("key", key), **member("value", value)}
    if flags:
        row["flags"] = flags
    print(json.dumps(row, ensure_ascii=False))


def list_keys(address):
    """All keys; waits while memcached's crawler is at work of its own."""
    until = time.monotonic() + TIMEOUT
    while True:
        try:
            yield from dump_keys(address)
            return
        except Busy:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def dump_keys(address):
    # Not `hash`: memcached 1.6.18 and older hold a lock while they write to a slow reader.
    with socket.create_connection(address, TIMEOUT) as sock, sock.makefile("rb") as lines:
        sock.sendall(b"lru_crawler metadump all\r\n")
        for line in lines:
            word = line.split()[0] if line.strip() else b""
            if word == b"END":
                return
            if word.startswith(b"key="):
                yield urllib.parse.unquote_to_bytes(word[len(b"key=") :])
            elif word == b"BUSY":  # instead of a list
                raise Busy(f"metadump: {line.decode(errors='replace').strip()}")
            elif word != b"OK":  # which newer ones begin with
                raise MemcacheError(f"metadump: {line.decode(errors='replace').strip()}")
    raise MemcacheError("metadump: the connection ended before the list of keys")


def batches(items):
    items = iter(items)
    while batch := list(itertools.islice(items, BATCH)):
        yield batch


def export(address):
    """Returns how many keys were left out."""
    left_out = 0
    client = Client(address, serde=ValueAndFlags(), connect_timeout=TIMEOUT, timeout=TIMEOUT)
    for keys in batches(list_keys(address)):
        good = [key for key in keys if all(byte > 0x20 and byte != 0x7F for byte in key)]
        left_out += len(keys) - len(good)
        for key, (value, flags) in client.get_many(good).items():
            show(key, value, flags)
    return left_out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", default="127.0.0.1:11211", metavar="HOST:PORT")
    options = parser.parse_args()
    host, _, port = options.address.rpartition(":")
    if not host or not port.isdigit():
        parser.error(f"{options.address}: want HOST:PORT")
    sys.stdout.reconfigure(encoding="utf-8")
    try:
        left_out = export((host.strip("[]"), int(port)))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has ended, and has said why
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (MemcacheError, OSError) as error:
        sys.exit(f"from_memcached.py: {options.address}: {error}")
    if left_out:
        print(f"from_memcached.py: left out: {left_out} with keys that no text protocol can ask for",
              file=sys.stderr)


if __name__ == "__main__":
    main()
