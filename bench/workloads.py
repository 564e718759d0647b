# SPDX-License-Identifier: MIT
"""Reads: what is asked of which servers, and the goals. Each workload is a row of the table, or several."""

from dataclasses import dataclass, field

from lab import Cell

LARGE_SETS = ("keys-10000", "keys-100000", "keys-1000000", "keys-10000000")


@dataclass(frozen=True)
class Goal:
    """`a` compared with `b` in `value`: the median of the rounds' ratios. `b` None: `a` alone. Of
    `least` the ratio is at least the limit, else at most."""

    text: str
    a: str
    b: str | None
    limit: float
    stretch: float | None = None
    value: str = "server_us_per_key"
    least: bool = False


@dataclass
class Workload:
    """`options`: the generator's, for all cells. `main`: stands in the first table and the bars."""

    name: str
    title: str
    cells: list
    options: dict = field(default_factory=dict)
    goals: list = field(default_factory=list)
    main: bool = False
    value: str = "server_us_per_key"


def peers(lab):
    """Reference peers, and Debian's where those are newer."""
    cells = [Cell("memcached"), Cell("redis", "redis")]
    cells += [Cell("memcached-debian")] if lab.memcached else []
    cells += [Cell("redis-debian", "redis")] if lab.redis else []
    return cells


def everyone(lab):
    floors = [Cell("floor"), Cell("floor", "redis")]
    return [*floors, Cell("json"), Cell("json", "redis"), *peers(lab)]


def against(floor=None, memcached=None):
    """Goals of JSON over text; each a limit and a stretch goal."""
    goals = []
    for name, pair in (("floor", floor), ("memcached", memcached)):
        if pair:
            text = f"at most {pair[0]:.2f} x {name}"
            goals.append(Goal(text, "json text", f"{name} text", *pair))
    return goals


def reads(lab):
    redis = Goal("MGET at most 0.35 x redis", "json redis", "redis redis", 0.35)
    one = Goal("p50 at most 1.12 x floor", "json text", "floor text", 1.12, 1.05, "p50_us")
    all_ = everyone(lab)
    return [
        Workload("get", "GET, 50 connections", all_, {},
                 against((1.20, 1.10), (0.85, 0.75)), True),
        Workload("pipeline16", "pipelined by 16", all_, {"pipeline": 16},
                 against((2.2, 1.7), (0.45, 0.33)), True),
        Workload("get10", "get of 10 keys", all_, {"keys": 10},
                 against((1.7, 1.4), (0.50, 0.38)), True),
        Workload("get100", "get / MGET of 100 keys", all_, {"keys": 100},
                 [*against((4.5, 3.2), (0.25, 0.17)), redis], True),
        Workload("zipf", "get of 100 keys, zipf 0.99", all_, {"keys": 100, "order": "zipf"}),
        Workload("one", "1 connection", all_, {"connections": 1, "spin": True}, [one], False, "p50_us"),
        *connections(lab),
    ]  # fmt: skip


def connections(lab):
    fifty = Cell("json", extra=(("connections", 50),), note="at 50")
    many = [
        Workload("connections1000", "1000 connections", everyone(lab), {"connections": 1000},
                 against((1.35, 1.20), (0.80, None)), True)
    ]  # fmt: skip
    own = Goal("at most 1.6 x its own cost at 50", "json text", "json text at 50", 1.6)
    many.append(
        Workload("connections5000", "5000 connections", [*everyone(lab), fifty],
                 {"connections": 5000}, [own], True)
    )  # fmt: skip
    return many


def keys(lab):
    sets = LARGE_SETS[:3] if lab.quick else LARGE_SETS
    cells = []
    for data in sets:
        for server, protocol in (("json", "text"), ("memcached", "text"), ("redis", "redis")):
            cells.append(Cell(server, protocol, data, note=data))
        cells.append(Cell("floor", data=data, note=data))
    first, last = sets[0], sets[-1]
    goals = [
        Goal(f"{first} to {last}: grows at most 4 x", f"json text {last}", f"json text {first}", 4, 2.5),
        Goal(f"{last}: at most 0.35 x memcached", f"json text {last}", f"memcached text {last}", 0.35),
    ]  # fmt: skip
    return [Workload("keys", "number of keys, get of 100", cells, {"keys": 100}, goals)]


