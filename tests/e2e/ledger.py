# SPDX-License-Identifier: MIT
"""What a database may answer at a moment, and clients that hold it to that while files come and go.

The one who drops files tells the Ledger: offer() before a drop, then accept() or reject(). A reader may be answered
from what was accepted when it asked, or from anything that was offered since and has not been rejected. Who was
answered from a file on which there was no verdict yet remembers it: had() fails when the file was rejected later.
"""

import itertools
import re
import threading

from harness import DEADLINE, WRONG, Client
from readers import batches
from redis_wire import Wire, encode

PIPELINE = 4


class Content:
    """The entries of a data set. `other_names`: what a walk may tell besides keys, such as namespaces. A key may
    stand there more than once, each time with a value of its own."""

    def __init__(self, pairs, other_names=()):
        self.pairs = frozenset(pairs)
        self.keys = frozenset(key for key, _ in self.pairs)
        self.names = self.keys | frozenset(other_names)

    def answers(self, asked, got):
        """Whether a reply to `asked` that holds the pairs `got` can be of this data set alone."""
        if not self.pairs.issuperset(got):
            return False
        found = {key for key, _ in got}
        return all(key in found or key not in self.keys for key in asked)


class Ledger:
    """Of one database. Threads: one writes, readers read."""

    def __init__(self):
        self.offers = []
        self.labels = []
        self.verdicts = []
        self.served = 0

    def offer(self, content, label):
        self.labels.append(label)
        self.verdicts.append(None)
        self.offers.append(content)
        return len(self.offers) - 1

    def accept(self, number):
        self.verdicts[number] = True
        self.served = number

    def reject(self, number):
        self.verdicts[number] = False
        self.offers[number] = None

    def since(self, served):
        """Numbers and contents that may have been served since `served` was; what is without a verdict comes last."""
        found = ((number, self.offers[number]) for number in range(served, len(self.offers)))
        return [(number, content) for number, content in found if content is not None]

    def had(self, number):
        assert self.verdicts[number] is not False, f"{WRONG}served, and rejected: {self.labels[number]}"


def address_of(server, protocol, database):
    """Where the listener of this protocol is that serves this database alone, or first."""
    for event, place in zip(server.find("listener", "listening on "), server.listening()):
        if re.search(rf"\({protocol}; {database}\b", event.message):
            return place
    raise AssertionError(f"{protocol} is not spoken for {database}:\n{server.log()}")


class Verifier(threading.Thread):
    """A client that asks without end. What its connection does is told by subclasses: connect(address), turn().

    `address()`: where the server is now. `pause`: seconds between two turns. `life()`: a number that is even while the
    server runs, and another when it runs anew; then connections end, and the reader connects again.
    """

    def __init__(self, ledger, address, pause=0.0, life=lambda: 0):
        super().__init__(daemon=True)
        self.ledger, self.address = ledger, address
        self.pause, self.life = pause, life
        self.stopping = threading.Event()
        self.failure = None
        self.replies = 0
        self.relied_on = set()

    def run(self):
        while not self.stopping.is_set():
            life = self.life()
            try:
                with self.connect(self.address()) as connection:
                    while not self.stopping.is_set():
                        self.turn(connection)
                        self.stopping.wait(self.pause)
            except OSError as failure:
                if life % 2 == 0 and self.life() == life:
                    self.failure = failure
                    return
                self.stopping.wait(0.02)
            except Exception as failure:  # pylint: disable=broad-except
                self.failure = failure
                return

    def is_of_one(self, served, fits, what):
        """One data set that may be served must fit; called when the reply has come."""
        for number, content in self.ledger.since(served):
            if fits(content):
                if self.ledger.verdicts[number] is None:
                    self.relied_on.add(number)
                self.replies += 1
                return
        labels = [self.ledger.labels[number] for number, _ in self.ledger.since(served)]
        raise AssertionError(f"{WRONG}{type(self).__name__}: no data set of {labels} answers so: {what()}")

    def end(self):
        self.stopping.set()
        self.join(2 * DEADLINE)
        assert not self.is_alive(), "a reader hangs"
        assert self.failure is None, f"a reader failed: {self.failure!r}"[:3000]
        for number in self.relied_on:
            self.ledger.had(number)


class KeyReader(Verifier):
    """Asks for the keys of `keys` (bytes), a batch a request, several requests at a time."""

    def __init__(self, ledger, address, keys, **kwargs):
        super().__init__(ledger, address, **kwargs)
        self.keys = keys
        self.requests = itertools.cycle(batches(keys))

    def turn(self, connection):
        served = self.ledger.served
        asked = [next(self.requests) for _ in range(PIPELINE)]
        self.send(connection, asked)
        for keys in asked:
            got = self.receive(connection, keys)
            self.is_of_one(
                served,
                lambda content, keys=keys, got=got: content.answers(keys, got),
                lambda keys=keys, got=got: f"{keys[:3]}...: {len(got)} values; {self.odd(served, keys, got)!r}",
            )

    def odd(self, served, keys, got):
        """What is wrong with the first odd entry, for a message."""
        contents = [content for _, content in self.ledger.since(served)]
        for pair in got:
            if not any(pair in content.pairs for content in contents):
                return pair
        found = {key for key, _ in got}
        return [key for key in keys if key not in found][:5]


class MemcachedReader(KeyReader):
    connect = staticmethod(Client)

    def send(self, connection, asked):
        connection.send(b"".join(b"get " + b" ".join(keys) + b"\r\n" for keys in asked))

    def receive(self, connection, _keys):
        return [(key.encode(), value) for key, value in connection.read_values()]


class RedisReader(KeyReader):
    connect = staticmethod(Wire)

    def send(self, connection, asked):
        connection.send(b"".join(encode("MGET", *keys) for keys in asked))

    def receive(self, connection, keys):
        values = connection.answer()
        assert len(values) == len(keys)
        return [pair for pair in zip(keys, values) if pair[1] is not None]


class RedisWalker(Verifier):
    """Lists all keys again and again, at once or, now and then, a page at a time."""

    cursor = b"0"
    turns = 0

    def connect(self, address):
        self.cursor = b"0"  # one of another process is not known any more
        return Wire(address)

    def turn(self, connection):
        self.turns += 1
        if self.turns % 16 != 0 and self.cursor == b"0":
            self.all(connection)
        else:
            self.page(connection)

    def all(self, connection):
        served = self.ledger.served
        names = frozenset(connection.ask("KEYS", "*"))
        self.is_of_one(
            served, lambda content: content.names == names, lambda: f"KEYS tells {len(names)} names"
        )

    def page(self, connection):
        served = self.ledger.served
        self.cursor, names = connection.ask("SCAN", self.cursor, "COUNT", 100)
        self.is_of_one(
            served,
            lambda content: content.names.issuperset(names),
            lambda: f"SCAN tells {names[:5]}...",
        )
