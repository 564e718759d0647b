# SPDX-License-Identifier: MIT
"""kill -9 at every step of a reload, damaged stores, stores that others left."""

import os
import random

import pytest

from harness import dataset, encode, wait_for

# In the order in which a reload passes them.
STEPS = [
    "hashing",
    "hashed",
    "noted",
    "moved",
    "sum_removed",
    "guarded",
    "opened",
    "verified",
    "warmed",
    "pointed",
    "adopting",
    "adopted",
    "closed",
    "removed",
]
COPY_STEPS = ["copying", "copied"]
OF_AN_OLD_GENERATION = ["closed", "removed"]

ENTRIES = 2000


def only_whole_files_are_left(server):
    """One slot with one data file and its note; nothing half, nothing old."""
    names = [name for name in server.store_files() if ".rejected" not in name]
    return names in [[f"{slot}/data.db", f"{slot}/data.db.note"] for slot in ("data00", "data01")]


def the_next_drop_is_adopted_normally(server, newer_than):
    if newer_than > 0:
        server.adopted(newer_than)  # its line may come after its statistics
    after = server.mark()
    server.drop(dataset("three", ENTRIES))
    generation = server.adopted(after=after)
    assert generation > newer_than
    assert server.serving(ENTRIES) == "three"
    wait_for(lambda: only_whole_files_are_left(server), "a tidy store")
    assert server.inbox().empty()


def generation_of(server):
    return int(server.stats()["goromdb_generation"])


def kill_during_first_load(server, step):
    server.kill_at(step)
    server.start()
    server.drop(dataset("two", ENTRIES))
    server.died_by_kill9()
    server.forget_steps()


def kill_during_second_load(server, step):
    server.start()
    server.load(dataset("one", ENTRIES))
    server.kill_at(step)
    server.drop(dataset("two", ENTRIES))
    server.died_by_kill9()
    server.forget_steps()


def check_after_kill(server, step, old):
    server.start()
    if old or step not in STEPS or STEPS.index(step) >= STEPS.index("pointed"):
        server.wait("server", "ready:")
        assert server.serving(ENTRIES) in (old, "two")
    if step in STEPS and STEPS.index(step) >= STEPS.index("pointed"):
        assert server.serving(ENTRIES) == "two", "what had been pointed at was not served"
    # Nobody dropped anything else: the data set must not be lost on the way.
    server.wait("server", "ready:")
    server.wait_serving("two", ENTRIES)
    wait_for(server.inbox().empty, "the inbox to be empty: both files were taken")
    the_next_drop_is_adopted_normally(server, generation_of(server))


@pytest.mark.parametrize("step", [s for s in STEPS if s not in OF_AN_OLD_GENERATION])
def test_a_kill_during_the_first_load_loses_nothing(serve, step):
    server = serve(start=False, words={"guard": "always"})
    kill_during_first_load(server, step)
    check_after_kill(server, step, old=None)


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_during_a_reload_leaves_the_old_or_the_new_data_set(serve, step):
    server = serve(start=False, words={"guard": "always"})
    kill_during_second_load(server, step)
    check_after_kill(server, step, old="one")


@pytest.mark.parametrize(
    "step", ["hashing", "noted", *COPY_STEPS, "moved", "sum_removed", "pointed"]
)
def test_a_kill_during_a_first_load_from_another_file_system_loses_nothing(serve, elsewhere, step):
    server = serve(start=False, words={"file": str(elsewhere / "in" / "data.json")})
    kill_during_first_load(server, step)
    check_after_kill(server, step, old="two")


@pytest.mark.parametrize(
    "step", ["hashing", "noted", *COPY_STEPS, "moved", "sum_removed", "pointed"]
)
def test_a_kill_during_a_reload_from_another_file_system_loses_nothing(serve, elsewhere, step):
    server = serve(start=False, words={"file": str(elsewhere / "in" / "data.json")})
    kill_during_second_load(server, step)
    check_after_kill(server, step, old="one")


@pytest.mark.parametrize("step", ["moved", "sum_removed", "opened", "pointed", "adopted"])
def test_a_second_kill_at_the_same_step_loses_nothing_either(serve, step):
    server = serve(start=False)
    kill_during_second_load(server, step)
    server.kill_at(step)
    server.start(listening=False)
    # The way of a recovery need not pass the step again.
    wait_for(
        lambda: server.process.poll() is not None or server.find("server", "ready:"),
        "the second kill or a recovery without that step",
    )
    server.process.kill()
    server.died_by_kill9()
    server.forget_steps()
    check_after_kill(server, step, old="one")


