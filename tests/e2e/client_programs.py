# SPDX-License-Identifier: MIT
"""The programs of tests/clients: what they are asked for, how they run, what they print."""

import os
import re
import subprocess

import pytest

from harness import DEADLINE, REPO

CLIENTS = REPO / "tests" / "clients"
UTF8 = "schlüssel"
UTF8_VALUE = "значение 漢字".encode()
BINARY = bytes(range(256))
MIB = b"m" * (1 << 20)
LARGE = bytes(range(1, 17)) * (1 << 20)


def words(marker):
    """What the clients of every protocol are served."""
    return {
        b"marker": marker.encode(),
        b"hoge": b"piyo",
        UTF8.encode(): UTF8_VALUE,
        b"binary": BINARY,
        b"mib": MIB,
        b"16mib": LARGE,
    }


class Program:
    """A program of tests/clients while it runs."""

    def __init__(self, address, program, *more, **env):
        """`program` with the words before it, `more` with those behind the address."""
        host, port = address
        self.process = subprocess.Popen(
            [*program, host, str(port), *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **env},
        )
        self.results = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def read_until(self, last):
        """Reads steps up to the one named; fails with what the program says when it ends before."""
        for line in self.process.stdout:
            step, _, result = line.rstrip(b"\n").partition(b" ")
            self.results.setdefault(step.decode(), []).append(parsed(result))
            if step.decode() == last:
                return
        self.process.wait(DEADLINE)
        raise AssertionError(f"it ended before the step {last}: {self.process.stderr.read()!r}")

    def go_on(self):
        """What the program waits for behind the step `before`."""
        self.process.stdin.write(b"swapped\n")
        self.process.stdin.flush()

    def ends_well(self):
        assert self.process.wait(DEADLINE) == 0
        assert self.process.stderr.read() == b""

    def one(self, step):
        assert len(self.results[step]) == 1, self.results[step]
        return self.results[step][0]


def parsed(result):
    """None, bytes, a list of these, or a text."""
    if result.startswith(b"error "):
        return result.decode()
    if b"," in result:
        return [parsed(part) for part in result.split(b",")]
    if result == b"nil":
        return None
    return bytes.fromhex(result[1:].decode()) if result[:1] == b"x" else result.decode()


def node_modules(least):
    """The folder of the Node clients; the first run ever brings them from the registry.

    Skips the test where Node is older than the version `least`.
    """
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    if int(re.match(r"v(\d+)", version.stdout)[1]) < least:
        pytest.skip(f"these clients need Node {least}, and this is {version.stdout.strip()}")
    done = subprocess.run(
        [CLIENTS / "node" / "install"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return f"{done.stdout.strip()}/node_modules"
