# SPDX-License-Identifier: MIT
"""A content that was rejected or rolled back is not adopted again by mistake."""

import os

import pytest

from harness import DEADLINE, dataset, encode, hexdigest, run
from test_rollback import load, publish, reconfigure, rollback, wait_kept


def bad(marker="bad"):
    return dataset(marker, 3)


def refused(server):
    path = server.store() / "refused"
    return path.read_text().splitlines() if path.exists() else []


def wait_rejected(server, words, reason):
    after = server.mark()
    server.drop(words)
    event = server.wait("words", "rejected ", after)
    assert reason in event.message
    return event.message


@pytest.mark.parametrize("how", [None, "stop", "kill9"])
def test_a_rejected_content_is_refused_until_another_has_come(serve, how):
    server = serve(words={"min_entries": 10})
    server.load(dataset("one"))
    wait_rejected(server, bad(), "it has 4 entries, min_entries is 10; kept as ")
    digest = hexdigest(encode(bad()))
    (line,) = refused(server)
    assert line.startswith(f"md5:{digest} 1 2") and line.endswith("min_entries is 10")
    if how:
        getattr(server, how)()
        reconfigure(server, min_entries=1)
        server.start(ready=True)
    after = server.mark()
    message = wait_rejected(server, bad(), "this content is refused since ")
    assert "min_entries is 10; publish another, or this one with --again" in message
    # It has not been moved, nor opened.
    assert server.inbox().file.exists()
    assert not server.find("words", "opening ", after)
    server.load(dataset("two"))
    assert refused(server) == []
    if how:
        server.load(bad())
        assert server.serving(3) == "bad"


def test_a_refused_content_is_taken_again_by_hand(serve):
    server = serve(words={"min_entries": 10})
    server.load(dataset("one"))
    assert "min_entries is 10" in publish(server, bad()).stderr
    server.stop()
    reconfigure(server, min_entries=1)
    server.start(ready=True)
    done = publish(server, bad())
    assert done.returncode == 1 and "this content is refused since" in done.stderr
    done = publish(server, bad(), "--again")
    assert done.returncode == 0, done.stderr
    assert server.serving(3) == "bad"
    assert refused(server) == []
    assert sorted(p.name for p in server.inbox().file.parent.iterdir()) == [
        ".data.json.publish.lock"
    ]


def test_again_does_not_override_what_the_config_asks_for(serve):
    server = serve(words={"min_entries": 10})
    server.load(dataset("one"))
    assert publish(server, bad()).returncode == 1
    done = publish(server, bad(), "--again")
    assert done.returncode == 1 and "it has 4 entries, min_entries is 10" in done.stderr
    assert len(refused(server)) == 1


def test_again_is_about_one_content_alone(serve):
    server = serve(words={"min_entries": 10})
    server.load(dataset("one"))
    assert publish(server, bad("a")).returncode == 1
    assert publish(server, bad("b")).returncode == 1
    assert publish(server, bad("a"), "--again", "--no-wait").returncode == 0
    after = server.mark()
    server.drop(bad("b"))
    event = server.wait("words", "rejected .*refused since", after)
    assert "--again" in event.message


def test_what_was_rolled_back_does_not_come_back_by_the_next_run_of_the_job(serve):
    server = serve(words={"keep": 2})
    load(server, "one", "two")
    wait_kept(server, 1)
    assert rollback(server).returncode == 0
    wait_rejected(server, dataset("two"), "refused since")
    server.restart(ready=True)
    assert server.serving() == "one"
    server.wait("words", "rejected .*it was rolled back, generation 2")
    server.load(dataset("three"))
    server.load(dataset("two"))
    assert server.serving() == "two"


def test_what_was_rolled_back_can_be_published_by_hand(serve):
    server = serve(words={"keep": 2})
    load(server, "one", "two")
    wait_kept(server, 1)
    assert rollback(server).returncode == 0
    done = publish(server, dataset("two"))
    assert done.returncode == 1 and "it was rolled back, generation 2" in done.stderr
    assert publish(server, dataset("two"), "--again").returncode == 0
    assert server.serving() == "two"


