# SPDX-License-Identifier: MIT
"""Nobody sees a part of a group: not while it is adopted under load, not after a kill at any step."""

import contextlib
import itertools
import random
import select
import signal
import threading
import time

import pytest

from harness import DEADLINE, SANITIZER, WRONG, Client, compile_c, wait_for
from redis_wire import Wire, encode
from shop import MEMBERS, Shop, one_marker
from test_plugins import ODD

# ---- consistency under load --------------------------------------------------------------------

HANGS = "an event loop hangs"  # for a second; then the others go on without it


class Looker(threading.Thread):
    """Looks at the numbers that members serve; what is seen later is never smaller."""

    def __init__(self, shop, look):
        super().__init__(daemon=True)
        self.server, self.look = shop.server, look
        self.stopping, self.failure, self.seen = threading.Event(), None, [0]
        self.marks = [0]  # the log's end when each was seen first

    def run(self):
        try:
            with contextlib.ExitStack() as stack:
                for number in self.look(self.server, stack):
                    if number > self.seen[-1]:
                        self.seen.append(number)
                        self.marks.append(self.server.mark())
                    elif number < self.seen[-1]:
                        self.check_late(number)
                    if self.stopping.is_set():
                        return
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def check_late(self, number):
        """It must be the last but one, of a loop that was held up when the last one came."""
        what = f"{WRONG}{number} after {self.seen[-1]}, of a loop that hangs"
        assert number == self.seen[-2], what
        wait_for(lambda: self.server.find("server", HANGS, self.marks[-2]), what)


def redis_address(server):
    return server.listening()[-1]


def the_same(numbers):
    assert len(set(numbers)) == 1, f"{WRONG}members differ: {numbers}"
    return int(numbers[0])


def one_get(server, stack):
    client = stack.enter_context(server.client())
    while True:
        found = client.get_many([f"{name}/marker" for name in MEMBERS])
        yield the_same([found[f"{name}/marker"] for name in MEMBERS])


def one_write(server, stack):
    client = stack.enter_context(server.client())
    for names in itertools.cycle((MEMBERS, MEMBERS[::-1])):
        client.send(b"".join(b"get %s/marker\r\n" % name.encode() for name in names))
        yield the_same([one_marker(client) for _ in names])


def one_write_of_redis(server, stack):
    wire = stack.enter_context(Wire(redis_address(server)))
    for order in itertools.cycle(((0, 1), (1, 0))):
        wire.send(b"".join(encode("SELECT", n) + encode("GET", "marker") for n in order))
        yield the_same([wire.answer() for _ in range(4)][1::2])


def one_after_the_other(server, stack):
    """On any of several connections, which are of different loops."""
    places = {name: server.address([name]) for name in MEMBERS}
    clients = {n: [stack.enter_context(Client(places[n])) for _ in range(4)] for n in MEMBERS}
    for name in itertools.cycle(MEMBERS):
        yield int(random.choice(clients[name]).get("marker"))


def when_told(server, stack):
    """Redis' subscribers hear of one member, and read the other."""
    address = redis_address(server)
    wires = [stack.enter_context(Wire(address)) for _ in range(4)]
    told = stack.enter_context(Wire(address))
    for wire in wires[::2]:
        wire.ask("SELECT", 1)
    told.send(encode("SUBSCRIBE", "__goromdb__:generation"))
    told.reply()
    while True:
        name, generation = told.reply().plain()[2].decode().split()
        if name in MEMBERS:
            yield int(generation)
            for wire in wires:
                yield int(wire.ask("GET", "marker"))


LOOKS = [one_get, one_write, one_write_of_redis, *[one_after_the_other] * 3, when_told]
LOADS = 8 if SANITIZER else 25


