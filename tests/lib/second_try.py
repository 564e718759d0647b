# SPDX-License-Identifier: MIT
"""A plugin of pytest's, for script/test, beside pytest-rerunfailures: tells what was tried again, and why.

--tried-again FILE      adds a line for each such test to it
"""


def pytest_addoption(parser):
    parser.addoption("--tried-again", metavar="FILE")


def pytest_terminal_summary(terminalreporter, config):
    if hasattr(config, "workerinput"):  # of pytest-xdist; who started it has its reports, too
        return
    reports = terminalreporter.stats.get("rerun", [])
    for report in reports:
        terminalreporter.section(f"first try of {report.nodeid}")
        for title, text in [("", report.longreprtext), *report.sections]:
            terminalreporter.write_line(f"{title}\n{text}")
    if reports and config.getoption("--tried-again"):
        with open(config.getoption("--tried-again"), "a", encoding="utf-8") as file:
            file.writelines(f"{report.nodeid}\n" for report in reports)
