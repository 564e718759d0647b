# SPDX-License-Identifier: MIT
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

import harness

pytest_plugins = ["client_table"]

FAILED_ONCE = []  # the tests that did, also those that passed when they were tried again

# A shell's background job ignores it, and so would the programs under test: they leave ignored what is.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header():
    build = harness.SANITIZER or "no sanitizer"
    return f"goromdb: {harness.PROGRAM} ({build}, deadlines x {harness.SLOW:g})"


def pytest_collection_modifyitems(items):
    if items and not harness.PROGRAM.exists():
        pytest.exit(f"{harness.PROGRAM} is not there; build it or set GOROMDB", returncode=2)


# ---- what a run leaves behind ----------------------------------------------------------------------
# Nothing, but for the folders of tests that failed: pytest keeps those of the last three such runs.


@pytest.fixture(scope="session", autouse=True)
def temporary_folder(tmp_path_factory):
    """Of the tests' helpers and of all programs that are run: within pytest's own."""
    folder = str(tmp_path_factory.mktemp("tmp"))
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    item.has_failed = report.failed or getattr(item, "has_failed", False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown(item):
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    outcome = yield
    if folder is not None and not item.has_failed and outcome.excinfo is None:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_runtest_logreport(report):
    FAILED_ONCE.extend([report.nodeid] if report.outcome in ("failed", "rerun") else [])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    factory = getattr(session.config, "_tmp_path_factory")
    if not FAILED_ONCE:
        shutil.rmtree(factory.getbasetemp(), ignore_errors=True)


# ---- servers ---------------------------------------------------------------------------------------


@pytest.fixture
def serve(tmp_path):
    """serve(...) makes a Server in a folder of its own and starts it; all end with the test."""
    servers = []

    def make(start=True, folder=None, ready=False, **kwargs):
        server = harness.Server(folder or tmp_path / f"server{len(servers)}", **kwargs)
        servers.append(server)
        return server.start(ready=ready) if start else server

    yield make
    complaints = []
    for server in servers:
        try:
            server.stop()
        except AssertionError as error:
            complaints.append(str(error))
        for log in sorted(server.folder.glob("stderr.*")):  # pytest shows it when the test failed
            print(f"--- {log}\n{log.read_text(errors='replace')}", end="")
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def elsewhere(tmp_path):
    """A folder on another file system than tmp_path."""
    try:
        with harness.tmpfs(tmp_path / "elsewhere", "64m") as path:
            yield path
            return
    except OSError:
        pass
    root = harness.other_file_system(tmp_path)
    if root is None:
        pytest.skip("this machine has no second file system and does not allow to mount one")
    path = Path(tempfile.mkdtemp(prefix="goromdb-test-", dir=root))
    yield path
    shutil.rmtree(path, ignore_errors=True)


# ---- real data -----------------------------------------------------------------------------------

# "Tens of thousands" is what a team's lookup table has. A sanitizer's server is slower than its
# clients: fewer entries leave time for its low-priority loader.
ENTRIES = 60_000 if harness.SANITIZER is None else 20_000


def stanzas(text):
    """Package name to the whole stanza of a package index."""
    found = {}
    for stanza in re.split(r"\n\n+", text):
        name = re.match(r"Package: (\S+)", stanza)
        if name:
            found[name.group(1)] = stanza
    return found


def package_index():
    try:
        done = subprocess.run(
            ["apt-cache", "dumpavail"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return stanzas(done.stdout)
    except FileNotFoundError:
        return {}


def dpkg_status():
    status = Path("/var/lib/dpkg/status")
    return stanzas(status.read_text(errors="replace")) if status.exists() else {}


def word_list():
    words = Path("/usr/share/dict/words")
    return {w: w[::-1] for w in words.read_text().split()} if words.exists() else {}


@pytest.fixture(scope="session")
def real():
    """The first source that has enough; the last one is small, and real all the same."""
    for name, source in (
        ("apt-cache dumpavail", package_index),
        ("/usr/share/dict/words", word_list),
        ("/var/lib/dpkg/status", dpkg_status),
    ):
        words = source()
        if len(words) >= 10_000 or (words and source is dpkg_status):
            break
    else:
        pytest.skip("this machine has neither a package index nor a word list")
    words = dict(list(words.items())[:ENTRIES])
    words = {key: value for key, value in words.items() if len(key.encode()) <= 250}
    size = sum(len(k) + len(v) for k, v in words.items())
    print(f"real data: {len(words)} entries, {size >> 20} MiB, from {name}")
    return words
