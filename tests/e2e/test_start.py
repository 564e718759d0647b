# SPDX-License-Identifier: MIT
"""The first moments of a process: two at once, a signal at once, few descriptors, an old store."""

import contextlib
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import time

import pytest

from harness import DEADLINE, SANITIZER, dataset, encode, wait_for, whole_set
from redis_servers import free_port


# ---- two at once -------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["tcp", "unix"])
def test_of_two_servers_that_start_at_once_on_one_address_one_serves(serve, tmp_path, place):
    address = f"127.0.0.1:{free_port()}" if place == "tcp" else f"unix:{tmp_path}/goromdb.sock"
    listeners = [{"protocol": "memcached", "listen": address, "databases": ["words"]}]
    pair = [serve(start=False, listeners=listeners) for _ in range(2)]
    for _ in range(3 if SANITIZER else 10):
        for server in pair:
            server.start(listening=False)
        wait_for(lambda: any(s.process.poll() is not None for s in pair), "one to give up")
        pids = [server.pid for server in pair]
        loser = next(server for server in pair if server.process.poll() is not None)
        winner = pair[1 - pair.index(loser)]
        assert loser.exit_code() == 1, loser.log()
        said = loser.noise[-1]
        assert address in said and re.search(rf"\b{pids[pair.index(winner)]}\b", said), said
        winner.wait("listener", "listening on ")
        with winner.client() as client:
            assert client.ask(b"get marker") == b"SERVER_ERROR not ready"
        assert winner.process.poll() is None, f"nobody serves: {winner.log()}"
        winner.stop()


# ---- a signal at once --------------------------------------------------------------------------


def handles(pid, number):
    """Whether the process catches the signal by now, or blocks it, but not all of them: so a sanitizer
    does for a moment before main() runs."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        masks = dict(re.findall(r"(Sig\w+):\s+([0-9a-f]+)\n", status.read()))

    def has(mask, number):
        return bool(int(masks[mask], 16) >> (number - 1) & 1)

    return has("SigCgt", number) or (has("SigBlk", number) and not has("SigBlk", signal.SIGUSR1))


def test_a_signal_in_the_first_moments_ends_the_server_with_exit_0(serve):
    server = serve()
    server.load(dataset("one"))
    server.stop()
    for number in range(8 if SANITIZER else 20):
        server.start(listening=False)
        end = time.monotonic() + DEADLINE
        while not handles(server.pid, signal.SIGTERM):
            assert server.process.poll() is None, server.log()
            assert time.monotonic() < end, "SIGTERM is never taken care of"
        time.sleep(number * 0.002)  # another moment each time
        server.stop()
    server.start(ready=True)
    assert server.serving() == "one"


# ---- few descriptors ---------------------------------------------------------------------------


def test_fewer_descriptors_than_connections_are_said_and_lived_with(serve):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))

    server = serve(
        server={"threads": 1, "max_connections": 10000},
        popen={"preexec_fn": few},
    )
    warnings = [
        e.message for e in server.events if e.level.startswith("warn") and "connection" in e.message
    ]
    assert len(warnings) == 1, server.log()
    numbers = [int(n) for n in re.findall(r"\b\d+\b", warnings[0])]
    server.load(dataset("one"))
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(server.client())
        assert whole_set(first) == "one"
        clients = [stack.enter_context(server.client()) for _ in range(200)]
        wait_for(lambda: int(first.stats()["total_connections"]) >= 201, "200 to be accepted")
        # One loop: whoever it turned away has been told by now.
        told = [c for c in clients if select.select([c.sock], [], [], 0)[0]]
        served = [c for c in clients if c not in told]
        assert told, "every client was accepted"
        for client in told:
            assert client.line() == b"ERROR Too many open connections"
            assert client.ended()
        for client in served:
            assert whole_set(client) == "one"
        assert len(served) + 1 in numbers, f"{len(served) + 1} are served; said: {warnings[0]}"
        server.load(dataset("two"))
        server.wait("words", "generation 1 closed")
        for client in [first, *served]:
            assert whole_set(client) == "two"
        with server.client() as late:
            assert late.line() == b"ERROR Too many open connections"
    # The places are free again when they have gone.
    wait_for(lambda: int(_first_stats(server).get("curr_connections", 99)) == 1, "room again")
    assert server.serving() == "two"


def _first_stats(server):
    """Statistics, or none while the server turns clients away."""
    try:
        return server.stats()
    except (OSError, ValueError, AssertionError):
        return {}


# ---- no inotify, no hurry ----------------------------------------------------------------------

NO_INOTIFY = [
    *("unshare", "--user", "--map-root-user", "sh", "-c"),
    'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"',
    "sh",
]


def test_without_inotify_the_folder_is_polled(serve):
    probe = subprocess.run([*NO_INOTIFY, "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"this machine gives no namespace without inotify: {probe.stderr.strip()}")
    server = serve(wrap=NO_INOTIFY, words={"poll_interval": "100ms"})
    assert server.wait("words", "cannot watch ").level == "warn"
    for marker in ("one", "two"):
        server.load(dataset(marker))
        assert server.serving() == marker
    assert len(server.find("words", "cannot watch ")) == 1


def thread_priorities(server):
    """The threads' names, each with its nice values and policies."""
    found = {}
    for task in os.listdir(f"/proc/{server.pid}/task"):
        with open(f"/proc/{server.pid}/task/{task}/stat", encoding="ascii") as stat:
            name, _, rest = stat.read().partition("(")[2].rpartition(")")
        fields = rest.split()
        found.setdefault(name, set()).add((int(fields[16]), int(fields[38])))  # nice, policy
    return found


