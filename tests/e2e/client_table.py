# SPDX-License-Identifier: MIT
"""What each foreign client could do: a table for each protocol at the end of a run.

docs/clients.md has these tables, and a test whose line is another one there fails.

A test hands its line over as the property "client": [protocol, name, {column: result}].
"""

import inspect
import re

from harness import REPO

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


def head(protocol):
    columns = COLUMNS + MORE_COLUMNS.get(protocol, [])
    return "| client | " + " | ".join(columns) + " | more |"


def row(protocol, name, results):
    """Results of other columns than the protocol's stand together in the last one."""
    columns = COLUMNS + MORE_COLUMNS.get(protocol, [])
    cells = [name, *(results.get(column, "") for column in columns)]
    more = [column for column in results if column not in columns]
    return "| " + " | ".join([*cells, ", ".join(more)]) + " |"


def table(protocol, lines):
    yield head(protocol)
    yield "|---" * (head(protocol).count("|") - 1) + "|"
    for name, results in sorted(lines, key=lambda line: line[0]):
        yield row(protocol, name, results)


def documented(protocol):
    """The head and the rows of the protocol's table in docs/clients.md."""
    text = (REPO / "docs" / "clients.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {protocol}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return lines[0], lines[1:]


def line_of_test(protocol, record_property, request):
    """For a fixture: yields the line's results, for the test to fill, and looks for them in the docs."""
    name = request.node.name.removeprefix("test_")
    found = {}
    record_property("client", [protocol, name, found])
    failed = request.session.testsfailed
    yield found
    if request.session.testsfailed == failed:
        line = row(protocol, name, found)
        assert line in documented(protocol)[1], f"docs/clients.md is to have this line:\n{line}"


def check_documented(protocol, tests):
    """The table in docs/clients.md has its columns, and a line for each of `tests` that makes one.

    `tests`: a module's names; only with its own line does a test pass, see line_of_test().
    """
    heading, rows = documented(protocol)
    assert heading == head(protocol)
    named = [re.match(r"\| ([^ \[]+)", line)[1] for line in rows]
    makers = {
        name.removeprefix("test_")
        for name, test in tests.items()
        if name.startswith("test_") and "results" in inspect.signature(test).parameters
    }
    assert set(named) == makers
    assert len(set(rows)) == len(rows)


def pytest_terminal_summary(terminalreporter):
    stats = terminalreporter.stats
    reports = [r for kind in ("passed", "failed") for r in stats.get(kind, []) if r.when == "call"]
    lines = list(lines_of(reports))
    for protocol in sorted({protocol for protocol, *_ in lines}):
        terminalreporter.section(f"{protocol} clients")
        for line in table(protocol, [rest for of, *rest in lines if of == protocol]):
            terminalreporter.write_line(line)
