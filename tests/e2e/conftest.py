# SPDX-License-Identifier: MIT
import shutil
import tempfile
from pathlib import Path

import pytest

import harness


def pytest_report_header():
    build = harness.SANITIZER or "no sanitizer"
    return f"goromdb: {harness.PROGRAM} ({build}, deadlines x {harness.SLOW:g})"


def pytest_collection_modifyitems(items):
    if items and not harness.PROGRAM.exists():
        pytest.exit(f"{harness.PROGRAM} is not there; build it or set GOROMDB", returncode=2)


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
