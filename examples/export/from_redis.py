#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the strings of a running redis as NDJSON, the input of `goromdb build --from ndjson`.

With --hashes also its hashes: each is a namespace, its fields are the keys. What else there is
(lists, sets, ...) is left out and counted on standard error. The keys come by SCAN, some thousand at
a time, so that memory does not grow with the data. SCAN may tell a key twice, and what is written
meanwhile may be missing: build with `--duplicates last`. Exit status: 0 done, 1 a failure.
"""

import argparse
import base64
import collections
import itertools
import json
import os
import sys

import redis  # Debian: python3-redis

BATCH = 1000


def member(name, data):
    """Bytes that are not UTF-8 are base64 in NAME_b64."""
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {name + "_b64": base64.b64encode(data).decode()}


def show(key, value, namespace=None):
    row = {**member("key", key), **member("value", value)}
    if namespace is not None:
        row.update(member("namespace", namespace))
    print(json.dumps(row, ensure_ascii=False))


def batches(items):
    items = iter(items)
    while batch := list(itertools.islice(items, BATCH)):
        yield batch


def export(server, pattern, hashes):
    """Returns how many keys of each type were left out."""
    left_out = collections.Counter()
    for keys in batches(server.scan_iter(match=pattern, count=BATCH)):
        others = []
        for key, value in zip(keys, server.mget(keys)):
            if value is None:
                others.append(key)
            else:
                show(key, value)
        pipeline = server.pipeline(transaction=False)
        for key in others:
            pipeline.type(key)
        for key, kind in zip(others, pipeline.execute()):
            if kind == b"hash" and hashes:
                for field, value in server.hscan_iter(key, count=BATCH):
                    show(field, value, namespace=key)
            elif kind != b"none":  # gone since SCAN told it
                left_out[kind.decode()] += 1
    return left_out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--match", metavar="PATTERN", help="only keys like this one, as user:*")
    parser.add_argument("--hashes", action="store_true", help="hashes become namespaces")
    parser.add_argument("url", nargs="?", default="redis://127.0.0.1:6379/0")
    options = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8")
    try:
        server = redis.Redis.from_url(options.url)
        left_out = export(server, options.match, options.hashes)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has ended, and has said why
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (redis.RedisError, OSError, ValueError) as error:
        sys.exit(f"from_redis.py: {error}")
    for kind, count in sorted(left_out.items()):
        print(f"from_redis.py: left out: {count} of type {kind}", file=sys.stderr)


if __name__ == "__main__":
    main()
