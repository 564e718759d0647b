# SPDX-License-Identifier: MIT
"""What each foreign client could do, as a table at the end of a run: for docs/clients.md.

A test hands its line over as the property "redis client": [name, {column: result}].
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


def lines_of(reports):
    for report in reports:
        for key, line in getattr(report, "user_properties", ()):
            if key == "redis client":
                yield line


def pytest_terminal_summary(terminalreporter):
    stats = terminalreporter.stats
    reports = [r for kind in ("passed", "failed") for r in stats.get(kind, []) if r.when == "call"]
    lines = sorted(lines_of(reports), key=lambda line: line[0])
    if not lines:
        return
    terminalreporter.section("redis clients")
    terminalreporter.write_line("| client | " + " | ".join(COLUMNS) + " | more |")
    terminalreporter.write_line("|---" * (len(COLUMNS) + 2) + "|")
    for name, results in lines:
        cells = [name, *(results.get(column, "") for column in COLUMNS)]
        more = [column for column in results if column not in COLUMNS]
        terminalreporter.write_line("| " + " | ".join([*cells, ", ".join(more)]) + " |")
