# SPDX-License-Identifier: MIT
"""A server whose calls to the file system are counted, ended at or made to fail, one at a time.

A point is one such call between the moment before a drop and the end of its reload: where it is made
(WHERES), the how-manieth it is there, and its name. shim.c does the counting within the server.
"""

import contextlib
import errno
import mmap
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import harness  # pylint: disable=wrong-import-position
import writers  # pylint: disable=wrong-import-position
from harness import WRONG, ErrorReply, Server, wait_for  # pylint: disable=wrong-import-position

# ---- data sets -------------------------------------------------------------------------------------

KEYS = ["marker", *(f"key{i:02}" for i in range(24))]
MARKERS = ["red", "green", "blue"]  # dropped in turn

WRITERS = {
    "json": lambda words: harness.encode({k.decode(): v.decode() for k, v in words.items()}),
    "lmdb": writers.mdb_load,
    "bolt": writers.bolt,
    "cdb": writers.cdb,
    "bdb": lambda words: writers.bdb(words, settings=["bt_minkey=4"]),  # which libdb verifies
    "memcachedb-bdb": writers.memcachedb,  # a plain btree, which is verified without libdb
}
# To copy a file takes two blocks here, so that there is a middle.
WAYS = {"rename": 20_000, "copy": 1_100_000, "keep": 20_000}  # the bytes of the value `big`
KEPT = 1  # data sets that were served before, in the way "keep", in which what is served is locked into memory as well


class DataSets:
    """Of each marker the words and the file."""

    def __init__(self, storage, way):
        self.keep = KEPT if way == "keep" else 0
        self.words = {marker: self._words_of(marker, WAYS[way]) for marker in MARKERS}
        self.files = {marker: WRITERS[storage](words) for marker, words in self.words.items()}

    @staticmethod
    def _words_of(marker, big):
        words = {key: f"{marker}:{key}" for key in KEYS}
        words["marker"] = marker
        words["big"] = (marker * big)[:big]
        return {key.encode(): value.encode() for key, value in words.items()}

    def marker_of(self, client, keys=None):
        """Reads everything and returns the marker of the one data set that it is, byte for byte."""
        keys = keys or [*KEYS, "big"]
        return self.marker_in(client.get_many(keys), keys)

    def marker_in(self, values, keys):
        """The same of what has been read."""
        marker = values.get("marker", b"").decode()
        assert marker in MARKERS, f"{WRONG}no data set's marker: {marker!r}"
        wanted = {key: self.words[marker][key.encode()] for key in keys}
        assert values == wanted, f"{WRONG}not what {marker} is, whole"
        return marker


# ---- the shim's file -------------------------------------------------------------------------------

WHERES = ["main", "loader", "other", "guard"]
ACTIONS = ["record", "kill before", "kill after", "fail", "fail from there"]
HEAD = struct.Struct("=IIIIIi24sI4II")
ONE = struct.Struct("=I24s56s")
MOST = 4000


@dataclass(frozen=True)
class Point:
    where: str
    number: int
    call: str
    text: str = ""

    def __str__(self):
        return f"{self.where} {self.number}, {self.call}({self.text.rsplit('/', 2)[-1]})"