def storages(lab):
    found = []
    for keys_, title in ((1, "GET"), (100, "get of 100 keys")):
        cells = [Cell("floor"), *(Cell(storage) for storage in lab.storages)]
        goals = [
            Goal(f"{storage} within 15 % of JSON", f"{storage} text", "json text", 1.15, 1.05)
            for storage in lab.storages
            if storage.endswith("+hash") and keys_ > 1
        ]
        if keys_ > 1:
            for storage in lab.storages:
                cells.append(Cell(storage, "redis"))
                if not lab.quick:
                    cells += [Cell(f"{storage}/2"), Cell(f"{storage}/2", "redis")]
        name = "storages" if keys_ > 1 else "storages-get"
        found.append(Workload(name, f"storages, {title}", cells, {"keys": keys_}, goals))
    return found


def loops(lab):
    goal = [Goal("2 loops within 10 % of one", "json/2 text", "json text", 1.10)]
    cells = [Cell("json"), Cell("json/2")]
    return [
        Workload("loops-get", "1 and 2 loops, GET", cells, {}, goal),
        Workload("loops-get100", "1 and 2 loops, get of 100 keys", cells, {"keys": 100}, goal),
    ]


def protocols(lab):
    cells = [Cell("floor"), Cell("json"), Cell("json", "meta"), Cell("json", "binary")]
    cells += [Cell("memcached", protocol) for protocol in ("text", "meta", "binary")]
    goals = [
        Goal(f"{protocol} within 15 % of text", f"json {protocol}", "json text", 1.15)
        for protocol in ("meta", "binary")
    ]
    return [
        Workload("protocols-pipeline16", "protocols, pipelined by 16", cells, {"pipeline": 16}, goals),
        Workload("protocols-quiet100", "protocols, 100 quiet gets and an end", cells, {"keys": 100}, goals),
    ]  # fmt: skip


def unix(lab):
    cells = [Cell("floor"), Cell("json"), Cell("memcached-unix"), Cell("redis", "redis")]
    return [
        Workload(f"unix-{name}", f"unix socket, {title}", cells, {"unix": True, **options},
                 [Goal("at most memcached's", "json text", "memcached-unix text", 1.0)])
        for name, title, options in (
            ("get", "GET", {}),
            ("pipeline16", "pipelined by 16", {"pipeline": 16}),
            ("get100", "get of 100 keys", {"keys": 100}),
        )
    ]  # fmt: skip


def large(lab):
    cells = [Cell(server, protocol, "large-1MiB")
             for server, protocol in (("floor", "text"), ("json", "text"), ("memcached", "text"),
                                      ("json", "redis"), ("redis", "redis"))]  # fmt: skip
    options = {"connections": 10}
    goals = [
        Goal("at least memcached's bytes a CPU second", "json text", "memcached text", 1.0,
             value="bytes_per_cpu_s", least=True)
    ]  # fmt: skip
    return [Workload("large", "values of 1 MiB", cells, options, goals, False, "bytes_per_cpu_s")]


def before(lab):
    """Another build of goromdb, as of an older commit, in the same run."""
    if not lab.before:
        return []
    cells, goals = [], []
    for storage in ("json", "lmdb", "bdb"):
        for protocol in ("text", "redis"):
            cells += [Cell(storage, protocol), Cell(f"{storage}-before", protocol)]
            goals.append(Goal("within 3 % of before", f"{storage} {protocol}", f"{storage}-before {protocol}", 1.03))
    return [
        Workload("before-get", "GET, this build and another", cells, {}, goals),
        Workload("before-pipeline16", "pipelined by 16, this build and another", cells, {"pipeline": 16}, goals),
        Workload("before-get100", "get of 100 keys, this build and another", cells, {"keys": 100}, goals),
    ]  # fmt: skip


GROUPS = (reads, keys, storages, loops, protocols, unix, large, before)


def all_of(lab):
    return [workload for group in GROUPS for workload in group(lab)]