@pytest.mark.parametrize("step", ["noted", "moved", "sum_removed", "opened", "verified"])
def test_a_drop_after_a_kill_replaces_what_the_kill_interrupted(serve, step):
    server = serve(start=False)
    kill_during_second_load(server, step)
    server.drop(dataset("three", ENTRIES))
    server.start(ready=True)
    server.wait_serving("three", ENTRIES)
    before = generation_of(server)
    server.drop(dataset("four", ENTRIES))
    server.wait_serving("four", ENTRIES)
    wait_for(lambda: generation_of(server) > before, "a younger generation")


@pytest.mark.parametrize("step", ["noted", "moved", "sum_removed"])
def test_garbage_that_a_kill_left_in_a_slot_is_not_served(serve, step):
    server = serve()
    server.load(dataset("one", ENTRIES))
    server.kill_at(step)
    server.drop(b'{"marker": "two", ')
    server.died_by_kill9()
    server.forget_steps()
    server.start(ready=True)
    assert server.serving(ENTRIES) == "one"
    server.wait("words", "rejected ")
    the_next_drop_is_adopted_normally(server, 1)


def test_kills_at_any_moment_never_lose_a_data_set(serve):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    server = serve()
    server.load(dataset("set0", ENTRIES))
    last = generation_of(server)
    for number in range(1, 13):
        after = server.mark()
        server.drop(dataset(f"set{number}", ENTRIES))
        event = dice.choice(["hashing", "rejected|generation", "generation", None])
        if event:
            server.wait("words", event, after)
        server.kill9()
        server.start(ready=True)
        # ready: with the set before, or already with the new one
        assert server.serving(ENTRIES) in (f"set{number - 1}", f"set{number}")
        server.wait_serving(f"set{number}", ENTRIES)
        # The loops serve it a moment before `stats` has its number.
        wait_for(lambda: generation_of(server) > last, "a younger generation")
        last = generation_of(server)


# ---- restarts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stop", "kill9"])
def test_a_restart_serves_the_same_data_set_under_the_same_number(serve, how):
    server = serve()
    server.load(dataset("one"))
    server.load(dataset("two"))
    server.wait("words", "generation 1 closed")
    before = server.stats()
    getattr(server, how)()
    server.start(ready=True)
    after = server.stats()
    assert server.serving() == "two"
    assert after["goromdb_checksum"] == before["goromdb_checksum"]
    assert int(after["goromdb_generation"]) >= int(before["goromdb_generation"])


def test_generations_grow_across_restarts(serve):
    server = serve()
    numbers = [server.load(dataset("set0"))]
    for round_ in range(1, 5):
        server.restart(ready=True)
        assert server.serving() == f"set{round_ - 1}"
        numbers.append(server.load(dataset(f"set{round_}")))
    assert numbers == sorted(set(numbers))


def test_a_drop_that_came_while_the_server_was_down_is_adopted(serve):
    server = serve()
    server.load(dataset("one"))
    server.stop()
    server.drop(dataset("two"))
    server.start(ready=True)
    server.wait_serving("two")


# ---- damaged stores ----------------------------------------------------------------------------


def pointer(server):
    return server.store() / "current"


@pytest.mark.parametrize(
    "content", [None, b"", b"garbage\n", b"data07\n", b"../../etc\n", b"\0" * 4096], ids=repr
)
def test_a_damaged_pointer_does_not_lose_the_data_set(serve, content):
    server = serve()
    server.load(dataset("one"))
    server.load(dataset("two"))
    server.wait("words", "generation 1 closed")
    server.stop()
    assert os.path.lexists(pointer(server))
    pointer(server).unlink()
    if content is not None:
        pointer(server).write_bytes(content)
    server.start(ready=True)
    assert server.serving() == "two"
    server.load(dataset("three"))
    assert server.serving() == "three"


