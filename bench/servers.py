# SPDX-License-Identifier: MIT
"""The servers under test: started pinned, filled, asked whether they answer, ended.

Each listens on 127.0.0.1 and on unix sockets in its own folder. `stop_all` ends what was started here
and nothing else.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
from datetime import datetime
from pathlib import Path

PATIENCE = 120  # seconds, for a server to start and have its data
ADOPTED, REJECTED = r"data: generation \d+ adopted", "data: rejected "  # in goromdb's log

_running = []


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def sum_of(path):
    """The MD5 sum, kept beside the file as FILE.md5."""
    beside = Path(f"{path}.md5")
    if not beside.exists():
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "md5").hexdigest()
        beside.write_text(f"{digest}  {Path(path).name}\n")
    return beside.read_text().split()[0]


def first_key(rows_file):
    """The first key of a file as cdbmake has it."""
    with open(rows_file, "rb") as file:
        sizes, _, rest = file.read(400).partition(b":")
        return rest[: int(sizes[1:].split(b",")[0])]


def answer(address, request, end, seconds=1.0):
    """The bytes up to `end` of one reply; None when nobody answers, or with an error."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    try:
        with socket.socket(family) as conn:
            conn.settimeout(seconds)
            conn.connect(address)
            conn.sendall(request)
            got = b""
            while not got.endswith(end):
                piece = conn.recv(1 << 16)
                got += piece
                if not piece or got.startswith(b"SERVER_ERROR"):
                    return None
            return got
    except OSError:
        return None


class Server:
    """One process. `address[protocol]` is a port, `unix[protocol]` a path."""

    def __init__(self, name, folder, command, cpus, address, unix):
        self.name, self.folder = name, Path(folder)
        self.address, self.unix = address, unix
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", cpus, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C is dealt with here, not by each server for itself
            )
        self.started = time.monotonic()
        _running.append(self)

    @property
    def pid(self):
        return self.process.pid

    def wait(self, condition, what, pause=0.002):
        """Seconds since the start when `condition` came true."""
        while not condition():
            if self.process.poll() is not None:
                raise SystemExit(f"script/bench: {self.name} ended: {self.log.read_text()[-2000:]}")
            if time.monotonic() - self.started > PATIENCE:
                raise SystemExit(f"script/bench: {self.name}: waited in vain for {what}")
            time.sleep(pause)
        return time.monotonic() - self.started

    def memory(self):
        """Bytes that are resident in this process alone or shared: VmRSS and its peak, VmHWM."""
        fields = {}
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in ("VmRSS", "VmHWM", "RssAnon", "RssFile"):
                fields[name] = int(value.split()[0]) * 1024
        return fields

    def cpu_seconds(self):
        """Of all threads and of children that have ended; in ticks of 10 ms."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def loop_seconds(self):
        """CPU seconds of each of goromdb's event loops so far, in the order of their threads."""
        seconds = []
        for task in sorted(Path(f"/proc/{self.pid}/task").iterdir()):
            if (task / "comm").read_text() == "goromdb-loop\n":
                seconds.append(int((task / "schedstat").read_text().split()[0]) * 1e-9)
        return seconds

    def stop(self):
        if self in _running:
            _running.remove(self)
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def stop_all():
    for server in list(_running):
        server.stop()


def _folder(work, name):
    folder = Path(work) / "servers" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class Memcached(Server):
    """On TCP, or on a unix socket alone: it cannot have both."""

    def __init__(self, program, work, name, cpus="1", threads=1, unix=False):
        folder = _folder(work, name)
        port, path = free_port(), str(folder / "socket")
        command = [program, "-t", threads, "-m", 16384, "-I", "8m", "-c", 15000, "-b", 4096]
        command += ["-s", path] if unix else ["-p", port, "-U", 0, "-l", "127.0.0.1"]
        if os.geteuid() == 0:
            command += ["-u", "root"]
        protocols = ("text", "meta", "binary")
        address = {} if unix else dict.fromkeys(protocols, port)
        super().__init__(name, folder, command, cpus, address, dict.fromkeys(protocols, path))
        target = path if unix else ("127.0.0.1", port)
        self.wait(lambda: answer(target, b"mn\r\n", b"MN\r\n"), "a reply")


class Redis(Server):
    def __init__(self, program, work, name, cpus="1"):
        folder = _folder(work, name)
        port = free_port()
        path = str(folder / "socket")
        command = [program, "--port", port, "--bind", "127.0.0.1", "--unixsocket", path]
        command += ["--save", "", "--appendonly", "no", "--dir", folder]
        command += ["--maxclients", 15000, "--tcp-backlog", 4096, "--daemonize", "no"]
        super().__init__(name, folder, command, cpus, {"redis": port}, {"redis": path})
        self.wait(lambda: answer(path, b"PING\r\n", b"+PONG\r\n"), "a reply")


