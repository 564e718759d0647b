# SPDX-License-Identifier: MIT
"""A served file that goes bad: somebody cuts it, or writes to it, while clients read from it."""

import contextlib
import json
import os
import random
import re
import signal
import stat
import subprocess
import sys
import threading

import pytest
import writers

from harness import DEADLINE, PROGRAM, SANITIZER, WRONG, Client, dataset, encode, wait_for
from readers import PAUSE, batches
from redis_wire import RedisError, Wire

PAGE = 4096
ENTRIES = 4000
# How the file is served; whether it is mapped, so that a cut takes keys away.
STORAGES = {
    "bdb": ("bdb", {}, True),
    "bdb index": ("bdb", {"index": "hash"}, False),
    "bolt": ("bolt", {}, True),
    "bolt index": ("bolt", {"index": "hash"}, True),
    "cdb": ("cdb", {}, True),
    "cdb index": ("cdb", {"index": "hash"}, True),
    "json": ("json", {}, False),
    "lmdb": ("lmdb", {}, True),
    "lmdb index": ("lmdb", {"index": "hash"}, True),
}

# What a jump out of a read at a lost page leaves allocated is a leak to the address sanitizer.
pytestmark = pytest.mark.skipif(SANITIZER == "asan", reason="a jump out of a signal's handler")


def words(marker):
    """Values of a few bytes, of some pages' share and of several pages, none with a zero byte."""
    sizes = [7, 40, 300, 1500, 9000]
    return {
        f"key{n:05}": (f"{marker}:{n}:" * 2000)[: sizes[n % len(sizes)] + n % 13]
        for n in range(ENTRIES)
    }


def built(folder, storage, rows):
    source, data = folder / "rows.json", folder / "rows.data"
    source.write_text(json.dumps(rows))
    data.unlink(missing_ok=True)
    if storage == "json":
        return source.read_bytes()
    command = [PROGRAM, "build", "--storage", storage, "--input", source, "--output", data]
    subprocess.run([*command, "--quiet"], check=True, stdout=subprocess.DEVNULL, timeout=DEADLINE)
    return data.read_bytes()


class Asker(threading.Thread):
    """A client that asks without end, and comes back when it has been closed."""

    def __init__(self, connect):
        super().__init__(daemon=True)
        self.connect = connect
        self.stopping = threading.Event()
        self.failure = None
        self.good = self.errors = self.ends = 0

    def run(self):
        try:
            while not self.stopping.is_set():
                try:
                    with self.connect() as connection:
                        while not self.stopping.is_set():
                            self.turn(connection)
                            self.stopping.wait(PAUSE)
                except (ConnectionError, AssertionError) as error:
                    if not self.has_ended(error):
                        raise
                    self.ends += 1
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def has_ended(self, error):
        return isinstance(error, ConnectionError)


class Reader(Asker):
    """Asks for some keys. A reply has all of their values, of one data set, or is an error."""

    def __init__(self, server, data_sets, seed, keys_at_once):
        address = server.address()
        super().__init__(lambda: Client(address))
        self.data_sets, self.keys_at_once = data_sets, keys_at_once
        self.random = random.Random(seed)

    def turn(self, client):
        asked = [self.random.sample(list(self.data_sets[0]), self.keys_at_once) for _ in range(2)]
        client.send(b"".join(b"get " + " ".join(keys).encode() + b"\r\n" for keys in asked))
        for keys in asked:
            if checked(client, keys, self.data_sets):
                self.good += 1
            else:
                self.errors += 1


def checked(client, keys, data_sets):
    """Reads the reply to a get. A value that the connection's end cuts off is right as far as it
    came."""
    possible = list(data_sets)
    for key in keys:
        line = client.line()
        if line == b"SERVER_ERROR storage error":
            return False
        assert line.startswith(b"VALUE %s 0 " % key.encode()), f"{WRONG}{line} for {key}"
        size = int(line.split()[-1])
        got = client.stream.read(size + 2)
        values = [data[key].encode() + b"\r\n" for data in possible]
        fits = [len(v) == size + 2 and v.startswith(got) for v in values]
        possible = [data for data, fit in zip(possible, fits) if fit]
        assert possible, f"{WRONG}{key}: {got[:80]}"
        if len(got) < size + 2:
            raise ConnectionError("in a value")
    line = client.line()
    if line == b"SERVER_ERROR storage error":
        return False
    assert line == b"END", line
    return True


