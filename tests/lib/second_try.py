# SPDX-License-Identifier: MIT
"""A plugin of pytest's, for script/test: at the end of a run, why tests failed that were tried again."""


def pytest_terminal_summary(terminalreporter):
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"first try of {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)
