# SPDX-License-Identifier: MIT
"""Every call to the file system that a reload makes: the server is killed before it and after it, and
it fails, in turn. No data set is lost, none is served but a whole one, and the next one is adopted."""

import difflib
import errno
import re
import shutil
import time

import pytest

from fault import (
    FITTING,
    JAIL,
    LEAST_LOOKS,
    WRITERS,
    DataSets,
    Room,
    Watched,
    at_each,
    fail_at,
    kill_at,
    points_of,
)
from harness import wait_for

# How many calls a reload had when this was written: of the loader, the guard's process (with all of a jail) and other threads,
# and how many of all these can fail. So many points are tried, and a few of the main thread's. Fewer are fine when the code has got
# simpler, and wrong when the shim has stopped seeing them.
LEAST = {
    ("json", "rename"): (131, 0, 0, 129),
    ("json", "copy"): (150, 0, 0, 148),
    ("json", "keep"): (202, 0, 0, 200),
    ("lmdb", "rename"): (151, 90, 0, 242),
    ("lmdb", "copy"): (184, 90, 0, 275),
    ("lmdb", "keep"): (240, 90, 0, 328),
    ("bolt", "rename"): (129, 0, 0, 127),
    ("bolt", "copy"): (177, 0, 0, 175),
    ("cdb", "rename"): (128, 0, 0, 126),
    ("cdb", "copy"): (161, 0, 0, 159),
    ("bdb", "rename"): (178, 121, 2, 257),
    ("bdb", "copy"): (212, 121, 2, 291),
    ("memcachedb-bdb", "rename"): (166, 108, 2, 245),
    ("memcachedb-bdb", "copy"): (200, 108, 2, 279),
}


def least_tried(storage, way, action):
    *seen, failing = LEAST[storage, way]
    if action == "fail":
        return failing + LEAST_LOOKS
    return sum(seen) + LEAST_LOOKS


def inbox_of(way, elsewhere):
    return elsewhere / "in" if way == "copy" else None


def recorded(folder, library, storage, way, sets, inbox):
    with Room(folder / "recorded", library, storage, sets, inbox) as room:
        room.begin()
        points = points_of(room)
    for where, least in zip(("loader", "guard", "other", "main"), (*LEAST[storage, way][:3], LEAST_LOOKS)):
        seen = sum(p.where == where for p in points)
        assert seen >= least, f"{where}: {seen} calls, there were {least}"
    return points


def turn_of(config):
    """Which part is tried of what is too much for every run."""
    return config.getoption("--turn")


@pytest.mark.parametrize("action", ["kill before", "kill after"])
@pytest.mark.parametrize("storage, way", LEAST)
def test_a_kill_at_any_call_loses_nothing(
    folder, elsewhere, library, storage, way, action, record_property
):
    sets, inbox = DataSets(storage, way), inbox_of(way, elsewhere)
    points = recorded(folder, library, storage, way, sets, inbox)
    # Where the server lives on without its guard it tries again at the next poll.
    alone = [p for p in points if p.where == "guard" and action == "kill after"]
    number = 0

    def new_room(poll):
        nonlocal number
        number += 1
        return Room(folder / str(number), library, storage, sets, inbox, poll)

    tried = passed = 0
    for part, poll in ([p for p in points if p not in alone], "10s"), (alone, "50ms"):
        of_part = at_each(
            [(p,) for p in part],
            lambda poll=poll: new_room(poll),
            lambda room, p: kill_at(room, p, action),
        )
        tried, passed = tried + of_part[0], passed + of_part[1]
    least = least_tried(storage, way, action)
    assert tried >= least, f"{tried} points were tried, there were {least}"
    record_property("points", (storage, way, action, tried, passed))


class WatchedRoom(Watched, Room):
    pass


# libdb frees a handle whose close(2) has failed and goes on using it. No file system fails to close
# what was opened for reading, so these are points to be killed at, not to fail.
LIBDB = ("bdb", "memcachedb-bdb")


def can_fail(storage, point):
    if not FITTING[point.call]:
        return False
    reads_data = point.where != "main" and point.text.endswith("/data.db")
    return not (storage in LIBDB and point.call == "close" and reads_data)


def errors_of(storage, points, config):
    """(point, error) each; one error a point, another one with each --turn, or all of them."""
    points = [p for p in points if can_fail(storage, p)]
    if config.getoption("--all"):
        return [(p, error) for p in points for error in FITTING[p.call]]
    turn = turn_of(config)
    return [(p, FITTING[p.call][(turn + p.number) % len(FITTING[p.call])]) for p in points]


