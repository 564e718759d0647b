# SPDX-License-Identifier: MIT
"""What every workload needs: the build, data sets, servers that are started once, the generator."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import rows
import servers

REPO = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Data:
    """A data set: as JSON, which goromdb builds its files from, and as rows for the generator."""

    name: str
    json: Path
    rows: Path

    @property
    def first_key(self):
        return servers.first_key(self.rows)


@dataclass(frozen=True)
class Cell:
    """One server, asked in one way. `server`: a key of Lab.server."""

    server: str
    protocol: str = "text"
    data: str = "real"
    extra: tuple = ()  # of generator options
    note: str = ""

    @property
    def label(self):
        return " ".join(filter(None, (self.server, self.protocol, self.note)))


class Lab:
    """`rounds`, `seconds`: of each timed measurement."""

    def __init__(self, build, quick):
        self.build, self.quick = Path(build).resolve(), quick
        self.work = self.build / "bench-work"
        self.rounds, self.seconds, self.warmup = (3, 0.5, 0.1) if quick else (7, 1.5, 0.4)
        self.most_keys = 400_000 if quick else 2_000_000
        self.program = self.build / "goromdb"
        self.memcached = os.environ.get("MEMCACHED")
        self.redis = os.environ.get("REDIS_SERVER")
        self.before = os.environ.get("GOROMDB_BEFORE")
        self.records = []
        self._servers, self._data = {}, {}
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            raise SystemExit(
                "script/bench: needs two CPUs, one for the server and one for the load"
            )
        self.client_cpu, self.server_cpu = str(cpus[0]), str(cpus[1])
        # A spare core for the loader; without a third CPU that is the generator's.
        self.spare_cpus = f"{cpus[1]},{cpus[2] if len(cpus) > 2 else cpus[0]}"
        # Two loops beside the generator would cost less for their nearness to it.
        self.loop_cpus = f"{cpus[1]},{cpus[2]}" if len(cpus) > 2 else self.server_cpu
        (self.work / "data").mkdir(parents=True, exist_ok=True)
        self.storages = self._storages()

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def _storages(self):
        """Server names of goromdb's storages; `+hash` where the storage has that option."""
        text = subprocess.run(
            [self.program, "plugins"], capture_output=True, text=True, check=True
        ).stdout
        found = []
        for part in text.split("storage ")[1:]:
            name = part.split()[0]
            if name in ("json", "lmdb", "bolt", "cdb", "bdb"):
                found.append(name)
                if re.search(r"^    option index:.*hash", part, re.M):
                    found.append(f"{name}+hash")
        return sorted(found, key=lambda name: name != "json")

    # -- data

    def data(self, name):
        """real, real-new (the same keys, other values), tiny, tiny-new, large, keys-N."""
        if name not in self._data:
            folder = self.work / "data"
            made = Data(name, folder / f"{name}.json", folder / f"{name}.rows")
            if not made.rows.exists():
                self.say(f"making the data set {name}")
                rows.write(self._rows(name), made.json, made.rows)
            self._data[name] = made
        return self._data[name]

    def _rows(self, name):
        mark = "new " if name.endswith("-new") else ""
        kind, _, size = name.removesuffix("-new").partition("-")
        if kind == "real":
            return rows.real(1_000_000, mark)
        if kind == "tiny":
            return rows.real(100, mark)
        if kind == "large":
            return rows.large(200, 1 << 20)
        return rows.synthetic(int(size))

    def file(self, name, storage):
        """The data set as a file of the storage."""
        data = self.data(name)
        if storage == "json":
            return data.json
        path = data.json.with_suffix(f".{storage}")
        plugin = self.build / "plugins" / f"storage-{storage}.so"
        if not path.exists() or path.stat().st_mtime < plugin.stat().st_mtime:
            self.say(f"building {path.name}")
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}.md5").unlink(missing_ok=True)
            rows.build(self.program, storage, data.json, path)
        return path

    # -- servers

    def server(self, name, data, extra=(), protocol="text"):
        """floor, STORAGE[+hash][-before][/LOOPS], memcached, redis, each -debian where there is a newer one, -unix for
        memcached. Started at the first call, filled, and compared with its data byte for byte."""
        extra = dict(extra)
        floor = (protocol, extra.get("keys", 1), "unix" in extra) if name == "floor" else None
        key = (name, data, floor)
        if key not in self._servers:
            server = self._start(name, data, floor)
            self._servers[key] = server
            if name != "floor":
                self._check(server, name, data)
        return self._servers[key]

    def _start(self, name, data, floor):
        label = "-".join(map(str, (name, data, *(floor or ())))).replace("/", "-loops-")
        kind, _, variant = name.partition("-")
        set_ = self.data(data)
        if kind == "floor":
            protocol, keys, unix = floor
            large = data.startswith("large")
            key, value = (b"large:00000000", 1 << 20) if large else (b"k" * 19, 48)
            return servers.Floor(
                self.build / "bench" / "floor", self.work, label, protocol, keys, key, value,
                self.server_cpu, unix,
            )  # fmt: skip
        if kind == "memcached":
            program = self.memcached if self.memcached and variant != "debian" else "memcached"
            return servers.Memcached(
                program, self.work, label, self.server_cpu, unix=variant == "unix"
            )
        if kind == "redis":
            program = self.redis if self.redis and variant != "debian" else "redis-server"
            return servers.Redis(program, self.work, label, self.server_cpu)
        storage, _, loops = name.partition("/")
        storage, _, before = storage.partition("-")
        storage, _, index = storage.partition("+")
        return servers.Goromdb(
            self.before if before else self.program, self.work, label, storage, self.file(data, storage),
            self.loop_cpus if loops else self.server_cpu, int(loops or 1),
            {"index": index} if index else None,
        ).ready(set_.first_key)  # fmt: skip

    def _check(self, server, name, data):
        protocol = "redis" if name.startswith("redis") else "text"
        where = {"unix": True} if name == "memcached-unix" else {}
        if name.startswith(("memcached", "redis")):
            self.generate(server, protocol, data, load=True, **where)
        self.say(f"comparing every reply of {name} with {data}")
        protocols = (protocol,)
        if protocol == "text" and data == "real":
            protocols = ("text", "meta", "binary", "redis")
        for each in protocols:
            if each in server.unix or each in server.address:
                keys = 1 if data.startswith("large") else 100
                checked = {"check": True, "order": "each", "keys": keys, "absent": 0.05, **where}
                self.generate(server, each, data, **checked)

    def stop_servers(self, *datasets):
        """Those of the data sets; of all without any."""
        for key in [key for key in self._servers if not datasets or key[1] in datasets]:
            self._servers.pop(key).stop()

    # -- the generator

    def command(self, server, protocol, data, **options):
        """An option is a generator's; True for a flag; unix=True for the server's socket."""
        command = ["taskset", "-c", self.client_cpu, self.build / "bench" / "loadgen"]
        command += ["--data", self.data(data).rows, "--protocol", protocol, "--server", server.pid]
        if options.pop("unix", False):
            command += ["--unix", server.unix[protocol]]
        else:
            command += ["--port", server.address[protocol]]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", *([] if value is True else [value])]
        return list(map(str, command))

    def generate(self, server, protocol, data, **options):
        """Runs the generator to its end; what it measured."""
        timeout = 300 + options.get("seconds", 0)
        done = subprocess.run(
            self.command(server, protocol, data, **options),
            capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise SystemExit(f"script/bench: {server.name}, {protocol}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def measure(self, cell, **options):
        """One timed run of a cell; loops' shares of the CPU are added to what the generator says."""
        plan = {"seconds": self.seconds, "warmup": self.warmup, "most_keys": self.most_keys}
        options = {**plan, **options, **dict(cell.extra)}
        server = self.server(cell.server, cell.data, options.items(), cell.protocol)
        before = server.loop_seconds()
        result = self.generate(server, cell.protocol, cell.data, **options)
        after = server.loop_seconds()
        result["loops_cpu_s"] = [round(a - b, 4) for a, b in zip(after, before)]
        return result

    def record(self, workload, cell, number, result):
        self.records.append({"workload": workload, "cell": cell, "round": number, **result})

    def versions(self):
        """What is compared, in its own words."""
        found = {}
        peers = {
            "memcached": (self.memcached or "memcached", "-V"),
            "redis": (self.redis or "redis-server", "--version"),
            "goromdb": (self.program, "--version"),
        }
        if self.before:
            peers["goromdb-before"] = (self.before, "--version")
        if self.memcached:
            peers["memcached-debian"] = ("memcached", "-V")
        if self.redis:
            peers["redis-debian"] = ("redis-server", "--version")
        for name, command in peers.items():
            text = subprocess.run(
                list(map(str, command)), capture_output=True, text=True, check=True
            ).stdout
            version = re.search(r"\d+\.\d+\.\d+\S*", text)
            found[name] = ("valkey " if "alkey" in text else "") + (version[0] if version else "?")
        return found
