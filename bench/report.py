# SPDX-License-Identifier: MIT
"""The results in words: Markdown tables with every goal beside its row."""

import statistics


def medians(records, workload, value):
    """{cell: median of the rounds}."""
    cells = {}
    for record in records:
        if record["workload"] == workload:
            cells.setdefault(record["cell"], []).append(field(record, value))
    return {cell: statistics.median(values) for cell, values in cells.items()}


def field(record, value):
    if value == "bytes_per_cpu_s":
        return record["bytes"] / max(1e-9, record["server_cpu_s"])
    return record[value]


def ratio(records, workload, goal):
    """The median of the rounds' ratios of a goal's two cells; None where one was not measured."""
    rounds = {}
    for record in records:
        if record["workload"] == workload:
            rounds.setdefault(record["round"], {})[record["cell"]] = record
    ratios = [
        field(cells[goal["a"]], goal["value"])
        / (max(1e-12, field(cells[goal["b"]], goal["value"])) if goal["b"] else 1)
        for cells in rounds.values()
        if goal["a"] in cells and (goal["b"] is None or goal["b"] in cells)
    ]
    return statistics.median(ratios) if ratios else None


def number(value):
    """Three digits that count."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def verdict(value, limit, stretch, least):
    if value is None or limit is None:
        return ""
    met = (lambda goal: value >= goal) if least else (lambda goal: value <= goal)
    if stretch is not None and met(stretch):
        return "stretch"
    return "met" if met(limit) else "**missed**"


def goal_rows(results):
    """(workload, what, measured, goal, stretch, verdict) of all goals and probes."""
    for workload in results["workloads"]:
        for goal in workload["goals"]:
            value = ratio(results["records"], workload["name"], goal)
            if value is None:
                continue
            yield (
                workload["title"], goal["text"], number(value) + " x", number(goal["limit"]),
                number(goal["stretch"]), verdict(value, goal["limit"], goal["stretch"], goal["least"]),
            )  # fmt: skip
    for probe in results["probes"]:
        sign = "≥ " if probe["least"] else ""
        limit = sign + number(probe["limit"]) if probe["limit"] is not None else "–"
        what = probe["note"]
        yield (
            probe["title"], what, f"{number(probe['value'])} {probe['unit']}".strip(), limit,
            number(probe["stretch"]),
            verdict(probe["value"], probe["limit"], probe["stretch"], probe["least"]),
        )  # fmt: skip


def table(head, lines):
    out = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    out += ["| " + " | ".join(map(str, line)) + " |" for line in lines]
    return "\n".join(out)


COLUMNS = (
    ("floor", "floor text"),
    ("goromdb, JSON", "json text"),
    ("memcached", "memcached text"),
    ("goromdb, JSON, redis protocol", "json redis"),
    ("redis", "redis redis"),
)


def readme(results):
    """The table of the README: server CPU a key, and goromdb's share of its peers'."""
    versions = results["versions"]
    head = ["server CPU, us a key"]
    for title, _ in COLUMNS:
        version = versions.get(title, "")
        head.append(version if version.startswith("valkey") else f"{title} {version}".strip())
    head += ["x floor", "x memcached", "x redis"]
    lines = []
    for workload in results["workloads"]:
        if not workload["main"]:
            continue
        found = medians(results["records"], workload["name"], workload["value"])
        line = [workload["title"], *(number(found.get(cell)) for _, cell in COLUMNS)]
        pairs = (
            ("json text", "floor text"),
            ("json text", "memcached text"),
            ("json redis", "redis redis"),
        )
        for a, b in pairs:
            goal = {"a": a, "b": b, "value": workload["value"]}
            line.append(number(ratio(results["records"], workload["name"], goal)))
        lines.append(line)
    return table(head, lines)


def details(results):
    """One table for each workload: every cell."""
    parts = []
    for workload in results["workloads"]:
        name = workload["name"]
        names = ("server_us_per_key", "keys_per_s", "p50_us", "p99_us", "p999_us", "own_us_per_key")
        columns = [medians(results["records"], name, value) for value in names]
        if not columns[0]:
            continue
        head = [
            "server",
            "server CPU, us a key",
            "keys/s",
            "p50, us",
            "p99, us",
            "p99.9, us",
            "generator, us a key",
        ]
        lines = [[cell, *(number(column[cell]) for column in columns)] for cell in columns[0]]
        if workload["value"] == "bytes_per_cpu_s":
            head.append("MB a CPU second")
            per = medians(results["records"], name, "bytes_per_cpu_s")
            for line in lines:
                line.append(number(per[line[0]] / 1e6))
        parts.append(f"### {workload['title']}\n\n{table(head, lines)}")
    return "\n\n".join(parts)


def loops_note(results):
    """How evenly 50 connections lie on two loops, by their CPU."""
    shares = [
        max(record["loops_cpu_s"]) / max(1e-9, sum(record["loops_cpu_s"]))
        for record in results["records"]
        if len(record["loops_cpu_s"]) == 2
    ]
    if not shares:
        return ""
    return f"Of two loops the busier one had {statistics.median(shares):.0%} of their CPU, at most {max(shares):.0%}.\n"


def disturbed(record):
    """Others had more than 15 % of a CPU meanwhile, or the host took as much."""
    return (record["others_cpu_s"] + record["stolen_s"]) > 0.15 * record["seconds"]


def markdown(results):
    records = results["records"]
    bad = sum(disturbed(record) for record in records)
    lines = [
        "# goromdb's benchmark",
        "",
        f"{results['when']}, {results['machine']}; "
        + ", ".join(f"{name} {version}" for name, version in results["versions"].items())
        + f"; {results['rounds']} rounds of {results['seconds']} s. docs/performance.md explains the figures.",
        "",
        f"{bad} of {len(records)} timed reads shared their CPUs with other processes; the load average was "
        f"{results['load_average']:.1f} before the first one.",
        "",
    ]
    if results["left_out"]:
        lines += ["Not measured: " + ", ".join(results["left_out"]) + ".", ""]
    if any(workload["main"] for workload in results["workloads"]):
        lines += [readme(results), ""]
    lines += ["## Goals", ""]
    head = ("workload", "what", "measured", "goal", "stretch", "")
    lines += [table(head, goal_rows(results)), "", loops_note(results)]
    if records:
        lines += ["## Every server", "", details(results), ""]
    return "\n".join(lines)