def test_no_client_sees_the_new_one_of_a_member_and_then_the_old_one_of_another(serve):
    shop = Shop(serve, server={"threads": 2})
    shop.load("1")
    lookers = [Looker(shop, look) for look in LOOKS]
    for looker in lookers:
        looker.start()
    last = LOADS + 1
    for number in range(2, last + 1):
        wait_for(
            lambda number=number: any(looker.failure for looker in lookers)
            or all(looker.seen[-1] == number - 1 for looker in lookers[:-1]),
            "all to have seen the one before",
        )
        shop.load(str(number))
    wait_for(lambda: all(each.failure or each.seen[-1] == last for each in lookers), "the last one")
    for looker in lookers:
        looker.stopping.set()
    shop.load(str(last + 1))  # who waits to be told is told once more
    for looker in lookers:
        looker.join(DEADLINE)
        assert not looker.is_alive()
    failures = [f"{each.look.__name__}: {each.failure!r}" for each in lookers if each.failure]
    assert not failures, "\n".join(failures)
    assert all(len(looker.seen) >= LOADS for looker in lookers[:-1])


# More keys than requests have that wait for those of other clients.
SLOW_GET = b"get" + b" slow" * 8 + b" no" * 40 + b"\r\n"


def on_one_loop(slow, other):
    """Whether both connections are of one loop: then the one asks in vain while the other is served."""
    slow.send(SLOW_GET)
    other.ask(b"version")
    answered = select.select([slow.sock], [], [], 0)[0]
    slow.read_values()
    return bool(answered)


def test_a_busy_loop_does_not_answer_from_the_old_one_when_another_has_the_new_one(serve, tmp_path):
    plugin = compile_c(ODD, tmp_path / "storage-odd.so")
    shop = Shop(serve, server={"threads": 2}, clock={"storage": str(plugin)})
    shop.load("1")
    with contextlib.ExitStack() as stack:
        clients = {
            name: [stack.enter_context(shop.server.client([name])) for _ in range(8)]
            for name in (*MEMBERS, "clock")
        }
        first, *others = clients["clock"]
        second = next(each for each in others if on_one_loop(first, each))
        half = next(each for each in clients["stock"] if on_one_loop(first, each))
        other = next(each for each in clients["prices"] if not on_one_loop(first, each))
        held_up = 0
        for number in range(2, 14):
            after = shop.server.mark()
            shop.server.pause_at("adopting")
            shop.put(str(number))
            shop.announce(str(number))
            shop.server.wait_paused("adopting")
            shop.server.resume("adopting")
            first.send(SLOW_GET)  # the next two come with one wait of their loop
            second.send(SLOW_GET)
            half.send(b"get mar")
            late = time.monotonic() + DEADLINE
            while other.get("marker") != b"%d" % number:
                assert time.monotonic() < late, f"{number} is not adopted\n{shop.server.log()}"
            half.send(b"ker\r\n")
            ((_, marker),) = half.read_values()
            if marker != b"%d" % number:
                assert marker == b"%d" % (number - 1)
                shop.server.wait("server", HANGS, after)
                held_up += 1
            for slow in (first, second):
                assert slow.read_values() == []
            wait_for(lambda: not shop.manifest.exists(), "the manifest to go")
            shop.server.forget_steps()
        assert held_up < 12


# ---- crashes -----------------------------------------------------------------------------------

UNDECIDED = [
    *("hashing", "hashed", "noted", "moved", "sum_removed"),
    *("guarded", "opened", "verified", "warmed", "prepared", "group_prepared"),
]
DECIDED = ["group_committed", "pointed", "adopting", "adopted", "group_done"]
OF_AN_OLD_GENERATION = ["closed", "removed"]
FIRST_OR_NEXT = pytest.mark.parametrize("first", [True, False], ids=["first", "next"])


def interrupted(serve, step, first, turn=1):
    """A server that was killed at a step, or where it passes that step for the second time."""
    shop = Shop(serve, each={"guard": "always"})
    if not first:
        shop.load("one")
    if step == "group_done":
        shop.tick()  # then that of the first load is over
    if turn == 1:
        shop.server.kill_at(step)
    else:
        shop.server.pause_at(step)
    shop.put("two")
    shop.announce("two")
    if turn == 2:
        shop.server.wait_paused(step)
        shop.server.kill_at(step)
        shop.server.kill_at("group_done")  # where both had passed it already
        shop.server.resume(step)
    shop.server.died_by_kill9()
    shop.server.forget_steps()
    return shop


