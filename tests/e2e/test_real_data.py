# SPDX-License-Identifier: MIT
"""A real data set, made of what Debian ships: read back byte for byte, swapped under load."""

import json

import pytest

from harness import SANITIZER, encode
from readers import BATCH, batches, swap_under_load

READERS, SWAPS = (6, 5) if SANITIZER is None else (2, 3)


def test_a_package_index_is_read_back_byte_for_byte(serve, real):
    server = serve()
    server.load(real)
    assert server.stats()["goromdb_entries"] == str(len(real))
    with server.client() as client:
        for keys in batches(list(real)):
            client.send(b"get " + " ".join(keys).encode() + b"\r\n")
            assert client.read_values() == [(key, real[key].encode()) for key in keys]
        absent = [f"{key}-is-no-package" for key in list(real)[:BATCH]]
        assert client.get_many(absent) == {}


def as_lines(words):
    return b"".join(encode({"key": k, "value": v}) + b"\n" for k, v in words.items())


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda w: json.dumps(w, indent=2, ensure_ascii=False).encode(), id="indented"),
        pytest.param(lambda w: json.dumps(w, ensure_ascii=True).encode(), id="escaped"),
        pytest.param(as_lines, id="lines"),
    ],
)
def test_a_package_index_is_the_same_however_it_is_written(serve, real, write):
    server = serve()
    server.drop(write(real))
    server.adopted(1)
    some = list(real)[::7]
    with server.client() as client:
        for keys in batches(some):
            assert client.get_many(keys) == {key: real[key].encode() for key in keys}


def test_a_package_index_is_swapped_under_load_and_every_reply_is_of_one_generation(serve, real):
    swap_under_load(serve(), real, SWAPS, READERS)