class Control:
    """Orders to the shim, and what it has counted. Its layout is `struct control`."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(HEAD.size + MOST * ONE.size))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 0)

    def close(self):
        self.map.close()

    def arm(self, action="record", point=None, error=0):
        """From now on calls are counted, from 1; at the point the action is taken."""
        assert self._head()[0] == 1, "the shim is not in the server"
        self.disarm()
        where, number, call = (point.where, point.number, point.call) if point else ("main", 0, "")
        head = HEAD.pack(
            *(1, 0, WHERES.index(where), number, ACTIONS.index(action), error),
            *(call.encode(), 0, 0, 0, 0, 0, 0),
        )
        self.map[: HEAD.size] = head
        self.map[4:8] = struct.pack("=I", 1)

    def disarm(self):
        self.map[4:8] = bytes(4)

    def _head(self):
        return HEAD.unpack(self.map[: HEAD.size])

    def hits(self):
        return self._head()[7]

    def points(self):
        """All calls so far, in their order."""
        total = self._head()[12]
        assert total <= MOST, f"{total} calls are more than the shim can note"
        numbers = dict.fromkeys(WHERES, 0)
        points = []
        for i in range(total):
            where, call, text = ONE.unpack_from(self.map, HEAD.size + i * ONE.size)
            where = WHERES[where]
            numbers[where] += 1
            plain = [field.rstrip(b"\0").split(b"\0")[0].decode() for field in (call, text)]
            points.append(Point(where, numbers[where], *plain))
        return points


# ---- servers ---------------------------------------------------------------------------------------


def shim(folder):
    return harness.compile_c(HERE / "shim.c", folder / "shim.so", "-fvisibility=default", "-ldl")


class Room:
    """A server with one database and the shim, in a folder of its own."""

    def __init__(self, folder, library, storage, sets, inbox=None, poll="10s", wrap=()):
        self.sets = sets
        database = {
            "storage": storage,
            "file": str((inbox or folder / "in") / "data"),
            "basedir": "store",
            "poll_interval": poll,
            "keep": sets.keep,
            "warm": "lock" if sets.keep else "touch",
        }
        self.set_up(folder, library, databases={"words": database}, wrap=wrap)

    def set_up(self, folder, library, **config):
        folder.mkdir(parents=True)
        self.control = Control(folder / "control")
        self.turn = 0
        self.server = Server(
            folder,
            **config,
            server={"threads": 1, "load_priority": "normal"},  # many run at once
            env={"LD_PRELOAD": str(library), "GOROMDB_FAULT_FILE": str(self.control.path)},
        )
        del self.server.env["GOROMDB_TEST_STEPS"]  # a look for orders at each step would count, too

    def __enter__(self):
        return self

    def __exit__(self, *_):
        process = self.server.process
        if process is not None:
            process.kill()
            process.wait()
            self.server.process = None
        self.control.close()

    @property
    def marker(self):
        """What was dropped last."""
        return MARKERS[self.turn % len(MARKERS)]

    def drop_next(self):
        """Returns its marker, and the log's end before it."""
        self.turn += 1
        after = self.server.mark()
        self.server.drop(self.sets.files[self.marker])
        return self.marker, after

    def load_next(self):
        marker, after = self.drop_next()
        wait_for(lambda: self.is_adopted(after), f"{marker} to be adopted\n{self.server.log()}")
        return marker

    def is_adopted(self, after):
        """Whether the log says so since then."""
        return self.server.find("words", r"generation \d+ adopted", after)

    def rejections(self, after):
        return self.server.find("words", "rejected ", after)

    def is_taken(self):
        """The drop: nothing of it is left."""
        return self.server.inbox().empty()

    def read(self, client, keys=None):
        """The marker of what is served, whole."""
        return self.sets.marker_of(client, keys)

    def served(self):
        try:
            with self.server.client() as client:
                return self.read(client)
        except ErrorReply as error:
            raise AssertionError(f"{WRONG}{error} is served\n{self.server.log()}") from None

    def wait_served(self, marker):
        with self.server.client() as client:
            wait_for(
                lambda: client.get("marker") == marker.encode(),
                f"{WRONG}{marker} to be served\n{self.server.log()}",
            )
        served = self.served()
        assert served == marker, f"{WRONG}{served} is served, not {marker}"

    def is_pointed_at(self, marker):
        """Whether `current` names the slot that holds it."""
        with contextlib.suppress(OSError, IndexError):
            slot = (self.server.store() / "current").read_text().split()[1]
            return (self.server.store() / slot / "data.db").read_bytes() == self.sets.files[marker]
        return False

    def is_tidy(self):
        names = [name for name in self.server.store_files() if ".rejected" not in name]
        return self.is_kept_tidy() and names in [
            [f"{slot}/data.db", f"{slot}/data.db.note"] for slot in ("data00", "data01")
        ]

    def is_kept_tidy(self):
        """As many as are to be kept, each whole and with its manifest, and nothing else."""
        kept = self.server.store() / "kept"
        if not self.sets.keep:
            return not kept.exists()
        names = sorted(path.name for path in kept.glob("*"))
        files = [name for name in names if name.endswith(".db")]
        with contextlib.suppress(FileNotFoundError):
            whole = all((kept / name).read_bytes() in self.sets.files.values() for name in files)
            paired = names == sorted(name + end for name in files for end in ("", ".note"))
            return whole and paired and len(files) == self.sets.keep
        return False

    def is_over(self):
        """A reload: nothing is left to be done to files."""
        return self.is_taken() and self.is_tidy()

    def wait_quiet(self):
        """The reload is over to its last call."""

        wait_for(self.is_over, f"the end of a reload\n{self.server.log()}")
        count = -1
        while count != (count := len(self.control.points())):
            time.sleep(0.1)

    def begin(self):
        """Starts the server, with a first data set; two reloads later both slots have been used."""
        self.server.start()
        for _ in range(2):
            self.load_next()
        self.wait_quiet()

    def record(self):
        """The calls of one reload."""
        self.control.arm()
        self.load_next()
        self.wait_quiet()
        self.control.disarm()
        return self.control.points()


