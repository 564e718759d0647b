# SPDX-License-Identifier: MIT
"""What is no stream of reads: loading, starting, memory, reloads. Each probe returns its rows: dicts of
name, title, value, unit, and where there is one a goal (`limit`, `stretch`, `least`)."""

import json
import re
import resource
import shutil
import socket
import statistics
import subprocess
import time
from pathlib import Path

import servers

median = statistics.median


def row(name, title, values, unit, limit=None, stretch=None, least=False, note=""):
    values = values if isinstance(values, list) else [values]
    return {
        "name": name, "title": title, "value": median(values), "values": values, "unit": unit,
        "limit": limit, "stretch": stretch, "least": least, "note": note,
    }  # fmt: skip


def goromdb(lab, name, storage, data=None, **options):
    options.setdefault("cpus", lab.server_cpu)
    return servers.Goromdb(lab.program, lab.work, name, storage, data, **options)


def load(lab):
    """From the log's line that a file is hashed to the one that it is adopted, on the server's core."""
    found = []
    for storage in ("json",) if lab.quick else [s for s in lab.storages if "+" not in s]:
        speeds, cpu = [], []
        file = lab.file("real", storage)
        for _ in range(lab.rounds):
            server = goromdb(lab, "load", storage)
            server.wait(lambda: server.logged("waiting for a first data set"), "its listeners")
            before = server.cpu_seconds()
            dropped = server.drop(file)
            took = server.adopted(dropped) - server.logged("hashing", dropped)
            speeds.append(file.stat().st_size / took / 1e9)
            used = max(0.01, server.cpu_seconds() - before)
            cpu.append(file.stat().st_size / used / 1e9)
            server.stop()
        goal = {"limit": 0.25, "stretch": 0.55} if storage == "json" else {}
        megabytes = file.stat().st_size / 1e6
        title = f"{storage}: load to ready, one core, {megabytes:.0f} MB"
        note = f"{median(cpu):.2f} GB a second of the server's CPU; less when others want the core, too"
        found.append(row(f"load-{storage}", title, speeds, "GB/s", least=True, note=note, **goal))
    return found


def start(lab):
    """From exec to the first value, of a store that has its data set."""
    found = []
    key = lab.data("real").first_key
    for storage in (s for s in lab.storages if "+" not in s):
        first = goromdb(lab, f"start-{storage}", storage, lab.file("real", storage)).ready(key)
        first.stop()
        times = []
        for _ in range(lab.rounds):
            server = goromdb(lab, f"start-{storage}", storage, keep=True)
            times.append(1e3 * server.wait(lambda: server.value(key), "its data set", 0.0005))
            server.stop()
        goal = {} if storage == "json" else {"limit": 20, "stretch": 5}
        found.append(
            row(f"start-{storage}", f"{storage}: start to first answer", times, "ms", **goal)
        )
        shutil.rmtree(first.folder, ignore_errors=True)
    return found


def memory(lab):
    """Resident bytes, of the process with the data set less those without; and of a reload its peak."""
    data = lab.data("real")
    count = payload = 0
    with open(data.rows, "rb") as file:
        for line in file:
            if sizes := re.match(rb"\+(\d+),(\d+):", line):
                count += 1
                payload += int(sizes[1]) + int(sizes[2])

    server = goromdb(lab, "memory", "json")
    server.wait(lambda: server.logged("waiting for a first data set"), "its listeners")
    empty = server.memory()["VmRSS"]
    server.adopted(server.drop(data.json))
    steady = server.memory()["VmRSS"]
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")  # the peak is counted from here
    server.adopted(server.drop(lab.data("real-new").json))
    peak = server.memory()["VmHWM"]
    server.stop()
    file_size = data.json.stat().st_size
    over = (steady - empty - payload) / count
    note = f"{payload / count:.1f} B of keys and values, {(steady - empty) / count:.1f} B resident"
    found = [
        row("memory", "memory beside keys and values", over, "B/key", 32, 20, note=note),
        row("memory-reload", "peak of a reload, less the file", (peak - file_size) / steady,
            "x steady", 2.1, note=f"peak {peak / 1e6:.0f} MB, steady {steady / 1e6:.0f} MB"),
    ]  # fmt: skip
    for name, protocol in (("memcached", "text"), ("redis", "redis")):
        peer = lab._start(name, "tiny", None)
        empty = peer.memory()["VmRSS"]
        lab.generate(peer, protocol, "real", load=True)
        over = (peer.memory()["VmRSS"] - empty - payload) / count
        peer.stop()
        found.append(row(f"memory-{name}", f"the same of {name}", over, "B/key"))
    return found