@contextlib.contextmanager
def readers(server, data_sets):
    """Clients that read meanwhile; any wrong byte fails. Yields a wait for more of their replies."""
    threads = [Reader(server, data_sets, seed, keys) for seed, keys in enumerate((1, 1, 5, 20))]
    for thread in threads:
        thread.start()

    def more():
        before = [t.good + t.errors for t in threads]
        wait_for(
            lambda: any(t.failure for t in threads)
            or all(t.good + t.errors >= b + 20 for t, b in zip(threads, before)),
            f"more replies\n{server.log()}",
        )

    try:
        yield more
    finally:
        for thread in threads:
            thread.stopping.set()
        for thread in threads:
            thread.join(DEADLINE)
    assert not [repr(thread.failure) for thread in threads if thread.failure]
    # Who was being answered in the instant of the cut.
    ends = [thread.ends for thread in threads]
    assert max(ends) <= 1, f"connections were closed again and again: {ends}"


def survey(server, data_sets):
    """Asks for each key by itself: how many are found, and how many fail."""
    found = 0
    keys = list(data_sets[0])
    with server.client() as client:
        for some in batches(keys):
            client.send(b"".join(b"get %s\r\n" % key.encode() for key in some))
            found += sum(checked(client, [key], data_sets) for key in some)
    return found, len(keys) - found


def served_file(server):
    current = (server.store() / "current").read_text()
    return server.store() / current.split()[1] / "data.db"


def cut(path, size):
    """Through a descriptor, as one that was open for writing before the file was dropped."""
    with open(path, "r+b") as file:
        os.ftruncate(file.fileno(), size)


CUTS = {
    "to nothing": lambda size: 0,
    "to half its pages": lambda size: size // 2 // PAGE * PAGE,
    "inside a page": lambda size: size * 2 // 3 // PAGE * PAGE + 1234,
    "by its last page": lambda size: (size - 1) // PAGE * PAGE,
    "by a byte": lambda size: size - 1,
}


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("served_as", STORAGES)
def test_a_file_that_is_cut_under_load(serve, tmp_path, served_as, how):
    storage, options, is_mapped = STORAGES[served_as]
    server = serve(words={"storage": storage, "options": options})
    first, second = words("first"), words("second")
    server.drop(built(tmp_path, storage, first))
    server.adopted(1)
    path = served_file(server)
    content = path.read_bytes()
    size = CUTS[how](len(content))
    if not content[size:].strip(b"\0"):
        pytest.skip("this file ends with zeros: it reads as before")
    with readers(server, [first, second]) as more:
        more()
        cut(path, size)
        more()
        found, failed = survey(server, [first])
        print(f"{served_as} cut {how}: {found} found, {failed} failed")
        if is_mapped:
            reason = f"it was cut to {size} of {len(content)} bytes"
            assert reason in server.wait("words", "generation 1 is bad: ").message
            wait_for(lambda: reason in server.status().get("bad", ""), "the status to tell")
            assert server.stats()["goromdb_generation_bad"] == "1"
            if how == "to nothing":
                assert found == 0
            if how.startswith("to"):
                assert failed > ENTRIES / 10
            if how == "to half its pages" and "index" in served_as:
                assert found > ENTRIES / 10  # where they lie is known without what has gone
        else:
            assert failed == 0
        server.drop(built(tmp_path, storage, second))
        server.adopted(2)
        more()
        assert survey(server, [second]) == (ENTRIES, 0)
        wait_for(lambda: "bad" not in server.status(), "the status to tell of the new file")
        assert server.stats()["goromdb_generation_bad"] == "0"
    if is_mapped:
        assert len(server.find("words", "generation 1 is bad")) == 1


# ---- who may write to it -------------------------------------------------------------------------


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def warnings(server):
    return [e.message for e in server.events if e.object == "words" and e.level == "warn"]