def points_of(room, times=5):
    """The points that every reload has: how often the main thread looks is a matter of time."""
    for _ in range(3):  # on a busy machine a run may end before its last calls
        runs = [room.record() for _ in range(times)]
        each = {w: [[p for p in run if p.where == w] for run in runs] for w in WHERES}
        counts = {w: [len(points) for points in each[w]] for w in ("loader", "guard")}
        if all(len(set(some)) == 1 for some in counts.values()):
            return [point for w in WHERES for point in min(each[w], key=len)]
    raise AssertionError(f"runs differ: {counts}")


# ---- kills -----------------------------------------------------------------------------------------


class Missed(Exception):
    """The reload came to its end without the call."""


def kill_at(room, point, action):
    """Ends the server at the point; starts it again and checks what it serves."""
    server, old = room.server, room.marker
    room.control.arm(action, point)
    new, after = room.drop_next()
    guard_alone = point.where == "guard" and action == "kill after"

    def over():
        if point.where == "guard" and not guard_alone and room.control.hits() > 0:
            server.process.kill()
        if not guard_alone and server.process.poll() is not None:
            return "dead"
        if guard_alone and room.control.hits() > 0:
            return True
        return room.is_adopted(after) and room.is_over()

    wait_for(over, f"the kill or the end of the reload\n{server.log()}")
    if not room.control.hits():
        time.sleep(0.1)  # the last calls come after all that can be seen
    room.control.disarm()  # before the look: after it nobody is killed
    if not room.control.hits():
        raise Missed(point)
    if not guard_alone:
        server.died_by_kill9()
        adopted = room.is_pointed_at(new)
        server.start(ready=True)
        served = room.served()
        assert served in ([new] if adopted else [old, new]), f"{WRONG}{served} is served"
    room.wait_served(new)
    third, _ = room.drop_next()
    room.wait_served(third)
    wait_for(room.is_over, f"both files taken and a tidy store\n{server.log()}")


# ---- failures --------------------------------------------------------------------------------------