def loader_at(server, step, act):
    """The threads' priorities when the loader has come to a step because of act()."""
    server.pause_at(step)
    act()
    server.wait_paused(step)
    found = thread_priorities(server)
    server.resume(step)
    return found


NORMAL = (os.nice(0), os.SCHED_OTHER)
PRIORITIES = {
    "low": (15, os.SCHED_BATCH),
    "idle": (15, os.SCHED_IDLE),
    "normal": NORMAL,
}


@pytest.mark.parametrize("priority", [None, *PRIORITIES])
def test_the_loader_gives_way_to_the_loops(serve, priority):
    server = serve(server={"load_priority": priority} if priority else {})
    found = loader_at(server, "hashing", lambda: server.drop(dataset("one")))
    server.adopted(1)
    assert found["goromdb-loop"] == {NORMAL}
    assert found["goromdb-loader"] == {PRIORITIES[priority or "low"]}


def test_what_a_start_finds_is_opened_without_giving_way(serve):
    server = serve()
    server.load(dataset("one"))
    server.stop()
    found = loader_at(server, "opened", lambda: server.start())
    server.adopted(1)
    assert found["goromdb-loader"] == {NORMAL}
    found = loader_at(server, "hashing", lambda: server.drop(dataset("two")))
    server.adopted(2)
    assert found["goromdb-loader"] == {PRIORITIES["low"]}


# ---- an old store ------------------------------------------------------------------------------


def served_file(server):
    (name,) = [name for name in server.store_files() if name.endswith("/data.db")]
    return server.store() / name


def stopped_store(serve):
    server = serve()
    server.load(dataset("one"))
    server.checksum = server.stats()["goromdb_checksum"]
    server.stop()
    return server


def is_served_as_before(server):
    server.start(ready=True)
    assert server.serving() == "one"
    assert server.stats()["goromdb_checksum"] == server.checksum
    assert not server.find("words", "rejected ")
    server.load(dataset("two"))
    assert server.serving() == "two"


def test_a_data_file_that_was_touched_is_hashed_again_and_served(serve):
    server = stopped_store(serve)
    os.utime(served_file(server))
    is_served_as_before(server)


def test_a_store_that_was_copied_without_its_times_is_hashed_again_and_served(serve):
    server = stopped_store(serve)
    moved = server.store().with_name("moved")
    server.store().rename(moved)
    shutil.copytree(moved, server.store(), copy_function=shutil.copyfile)
    is_served_as_before(server)


def test_a_data_file_that_was_changed_in_place_is_kept_aside_and_not_served(serve):
    server = stopped_store(serve)
    path = served_file(server)
    one, other = encode(dataset("one")), encode(dataset("two"))
    assert path.read_bytes() == one and len(one) == len(other)
    with open(path, "r+b", buffering=0) as file:  # right JSON, and another one
        file.seek(one.index(b"one"))
        file.write(b"eno")
    server.start()
    message = server.wait("words", "rejected ").message
    assert "data.db" in message
    with server.client() as client:
        assert client.ask(b"get marker") == b"SERVER_ERROR not ready"
        assert client.stats()["goromdb_ready"] == "0"
    aside = path.with_name("data.db.rejected")
    wait_for(aside.exists, "the file to be kept aside")
    assert aside.read_bytes() == one.replace(b"one", b"eno", 1)
    assert not path.exists()
    server.load(other)
    server.wait("server", "ready:")
    assert server.serving() == "two"