class Floor(Server):
    """Answers like a server that has `keys` values of so many bytes for each request."""

    def __init__(self, program, work, name, protocol, keys, key, value_bytes, cpus="1", unix=False):
        folder = _folder(work, name)
        value = b"v" * value_bytes
        if protocol == "redis":
            reply = (b"*%d\r\n" % keys if keys > 1 else b"") + b"$%d\r\n%b\r\n" % (
                value_bytes,
                value,
            ) * keys
            lines = 1 + 2 * (keys + 1)
        else:
            reply = b"VALUE %b 0 %d\r\n%b\r\n" % (key, value_bytes, value) * keys + b"END\r\n"
            lines = 1
        (folder / "reply").write_bytes(reply)
        path = str(folder / "socket")
        port = free_port()
        where = f"unix:{path}" if unix else port
        command = [program, where, lines, folder / "reply"]
        super().__init__(
            name, folder, command, cpus, {} if unix else {protocol: port}, {protocol: path}
        )
        target = path if unix else ("127.0.0.1", port)
        self.wait(lambda: answer(target, b"\n" * lines, reply[-2:]), "a reply")


class Goromdb(Server):
    """`data`: a file of the storage, or None; it is dropped as a hard link, so it stays where it is."""

    def __init__(
        self, program, work, name, storage, data=None, cpus="1", threads=1, options=None, keep=False,
        settings=None,
    ):  # fmt: skip
        folder = Path(work) / "servers" / name if keep else _folder(work, name)
        ports = {"memcached": free_port(), "redis": free_port()}
        paths = {protocol: str(folder / protocol) for protocol in ports}
        listeners = []
        for protocol, port in ports.items():
            for where in (f"127.0.0.1:{port}", f"unix:{paths[protocol]}"):
                listeners.append({"protocol": protocol, "listen": where, "databases": ["data"]})
        database = {"storage": storage, "file": "in/data", "basedir": "store"}
        database["options"] = options or {}
        database.update(settings or {})
        config = {
            "server": {"threads": threads, "max_connections": 15000},
            "databases": {"data": database},
            "listeners": listeners,
        }
        (folder / "in").mkdir(exist_ok=True)
        (folder / "goromdb.yaml").write_text(json.dumps(config, indent=1))
        self.inbox = folder / "in" / "data"
        if data is not None:
            self.drop(data)
        address = dict.fromkeys(("text", "meta", "binary"), ports["memcached"])
        unix = dict.fromkeys(("text", "meta", "binary"), paths["memcached"])
        address["redis"], unix["redis"] = ports["redis"], paths["redis"]
        command = [program, "--config", folder / "goromdb.yaml"]
        super().__init__(name, folder, command, cpus, address, unix)

    def drop(self, data):
        """The file, then its sum, each by a rename. The time of the last one, in s since the epoch."""
        digest = sum_of(data)
        aside = self.inbox.with_name(".new")
        aside.unlink(missing_ok=True)
        os.link(data, aside)
        aside.rename(self.inbox)
        aside.write_text(f"{digest}  data\n")
        aside.rename(self.inbox.with_name("data.md5"))
        return time.time()

    def value(self, key):
        """The bytes of one get's reply; None when there is no such key or no server yet."""
        target = ("127.0.0.1", self.address["text"])
        got = answer(target, b"get %b\r\n" % key, b"END\r\n")
        return got if got and got.startswith(b"VALUE ") else None

    def ready(self, key):
        """Waits until a key of its data set is answered."""
        self.wait(lambda: self.value(key), "its data set")
        return self

    def logged(self, pattern, after=0.0):
        """The time of the first line of the log that matches and is not older, in s since the epoch."""
        for line in self.log.read_text(errors="replace").splitlines():
            stamp, _, rest = line.partition(" ")
            if re.search(pattern, rest):
                at = datetime.fromisoformat(stamp).timestamp()
                if at >= after - 0.001:  # the log has milliseconds
                    return at
        return None

    def adopted(self, after, patience=PATIENCE):
        """Waits for the generation of a drop at `after`; the time in s since the epoch."""
        return self._logs(ADOPTED, REJECTED, after, patience)

    def rejected(self, after, patience=PATIENCE):
        """The same for the rejection of a drop."""
        return self._logs(REJECTED, ADOPTED, after, patience)

    def _logs(self, pattern, other, after, patience):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            at = self.logged(pattern, after)
            if at is not None:
                return at
            if self.process.poll() is not None or self.logged(other, after):
                break
            time.sleep(0.005)
        raise SystemExit(f"script/bench: {self.name}: no {pattern} in {self.log}")