IO, ACCESS, FILES, MEMORY, SPACE, DEVICE = (
    *(errno.EIO, errno.EACCES, errno.EMFILE),
    *(errno.ENOMEM, errno.ENOSPC, errno.EXDEV),
)
FITTING = {
    "openat": [FILES, ACCESS, IO, MEMORY, SPACE],
    "fopen": [FILES, ACCESS, IO, MEMORY],
    "opendir": [FILES, ACCESS, IO, MEMORY],
    "readdir": [IO],
    "readlink": [ACCESS, IO],
    "rmdir": [IO],
    "unlinkat": [IO, ACCESS],
    "close": [IO, SPACE],
    "read": [IO, MEMORY],
    "pread64": [IO, MEMORY],
    "write": [SPACE, IO],
    "pwrite64": [SPACE, IO],
    "fsync": [IO, SPACE],
    "fdatasync": [IO, SPACE],
    "newfstatat": [ACCESS, IO, MEMORY],
    "access": [ACCESS, IO],
    "fstatfs": [IO, MEMORY],
    "rename": [IO, DEVICE, ACCESS, SPACE, MEMORY],
    "renameat2": [IO, DEVICE, ACCESS, SPACE, MEMORY],
    "link": [IO, DEVICE, ACCESS, SPACE, MEMORY],
    "unlink": [IO, ACCESS, MEMORY],
    "mkdir": [SPACE, ACCESS, IO],
    "utimensat": [ACCESS, IO],
    "fchmod": [ACCESS, IO],
    "fadvise64": [IO],
    "lseek": [IO],
    "fcntl": [],  # of descriptors' flags: it cannot fail
    "flock": [IO, MEMORY],
    "mmap": [MEMORY, ACCESS],
    "mremap": [MEMORY],
    "munmap": [MEMORY],
    "madvise": [MEMORY, IO],
    "mlock2": [MEMORY],
    "unshare": [MEMORY, SPACE],
    "landlock_create_ruleset": [MEMORY, FILES],
    "landlock_add_rule": [MEMORY],
    "landlock_restrict_self": [MEMORY],
    "capset": [MEMORY],
    "seccomp": [MEMORY],
    "pipe2": [FILES, MEMORY],
    "posix_spawn": [MEMORY, ACCESS, FILES],
    "dlopen": [IO],
    "inotify_add_watch": [SPACE, MEMORY],
    "inotify_rm_watch": [IO],
}


# What the guard calls before it looks at a file. Where one of them fails for want of memory or descriptors, it does not.
JAIL = [call for call in FITTING if call in ("unshare", "capset", "seccomp") or call.startswith("landlock_")]


class Watch(threading.Thread):
    """Reads without end, on one connection: whole data sets, in the order of the drops."""

    def __init__(self, room):
        super().__init__(daemon=True)
        self.room, self.failure, self.replies = room, None, 0
        self.stopping = threading.Event()
        self.allowed = {room.marker}

    def run(self):
        try:
            with self.room.server.client() as client:
                while not self.stopping.is_set():
                    allowed = self.allowed  # before the read: a drop that comes after may be seen
                    whole = self.replies % 16 == 0
                    marker = self.room.read(client, None if whole else KEYS)
                    later = self.allowed
                    assert marker in allowed or marker in later, f"{WRONG}{marker}, not one of {allowed}"
                    self.replies += 1
                    self.stopping.wait(0.03)
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def end(self):
        self.stopping.set()
        self.join(60)
        assert not self.is_alive()
        assert self.failure is None, repr(self.failure)


