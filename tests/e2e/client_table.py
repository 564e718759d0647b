# SPDX-License-Identifier: MIT
"""What each foreign client could do: a table for each protocol at the end of a run.

docs/clients.md has these tables.

A test hands its line over as the property "client": [protocol, name, {column: result}].
"""

COLUMNS = [
    "version",
    "connect",
    "hit",
    "miss",
    "many",
    "UTF-8",
    "binary",
    "1 MiB",
    "16 MiB",
    "write",
    "swap",
]
MORE_COLUMNS = {"memcached": ["delete", "not_stored"]}


def lines_of(reports):
    for report in reports:
        for key, line in getattr(report, "user_properties", ()):
            if key == "client":
                yield line


def table(protocol, lines):
    """The text of [name, results] lines; results of other columns stand together in the last one."""
    columns = COLUMNS + MORE_COLUMNS.get(protocol, [])
    yield "| client | " + " | ".join(columns) + " | more |"
    yield "|---" * (len(columns) + 2) + "|"
    for name, results in sorted(lines, key=lambda line: line[0]):
        cells = [name, *(results.get(column, "") for column in columns)]
        more = [column for column in results if column not in columns]
        yield "| " + " | ".join([*cells, ", ".join(more)]) + " |"


def pytest_terminal_summary(terminalreporter):
    stats = terminalreporter.stats
    reports = [r for kind in ("passed", "failed") for r in stats.get(kind, []) if r.when == "call"]
    lines = list(lines_of(reports))
    for protocol in sorted({protocol for protocol, *_ in lines}):
        terminalreporter.section(f"{protocol} clients")
        for line in table(protocol, [rest for of, *rest in lines if of == protocol]):
            terminalreporter.write_line(line)
