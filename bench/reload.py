# SPDX-License-Identifier: MIT
"""Latency across a reload, or a rejection: an open loop at a fixed rate, a new data set dropped in its midst."""

import json
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass, replace

import numpy

import servers
from probes import row

RATE = 20_000  # requests/s
INTERVAL = 0.01  # s, of the time line
BEFORE, AFTER = 3.0, 3.0  # s of load on both sides of the reload
CONNECTIONS = 50


@dataclass
class Layout:
    name: str
    title: str
    storage: str
    cpus: str
    rejected: bool = False  # what is dropped is damaged near its end

    @property
    def happens(self):
        return "rejection" if self.rejected else "reload"


def layouts(lab):
    found = [
        Layout("spare", "a spare core", "json", lab.spare_cpus),
        Layout("one", "everything on one core", "json", lab.server_cpu),
    ]
    if not lab.quick and "lmdb" in lab.storages:
        one_lmdb = Layout("one-lmdb", "everything on one core, LMDB", "lmdb", lab.server_cpu)
        found.append(one_lmdb)
        found.append(
            replace(one_lmdb, name="one-lmdb-rejected", title=one_lmdb.title, rejected=True)
        )
    found.append(replace(found[1], name="one-rejected", rejected=True))
    return found


def _damaged(file, folder):
    """A copy that its storage reads nearly all of before it refuses it."""
    copy = folder / f"damaged-{file.name}"
    shutil.copyfile(file, copy)
    size = copy.stat().st_size
    with open(copy, "r+b") as data:
        data.seek(size * 95 // 100 // 4096 * 4096)  # a page of a tree; of JSON, entries
        data.write(b"\0" * 4096)
    return copy


def _open_loop(lab, server, seconds, times):
    """The generator, when its warm-up is over."""
    plan = {"rate": RATE, "connections": CONNECTIONS, "seconds": seconds, "warmup": 0.5}
    command = lab.command(server, "text", "real", times=times, announce=True, **plan)
    client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    client.stderr.readline()
    return client


def _finish(client, server):
    output, errors = client.communicate(timeout=120)
    if client.returncode != 0:
        raise SystemExit(f"script/bench: reload of {server.name}: {errors.strip()}")
    return json.loads(output)


def _run(lab, layout, number):
    """One reload: figures of the quiet time and of the reload, and its time line."""
    key = lab.data("real").first_key
    file = lab.file("real", layout.storage)
    new = lab.file("real-new", layout.storage)
    server = servers.Goromdb(
        lab.program, lab.work, f"reload-{layout.name}", layout.storage, file, layout.cpus
    ).ready(key)
    if layout.rejected:
        new = _damaged(new, server.folder)
    servers.sum_of(new)
    times = server.folder / "times"
    # A slow machine's reload takes longer: then there is less quiet time behind it.
    client = _open_loop(lab, server, BEFORE + AFTER + 4, times)
    time.sleep(BEFORE)
    epoch = time.time() - time.monotonic()
    dropped = server.drop(new)
    adopted = server.rejected(dropped) if layout.rejected else server.adopted(dropped)
    generator = _finish(client, server)
    server.stop()
    # Half a second more: the old generation is closed and its file goes.
    found = _figures(times, dropped - epoch, adopted - epoch, adopted - epoch + 0.5)
    return {
        "layout": layout.name,
        "title": f"{layout.happens}, {layout.title}",
        "round": number,
        "generator": generator,
        **found,
    }


def _figures(times, dropped, adopted, end):
    at, us = numpy.loadtxt(times, unpack=True)
    times.unlink()
    quiet = us[at < dropped - 0.05]
    reload_ = us[(at >= dropped) & (at < end)]
    answered = at + us * 1e-6
    done = numpy.count_nonzero((answered >= dropped) & (answered < adopted))
    line = []
    slot = ((at - at.min()) / INTERVAL).astype(int)
    for i in range(slot.max() + 1):
        of = us[slot == i]
        if of.size:
            p50, p99 = numpy.percentile(of, (50, 99))
            line.append([round(i * INTERVAL, 3), round(p50, 1), round(p99, 1), round(of.max(), 1)])
    return {
        "steady_p50_us": float(numpy.percentile(quiet, 50)),
        "steady_p99_us": float(numpy.percentile(quiet, 99)),
        "steady_max_us": float(quiet.max()),
        "reload_p50_us": float(numpy.percentile(reload_, 50)),
        "reload_p99_us": float(numpy.percentile(reload_, 99)),
        "reload_max_us": float(reload_.max()),
        "rate_share": done / (RATE * (adopted - dropped)),
        "reload_s": adopted - dropped,
        "dropped_s": round(dropped - at.min(), 3),
        "adopted_s": round(adopted - at.min(), 3),
        "timeline": line,
    }


def _floor(lab):
    """The same load on the floor server: what the machine itself does to latencies."""
    server = lab._start("floor", "real", ("text", 1, False))
    times = server.folder / "times"
    _finish(_open_loop(lab, server, BEFORE + AFTER, times), server)
    server.stop()
    _, us = numpy.loadtxt(times, unpack=True)
    times.unlink()
    return float(numpy.percentile(us, 99)) / 1e3, float(us.max()) / 1e3


def checked(lab):
    """Reloads while every reply to pipelined gets of 100 keys is compared: each is wholly of one data set."""
    data, new = lab.data("real"), lab.data("real-new")
    server = servers.Goromdb(
        lab.program, lab.work, "reload-checked", "json", data.json, lab.server_cpu
    ).ready(data.first_key)
    client = subprocess.Popen(
        lab.command(server, "text", "real", check=True, other=new.rows, keys=100, pipeline=4,
                    connections=20, seconds=8, warmup=0.1, most_keys=200_000),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    swaps = 0
    while client.poll() is None:
        server.adopted(server.drop((new, data)[swaps % 2].json))
        swaps += 1
    result = _finish(client, server)
    server.stop()
    title = f"replies compared across {swaps} reloads, gets of 100 keys pipelined by 4; errors and mixed ones"
    return row("reload-checked", title, 0, f"of {result['requests']}", 0)


def measure(lab):
    """(rows, every reload's figures)."""
    rounds = 2 if lab.quick else 3
    plans, runs = layouts(lab), []
    for number in range(rounds):
        for layout in plans:
            lab.say(f"reload, {layout.title}, round {number + 1} of {rounds}")
            runs.append(_run(lab, layout, number))
    found = []
    for layout in plans:
        of = [run for run in runs if run["layout"] == layout.name]

        def pick(name, scale=1.0, of=of):
            return [run[name] * scale for run in of]

        title = f"{layout.happens} at {RATE} requests/s, {layout.title}"
        late = statistics.median(run["generator"]["late_p99_us"] for run in of)
        note = f"before it {statistics.median(pick('steady_p99_us', 1e-3)):.2f} ms; generator's own p99 {late:.0f} us"
        if layout.name == "spare":
            allowed = statistics.median(1.5 * run["steady_p99_us"] / 1e3 + 0.3 for run in of)
            p99_goal, max_goal = {"limit": allowed}, {"limit": 10}
        else:
            p99_goal, max_goal = {"limit": 3, "stretch": 1}, {"limit": 20}
        name = f"reload-{layout.name}"
        if layout.rejected:
            beside = [run for run in runs if run["layout"] == layout.name.removesuffix("-rejected")]
            reloads = statistics.median(run["reload_p99_us"] for run in beside) / 1e3
            note += f"; in a reload {reloads:.2f} ms"
        found.append(
            row(name, f"{title}: p99", pick("reload_p99_us", 1e-3), "ms", note=note, **p99_goal)
        )
        steady_max = statistics.median(pick("steady_max_us", 1e-3))
        note = f"before it {steady_max:.2f} ms"
        found.append(
            row(
                f"{name}-max",
                f"{title}: max",
                pick("reload_max_us", 1e-3),
                "ms",
                note=note,
                **max_goal,
            )
        )
        share = {"limit": 0.95} if layout.name != "spare" else {}
        found.append(row(f"{name}-rate", f"{title}: share of the rate that is answered", pick("rate_share"),
                         "", least=True, **share))  # fmt: skip
        found.append(
            row(
                f"{name}-time",
                f"{title}: from drop to {'rejected' if layout.rejected else 'adopted'}",
                pick("reload_s"),
                "s",
            )
        )
    p99, most = _floor(lab)
    found.append(
        row(
            "reload-floor",
            "the same load on the floor, no reload: p99",
            p99,
            "ms",
            note=f"max {most:.2f} ms",
        )
    )
    found.append(checked(lab))
    return found, runs