def fail_at(room, point, error, watch):
    """Makes the call fail once: the old data set is served until the new one is, without a restart."""
    server, old = room.server, room.marker
    watch.allowed = {old, MARKERS[(room.turn + 1) % len(MARKERS)]}
    room.control.arm("fail", point, error)
    new, after = room.drop_next()

    def over():
        assert server.process.poll() is None, f"the server ended\n{server.log()}"
        assert watch.failure is None, repr(watch.failure)
        if room.rejections(after):
            return True
        if not room.is_adopted(after):
            return False
        # A file of the old one that could not be removed goes before the next data set comes.
        return room.is_taken() and (room.control.hits() > 0 or room.is_over())

    try:
        try:
            wait_for(over, f"{new} to be adopted")
        except AssertionError:  # a slow machine gets there with twice the time, and may try again
            wait_for(over, f"{WRONG}{new} to be adopted\n{server.log()}")
            raise
    finally:
        room.control.disarm()
        hits = room.control.hits()
    rejected = room.rejections(after)
    if hits == 0:
        assert not rejected, f"{WRONG}rejected without a fault\n{server.log()}"
        raise Missed(point)
    if not rejected:
        room.wait_served(new)
    if point.call in JAIL and point.text != "asks" and error in (MEMORY, FILES):
        told = room.server.find("words", ".*put up the jail's", after)
        assert told, f"{WRONG}read without a jail\n{server.log()}"
    watch.allowed = {*watch.allowed, MARKERS[(room.turn + 1) % len(MARKERS)]}
    third = room.load_next()
    room.wait_served(third)
    watch.allowed = {third}
    wait_for(room.is_over, f"both files taken and a tidy store\n{server.log()}")
    rejected = room.rejections(after)
    assert not rejected, f"{WRONG}a good file was rejected: {rejected[0].message}"


def open_files(server):
    folder, files = f"/proc/{server.pid}/fd", []
    for n in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed since
            files.append(os.readlink(f"{folder}/{n}"))
    return sorted(files)


class Watched:
    """A room with a client that reads all the time, and an eye on descriptors."""

    def begin(self):
        super().begin()
        self.files_before = len(open_files(self.server))
        self.watch = Watch(self)
        self.watch.start()
        wait_for(lambda: self.watch.replies or self.watch.failure, "a first reply")

    def end(self):
        self.watch.end()
        wait_for(
            lambda: len(open_files(self.server)) <= self.files_before,
            f"no more than {self.files_before} open files: {open_files(self.server)}",
        )


# ---- all of them ----------------------------------------------------------------------------------

# How often the main thread looks depends on when the files appear and on when it is told.
LEAST_LOOKS = 4
TRIES = 20
# Of the points that not every reload comes to, so many may not be reached: a share of all.
PASSED_OVER = 0.05


def is_sure(point):
    """Whether every reload comes to it."""
    return point.where != "main" or point.number <= LEAST_LOOKS


def ended_by_itself(room):
    """What there is to say of it, and of who read from it."""
    said, process = "", room.server.process
    if process is not None and process.poll() not in (None, -signal.SIGKILL):
        said += f"\nthe server ended: exit {process.returncode}\n{room.server.log()}"
    if getattr(room, "watch", None) is not None and room.watch.failure is not None:
        said += f"\n{room.watch.failure!r}"
    return said


def at_each(points, new_room, attempt, sure=is_sure, least=0):
    """Tries each (point, what) with a room that is made anew after a failure. Returns how many were reached, which must
    be `least`, and how many were passed over."""
    room, failures, reached, passed = None, [], 0, []
    try:
        for point, *rest in points:
            if room is None:
                room = new_room()
                room.begin()
            for _ in range(TRIES):
                try:
                    attempt(room, point, *rest)
                    reached += 1
                    break
                except Missed:
                    continue
                except (AssertionError, OSError) as failure:
                    failures.append(f"{point} {rest}: {type(failure).__name__}: {failure}{ended_by_itself(room)}")
                    room.__exit__()
                    room = None
                    break
            else:
                if not sure(point):
                    passed.append(str(point))
                    continue
                failures.append(f"{point} {rest}: not reached in {TRIES} reloads")
        if room and hasattr(room, "end"):
            room.end()
    finally:
        if room:
            room.__exit__()
    assert not failures, f"{len(failures)} of {len(points)} points:\n" + "\n".join(failures)
    most = 1 + PASSED_OVER * len(points)
    assert len(passed) <= most, f"{len(passed)} of {len(points)} points were not reached: {passed}"
    assert reached >= least, f"{reached} points were tried, there were {least}"
    return reached, len(passed)