@pytest.mark.parametrize("storage, way", LEAST)
def test_a_failure_of_any_call_is_outlived(
    folder, elsewhere, library, storage, way, record_property, request
):
    sets, inbox = DataSets(storage, way), inbox_of(way, elsewhere)
    points = recorded(folder, library, storage, way, sets, inbox)
    tries = errors_of(storage, points, request.config)
    number = 0

    def new_room():
        nonlocal number
        number += 1
        room = WatchedRoom(folder / str(number), library, storage, sets, inbox, poll="50ms")
        return room

    tried = at_each(
        tries,
        new_room,
        lambda room, p, error: fail_at(room, p, error, room.watch),
        least=least_tried(storage, way, "fail"),
    )
    record_property("points", (storage, way, "fail", *tried))


def test_what_was_moved_in_is_not_lost_when_nothing_can_be_opened_behind_that(folder, library):
    """Its note cannot be read back then, nor the drop be found again."""
    with Room(folder / "1", library, "json", DataSets("json", "rename"), poll="1s") as room:
        room.begin()
        points = [p for p in points_of(room) if p.where == "loader"]
        moved = next(i for i, p in enumerate(points) if p.call == "rename" and p.text.endswith("/in/data"))
        behind = next(p for p in points[moved:] if p.call == "openat")
        room.control.arm("fail from there", behind, errno.ENOMEM)
        new, after = room.drop_next()
        wait_for(lambda: room.control.hits() > 1, "the fault")
        time.sleep(1.5)
        assert not room.is_adopted(after)
        room.control.disarm()
        room.wait_served(new)
        room.wait_served(room.load_next())
        wait_for(room.is_over, f"a tidy store\n{room.server.log()}")


# ---- the shim itself -------------------------------------------------------------------------------

STAT = ("newfstatat", "fstat", "stat", "lstat", "statx")
PATHS = (
    *STAT,
    "openat",
    "open",
    "access",
    "rename",
    "renameat2",
    "link",
    "unlink",
    "mkdir",
    "statfs",
)


UNSEEN = ("/sys/devices/system/cpu", "/sys/fs/cgroup", "/proc/", "guard.scratch", ".so")


def seen_by_strace(text, since):
    """The names of the calls on files since then, in their order, of the loader and of the guard's process; without
    libc's counting of processors, which nothing that it can meet there makes fail, without what the kernel tells of the
    process, which libraries read, without what they do to empty a folder, and without libraries' files.
    """
    calls, loader, guard = {}, None, None
    for line in text.splitlines():
        match = re.match(r"(\d+) +(\d+\.\d+) (\w+)\((.*)", line)
        if not match or float(match[2]) < since or any(x in match[4] for x in UNSEEN):
            continue
        thread, name, rest = match[1], match[3], match[4]
        if name == "close" and "/control>" in rest:  # by the shim of a process that begins
            guard, calls[thread] = thread, []
            continue
        if name == "rename":
            loader = loader or thread
        if name == "mmap":
            if not re.match(r"[^,]+, [^,]+, [^,]+, [^,]+, \d+</", rest):
                continue
        elif not re.match(r"\d+</", rest) and (name not in PATHS or re.match(r"\d+<", rest)):
            continue
        calls.setdefault(thread, []).append("stat" if name in STAT else name)
    return {"loader": calls[loader], "guard": calls.get(guard, [])}


@pytest.mark.parametrize("storage", WRITERS)
def test_the_shim_sees_what_strace_sees(folder, library, storage):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    output = folder / "strace"
    strace = ["strace", "-D", "-f", "-y", "-qq", "-ttt", "-e", "signal=none", "-o", str(output)]
    strace += ["-e", "trace=%file,%desc", "-E", f"LD_PRELOAD={library}"]
    with Room(
        folder / "server", library, storage, DataSets(storage, "rename"), wrap=strace
    ) as room:
        del room.server.env["LD_PRELOAD"]  # strace is to be left alone
        room.begin()
        since = time.time()
        points = room.record()
        room.server.stop()
    others = ("munmap", "mremap", "madvise", "msync", "posix_spawn", "pipe2", "readdir", *JAIL)
    theirs = seen_by_strace(output.read_text(), since)
    for where in ("loader", "guard"):
        ours = [
            "stat" if p.call in STAT else p.call
            for p in points
            if p.where == where
            and p.call not in others
            and not any(x in p.text for x in UNSEEN)
            and not (p.call == "mmap" and p.text == "memory")
        ]
        diff = difflib.unified_diff(ours, theirs[where], "shim", "strace")
        assert ours == theirs[where], f"{where}:\n" + "\n".join(diff)
