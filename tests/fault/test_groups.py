# SPDX-License-Identifier: MIT
"""The databases of a group: the server is killed before every call to the file system that a common
reload makes, and each fails, in turn. All serve the old data set or all the new one, also after a restart.

The members' loaders work side by side: the number of a call says when it is made, not what it is.
"""

import contextlib
import errno
import itertools
import subprocess

import pytest

from fault import (
    KEYS,
    MARKERS,
    TRIES,
    WHERES,
    WRONG,
    DataSets,
    Missed,
    Point,
    Room,
    Watched,
    at_each,
    fail_at,
    is_sure,
    kill_at,
)
from harness import ErrorReply, hexdigest, publish, wait_for
from test_points import errors_of, turn_of

MEMBERS = ("lmdb", "json")  # each has the name of its storage; the first one has a guard
PARTS = 3
FIRST = MARKERS[1]  # of all members; those that do not change stay with it

# Who changes, and how many calls of the loaders a reload had when this was written.
LEAST = {"both": (MEMBERS, 310), "lmdb": (("lmdb",), 170), "json": (("json",), 150)}
LEAST_OF_ADOPTING = 43
LEAST_OF_A_START = 240
DECIDING = 62  # the first ones of these: records, notes and `current`s are read and written


class GroupRoom(Room):
    """With a server whose databases are a group, of which some change."""

    def __init__(self, folder, library, changing, poll="10s"):
        self.sets = {name: DataSets(name, "rename") for name in MEMBERS}
        self.changing = changing
        databases = {
            name: {
                "storage": name,
                "file": str(folder / "in" / name),
                "basedir": f"store-{name}",
                "poll_interval": poll,
            }
            for name in MEMBERS
        }
        listener = {"protocol": "memcached", "listen": "127.0.0.1:0", "databases": list(MEMBERS)}
        self.set_up(
            folder,
            library,
            databases=databases,
            groups={"shop": list(MEMBERS)},
            listeners=[{**listener, "options": {"database_separator": "/"}}],
        )
        self.inbox = folder / "in"
        self.record_file = self.server.store(MEMBERS[0]) / "current.group.shop"

    # -- the batch job

    def marker_for(self, member, marker):
        return marker if member in self.changing else FIRST

    def file_of(self, member, marker):
        return self.sets[member].files[self.marker_for(member, marker)]

    def drop_next(self):
        self.turn += 1
        after = self.server.mark()
        for member in MEMBERS if self.turn == 1 else self.changing:
            self.server.drop(self.file_of(member, self.marker), member)
        self.announce({name: self.marker_for(name, self.marker) for name in MEMBERS})
        return self.marker, after

    def announce(self, markers):
        """Writes the manifest."""
        lines = [f"{hexdigest(self.sets[name].files[m])}  {name}\n" for name, m in markers.items()]
        publish(self.inbox / "shop.group", "".join(lines).encode())

    # -- what has come of it

    def is_adopted(self, after):
        return all(self.server.find(m, r"generation \d+ adopted", after) for m in self.changing)

    def rejections(self, after):
        return [e for member in MEMBERS for e in self.server.find(member, "rejected ", after)]

    def is_taken(self):
        return all(self.server.inbox(member).empty() for member in MEMBERS)

    def is_over(self):
        return not list(self.inbox.iterdir()) and self.is_tidy()

    def is_tidy(self):
        return all(self.is_tidy_store(self.server.store(member)) for member in MEMBERS)

    def is_tidy_store(self, store):
        """One slot is full, and nothing has been forgotten beside the slots."""
        names = {str(path.relative_to(store)) for path in store.rglob("*")}
        names = {name for name in names if ".rejected" not in name}
        extra = {self.record_file.name} if self.record_file.parent == store else set()
        common = {"current", "status", "data00", "data01", *extra}
        return any(
            names - {"refused"} == {*common, f"{slot}/data.db", f"{slot}/data.db.note"}
            for slot in ("data00", "data01")
        )

    def found(self, client, keys=None):
        """The marker of each member, asked for in one write."""
        keys = keys or [*KEYS, "big"]
        gets = [" ".join(f"{name}/{key}" for key in keys) for name in MEMBERS]
        client.send("".join(f"get {words}\r\n" for words in gets).encode())
        markers = {}
        for name in MEMBERS:
            values = {key.removeprefix(f"{name}/"): value for key, value in client.read_values()}
            markers[name] = self.sets[name].marker_in(values, keys)
        return markers

    def read(self, client, keys=None):
        """The one marker of all members that change."""
        markers = self.found(client, keys)
        marker = markers[self.changing[0]]
        wanted = {name: self.marker_for(name, marker) for name in MEMBERS}
        assert markers == wanted, f"{WRONG}mixed: {markers}"
        return marker

    def wait_served(self, marker):
        with self.server.client() as client:
            wait_for(
                lambda: self.read(client, KEYS) == marker,
                f"{WRONG}{marker} to be served\n{self.server.log()}",
            )
        served = self.served()
        assert served == marker, f"{WRONG}{served} is served, not {marker}"

    def is_pointed_at(self, marker):
        """Whether the record names what holds it, of all members that change; before any `current` does."""
        recorded = {m: its.split()[0] for m, its in fields(self.record_file).items()}
        named = {m: recorded.get(m) in self.generations_of(m, marker) for m in self.changing}
        assert len(set(named.values())) == 1, f"{WRONG}the record has one of them: {named}"
        pointed = any(
            fields(self.server.store(m) / "current").get("generation")
            in self.generations_of(m, marker)
            for m in self.changing
        )
        committed = named[self.changing[0]]
        assert committed or not pointed, f"{WRONG}a member's `current` came before the record"
        return committed

    def generations_of(self, member, marker):
        """The numbers of what lies in the slots and is this data set."""
        found = []
        for slot in ("data00", "data01"):
            data = self.server.store(member) / slot / "data.db"
            with contextlib.suppress(FileNotFoundError):
                if data.read_bytes() == self.file_of(member, marker):
                    found.append(fields(data.with_name("data.db.note"))["generation"])
        return found