@pytest.mark.parametrize("damage", ["empty", "garbage"])
def test_damaged_notes_do_not_lose_the_data_set(serve, damage):
    server = serve()
    server.load(dataset("one"))
    server.stop()
    notes = [name for name in server.store_files() if not name.endswith("/data.db")]
    assert notes, "the slot holds no notes"
    for name in notes:
        (server.store() / name).write_bytes(b"" if damage == "empty" else b"\xff" * 300)
    server.start(ready=True)
    assert server.serving() == "one"
    server.load(dataset("two"))
    assert server.serving() == "two"


def served_file(server):
    (name,) = [name for name in server.store_files() if name.endswith("/data.db")]
    return server.store() / name


@pytest.mark.parametrize("damage", ["short", "garbage", "gone", "another"])
def test_a_damaged_data_file_leaves_a_server_that_waits_for_a_good_one(serve, damage):
    server = serve()
    server.load(dataset("one"))
    server.stop()
    path = served_file(server)
    if damage == "short":
        os.truncate(path, 100)
    elif damage == "garbage":
        path.write_bytes(b"garbage")
    else:
        path.unlink()
        if damage == "another":
            path.mkdir()
    server.start()
    with server.client() as client:
        assert client.ask(b"get marker") == b"SERVER_ERROR not ready"
    assert server.load(dataset("two")) >= 1
    server.wait("server", "ready:")
    assert server.serving() == "two"


# ---- stores of the Go program ------------------------------------------------------------------


def go_store(server, **slots):
    """Fills slots as the Go program leaves them: data.db alone, renamed in the given order."""
    for slot, data in slots.items():
        folder = server.store() / slot
        folder.mkdir(parents=True)
        aside = server.store() / "incoming"
        aside.write_bytes(data)
        aside.rename(folder / "data.db")
        # The clock of a file system ticks in milliseconds: let the next slot's rename be later.
        renamed = (folder / "data.db").stat().st_ctime_ns
        wait_for(lambda: aside.touch() or aside.stat().st_ctime_ns > renamed, "the clock to tick")
        aside.unlink()


@pytest.mark.parametrize("slot", ["data00", "data01"])
def test_a_store_that_the_go_program_left_is_served(serve, slot):
    server = serve(start=False)
    go_store(server, **{slot: encode(dataset("go"))})
    server.start(ready=True)
    assert server.serving() == "go"
    assert server.stats()["goromdb_generation"] == "1"
    assert server.load(dataset("two")) == 2
    assert server.serving() == "two"
    server.restart(ready=True)
    assert server.serving() == "two"


@pytest.mark.parametrize("slots", [("data00", "data01"), ("data01", "data00")])
def test_of_two_slots_the_one_that_was_filled_last_is_served(serve, slots):
    server = serve(start=False)
    older, newer = slots
    go_store(server, **{older: encode(dataset("old")), newer: encode(dataset("new"))})
    # mtimes may say the opposite: they are the batch job's, not the store's.
    os.utime(server.store() / newer / "data.db", (1, 1))
    server.start(ready=True)
    assert server.serving() == "new"
    server.load(dataset("three"))
    assert server.serving() == "three"
    wait_for(lambda: only_whole_files_are_left(server), "a tidy store")


@pytest.mark.parametrize("slots", [("data00", "data01"), ("data01", "data00")])
def test_when_the_slot_that_was_filled_last_is_garbage_the_other_is_served(serve, slots):
    server = serve(start=False)
    older, newer = slots
    go_store(server, **{older: encode(dataset("old")), newer: b"garbage"})
    server.start(ready=True)
    assert server.serving() == "old"
    assert server.find("words", "rejected ")
    server.load(dataset("three"))
    assert server.serving() == "three"


def test_two_garbage_slots_leave_a_server_that_waits(serve):
    server = serve(start=False)
    go_store(server, data00=b"garbage", data01=b"more garbage")
    server.start()
    with server.client() as client:
        assert client.ask(b"get marker") == b"SERVER_ERROR not ready"
    server.load(dataset("one"))
    assert server.serving() == "one"


def test_strange_things_in_the_store_are_left_alone(serve):
    server = serve(start=False)
    go_store(server, data00=encode(dataset("go")))
    (server.store() / "README").write_text("mine")
    (server.store() / "data02").mkdir()
    (server.store() / "data02" / "data.db").write_text("mine, too")
    server.start(ready=True)
    server.load(dataset("two"))
    server.load(dataset("three"))
    assert (server.store() / "README").read_text() == "mine"
    assert (server.store() / "data02" / "data.db").read_text() == "mine, too"