def is_sound(shop):
    wait_for(lambda: not shop.manifest.exists(), f"the manifest to go\n{shop.server.log()}")
    wait_for(lambda: all(shop.server.inbox(n).empty() for n in MEMBERS), "empty inboxes")
    before = shop.generations()
    shop.load("three")
    assert shop.whole() == ("three", "three")
    assert all(new > old for new, old in zip(shop.generations(), before))

    def tidy():
        return all(len(shop.server.store_files(name)) == 2 for name in MEMBERS)

    wait_for(tidy, f"a data file and its note in each store\n{shop.server.log()}")


@FIRST_OR_NEXT
@pytest.mark.parametrize("step", UNDECIDED)
def test_a_kill_before_the_decision_leaves_all_old_ones_and_a_restart_goes_on(serve, step, first):
    shop = interrupted(serve, step, first)
    shop.server.start(ready=not first)
    shop.settles(None if first else "one", "two")
    is_sound(shop)


@FIRST_OR_NEXT
@pytest.mark.parametrize("step", UNDECIDED)
def test_what_a_kill_interrupted_is_not_adopted_without_its_manifest(serve, step, first):
    shop = interrupted(serve, step, first)
    shop.manifest.unlink()
    shop.server.start(ready=not first)
    shop.tick()
    assert set(shop.markers()) == {None if first else "one"}
    after = shop.server.mark()
    shop.announce("two")  # needs no second drop
    shop.come(after, "two")
    is_sound(shop)


@pytest.mark.parametrize("step", [*DECIDED, *OF_AN_OLD_GENERATION])
@pytest.mark.parametrize("manifest", ["manifest", "no-manifest"])
def test_a_kill_after_the_decision_leaves_all_new_ones(serve, step, manifest):
    shop = interrupted(serve, step, False)
    if manifest == "no-manifest":
        shop.manifest.unlink(missing_ok=True)
    shop.server.start(ready=True)
    shop.settles("two", "two")
    is_sound(shop)


@pytest.mark.parametrize("step", DECIDED)
def test_a_kill_after_the_decision_about_the_first_set_leaves_all_new_ones(serve, step):
    shop = interrupted(serve, step, True)
    shop.server.start(ready=True)
    shop.settles("two", "two")
    is_sound(shop)


@pytest.mark.parametrize("step", ["moved", "opened", "prepared", "pointed", "adopting", "adopted"])
def test_a_kill_between_two_members_leaves_all_old_or_all_new_ones(serve, step):
    shop = interrupted(serve, step, False, turn=2)
    shop.server.start(ready=True)
    shop.settles("two" if step in DECIDED else "one", "two")
    is_sound(shop)


@pytest.mark.parametrize(
    "step", ["moved", "opened", "prepared", "group_prepared", "group_committed", "pointed"]
)
def test_a_second_kill_at_the_same_step_does_not_part_them_either(serve, step):
    shop = interrupted(serve, step, False)
    shop.server.kill_at(step)
    shop.server.start(listening=False)
    wait_for(
        lambda: shop.server.process.poll() is not None or not shop.manifest.exists(),
        "the second kill or a recovery without that step",
    )
    shop.server.process.kill()
    shop.server.died_by_kill9()
    shop.server.forget_steps()
    shop.server.start(ready=True)
    shop.settles("two" if step in DECIDED else "one", "two")
    is_sound(shop)


def test_kills_at_any_moment_never_part_them(serve):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    shop = Shop(serve)
    shop.load("0")
    for number in range(1, 13):
        after = shop.server.mark()
        shop.put(str(number))
        shop.announce(str(number))
        name = dice.choice([*MEMBERS, None])
        if name:
            shop.server.wait(
                name, dice.choice(["hashing", "generation .* warm", "generation .* adopted"]), after
            )
        shop.server.kill9()
        shop.server.start(ready=True)
        shop.settles(str(number - 1), str(number))
    is_sound(shop)


@pytest.mark.parametrize("step", ["prepared", "group_prepared", "group_committed", "pointed"])
def test_a_stop_in_the_middle_leaves_all_old_or_all_new_ones(serve, step):
    shop = Shop(serve)
    shop.load("one")
    shop.server.pause_at(step)
    shop.put("two")
    shop.announce("two")
    shop.server.wait_paused(step)
    shop.server.process.send_signal(signal.SIGTERM)
    shop.server.forget_steps()
    assert shop.server.exit_code() == 0
    shop.server.start(ready=True)
    shop.settles("two" if step in DECIDED else "one", "two")
    is_sound(shop)