def _idle(server, protocol, request, end, count):
    """Resident bytes for each of many connections that have been answered once."""
    before = server.memory()["VmRSS"]
    conns = []
    for _ in range(count):
        conn = socket.create_connection(("127.0.0.1", server.address[protocol]))
        conn.sendall(request)
        got = b""
        while not got.endswith(end):
            got += conn.recv(4096)
        conns.append(conn)
    after = server.memory()["VmRSS"]
    for conn in conns:
        conn.close()
    return (after - before) / count


def idle(lab):
    """The kernel's own memory for a socket is not in it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(5000, hard - 200)
    data = lab.data("tiny")
    get = b"get %b\r\n" % data.first_key
    server = goromdb(lab, "idle", "json", data.json).ready(data.first_key)
    found = [row("idle", f"an idle connection of {count}", _idle(server, "text", get, b"END\r\n", count) / 1024,
                 "KiB", 1.5, 0.6)]  # fmt: skip
    server.stop()
    for name, protocol, request, end in (
        ("memcached", "text", get, b"END\r\n"),
        ("redis", "redis", b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"),
    ):
        peer = lab._start(name, "tiny", None)
        bytes_ = _idle(peer, protocol, request, end, count)
        peer.stop()
        found.append(row(f"idle-{name}", f"the same of {name}", bytes_ / 1024, "KiB"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return found


def notice(lab):
    """From the rename of the sum to the log's line that the file is read, and to the adopted one."""
    data, new = lab.data("tiny"), lab.data("tiny-new")
    server = goromdb(lab, "notice", "json", data.json).ready(data.first_key)
    noticed, served = [], []
    for i in range(4 * lab.rounds):
        time.sleep(0.1)
        dropped = server.drop((new, data)[i % 2].json)
        served.append(1e3 * (server.adopted(dropped) - dropped))
        noticed.append(max(0.0, 1e3 * (server.logged("hashing", dropped) - dropped)))
    server.stop()
    return [
        row("notice", "a dropped file is noticed", noticed, "ms", 50, 5, note="the log has ms"),
        row("notice-served", "a dropped file of 100 rows is served", served, "ms"),
    ]


def swap(lab):
    """What a swap does to a client that asks all the time, and instructions of a loop's flip."""
    data, new = lab.data("tiny"), lab.data("tiny-new")
    server = goromdb(lab, "swap", "json", data.json).ready(data.first_key)
    steady, swapping = [], []
    for _ in range(lab.rounds):
        plan = {"connections": 1, "spin": True, "seconds": 2, "warmup": 0.2}
        steady.append(lab.generate(server, "text", "tiny", **plan)["p999_us"])
        client = subprocess.Popen(
            lab.command(server, "text", "tiny", **plan), stdout=subprocess.PIPE, text=True
        )
        for i in range(15):
            server.adopted(server.drop((new, data)[i % 2].json))
        server.adopted(server.drop(data.json))
        output = client.communicate(timeout=60)[0]
        swapping.append(json.loads(output)["p999_us"])
    server.stop()
    ratio = [b / a for a, b in zip(steady, swapping)]
    found = [row("swap", "p99.9 of one client under 16 swaps, to without", ratio, "x")]
    flips = _flip_instructions(lab, data, new)
    if flips:
        note = "1 us is 3,000 at 3 GHz and one a cycle; counted by valgrind, not timed"
        found.append(row("swap-loop", "a loop's flip", flips, "instructions", 3000, note=note))
    return found


def _flip_instructions(lab, data, new):
    """Of Loop::adopt, a swap and loop; None where there is no valgrind."""
    if shutil.which("valgrind") is None:
        return None
    folder = lab.work / "servers" / "flip"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    out = folder / "callgrind"
    wrapper = folder / "goromdb"
    wrapper.write_text(
        "#!/bin/sh\nexec valgrind --tool=callgrind --trace-children=no --toggle-collect='goromdb::Loop::adopt*'"
        f' --callgrind-out-file={out} {lab.program} "$@"\n'
    )
    wrapper.chmod(0o755)
    server = servers.Goromdb(wrapper, lab.work, "flip-server", "json", data.json, lab.server_cpu)
    server.ready(data.first_key)
    swaps = 10
    for i in range(swaps):
        server.adopted(server.drop((new, data)[i % 2].json))
    server.stop()
    total = re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)
    return int(total[1]) / (swaps + 1)


PROBES = {
    "load": load,
    "start": start,
    "memory": memory,
    "idle": idle,
    "notice": notice,
    "swap": swap,
}