def test_what_was_rolled_back_is_refused_also_by_another_kind_of_sum(serve):
    server = serve(words={"keep": 2})
    load(server, "one", "two")
    wait_kept(server, 1)
    assert rollback(server).returncode == 0
    server.stop()
    reconfigure(server, verify="sha256")
    server.start(ready=True)
    done = publish(server, dataset("two"))
    assert done.returncode == 1 and "it was rolled back, generation 2" in done.stderr
    assert publish(server, dataset("two"), "--again").returncode == 0
    assert server.serving() == "two"


@pytest.mark.parametrize("step", ["moved", "opened", "verified"])
def test_a_start_does_not_adopt_what_had_been_rejected(serve, step):
    """The crash comes in the middle of a second try that was not asked for by hand."""
    server = serve(words={"min_entries": 10})
    server.load(dataset("one"))
    wait_rejected(server, bad(), "min_entries")
    server.stop()
    lines = refused(server)
    (server.store() / "refused").unlink()
    server.start(ready=True)
    server.kill_at(step)
    server.inbox().clear()
    server.drop(bad())
    server.died_by_kill9()
    server.forget_steps()
    (server.store() / "refused").write_text("\n".join(lines) + "\n")
    reconfigure(server, min_entries=1)
    server.start(ready=True)
    server.wait("words", ".*data01/data.db is not opened: it has 4 entries, min_entries is 10")
    assert server.serving() == "one"
    assert (server.store() / "data01/data.db.rejected").exists()
    server.load(dataset("two"))


@pytest.mark.parametrize("step", ["noted", "moved", "opened", "pointed"])
def test_a_kill_in_the_middle_of_one_that_was_asked_for_by_hand_does_not_lose_it(serve, step):
    server = serve(words={"min_entries": 10})
    server.load(dataset("one"))
    wait_rejected(server, bad(), "min_entries")
    server.stop()
    reconfigure(server, min_entries=1)
    server.start(ready=True)
    server.kill_at(step)
    assert publish(server, bad(), "--again", "--no-wait").returncode == 0
    server.died_by_kill9()
    server.forget_steps()
    server.start(ready=True)
    server.wait_serving("bad", 3)


def test_refusals_are_bounded_and_odd_files_in_their_place_do_no_harm(serve):
    server = serve(words={"min_entries": 10})
    server.load(dataset("one"))
    for number in range(70):
        wait_rejected(server, bad(f"bad{number}"), "min_entries")
    assert len(refused(server)) == 64
    assert refused(server)[-1].startswith(f"md5:{hexdigest(encode(bad('bad69')))} ")
    server.stop()
    for content in (b"", b"\0" * 100, b"word\n\n1 2\n", b"x" * 300_000):
        (server.store() / "refused").write_bytes(content)
        server.start(ready=True)
        assert server.serving() == "one"
        server.stop()
    (server.store() / "refused").unlink()
    (server.store() / "refused").mkdir()
    server.start(ready=True)
    wait_rejected(server, bad(), "min_entries")
    server.wait("words", "cannot write down what was rejected: ")
    wait_rejected(server, bad(), "refused since")  # as long as the process lives
    (server.store() / "refused").rmdir()


def test_a_sum_that_does_not_match_refuses_nothing(serve):
    server = serve()
    data = server.load(dataset("one")) and encode(dataset("two"))
    server.inbox().put_data(data[:-1])
    server.inbox().put_sum_of(data)
    server.wait("words", "rejected ")
    assert refused(server) == []
    server.load(dataset("two"))


# ---- only_newer --------------------------------------------------------------------------------


def drop_of(server, words, seconds):
    """Drops a data set that was made at that time."""
    inbox = server.inbox()
    data = encode(words)
    aside = inbox.file.with_name("aside")
    aside.write_bytes(data)
    os.utime(aside, (seconds, seconds))
    aside.rename(inbox.file)
    inbox.put_sum_of(data)


