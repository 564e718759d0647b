# SPDX-License-Identifier: MIT
"""Clients that read a data set without end and check every reply, while it is swapped."""

import threading

from harness import DEADLINE, WRONG, wait_for

BATCH = 100
PAUSE = 0.03  # seconds between two turns of a reader: what Python does with replies is most of a core's time without it


def batches(keys):
    return [keys[i : i + BATCH] for i in range(0, len(keys), BATCH)]


class Reader(threading.Thread):
    """One connection that asks without end, several requests at a time, and checks each reply."""

    PIPELINE = 8

    def __init__(self, server, real, keys, number):
        super().__init__(daemon=True)
        self.server, self.real = server, real
        # Each reader starts somewhere else in the key space.
        shift = number * len(keys) // 7 % len(keys)
        self.requests = batches(keys[shift:] + keys[:shift])
        self.stopping = threading.Event()
        self.failure = None
        self.replies = 0
        self.seen = []

    def run(self):
        try:
            with self.server.client() as client:
                at = 0
                while not self.stopping.is_set():
                    asked = [
                        self.requests[(at + i) % len(self.requests)] for i in range(self.PIPELINE)
                    ]
                    at += self.PIPELINE
                    client.send(b"".join(b"get " + " ".join(k).encode() + b"\r\n" for k in asked))
                    for keys in asked:
                        self.check(keys, client.read_values())
                    self.stopping.wait(PAUSE)
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def check(self, keys, values):
        assert [key for key, _ in values] == keys, f"{WRONG}keys are missing"
        generations = {value.split(b"\n", 1)[0] for _, value in values}
        assert len(generations) == 1, f"{WRONG}one reply mixes generations {generations}"
        generation = int(generations.pop())
        for key, value in values:
            assert value.split(b"\n", 1)[1] == self.real[key].encode(), f"{WRONG}{key}"
        if not self.seen or self.seen[-1] != generation:
            assert not self.seen or generation > self.seen[-1], f"{WRONG}{generation} after {self.seen}"
            self.seen.append(generation)
        self.replies += 1


def of_generation(number, words):
    """The data set `words`, with the number of its generation in front of every value."""
    return {key: f"{number}\n{value}" for key, value in words.items()}


def swap_under_load(server, words, swaps, readers, write=None, database="words"):
    """Serves generation 1 to `readers` connections and swaps it; `write` makes a file of a data set."""
    write = write or (lambda data: data)
    server.load(write(of_generation(1, words)), database)
    threads = [Reader(server, words, list(words), number) for number in range(readers)]
    for thread in threads:
        thread.start()

    def all_have_read(more):
        before = [thread.replies for thread in threads]
        wait_for(
            lambda: any(thread.failure for thread in threads)
            or all(t.replies >= b + more for t, b in zip(threads, before)),
            "replies to every reader",
        )

    for number in range(2, swaps + 2):
        all_have_read(10)
        assert server.load(write(of_generation(number, words)), database) == number
    all_have_read(2 * Reader.PIPELINE)
    for thread in threads:
        thread.stopping.set()
    for thread in threads:
        thread.join(2 * DEADLINE)
        assert not thread.is_alive()
    failures = [repr(thread.failure) for thread in threads if thread.failure]
    assert not failures, "\n".join(failures)
    print(f"{sum(t.replies for t in threads)} replies of {BATCH} keys during {swaps} swaps")
    assert all(thread.seen[-1] == swaps + 1 for thread in threads)
    most = max(len(thread.seen) for thread in threads)
    assert most > min(2, swaps), "no reader was there during the swaps"
