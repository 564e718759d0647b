# SPDX-License-Identifier: MIT
"""Servers of redis' protocol: goromdb with such a listener, and redis itself to compare with."""

import contextlib
import random
import socket
import subprocess
from pathlib import Path

import writers
from harness import DEADLINE, wait_for
from redis_wire import Wire, encode

REDIS_SERVER = "redis-server"


def listener(*databases, listen="127.0.0.1:0", **options):
    return {
        "protocol": "redis",
        "listen": listen,
        "databases": list(databases or ["words"]),
        "options": options,
    }


def redis_config(*databases, listen="127.0.0.1:0", storage="json", server=None, **options):
    """The config of a server with one redis listener; the arguments of serve()."""
    databases = databases or ("words",)
    return {
        "databases": {
            name: {"storage": storage, "file": f"in/{name}.{storage}", "basedir": name}
            for name in databases
        },
        "listeners": [listener(*databases, listen=listen, **options)],
        "server": server or {},
    }


def wire(server, resp=2, **kwargs):
    return Wire(server.address(), resp, **kwargs)


def lmdb_file(words):
    """An LMDB file of {key: value or {field: value}}: what is a dict is a namespace."""
    spaces = {b"": {key: value for key, value in words.items() if not isinstance(value, dict)}}
    spaces |= {key: value for key, value in words.items() if isinstance(value, dict)}
    return writers.lmdb_namespaces(spaces)


def resident(pid, what="VmRSS"):
    """Bytes of memory that a process holds (VmRSS) or held at most (VmHWM)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"no {what} of process {pid}")


class RealRedis:
    """A redis-server on a unix socket of its own folder, without persistence."""

    def __init__(self, folder, *options):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = str(self.folder / "redis.sock")
        self.log = self.folder / "redis.log"
        command = [REDIS_SERVER, "--port", "0", "--unixsocket", self.path, "--save", ""]
        command += ["--dir", str(self.folder), "--appendonly", "no", *map(str, options)]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        try:
            wait_for(self._answers, "redis-server to answer")
        except BaseException:
            self.stop()
            raise

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"redis-server ended:\n{self.log.read_text(errors='replace')}")
        try:
            with Wire(self.path) as conn:
                return conn.ask("PING") == b"PONG"
        except OSError:
            return False

    def load(self, databases):
        """`databases`: by number, {key: value or {field: value}}."""
        with Wire(self.path) as conn:
            for number, words in databases.items():
                assert conn.ask("SELECT", number) == b"OK"
                requests = []
                for key, value in words.items():
                    if isinstance(value, dict):
                        fields = [part for pair in value.items() for part in pair]
                        requests.append(encode("HSET", key, *fields))
                    else:
                        requests.append(encode("SET", key, value))
                conn.send(b"".join(requests))
                for _ in requests:
                    conn.answer()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)


class RealPair:
    """A master for what is read and a replica of it for what is refused, with the same data."""

    def __init__(self, folder, databases, *options):
        folder = Path(folder)
        options = ("--databases", len(databases), "--repl-diskless-sync-delay", 0, *options)
        port = free_port()
        self.master = RealRedis(folder / "master", "--bind", "127.0.0.1", *options, "--port", port)
        self.replica = None
        try:
            self.master.load(databases)
            self.replica = RealRedis(folder / "replica", *options, "--replicaof", "127.0.0.1", port)
            wait_for(self._synced, "redis' replica to have its data")
        except BaseException:
            self.stop()
            raise

    def _synced(self):
        with Wire(self.replica.path) as conn:
            return conn.info("replication")["master_link_status"] == "up"

    def stop(self):
        for server in (self.master, self.replica):
            if server is not None:
                server.stop()


def free_port():
    """Of a range from which the kernel gives nobody a port by itself."""
    while True:
        port = random.randrange(10_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
