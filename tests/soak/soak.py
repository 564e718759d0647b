# SPDX-License-Identifier: MIT
"""A server that is not left alone: every storage, new files each second, clients that check every reply, and faults.

Each second one large database and one of the others, in turn, get a good file. Every third second there is a damaged
file, every fifth half a file with the sum of the whole, every eleventh the disk of one store is full for a while, and
every fifth a database goes back to a data set that it has kept, and every twentieth the server is killed in the middle
of a reload and started anew. Readers of every protocol compare each value with the files that may be served at that
moment; others connect for one request, leave in the middle of a reply, or read so slowly that they are cut. The line at
the end: a request is a batch of keys, a key where the protocol asks for one at a time, or a page of a walk; p99 and max
are of four batches sent at once, as these clients see them (one Python process: most of that is theirs); what is
resident and open is of the last process, at its begin, when every reader is connected, and at its end, when nothing is
dropped any more.
"""

import argparse
import collections
import contextlib
import gzip
import itertools
import json
import os
import random
import re
import signal
import struct
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
# pylint: disable=wrong-import-position
import writers
from harness import WRONG, Client, Server, encode, hexdigest, run, tmpfs, wait_for
from ledger import Content, KeyReader, Ledger, MemcachedReader, RedisReader, RedisWalker, address_of
from mutants import mutant
from redis_wire import Wire

POOL = 4  # good files of each database, dropped in turn
KEEP = 2  # of those that were served before
ENTRIES = 400
BIG = 8 << 20  # bytes of the value that slow clients read: more than the kernel takes for them
WHOLE_KEYS = 25  # words of a value: it is some hundreds of bytes long
PAUSE = 0.02
BUSY = "words"  # the database that gets a new file every second; the others take turns
WITH_BIG = (BUSY, "lmdb")
SMALL = "hash"  # the database whose store is on a small disk
ROLL_BACK_EACH, KILL_EACH = 5, 20  # seconds
SHORT = 24  # most connections that come and go
DRAIN = 3  # seconds
GROWTH = 48  # MiB that a process may have grown by when it ends


# ---- what is served --------------------------------------------------------------------------------


def as_json(words):
    return encode({key.decode(): value.decode() for key, value in words.items()})


STORAGES = {
    BUSY: ("json", as_json, {}),
    "gzipped": ("json", lambda w: gzip.compress(as_json(w), 1), {}),
    "lmdb": ("lmdb", writers.mdb_load, {}),
    "lmdb-index": ("lmdb", writers.mdb_load, {"index": "hash"}),
    "bolt": ("bolt", writers.bolt, {}),
    "bolt-index": ("bolt", writers.bolt, {"index": "hash"}),
    "cdb": ("cdb", writers.cdb, {}),
    "cdb-index": ("cdb", writers.cdb, {"index": "hash"}),
    "btree": ("bdb", writers.bdb, {}),
    "btree-index": ("bdb", writers.bdb, {"index": "hash"}),
    "hash": ("bdb", lambda w: writers.bdb(w, "hash"), {}),
    "memcachedb": ("memcachedb-bdb", writers.memcachedb, {}),
}


class Feed:
    """A database's files, and the ledger of what was dropped into it."""

    def __init__(self, name):
        storage, write, self.options = STORAGES[name]
        self.name, self.storage = name, storage
        self.ledger = Ledger()
        self.files = []
        for number in range(POOL):
            words = {
                b"key%05d" % i: b"%s generation %d entry %d " % (name.encode(), number, i) * WHOLE_KEYS
                for i in range(ENTRIES)
            }
            if name in WITH_BIG:
                words[b"big"] = (b"%s of %d " % (name.encode(), number) * BIG)[:BIG]
            self.files.append((write(words), Content(words.items())))
        self.sums = [f"md5:{hexdigest(data)}" for data, _ in self.files]
        self.keys = [key for key in words if key != b"big"]
        self.turn = itertools.cycle(range(POOL))
        self.last = None  # the file that was dropped last
        self.back_at = None  # the file that is served since a rollback

    def next_file(self):
        """One that is not served: after a rollback that is adopted, too."""
        self.last = next(number for number in self.turn if number != self.back_at)
        self.back_at = None
        return self.files[self.last]


# ---- clients ---------------------------------------------------------------------------------------


class Timed:
    """Mixed into a reader: how long each turn took, in milliseconds."""

    times = None  # shared by all

    def turn(self, connection):
        began = time.perf_counter()
        super().turn(connection)
        self.times.append((time.perf_counter() - began) * 1000)


class TimedMemcached(Timed, MemcachedReader):
    speaks = "text"


class TimedRedis(Timed, RedisReader):
    speaks = "RESP2"


class Walker(RedisWalker):
    speaks = "RESP2"


class Redis3Reader(RedisReader):
    speaks = "RESP3"

    @staticmethod
    def connect(address):
        return Wire(address, resp=3)


