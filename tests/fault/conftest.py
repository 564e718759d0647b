# SPDX-License-Identifier: MIT
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import fault  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="every error at each call, and all of a group's calls")
    parser.addoption("--turn", type=int, default=0, help="which of the errors, and of a group's calls which third")


def pytest_collection_modifyitems(items):
    if items and not harness.PROGRAM.exists():
        pytest.exit(f"{harness.PROGRAM} is not there; build it or set GOROMDB", returncode=2)


def pytest_terminal_summary(terminalreporter):
    """How many points were tried, and passed over, per test, also where workers ran it."""
    total = total_passed = 0
    lines = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "points" and report.when == "call":
                    lines[report.nodeid] = value
    for name in sorted(lines):
        storage, way, what, tried, passed = lines[name]
        total += tried
        total_passed += passed
        over = f", {passed} passed over" if passed else ""
        terminalreporter.write_line(f"{storage:15} {way:7} {what:12} {tried:5} points{over}")
    share = total_passed / max(1, total + total_passed)
    terminalreporter.write_line(f"{total} points tried, {total_passed} passed over ({share:.1%})")


@pytest.fixture(scope="session", autouse=True)
def temporary_folder(tmp_path_factory):
    """Of the tests' helpers and of all programs that are run: within pytest's own."""
    folder = str(tmp_path_factory.mktemp("tmp"))
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    return fault.shim(tmp_path_factory.mktemp("shim"))


@contextlib.contextmanager
def made_in(root):
    path = Path(tempfile.mkdtemp(prefix="goromdb-fault-", dir=root))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def folder(tmp_path):
    """In memory where that can be had: a kill takes no disk's contents away, and syncing one of them
    thousands of times takes all the time. The logs are kept in tmp_path."""
    shm = Path("/dev/shm")
    with made_in(shm if os.access(shm, os.W_OK) else tmp_path) as path:
        yield path
        for log in sorted(path.glob("*/stderr.*")):
            shutil.copy(log, tmp_path / f"{log.parent.name}.{log.name}")


@pytest.fixture
def elsewhere(folder, tmp_path):
    """A folder on another file system than `folder`."""
    with contextlib.ExitStack() as stack:
        try:
            path = stack.enter_context(harness.tmpfs(tmp_path / "elsewhere", "64m"))
        except OSError:
            root = harness.other_file_system(folder)
            assert root is not None, "no second file system that can be written to"
            path = stack.enter_context(made_in(root))
        yield path
