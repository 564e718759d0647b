# SPDX-License-Identifier: MIT
"""What the config asks of new data: a file that is whole and wrong all the same is rejected."""

import json
import time

import pytest

import writers
from harness import SLOW, dataset, encode, run, wait_for
from test_warm import without_right_to_lock


def with_entries(marker, n):
    """Its marker and n - 1 more."""
    return dataset(marker, n - 1)


def cdb_of(entries, size=1):
    return writers.cdb({b"key%d" % i: b"x" * size for i in range(entries)})


def rejection(server, words):
    """Drops a data set that is rejected and returns the reason that the log gives."""
    after = server.mark()
    server.drop(words)
    reason = server.rejected("", after=after)
    assert server.find("words", r"generation \d+ adopted", after) == []
    return reason


def test_a_data_set_that_shrank_too_much_is_rejected_with_the_figures(serve):
    server = serve(words={"max_shrink": "20%"})
    server.load(with_entries("one", 100))
    reason = rejection(server, with_entries("two", 79))
    assert (
        "it has 79 entries, 21.0 % fewer than the 100 of generation 1; max_shrink is 20%" in reason
    )
    assert server.serving(99) == "one"
    assert "max_shrink" in (server.store() / "data01/data.db.rejected.reason").read_text()
    server.load(with_entries("three", 80))
    # It is the one that is served that counts, not the largest ever.
    server.load(with_entries("four", 64))
    assert server.serving(63) == "four"


@pytest.mark.parametrize("how", ["stop", "kill9"])
def test_a_restart_knows_how_many_entries_there_were(serve, how):
    server = serve(words={"max_shrink": "20%"})
    server.load(with_entries("one", 100))
    getattr(server, how)()
    server.drop(with_entries("two", 10))
    server.start(ready=True)
    reason = server.wait("words", "rejected ").message
    assert "90.0 % fewer than the 100 of generation 1" in reason
    assert server.serving(99) == "one"


def test_a_kill_in_the_middle_of_a_reload_does_not_let_a_small_one_through(serve):
    server = serve(words={"max_shrink": "20%"})
    server.load(with_entries("one", 100))
    server.kill_at("moved")
    server.drop(with_entries("two", 10))
    server.died_by_kill9()
    server.forget_steps()
    server.start(ready=True)
    assert "max_shrink is 20%" in server.wait("words", "rejected ").message
    assert server.serving(99) == "one"


def test_what_had_been_adopted_is_served_whatever_the_config_says_by_now(serve):
    server = serve()
    server.load(with_entries("one", 100))
    server.stop()
    config = json.loads(server.config_file.read_text())
    config["databases"]["words"].update(
        min_entries=1000, must_have=["nothing"], must_open_within="1ms"
    )
    server.config_file.write_text(json.dumps(config))
    server.start(ready=True)
    assert server.serving(99) == "one"
    assert server.find("words", "rejected ") == []


def test_a_data_set_without_a_wanted_key_is_rejected(serve):
    wanted = ["marker", {"namespace": "geo", "key": "de"}, {"key": "a/b"}]
    server = serve(words={"must_have": wanted})
    good = {"marker": "one", "a/b": "1", "geo": {"de": "Berlin"}}
    server.load(good)
    reason = rejection(server, {**good, "geo": {"fr": "Paris"}})
    assert 'it lacks 1 of the 3 keys of must_have: "de" in "geo"' in reason
    reason = rejection(server, {"marker": "two", "geo": {"de": "Berlin"}, "a": {"b": "1"}})
    assert 'must_have: "a/b"' in reason
    # A namespace is no entry.
    assert "marker" in rejection(server, {**good, "marker": {"x": "y"}})
    server.load({**good, "marker": "three"})


@pytest.mark.parametrize("guard", ["never", "always"])
def test_a_file_that_takes_too_long_to_open_is_rejected(serve, guard):
    server = serve(words={"must_open_within": "1ms", "guard": guard})
    reason = rejection(server, dataset("one", 200_000))
    assert "longer to open than must_open_within, which is 1ms: " in reason
    assert not server.find("server", "ready:")


def test_a_file_that_opens_in_time_is_adopted(serve):
    server = serve(words={"must_open_within": f"{30 * SLOW:.0f}s", "guard": "always"})
    server.load(dataset("one"))
    assert server.serving() == "one"


def test_what_is_asked_of_the_data_is_asked_before_it_is_read_at_the_rate(serve):
    server = serve(words={"storage": "cdb", "min_entries": 5, "warm_rate": "64KiB"})
    began = time.monotonic()
    reason = rejection(server, cdb_of(4, size=2_000_000))  # two minutes
    assert time.monotonic() - began < 100
    assert "it has 4 entries, min_entries is 5" in reason


def test_what_is_asked_of_the_data_is_asked_before_it_is_locked(serve):
    server = serve(
        words={"storage": "cdb", "min_entries": 5, "warm": "lock", "poll_interval": "50ms"},
        wrap=without_right_to_lock(64 << 10),
    )
    reason = rejection(server, cdb_of(4, size=250_000))
    assert "it has 4 entries, min_entries is 5" in reason
    assert not server.find("words", "cannot open ")


def status_of_this_start(server):
    status = server.status()
    return status if status.get("pid") == server.pid and status["generation"] > 0 else None


@pytest.mark.parametrize("how", ["stop", "kill9"])
def test_a_restart_still_tells_what_was_rejected_last(serve, how):
    server = serve(words={"min_entries": 3})
    server.load(with_entries("one", 3))
    rejection(server, with_entries("two", 2))
    before = wait_for(lambda: server.status().get("rejected"), "the status to tell")
    assert "it has 2 entries, min_entries is 3" in before["reason"]
    getattr(server, how)()
    server.inbox().clear()
    server.start(ready=True)
    status = wait_for(lambda: status_of_this_start(server), "a status")
    assert status["rejected"] == before


def test_a_restart_tells_how_many_entries_there_are_of_a_file_that_it_does_not_walk(serve):
    server = serve(words={"storage": "cdb"})
    server.drop(cdb_of(3))
    server.adopted(1)
    server.restart(ready=True)
    stats = server.stats()
    assert (stats["curr_items"], stats["goromdb_entries"]) == ("3", "3")
    status = wait_for(lambda: status_of_this_start(server), "a status")
    assert status["entries"] == 3


def test_a_publisher_is_told_the_figures_and_cannot_force_it(serve):
    server = serve(words={"max_shrink": "50%"})
    server.load(with_entries("one", 10))
    path = server.folder / "new.json"
    path.write_bytes(encode(with_entries("two", 4)))
    words = ("publish", "--config", server.config_file, "--database", "words", path)
    done = run(*words)
    assert done.returncode == 1
    assert "60.0 % fewer than the 10 of generation 1; max_shrink is 50%" in done.stderr
    assert run(*words, "--force").returncode == 2
    assert server.serving(9) == "one"