class OneByOne(KeyReader):
    """Asks for a batch with a request for each key: a swap may come between any two of them."""

    connect = staticmethod(Client)

    def turn(self, connection):
        served = self.ledger.served
        keys = next(self.requests)
        self.send(connection, keys)
        found = self.receive(connection, keys)
        for key in keys:
            got = [(key, found[key])] if key in found else []
            self.is_of_one(
                served,
                lambda content, key=key, got=got: content.answers([key], got),
                lambda key=key, got=got: f"{key}: {got}",
            )


class MetaReader(OneByOne):
    speaks = "meta"

    def send(self, connection, keys):
        connection.send(b"".join(b"mg %s k v\r\n" % key for key in keys) + b"mn\r\n")

    def receive(self, connection, keys):
        found = {}
        while (line := connection.line()) != b"MN":
            if line != b"EN":
                word, size, key = line.split(b" ")
                assert word == b"VA", line
                found[key.removeprefix(b"k")] = connection.exactly(int(size) + 2)[:-2]
        return found


class BinaryReader(OneByOne):
    """By GETKQ, which says nothing of what is missing, and a NOOP."""

    speaks = "binary"
    head = struct.Struct(">BBHBxHIIQ")  # magic, opcode, key, extras, status, body, opaque, cas
    getkq, noop = 0x0D, 0x0A

    def send(self, connection, keys):
        ask = lambda code, key: self.head.pack(0x80, code, len(key), 0, 0, len(key), 0, 0) + key
        connection.send(b"".join(ask(self.getkq, key) for key in keys) + ask(self.noop, b""))

    def receive(self, connection, keys):
        found = {}
        while True:
            head = self.head.unpack(connection.exactly(self.head.size))
            _, code, key_size, extras, status, size, _, _ = head
            body = connection.exactly(size)[extras:]
            assert head[0] == 0x81 and status == 0, f"{head} {body[:100]}"
            if code == self.noop:
                return found
            found[body[:key_size]] = body[key_size:]


class Churn(MemcachedReader):
    """A connection for one request, and every third of them is left in the middle of its reply."""

    speaks = "text"
    asked = 0

    def turn(self, connection):
        with Client(self.address()) as short:
            self.asked += 1
            if self.asked % 3 == 0:
                short.send(b"get " + b" ".join(self.keys) + b"\r\n")
                short.exactly(1000)
            else:
                super().turn(short)


