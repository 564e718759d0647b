# SPDX-License-Identifier: MIT
"""A real data set, made of what Debian ships: read back byte for byte, swapped under load."""

import json
import re
import subprocess
import threading
from pathlib import Path

import pytest

from harness import SANITIZER, encode, wait_for

BATCH = 100
# "Tens of thousands" is what a team's lookup table has. A sanitizer's server is slower than its
# clients: fewer of them leave time for its low-priority loader.
ENTRIES, READERS = (60_000, 6) if SANITIZER is None else (20_000, 2)
SWAPS = 5


def stanzas(text):
    """Package name to the whole stanza of a package index."""
    found = {}
    for stanza in re.split(r"\n\n+", text):
        name = re.match(r"Package: (\S+)", stanza)
        if name:
            found[name.group(1)] = stanza
    return found


def package_index():
    try:
        done = subprocess.run(
            ["apt-cache", "dumpavail"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return stanzas(done.stdout)
    except FileNotFoundError:
        return {}


def dpkg_status():
    status = Path("/var/lib/dpkg/status")
    return stanzas(status.read_text(errors="replace")) if status.exists() else {}


def word_list():
    words = Path("/usr/share/dict/words")
    return {w: w[::-1] for w in words.read_text().split()} if words.exists() else {}


@pytest.fixture(scope="module")
def real():
    """The first source that has enough; the last one is small, and real all the same."""
    for name, source in (
        ("apt-cache dumpavail", package_index),
        ("/usr/share/dict/words", word_list),
        ("/var/lib/dpkg/status", dpkg_status),
    ):
        words = source()
        if len(words) >= 10_000 or (words and source is dpkg_status):
            break
    else:
        pytest.skip("this machine has neither a package index nor a word list")
    words = dict(list(words.items())[:ENTRIES])
    words = {key: value for key, value in words.items() if len(key.encode()) <= 250}
    size = sum(len(k) + len(v) for k, v in words.items())
    print(f"real data: {len(words)} entries, {size >> 20} MiB, from {name}")
    return words


def batches(keys):
    return [keys[i : i + BATCH] for i in range(0, len(keys), BATCH)]


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


class Reader(threading.Thread):
    """One connection that asks without end, several requests at a time, and checks each reply."""

    PIPELINE = 8

    def __init__(self, server, real, keys, number):
        super().__init__(daemon=True)
        self.server, self.real = server, real
        # Each reader starts somewhere else in the key space.
        shift = number * len(keys) // 7 % len(keys)
        self.requests = batches(keys[shift:] + keys[:shift])
        self.stopping = threading.Event()
        self.failure = None
        self.replies = 0
        self.seen = []

    def run(self):
        try:
            with self.server.client() as client:
                at = 0
                while not self.stopping.is_set():
                    asked = [
                        self.requests[(at + i) % len(self.requests)] for i in range(self.PIPELINE)
                    ]
                    at += self.PIPELINE
                    client.send(b"".join(b"get " + " ".join(k).encode() + b"\r\n" for k in asked))
                    for keys in asked:
                        self.check(keys, client.read_values())
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def check(self, keys, values):
        assert [key for key, _ in values] == keys, "keys are missing"
        generations = {value.split(b"\n", 1)[0] for _, value in values}
        assert len(generations) == 1, f"one reply mixes generations {generations}"
        generation = int(generations.pop())
        for key, value in values:
            assert value.split(b"\n", 1)[1] == self.real[key].encode(), key
        if not self.seen or self.seen[-1] != generation:
            assert not self.seen or generation > self.seen[-1], f"{generation} after {self.seen}"
            self.seen.append(generation)
        self.replies += 1


def test_a_package_index_is_swapped_under_load_and_every_reply_is_of_one_generation(serve, real):
    server = serve()
    keys = list(real)

    def generation(number):
        return {key: f"{number}\n{value}" for key, value in real.items()}

    server.load(generation(1))
    readers = [Reader(server, real, keys, number) for number in range(READERS)]
    for reader in readers:
        reader.start()

    def all_have_read(more):
        before = [reader.replies for reader in readers]
        wait_for(
            lambda: any(reader.failure for reader in readers)
            or all(r.replies >= b + more for r, b in zip(readers, before)),
            "replies to every reader",
        )

    for number in range(2, SWAPS + 2):
        all_have_read(10)
        assert server.load(generation(number)) == number
    all_have_read(2 * Reader.PIPELINE)
    for reader in readers:
        reader.stopping.set()
    for reader in readers:
        reader.join(120)
        assert not reader.is_alive()
    failures = [repr(reader.failure) for reader in readers if reader.failure]
    assert not failures, "\n".join(failures)
    replies = sum(reader.replies for reader in readers)
    print(f"{replies} replies of {BATCH} keys during {SWAPS} swaps")
    assert all(reader.seen[-1] == SWAPS + 1 for reader in readers)
    assert any(len(reader.seen) > 2 for reader in readers), "no reader was there during the swaps"