def test_a_served_file_is_read_only_and_there_is_nothing_to_warn_of(serve):
    server = serve()
    inbox = server.inbox()
    inbox.put_data(encode(dataset("one")))
    inbox.file.chmod(0o666)
    inbox.put_sum_of(encode(dataset("one")))
    server.adopted(1)
    assert mode(served_file(server)) == 0o444
    served_file(server).chmod(0o640)  # as a store of an older version has it
    server.restart()
    server.adopted(1)
    assert mode(served_file(server)) == 0o444
    server.load(dataset("two"))
    assert not warnings(server)


def test_a_copy_from_another_file_system_is_read_only_too(serve, elsewhere):
    server = serve(words={"file": str(elsewhere / "data.json")})
    server.load(dataset("one"))
    assert mode(served_file(server)) == 0o444
    assert not warnings(server)


def test_folders_that_others_may_write_to_are_told_of_once(serve):
    server = serve(start=False)
    (server.store() / "data00").mkdir(parents=True)
    server.store().chmod(0o777)
    (server.store() / "data00").chmod(0o775)
    server.start()
    for marker in ("one", "two", "three"):
        server.load(dataset(marker))
    store = server.store()
    assert warnings(server) == [
        f"the folder {folder} may be written to by others, who may replace what is served; "
        f"chmod go-w {folder}"
        for folder in (store, store / "data00")
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_file_of_another_user_is_told_of(serve):
    server = serve()
    inbox = server.inbox()
    inbox.put_data(encode(dataset("one")))
    os.chown(inbox.file, 12345, 12345)
    inbox.put_sum_of(encode(dataset("one")))
    server.adopted(1)
    assert len(warnings(server)) == 1
    assert "belongs to user 12345, who may write to it while it is served" in warnings(server)[0]
    assert server.serving() == "one"


def test_a_program_that_still_has_it_open_for_writing_is_told_of(serve):
    server = serve()
    inbox = server.inbox()
    inbox.put_data(encode(dataset("one")))
    with open(inbox.file, "r+b"):
        inbox.put_sum_of(encode(dataset("one")))
        server.adopted(1)
    assert len(warnings(server)) == 1
    assert re.match(r"a program has .*data.db open for writing", warnings(server)[0])


# ---- what is kept comes back ---------------------------------------------------------------------


@pytest.mark.parametrize("served_as", [name for name, (*_, is_mapped) in STORAGES.items() if is_mapped])
def test_a_file_that_goes_bad_is_replaced_by_the_kept_one_under_load(serve, tmp_path, served_as):
    storage, options, _ = STORAGES[served_as]
    server = serve(words={"storage": storage, "options": options, "keep": 2})
    first, second = words("first"), words("second")
    for number, rows in enumerate((first, second), 1):
        server.drop(built(tmp_path, storage, rows))
        server.adopted(number)
    wait_for(lambda: list((server.store() / "kept").glob("*.db")), "the first to be kept")
    with readers(server, [first, second]) as more:
        more()
        cut(served_file(server), 0)
        server.adopted(3)
        more()
        assert survey(server, [first]) == (ENTRIES, 0)
    wait_for(lambda: "bad" not in server.status(), "the status to tell")
    assert server.stats()["goromdb_generation_bad"] == "0"
    assert len(server.find("words", "generation 2 is bad")) == 1


def test_a_bad_file_is_replaced_as_soon_as_the_machine_is_in_the_way_no_more(serve, tmp_path):
    server = serve(words={"storage": "cdb", "keep": 1, "poll_interval": "100ms"})
    first = words("first")
    for number, rows in enumerate((first, words("second")), 1):
        server.drop(built(tmp_path, "cdb", rows))
        server.adopted(number)
    server.wait("words", "generation 1 is kept")
    in_the_way = server.store() / "data00/data.db.note.tmp"  # as a full disk
    in_the_way.mkdir()
    cut(served_file(server), PAGE)
    wait_for(lambda: int(server.stats()["goromdb_failures"]) > 2, f"tries\n{server.log()}")
    status = server.status()
    assert in_the_way.name in status["trouble"] and "was cut" in status["bad"]
    assert len(server.find("words", f"cannot .*{in_the_way.name}.*trying again in ")) == 1
    in_the_way.rmdir()
    server.adopted(3)
    assert survey(server, [first]) == (ENTRIES, 0)
    wait_for(lambda: not {"trouble", "bad"} & set(server.status()), "the status to tell")


# ---- what is written to in place -----------------------------------------------------------------


@pytest.mark.parametrize("storage", ["bolt", "cdb", "lmdb"])
def test_a_file_that_is_copied_over_gives_no_byte_of_the_other_one(serve, tmp_path, storage):
    """As `cp other.db store/data00/data.db` does it: cut to nothing, then written anew."""
    server = serve(words={"storage": storage})
    first, other = words("first"), words("other")
    server.drop(built(tmp_path, storage, first))
    server.adopted(1)
    with readers(server, [first]) as more:
        more()
        cut(served_file(server), 0)
        server.wait("words", "generation 1 is bad: ")
        served_file(server).chmod(0o644)
        served_file(server).write_bytes(built(tmp_path, storage, other))
        more()
        assert survey(server, [first]) == (0, ENTRIES)


# ---- damage that raises no signal ----------------------------------------------------------------


@pytest.mark.parametrize("keep", [0, 1])
def test_pages_that_libdb_gives_up_over_fail_their_keys_only(serve, tmp_path, keep):
    """A page with a wrong checksum, as from a disk: nobody has written, so the file's time is as it was. libdb panics, and its
    environment is of no use from then on; a kept data set is served instead."""
    server = serve(words={"storage": "bdb", "keep": keep})
    older, first, second = words("older"), words("first"), words("second")
    data = writers.bdb({k.encode(): v.encode() for k, v in first.items()}, "btree", ["chksum=1"])
    if keep:
        server.load(built(tmp_path, "bdb", older))
    served = server.load(data)
    if keep:
        wait_for(lambda: list((server.store() / "kept").glob("*.db")), "the older one to be kept")
    path = served_file(server)
    with readers(server, [older, first, second]) as more:
        more()
        os.kill(server.pid, signal.SIGSTOP)  # it sees no other time
        then = path.stat().st_mtime_ns
        with open(path, "r+b") as file:
            for page in range(5, len(data) // PAGE, 7):
                file.seek(page * PAGE + 1000)
                file.write(b"damage")
        os.utime(path, ns=(then, then))
        os.kill(server.pid, signal.SIGCONT)
        if keep:
            server.adopted(served + 1)
            assert survey(server, [older]) == (ENTRIES, 0)
        else:
            wait_for(lambda: survey(server, [first])[1] > 0, "keys to fail")
            found, failed = survey(server, [first])
            assert found > failed > 0
            wait_for(lambda: "an entry is damaged" in server.status().get("bad", ""), "the status")
        bad = server.wait("words", f"generation {served} is bad: ")
        assert "an entry is damaged" in bad.message
        assert server.load(built(tmp_path, "bdb", second)) == served + 1 + keep
        assert survey(server, [second]) == (ENTRIES, 0)
    assert len(server.find("words", f"generation {served} is bad")) == 1


# ---- files of which libdb reads what it is asked for, a page at a time ------------------------------

POLL = {"poll_interval": "50ms"}
OTHER_ORDER = 4321 if sys.byteorder == "little" else 1234


def hash_among_databases(rows):
    """The served one is a hash; a btree is beside it."""

    def make(path):
        for name, kind in ((b"main", b"hash"), (b"aside", b"btree")):
            text = writers.dump_of(rows, [b"database=" + name, b"type=" + kind])
            writers.run(["db_load", str(path)], text)

    return writers.made(make)


UNMAPPED = {
    "hash": lambda rows: writers.bdb(rows, "hash"),
    "btree with checksums": lambda rows: writers.bdb(rows, "btree", ["chksum=1"]),
    "hash with checksums": lambda rows: writers.bdb(rows, "hash", ["chksum=1"]),
    "btree of the other byte order": lambda rows: writers.bdb(
        rows, "btree", [f"db_lorder={OTHER_ORDER}"]
    ),
    "hash among sub-databases": hash_among_databases,
}


class PatientReader(Reader):
    """Takes any answer until the server must know that the file has gone bad, and is strict from then on."""

    def __init__(self, server, data_sets, seed, known):
        super().__init__(server, data_sets, seed, keys_at_once=5)
        self.known = known
        self.strict = False

    def turn(self, client):
        self.strict = self.known.is_set()
        super().turn(client)

    def has_ended(self, error):
        return super().has_ended(error) or not self.strict


def overwrite(path, data, size):
    path.chmod(0o644)
    with open(path, "r+b") as file:
        file.write(data[:size])


HARM = {
    "cut to nothing": lambda path, _: cut(path, 0),
    "cut to half": lambda path, other: cut(path, len(other) // 2 // PAGE * PAGE),
    "cut by a byte": lambda path, other: cut(path, path.stat().st_size - 1),
    "written over whole": lambda path, other: overwrite(path, other, len(other)),
    "written over by half": lambda path, other: overwrite(path, other, len(other) // 2),
}


@pytest.mark.parametrize(
    "how, keep", [*((how, 0) for how in HARM), ("cut to half", 1), ("written over whole", 1)]
)
@pytest.mark.parametrize("kind", UNMAPPED)
def test_a_file_that_is_not_mapped_is_noticed_at_a_poll(serve, kind, how, keep):
    """From then on keys are answered right or fail; a kept data set is served instead."""
    options = {"cache": "1MiB", **({"subdb": "main"} if "sub-" in kind else {})}
    server = serve(words={"storage": "bdb", "options": options, "keep": keep, **POLL})
    older, first, other, second = (words(marker) for marker in ("older", "first", "other", "again"))
    made = lambda rows: UNMAPPED[kind]({k.encode(): v.encode() for k, v in rows.items()})
    if keep:
        server.load(made(older))
    served = server.load(made(first))
    if keep:
        wait_for(lambda: list((server.store() / "kept").glob("*.db")), "the older one to be kept")
    known = threading.Event()
    threads = [PatientReader(server, [older, first], seed, known) for seed in range(4)]
    for thread in threads:
        thread.start()

    def more():
        before = [t.good + t.errors + t.ends for t in threads]
        wait_for(
            lambda: any(t.failure for t in threads)
            or all(t.good + t.errors + t.ends >= b + 20 for t, b in zip(threads, before)),
            f"more replies\n{server.log()}",
        )

    more()
    assert survey(server, [first]) == (ENTRIES, 0)
    HARM[how](served_file(server), made(other))
    is_bad = lambda: server.find("words", f"generation {served} is bad: ")
    wait_for(is_bad, "the generation to be bad")
    if keep:
        server.adopted(served + 1)
    else:
        told = lambda: server.stats()["goromdb_generation_bad"] == "1"
        wait_for(told, "the statistics to tell")
    known.set()
    more()
    found, failed = survey(server, [older if keep else first])
    print(f"{kind}, {how}: {found} found, {failed} failed")
    if keep:
        assert failed == 0
    for thread in threads:
        thread.stopping.set()
    for thread in threads:
        thread.join(DEADLINE)
    assert not [repr(thread.failure) for thread in threads if thread.failure]
    assert server.load(made(second)) == served + 1 + keep
    assert survey(server, [second]) == (ENTRIES, 0)
    assert server.stats()["goromdb_generation_bad"] == "0"
    assert len(server.find("words", f"generation {served} is bad")) == 1


# ---- walks, and commands that look into values -----------------------------------------------------


class Walker(Asker):
    """SCAN over everything, and commands of which the protocol reads a value's bytes."""

    def __init__(self, address, rows):
        super().__init__(lambda: Wire(address))
        self.rows = rows

    def has_ended(self, error):
        return super().has_ended(error) or "ended" in str(error)

    def turn(self, wire):
        key = random.choice(list(self.rows))
        value = self.rows[key].encode()
        self.check(wire, value[-5:], "GETRANGE", key, -5, -1)
        self.check(wire, len(value), "STRLEN", key)
        self.check(wire, sum(byte.bit_count() for byte in value), "BITCOUNT", key)
        names, cursor = [], b"0"
        while True:
            reply = self.asked(wire, "SCAN", cursor, "COUNT", 1000)
            if reply is None:
                break
            cursor, some = reply
            names += [name.decode() for name in some]
            if cursor == b"0":
                assert set(names) == set(self.rows), f"{WRONG}a walk leaves keys out"
                break
        if self.asked(wire, "DBSIZE") is not None:
            self.asked(wire, "RANDOMKEY")

    def check(self, wire, expected, *words):
        got = self.asked(wire, *words)
        assert got is None or got == expected, f"{WRONG}{words}: {got} and not {expected}"

    def asked(self, wire, *words):
        try:
            reply = wire.ask(*words)
        except RedisError as error:
            assert "storage" in str(error), error
            self.errors += 1
            return None
        self.good += 1
        return reply


@pytest.mark.parametrize("how", ["to nothing", "to half its pages", "inside a page"])
@pytest.mark.parametrize("served_as", [name for name in STORAGES if name != "json"])
def test_walks_and_values_that_are_looked_into_while_the_file_is_cut(
    serve, tmp_path, served_as, how
):
    storage, options, is_mapped = STORAGES[served_as]
    listener = {"protocol": "redis", "listen": "127.0.0.1:0", "databases": ["words"]}
    server = serve(words={"storage": storage, "options": options}, listeners=[listener])
    first, second = words("first"), words("second")
    server.drop(built(tmp_path, storage, first))
    server.adopted(1)
    threads = [Walker(server.address(), first) for _ in range(3)]
    for thread in threads:
        thread.start()

    def more():
        before = [t.good + t.errors for t in threads]
        wait_for(
            lambda: any(t.failure for t in threads)
            or all(t.good + t.errors >= b + 20 for t, b in zip(threads, before)),
            f"more replies\n{server.log()}",
        )

    more()
    path = served_file(server)
    cut(path, CUTS[how](path.stat().st_size))
    more()
    if is_mapped:
        server.wait("words", "generation 1 is bad: ")
        wait_for(lambda: all(thread.errors for thread in threads), "errors")
        with Wire(server.address()) as wire:
            assert ",bad=1" in str(wire.ask("INFO", "goromdb"))
    more()
    for thread in threads:
        thread.stopping.set()
    for thread in threads:
        thread.join(DEADLINE)
    assert not [repr(thread.failure) for thread in threads if thread.failure]
    assert max(thread.ends for thread in threads) <= 1
    server.drop(built(tmp_path, storage, second))
    server.adopted(2)
    with Wire(server.address()) as wire:
        assert wire.ask("GET", "key00001") == second["key00001"].encode()
        assert ",bad=0" in str(wire.ask("INFO", "goromdb"))


@pytest.mark.parametrize("storage", ["bdb", "bolt", "cdb", "lmdb"])
def test_bytes_that_are_written_over_are_noticed_at_a_poll(serve, tmp_path, storage):
    server = serve(words={"storage": storage, "poll_interval": "100ms"})
    first = words("first")
    server.drop(built(tmp_path, storage, first))
    server.adopted(1)
    path = served_file(server)
    note = path.with_name("data.db.note")
    os.utime(path, ns=(1, 1_000_000_000))  # alone does no harm: its content is compared
    wait_for(lambda: "mtime_ns 1000000000\n" in note.read_text(), "the note to have the new time")
    assert not server.find("words", "generation 1 is bad")
    with open(path, "r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"written over")
    assert "it was written to" in server.wait("words", "generation 1 is bad: ").message
    assert survey(server, [first]) == (0, ENTRIES)


def test_a_cut_that_nobody_has_read_is_noticed_at_a_poll(serve, tmp_path):
    server = serve(words={"storage": "cdb", "poll_interval": "100ms"})
    server.drop(built(tmp_path, "cdb", words("first")))
    server.adopted(1)
    cut(served_file(server), PAGE)
    assert f"it was cut to {PAGE} of" in server.wait("words", "generation 1 is bad: ").message