class WatchedGroupRoom(Watched, GroupRoom):
    pass


def fields(path):
    """Of a file with lines like `generation 3`."""
    with contextlib.suppress(FileNotFoundError):
        return dict(line.split(" ", 1) for line in path.read_text().splitlines())
    return {}


def recorded(folder, library, way):
    """The loaders' calls in the longest of some reloads, and which of them each reload has; and the main
    thread's, in one that is as long as most."""
    changing, least = LEAST[way]
    with GroupRoom(folder / "recorded", library, changing) as room:
        room.begin()
        runs = [room.record() for _ in range(5)]
    of = {w: sorted(([p for p in r if p.where == w] for r in runs), key=len) for w in WHERES}
    always = len(of["loader"][0])
    assert always >= least, f"{always} calls of the loaders, there were {least}"
    points = of["loader"][-1] + of["main"][len(runs) // 2]
    return points, lambda p: p.number <= always if p.where == "loader" else is_sure(p)


def tried_at_each(points, new_room, attempt, sure=is_sure, least=0):
    """at_each(), with a number for each room."""
    numbers = itertools.count(1)
    return at_each(points, lambda: new_room(str(next(numbers))), attempt, sure, least)


def part_of(points, part):
    """The tests that take longest are cut in parts, for they can run side by side."""
    return points[part::PARTS]


def a_third_of(points, turn):
    """Of what is too much for every run; the last one of each thread always."""
    last = {p.where: p.number for p in points}
    return [p for p in points if p.number == last[p.where] or (p.number + turn) % 3 == 0]


@pytest.mark.parametrize(
    "way, part", [*(("both", n) for n in range(PARTS)), ("lmdb", 0), ("json", 0)]
)
def test_a_kill_at_any_call_leaves_all_of_the_old_or_all_of_the_new(
    folder, library, way, part, record_property, request
):
    points, sure = recorded(folder, library, way)
    if way == "both":
        points = part_of(points, part)
    elif not request.config.getoption("--all"):
        points = a_third_of(points, turn_of(request.config))
    tried = tried_at_each(
        [(p,) for p in points],
        lambda number: GroupRoom(folder / number, library, LEAST[way][0]),
        lambda room, p: kill_at(room, p, "kill before"),
        sure,
        LEAST[way][1] // 3,  # of the parts there are as many
    )
    record_property("points", ("group", way, "kill before", *tried))


@pytest.mark.parametrize("part", range(PARTS))
def test_a_failure_of_any_call_is_outlived_by_all(folder, library, part, record_property, request):
    points, sure = recorded(folder, library, "both")
    tried = tried_at_each(
        part_of(errors_of("group", points, request.config), part),
        lambda number: WatchedGroupRoom(folder / number, library, MEMBERS, poll="50ms"),
        lambda room, p, error: fail_at(room, p, error, room.watch),
        sure,
        LEAST["both"][1] // PARTS - 4,  # some cannot fail
    )
    record_property("points", ("group", "both", "fail", *tried))


# ---- what has been decided -------------------------------------------------------------------------


class DecidedRoom(GroupRoom):
    """Knows which call of the loaders gives the record its name: from then on the new data set is adopted,
    also by a start."""

    def begin(self):
        super().begin()
        calls = [p for p in self.record() if p.where == "loader"]

        def renamed(name):
            return next(
                i for i, p in enumerate(calls) if p.call == "rename" and p.text.endswith(name)
            )

        record = renamed(f"{self.record_file.name}.tmp")
        self.after_it = calls[record + 1]
        self.adopting = calls[record + 1 : renamed("shop.group")]

    def die_after_it(self):
        """Returns the marker that has been decided for, or None: the calls came in another order."""
        self.control.arm("kill before", self.after_it)
        new, _ = self.drop_next()
        self.server.died_by_kill9()
        self.control.disarm()
        return new if self.is_pointed_at(new) else None

    def answer(self):
        """What all members serve, as soon as all do; each time, whoever does serves nothing else."""

        def answered():
            with self.server.client() as client, contextlib.suppress(ErrorReply):
                return self.found(client, KEYS)

        markers = wait_for(answered, f"{WRONG}all to serve something\n{self.server.log()}")
        self.server.wait("server", "ready:")
        return markers


def fail_a_start_at(room, point, error):
    """What had been decided when the server was killed is served by the next start."""
    new = room.die_after_it()
    if new is None:
        room.server.start(ready=True)
        room.wait_served(room.marker)
        raise Missed(point)
    room.control.arm("fail", point, error)
    room.server.start()
    found = room.answer()
    hit = room.control.hits()
    room.control.disarm()
    assert found == dict.fromkeys(MEMBERS, new), f"{WRONG}{found}, not {new}\n{room.server.log()}"
    for _ in MARKERS[1:]:  # what could not be removed goes when its slot is used again
        room.wait_served(room.load_next())
    wait_for(room.is_over, f"all files taken and tidy stores\n{room.server.log()}")
    if not hit:
        raise Missed(point)


def test_a_failure_of_any_call_of_a_start_parts_nobody(folder, library, record_property, request):
    with DecidedRoom(folder / "recorded", library, MEMBERS) as room:
        room.begin()
        for _ in range(TRIES):
            if room.die_after_it():
                break
            room.server.start(ready=True)
            room.wait_served(room.marker)
        else:
            raise AssertionError(f"{room.after_it} was not reached")
        room.control.arm()
        room.server.start()
        room.answer()
        room.control.disarm()
        points = [p for p in room.control.points() if p.where == "loader"]
    assert len(points) >= LEAST_OF_A_START, points
    if not request.config.getoption("--all"):
        points = points[:DECIDING] + a_third_of(points[DECIDING:], turn_of(request.config))
    tried = tried_at_each(
        errors_of("group", points, request.config),
        lambda number: DecidedRoom(folder / number, library, MEMBERS, poll="300ms"),
        fail_a_start_at,
        lambda point: point.number <= DECIDING,
        DECIDING + (LEAST_OF_A_START - DECIDING) // 4,
    )
    record_property("points", ("group", "both", "fail start", *tried))


def fail_and_die_at(room, point, error):
    """What could not be written while the new data set was adopted is made good by the next start."""
    room.control.arm("fail", point, error)
    new, after = room.drop_next()
    wait_for(lambda: room.is_adopted(after), f"{new} to be adopted\n{room.server.log()}")
    wait_for(room.is_taken, f"the drop to be taken\n{room.server.log()}")
    hit = room.control.hits()
    room.control.disarm()
    room.server.kill9()
    assert room.is_pointed_at(new), f"{WRONG}the record has not {new}"
    room.server.start()
    found = room.answer()
    assert found == dict.fromkeys(MEMBERS, new), f"{WRONG}{found}, not {new}\n{room.server.log()}"
    room.wait_served(room.load_next())
    wait_for(room.is_over, f"all files taken and tidy stores\n{room.server.log()}")
    if not hit:
        raise Missed(point)


def test_what_an_adoption_could_not_write_is_made_good_by_a_start(
    folder, library, record_property, request
):
    with DecidedRoom(folder / "recorded", library, MEMBERS) as room:
        room.begin()
        points = room.adopting
    assert len(points) >= LEAST_OF_ADOPTING, points
    tried = tried_at_each(
        errors_of("group", points, request.config),
        lambda number: DecidedRoom(folder / number, library, MEMBERS, poll="300ms"),
        fail_and_die_at,
        least=LEAST_OF_ADOPTING,
    )
    record_property("points", ("group", "both", "fail, kill", *tried))


def test_a_record_that_could_not_be_synced_parts_nobody(folder, library):
    """A start goes by it all the same. So nothing else may be taken before what it names is adopted: here
    a set in which only the second member changes."""
    first, second = MEMBERS
    with DecidedRoom(folder / "1", library, MEMBERS, poll="1s") as room:
        room.begin()
        for _ in range(TRIES):
            room.wait_quiet()
            old = room.marker
            room.control.arm("fail", room.after_it, errno.EMFILE)
            new, _ = room.drop_next()
            wait_for(room.control.hits, "the fault")
            if room.is_pointed_at(new) and room.served() == old:
                break
            room.wait_served(new)
        else:
            raise AssertionError(f"{room.after_it} was not reached")
        third = MARKERS[(room.turn + 1) % len(MARKERS)]
        room.control.arm("kill before", Point("loader", 80, ""))
        room.server.drop(room.sets[second].files[third], second)
        room.announce({first: old, second: third})
        with contextlib.suppress(subprocess.TimeoutExpired):
            room.server.process.wait(3)
        room.server.process.kill()
        room.server.died_by_kill9()
        room.control.disarm()
        room.server.start(ready=True)
        sets = [{first: old, second: old}, {first: new, second: new}, {first: old, second: third}]
        found = room.answer()
        assert found in sets, f"{WRONG}{found}, not one of {sets}"
        room.wait_served(room.load_next())
        wait_for(room.is_over, f"all files taken and tidy stores\n{room.server.log()}")