class Slow(MemcachedReader):
    """Reads one large value in small parts, over some reloads. It is cut for that when `drain_timeout` has passed; what
    it got until then is of one data set."""

    speaks = "text"
    cuts = 0

    def turn(self, connection):
        served = self.ledger.served
        got = []
        with Client(self.address(), receive_buffer=8192) as slow:
            slow.send(b"get big\r\n")
            with contextlib.suppress(ConnectionError):
                line = slow.line()
                assert line == b"VALUE big 0 %d" % BIG, f"{WRONG}{line}"
                for _ in range(64):
                    got.append(slow.exactly(BIG // 64))
                    self.stopping.wait(0.1)
            self.cuts += len(got) < 64
        value = b"".join(got)
        fits = lambda content: any(k == b"big" and v.startswith(value) for k, v in content.pairs)
        self.is_of_one(served, fits, lambda: f"{len(value)} bytes of the large value")


# ---- the server, and what is done to it ------------------------------------------------------------


class Soak:
    """The server, who feeds it, who reads from it, and what came of it."""

    def __init__(self, folder, seconds, seed, small_disk):
        self.random = random.Random(seed)
        self.seconds = seconds
        self.small_disk = small_disk
        self.feeds = {name: Feed(name) for name in STORAGES}
        databases = {
            name: {
                "storage": feed.storage,
                "options": feed.options,
                "file": f"in-{name}/data",
                "basedir": f"store-{name}",
                "poll_interval": "1s",
                "keep": KEEP,
            }
            for name, feed in self.feeds.items()
        }
        databases[SMALL]["basedir"] = str(small_disk / "store")
        listeners = [
            {"protocol": protocol, "listen": "127.0.0.1:0", "databases": [name]}
            for name in databases
            for protocol in ("memcached", "redis")
        ]
        settings = {"drain_timeout": f"{DRAIN}s", "log": {"format": "json", "level": "info"}}
        self.server = Server(folder, databases=databases, listeners=listeners, server=settings)
        self.addresses = {}
        self.life = 0  # odd while the server is down
        self.reloads = self.rejections = self.rollbacks = self.kills = self.full_disks = 0
        self.readers = []
        self.times = []  # of turns, in milliseconds
        self.sizes = []  # of each process: MiB and descriptors at its begin, and at its end

    # -- files

    def offer(self, feed):
        data, content = feed.next_file()
        after = self.server.mark()
        number = feed.ledger.offer(content, f"{feed.name}, file {feed.last}")
        self.server.drop(data, feed.name)
        return after, number

    def settle(self, feed, after, number, good=True):
        """Waits for the verdict on the last drop, which must be this one."""
        message = self.server.wait(feed.name, "generation .* adopted|rejected ", after).message
        adopted = message.startswith("generation")
        assert adopted == good, f"{feed.name}: {message}"
        if adopted:
            feed.ledger.accept(number)
            self.reloads += 1
        else:
            feed.ledger.reject(number)
            self.rejections += 1

    def good(self, feed):
        self.settle(feed, *self.offer(feed))

    def bad_file(self, feed):
        """A damaged one that has lost its beginning and its second half, with a right sum."""
        one, two = (feed.files[i][0] for i in self.random.sample(range(POOL), 2))
        _, data = mutant(one, two, 4096, self.random.random())
        after = self.server.mark()
        number = feed.ledger.offer(None, "a bad file")
        self.server.drop(b"?" * 64 + data[64 : len(data) // 2], feed.name)
        self.settle(feed, after, number, good=False)

    def bad_sum(self, feed):
        """Half a file and the sum of the whole; then the whole one."""
        data, _ = feed.files[(feed.last + 1) % POOL]
        inbox = self.server.inbox(feed.name)
        after = self.server.mark()
        number = feed.ledger.offer(None, "a bad sum")
        inbox.put_data(data[: len(data) // 2])
        inbox.put_sum_of(data)
        self.settle(feed, after, number, good=False)
        inbox.sum_file.unlink(missing_ok=True)  # or it takes the whole one before its own sum comes
        self.good(feed)

    def full_disk(self, feed):
        """The store's disk is full when a file comes, and has room again later."""
        ballast = self.small_disk / "ballast"
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 12))
        after, number = self.offer(feed)
        self.server.wait(feed.name, ".*trying again", after)
        self.full_disks += 1
        ballast.unlink()
        self.settle(feed, after, number)

    def roll_back(self, feed):
        """To one of those that were served before; the newest is kept when nobody reads from it any more."""
        ask = ("rollback", "--config", self.server.config_file, "--database", feed.name, "--json")

        def kept():
            lines = run(*ask, "--list").stdout.splitlines()
            return [one for one in map(json.loads, lines) if one["checksum"] != feed.sums[feed.last]]

        chosen = self.random.choice(wait_for(kept, f"a kept data set of {feed.name}"))
        feed.back_at = feed.sums.index(chosen["checksum"])
        _, content = feed.files[feed.back_at]
        number = feed.ledger.offer(content, f"{feed.name}, back to file {feed.back_at}")
        after = self.server.mark()
        done = run(*ask, "--to", chosen["generation"])
        assert done.returncode == 0, f"{feed.name}: {done.stderr}"
        # Its line may come later than all else that tells of it, and is not the next file's.
        self.server.wait(feed.name, "generation .* adopted", after)
        feed.ledger.accept(number)
        self.rollbacks += 1

    # -- the process

    def start(self):
        self.server.start(ready=bool(self.sizes))
        self.addresses = {
            (protocol, name): address_of(self.server, protocol, name)
            for protocol in ("memcached", "redis")
            for name in self.feeds
        }

    def look(self):
        """MiB resident and descriptors."""
        status = Path(f"/proc/{self.server.pid}/status").read_text()
        resident = int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024
        return resident, len(os.listdir(f"/proc/{self.server.pid}/fd"))

    def begin_of_process(self):
        """What it has when every reader is connected."""
        steady = [reader for reader in self.readers if not isinstance(reader, Slow)]
        before = [reader.replies for reader in steady]
        wait_for(
            lambda: all(r.failure or r.replies > b for r, b in zip(steady, before)),
            "replies to every reader",
        )
        self.sizes.append([self.look()])

    def end_of_process(self):
        """It has not much more than at its begin, when nothing is dropped for a while: until then slow clients hold
        data sets of some seconds, for no longer than `drain_timeout`."""
        begin = self.sizes[-1][0]
        most = begin[0] + GROWTH, begin[1] + SHORT
        is_within = lambda found: found[0] < most[0] and found[1] < most[1]
        with contextlib.suppress(AssertionError):
            wait_for(lambda: is_within(self.look()), "less", 2 * DRAIN)
        end = self.look()
        self.sizes[-1].append(end)
        assert is_within(end), f"MiB resident and descriptors: {begin}, then {end}"

    def kill(self, feed):
        """In the middle of a reload; what was dropped is served in the end."""
        self.end_of_process()
        self.life += 1
        _, number = self.offer(feed)
        time.sleep(self.random.random() * 0.1)
        self.server.kill9()
        self.kills += 1
        self.start()
        self.life += 1
        key, expected = feed.keys[0].decode(), dict(feed.files[feed.last][1].pairs)[feed.keys[0]]

        def served():
            with Client(self.addresses["memcached", feed.name]) as client:
                return client.get(key) == expected

        wait_for(served, f"what was dropped before a kill to be served: {feed.name}")
        feed.ledger.accept(number)
        self.reloads += 1

    # -- all of it

    def start_readers(self):
        for feed in self.feeds.values():
            where = lambda protocol, name=feed.name: lambda: self.addresses[protocol, name]
            how = {"pause": PAUSE, "life": lambda: self.life}
            self.readers += [
                TimedMemcached(feed.ledger, where("memcached"), feed.keys, **how),
                MetaReader(feed.ledger, where("memcached"), feed.keys, **how),
                BinaryReader(feed.ledger, where("memcached"), feed.keys, **how),
                TimedRedis(feed.ledger, where("redis"), feed.keys, **how),
                Redis3Reader(feed.ledger, where("redis"), feed.keys, **how),
                Walker(feed.ledger, where("redis"), **how),
                Churn(feed.ledger, where("memcached"), feed.keys[:20], **how),
            ]
            if feed.name in WITH_BIG:
                self.readers.append(Slow(feed.ledger, where("memcached"), feed.keys, **how))
        for reader in self.readers:
            reader.times = self.times
            reader.start()

    def second(self, number, feed):
        self.good(self.feeds[BUSY])
        self.good(feed)
        if number % 3 == 2:
            self.bad_file(feed)
        if number % 5 == 4:
            self.bad_sum(feed)
        if number % 11 == 10 and self.small_disk.is_mount():
            self.full_disk(self.feeds[SMALL])
        if number % ROLL_BACK_EACH == 3:
            self.roll_back(feed)
        if number % KILL_EACH == KILL_EACH - 1:
            self.kill(feed)
            self.begin_of_process()
        for reader in self.readers:
            assert reader.failure is None, f"a reader failed: {reader.failure!r}"[:3000]

    def run(self):
        self.start()
        for feed in self.feeds.values():
            self.good(feed)
        self.start_readers()
        feeds = itertools.cycle(self.feeds.values())
        self.second(0, next(feeds))
        self.begin_of_process()
        end = time.monotonic() + self.seconds
        for number in itertools.count(1):
            began = time.monotonic()
            self.second(number, next(feeds))
            # A minute has of everything, also where a second takes several.
            if time.monotonic() >= end and (number >= KILL_EACH or self.seconds < 60):
                break
            time.sleep(max(0.0, began + 1 - time.monotonic()))
        self.end_of_process()
        for reader in self.readers:
            reader.end()
        self.server.stop()
        done = [self.rollbacks, self.rejections, self.kills, *[self.full_disks] * self.small_disk.is_mount()]
        assert all(done) or self.seconds < 60, "not all of the faults were there"

    def stop(self):
        for reader in self.readers:
            reader.stopping.set()
        with contextlib.suppress(AssertionError):
            self.server.stop(signal.SIGKILL)

    def figures(self, errors):
        times = sorted(self.times) or [0.0]
        begin, end = self.sizes[-1][0], self.sizes[-1][-1]
        requests = collections.Counter()
        for reader in self.readers:
            requests[reader.speaks] += reader.replies
        return (
            f"soak: {self.seconds / 60:g} min, {self.reloads} reloads, {self.rejections} rejections, "
            f"{self.rollbacks} rollbacks, {self.full_disks} full disks, {self.kills} kills, "
            f"{requests.total()} requests ({', '.join(f'{n} {how}' for how, n in requests.items())}), "
            f"{sum(r.cuts for r in self.readers if isinstance(r, Slow))} slow clients cut, "
            f"{errors} errors, p99 {times[len(times) * 99 // 100]:.1f} ms, max {times[-1]:.1f} ms, "
            f"RSS {begin[0]:.1f} to {end[0]:.1f} MiB, descriptors {begin[1]} to {end[1]}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--seed", default="soak")
    options = parser.parse_args()
    errors = 0
    with tempfile.TemporaryDirectory(prefix="goromdb-soak-") as folder, contextlib.ExitStack() as stack:
        os.environ["TMPDIR"] = tempfile.tempdir = folder  # of the files' writers
        small = Path(folder) / "small"
        try:
            stack.enter_context(tmpfs(small, "4m"))
        except OSError as error:
            print(f"soak: no full disks: {error}", file=sys.stderr)
        soak = Soak(Path(folder) / "server", options.minutes * 60, options.seed, small)
        try:
            soak.run()
        except Exception as error:  # pylint: disable=broad-except
            errors = 1
            print(f"the last of the log:\n{soak.server.log()[-5000:]}\nsoak: {error}", file=sys.stderr)
        finally:
            soak.stop()
        print(soak.figures(errors))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