def test_an_older_file_does_not_replace_a_newer_one(serve):
    server = serve(words={"only_newer": True})
    drop_of(server, dataset("one"), 1_700_000_000)
    server.adopted(1)
    after = server.mark()
    drop_of(server, dataset("old"), 1_699_999_999)
    event = server.wait("words", "rejected ", after)
    assert "it is of 2023-11-14T22:13:19.000Z, older than generation 1" in event.message
    assert "which is of 2023-11-14T22:13:20.000Z; only_newer is set" in event.message
    server.restart(ready=True)
    server.wait("words", "rejected ")
    assert server.serving() == "one"
    # The same content as new as the served one is taken: it was its time, not what is in it.
    drop_of(server, dataset("old"), 1_700_000_000)
    server.adopted(2)
    assert server.serving() == "old"


MADE = 1_700_000_000
TOUCHED = pytest.mark.parametrize("touched", [946_684_800, MADE + 1000], ids=["older", "newer"])


@TOUCHED
def test_a_restored_store_is_as_old_as_its_data(serve, touched):
    server = serve(words={"only_newer": True})
    drop_of(server, dataset("one"), MADE)
    server.adopted(1)
    # As `cp -r` leaves it. The first start makes the new time the one that it is known by.
    for time in (touched, touched + 10):
        server.stop()
        os.utime(server.store() / "data00/data.db", (time, time))
        server.start(ready=True)
        drop_of(server, dataset("old"), MADE - 1)
        event = server.wait("words", "rejected ")
        assert "older than generation 1, which is of 2023-11-14T22:13:20.000Z" in event.message
        server.inbox().clear()
    assert server.stats()["goromdb_mtime"] == str(MADE)
    drop_of(server, dataset("two"), MADE + 1)
    server.adopted(2)


@TOUCHED
def test_what_was_kept_is_as_old_as_its_data(serve, touched):
    server = serve(words={"only_newer": True, "keep": 2})
    for generation, marker in ((1, "one"), (2, "two")):
        drop_of(server, dataset(marker), MADE + generation * 10)
        server.adopted(generation)
    wait_kept(server, 1)
    os.utime(server.store() / "kept/1.db", (touched, touched))
    assert rollback(server).returncode == 0
    assert server.serving() == "one"
    drop_of(server, dataset("old"), MADE + 9)
    event = server.wait("words", "rejected ")
    assert "older than generation 3, which is of 2023-11-14T22:13:30.000Z" in event.message
    server.inbox().clear()
    drop_of(server, dataset("three"), MADE + 11)
    server.adopted(4)


def test_an_older_file_is_published_by_hand(serve):
    server = serve(words={"only_newer": True})
    drop_of(server, dataset("one"), MADE)
    server.adopted(1)
    path = server.folder / "new.json"
    path.write_bytes(encode(dataset("old")))
    os.utime(path, (MADE - 1, MADE - 1))
    words = ("publish", "--config", server.config_file, "--database", "words")
    words = (*words, "--timeout", f"{int(DEADLINE * 0.8)}s", path)
    done = run(*words)
    assert done.returncode == 1
    assert "only_newer is set; publish a newer one, or this one with --again" in done.stderr
    done = run(*words, "--again")
    assert done.returncode == 0, done.stderr
    assert server.serving() == "old"
    # That was about this content alone, and once.
    drop_of(server, dataset("older"), MADE - 2)
    server.wait("words", "rejected .*which is of 2023-11-14T22:13:19.000Z; only_newer is set")
    drop_of(server, dataset("one"), MADE)
    server.adopted(3)
    drop_of(server, dataset("old"), MADE - 1)
    server.wait("words", "rejected .*older than generation 3")


def test_by_default_the_one_that_comes_last_is_served(serve):
    server = serve()
    drop_of(server, dataset("one"), 1_700_000_000)
    server.adopted(1)
    drop_of(server, dataset("old"), 1_600_000_000)
    server.adopted(2)


def test_published_files_are_as_old_as_what_was_published(serve):
    server = serve(words={"only_newer": True})
    path = server.folder / "new.json"
    words = ("publish", "--config", server.config_file, "--database", "words")
    for marker, seconds, status in (("one", 1_700_000_000, 0), ("old", 1_600_000_000, 1)):
        path.write_bytes(encode(dataset(marker)))
        os.utime(path, (seconds, seconds))
        done = run(*words, "--timeout", f"{int(DEADLINE * 0.8)}s", path)
        assert done.returncode == status, done.stderr
    assert "only_newer is set" in done.stderr
    assert server.serving() == "one"
