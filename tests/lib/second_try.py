# SPDX-License-Identifier: MIT
"""A plugin of pytest's, for script/test, beside pytest-rerunfailures: tells what was tried again, and why.

--tried-again FILE      adds a line for each such test to it

What has to fail at once, by --only-rerun, is known by the words of a test's first failure. Often a server's end, which
comes later, shows it: its words are added to that one. A test that fails without a traceback ends the run (10.2).
"""

import os

import pytest


def pytest_addoption(parser):
    parser.addoption("--tried-again", metavar="FILE")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.when == "setup":
        item.first_failure = None
    if not report.failed:
        return
    if item.first_failure is None:
        item.first_failure = report
        return
    first = item.first_failure
    first.sections.append((f"and at its {report.when}", report.longreprtext))
    if crash := getattr(first.longrepr, "reprcrash", None):
        crash.message += f"\n{report.longreprtext}"


def pytest_terminal_summary(terminalreporter, config):
    reports = terminalreporter.stats.get("rerun", [])
    for report in reports:
        terminalreporter.section(f"first try of {report.nodeid}")
        for title, text in [("", report.longreprtext), *report.sections]:
            terminalreporter.write_line(f"{title}\n{text}")
    is_worker = hasattr(config, "workerinput")  # of pytest-xdist: who started it has its reports, too
    if reports and config.getoption("--tried-again") and not is_worker:
        variant = os.environ.get("GOROMDB_TEST_VARIANT", "")
        with open(config.getoption("--tried-again"), "a", encoding="utf-8") as file:
            file.writelines(f"{variant} {report.nodeid}\n" for report in reports)
