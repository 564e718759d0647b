# SPDX-License-Identifier: MIT
"""The results as SVG plots. Needs Debian's python3-matplotlib."""

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "goromdb", "svg.fonttype": "none", "font.size": 9})

import matplotlib.pyplot as pyplot

from report import medians

COLOURS = {
    "floor": "#9aa0a6",
    "json": "#0b6e4f",
    "memcached": "#c1440e",
    "memcached-debian": "#e8a07d",
    "redis": "#7b2d8b",
    "redis-debian": "#c79ad0",
}


def _look(cell, results):
    """Name, colour and style of a server's bar or line; dashed: goromdb or the floor over redis' protocol."""
    server, protocol = cell.split()[:2]
    kind = server.removesuffix("-debian")
    name = "goromdb" if server == "json" else kind
    version = results["versions"].get(server, "")
    name = version if version.startswith("valkey") else f"{name} {version}".strip()
    other = kind in ("json", "floor") and protocol == "redis"
    return name + (", redis protocol" if other else ""), COLOURS.get(server, "#444444"), other


def _save(figure, folder, name):
    figure.tight_layout()
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    pyplot.close(figure)


def _bars(results, value, label, name, folder):
    workloads = [w for w in results["workloads"] if w["main"]]
    found = {w["title"]: medians(results["records"], w["name"], value) for w in workloads}
    cells = [c for c in next(iter(found.values()), {}) if not c.endswith("at 50")]
    if not cells:
        return
    figure, axes = pyplot.subplots(figsize=(10, 4))
    width = 0.85 / len(cells)
    for i, cell in enumerate(cells):
        title, colour, dashed = _look(cell, results)
        at = [j + (i - len(cells) / 2 + 0.5) * width for j in range(len(found))]
        heights = [values.get(cell, float("nan")) for values in found.values()]
        axes.bar(
            at,
            heights,
            width,
            label=title,
            color=colour,
            hatch="//" if dashed else "",
            edgecolor="white",
        )
    axes.set_xticks(range(len(found)), found, rotation=12, ha="right")
    axes.set_yscale("log")
    axes.set_ylabel(label)
    axes.legend(fontsize=8, ncol=4, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    _save(figure, folder, name)


def _latencies(results, folder):
    percentiles = (("p50_us", "50"), ("p90_us", "90"), ("p99_us", "99"), ("p999_us", "99.9"))
    figure, axes = pyplot.subplots(figsize=(7, 4))
    cells = medians(results["records"], "get", "p50_us")
    for cell in cells:
        title, colour, dashed = _look(cell, results)
        values = [medians(results["records"], "get", name)[cell] for name, _ in percentiles]
        style = "--" if dashed else "-"
        axes.plot(
            [label for _, label in percentiles],
            values,
            style,
            marker="o",
            color=colour,
            label=title,
        )
    if cells:
        axes.set_yscale("log")
        axes.set_xlabel("percentile, GET, 50 connections, closed loop")
        axes.set_ylabel("latency, us")
        axes.legend(fontsize=8)
        _save(figure, folder, "latency")
    pyplot.close(figure)


def _lines(results, points, xlabel, name, folder):
    """`points`: {(server, protocol): [(x, us a key)]}."""
    if not points:
        return
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for (server, protocol), line in points.items():
        title, colour, dashed = _look(f"{server} {protocol}", results)
        line.sort()
        axes.plot(*zip(*line), "--" if dashed else "-", marker="o", color=colour, label=title)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(xlabel)
    axes.set_ylabel("server CPU, us a key")
    axes.legend(fontsize=8)
    _save(figure, folder, name)


def _keys(results, folder):
    points = {}
    for cell, us in medians(results["records"], "keys", "server_us_per_key").items():
        server, protocol, data = cell.split()
        points.setdefault((server, protocol), []).append((int(data.split("-")[1]), us))
    _lines(results, points, "keys, get of 100", "keys", folder)


def _connections(results, folder):
    points = {}
    for name, count in (
        ("one", 1),
        ("get", 50),
        ("connections1000", 1000),
        ("connections5000", 5000),
    ):
        for cell, us in medians(results["records"], name, "server_us_per_key").items():
            if not cell.endswith("at 50"):
                points.setdefault(tuple(cell.split()[:2]), []).append((count, us))
    _lines(results, points, "connections, GET", "connections", folder)


def _reload(results, folder):
    first = {}
    for run in results["reloads"]:
        first.setdefault(run["layout"], run)
    if not first:
        return
    figure, axes = pyplot.subplots(len(first), 1, figsize=(9, 2.6 * len(first)), squeeze=False)
    for axis, run in zip(axes[:, 0], first.values()):
        at, p50, p99, most = zip(*run["timeline"])
        axis.plot(at, most, color="#e8a07d", linewidth=0.7, label="max")
        axis.plot(at, p99, color="#c1440e", linewidth=0.9, label="p99")
        axis.plot(at, p50, color="#0b6e4f", linewidth=0.9, label="p50")
        axis.axvspan(run["dropped_s"], run["adopted_s"], color="#cfe3ff", label="from the drop on")
        axis.set_yscale("log")
        axis.set_ylabel("us, a point 10 ms")
        axis.set_title(f"20,000 requests/s, open loop, {run['title']}", fontsize=9)
        axis.legend(fontsize=7, loc="upper right", ncol=4)
    axes[-1, 0].set_xlabel("seconds")
    _save(figure, folder, "reload")


def draw(results, folder):
    _bars(results, "keys_per_s", "keys/s", "throughput", folder)
    _bars(results, "server_us_per_key", "server CPU, us a key", "cpu", folder)
    _latencies(results, folder)
    _keys(results, folder)
    _connections(results, folder)
    _reload(results, folder)
