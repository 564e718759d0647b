# SPDX-License-Identifier: MIT
"""Data sets that were served before are kept, and `goromdb rollback` goes back to one of them."""

import contextlib
import json
import os
import signal
import subprocess

import pytest

from harness import (
    DEADLINE,
    PROGRAM,
    SLOW,
    dataset,
    encode,
    hexdigest,
    run,
    tmpfs,
    wait_for,
    without_superpowers,
)

REQUEST = ".data.json.rollback"
SHORT = f"{1 + SLOW:.0f}s"  # in which a server has met what is in its way, on a busy machine, too
BIG = 8 << 20  # more than the kernel takes for a client that does not read


def rollback(server, *args):
    place = ("--config", server.config_file, "--database", "words")
    if "--timeout" not in args:
        args = (*args, "--timeout", f"{int(DEADLINE * 0.8)}s")
    return run("rollback", *place, *args)


def publish(server, words, *args):
    path = server.folder / "new.json"
    path.write_bytes(encode(words))
    place = ("--config", server.config_file, "--database", "words")
    return run("publish", *place, "--timeout", f"{int(DEADLINE * 0.8)}s", *args, path)


def kept(server):
    """The generations that are kept, newest first."""
    done = rollback(server, "--list", "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["generation"] for line in done.stdout.splitlines()]


def kept_files(server):
    with contextlib.suppress(FileNotFoundError):
        return sorted(path.name for path in (server.store() / "kept").iterdir())
    return []


def wait_kept(server, *generations):
    """Until they have left their slots, too."""
    names = {f"{n}.db" for n in generations}
    wait_for(
        lambda: {name for name in kept_files(server) if name.endswith(".db")} == names
        and kept(server) == list(generations),
        f"{generations} kept\n{server.log()}",
    )


def load(server, *markers):
    """Each of them in turn; when it returns, what can be kept is kept."""
    for marker in markers:
        before = int(server.stats()["goromdb_generation"])
        server.load(dataset(marker))
        if before:
            server.wait("words", f"generation {before} (is kept|closed)")


def generation(server):
    return int(server.stats()["goromdb_generation"])


def asking_for_a_rollback(server, *args):
    return subprocess.Popen(
        [PROGRAM, "rollback", "--config", server.config_file, "--database", "words", *args],
        stdout=subprocess.PIPE,
        text=True,
    )


def rolled_back_over_a_kill(server):
    """What the tool says when the server dies of the step that is armed, and is started again."""
    with asking_for_a_rollback(server) as asking:
        server.died_by_kill9()
        server.forget_steps()
        server.start(ready=True)
        return asking.communicate(timeout=DEADLINE)[0]


def reconfigure(server, **settings):
    config = json.loads(server.config_file.read_text())
    config["databases"]["words"].update(settings)
    server.config_file.write_text(json.dumps(config))


def serving_is_sound(server):
    """The next drop is adopted, and the store has nothing in it that does not belong there."""
    before = generation(server)
    server.load(dataset("next"))
    assert server.serving() == "next"
    assert generation(server) > before
    wait_for(
        lambda: sum(".rejected" not in name for name in server.store_files()) == 2,
        f"one slot in use\n{server.log()}",
    )
    files = kept_files(server)
    numbers = kept(server)
    assert files == sorted(f"{n}.db{end}" for n in numbers for end in ("", ".note")), files
    data = [*server.store().glob("data0?/data.db"), *server.store().glob("kept/*.db")]
    assert {path.stat().st_mode & 0o777 for path in data} == {0o444}


# ---- keeping -----------------------------------------------------------------------------------


def test_by_default_nothing_is_kept(serve):
    server = serve()
    load(server, "one", "two", "three")
    assert not (server.store() / "kept").exists()
    done = rollback(server)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no data set is kept" in done.stderr and "keep: N" in done.stderr


def test_the_newest_are_kept_with_a_manifest_and_older_ones_go(serve):
    server = serve(words={"keep": 2})
    load(server, "one", "two", "three", "four", "five")
    wait_kept(server, 4, 3)
    files = ["3.db", "3.db.note", "4.db", "4.db.note"]
    wait_for(lambda: kept_files(server) == files, "nothing but these")
    four = encode(dataset("four"))
    assert (server.store() / "kept/4.db").read_bytes() == four
    done = rollback(server, "--list", "--json")
    newest = json.loads(done.stdout.splitlines()[0])
    assert newest["generation"] == 4 and newest["entries"] == 65 and newest["size"] == len(four)
    assert newest["checksum"] == f"md5:{hexdigest(four)}"
    assert newest["source"].endswith("in/data.json")
    assert newest["adopted_at"].endswith("Z") and newest["mtime"].endswith("Z")
    assert (newest["rolled_back_to"], newest["refused"]) == (None, None)
    lines = rollback(server, "--list").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["4", "3"]
    assert "\t65 entries\t" in lines[0]


def test_kept_ones_are_there_after_a_restart_also_for_a_config_that_keeps_none(serve):
    server = serve(words={"keep": 3})
    load(server, "one", "two", "three")
    wait_kept(server, 2, 1)
    server.stop()
    assert kept(server) == [2, 1]
    reconfigure(server, keep=1)
    server.start(ready=True)
    assert kept(server) == [2]
    server.stop()
    reconfigure(server, keep=0)
    server.start(ready=True)
    load(server, "four")
    assert kept(server) == [2]
    assert rollback(server).stdout.startswith("back to generation 2, as generation 5 ")
    assert server.serving() == "two"


@contextlib.contextmanager
def slow_reader(server):
    """A client that has begun to read the value `big` and does not read on."""
    with server.client(receive_buffer=4096) as slow:
        slow.send(b"get big\r\n")
        slow.line()
        yield slow


def test_a_slow_client_keeps_nothing_from_being_kept(serve):
    server = serve(words={"keep": 3})
    server.load({"marker": "one", "big": "x" * BIG})
    with slow_reader(server) as slow:
        server.load(dataset("two"))
        server.load(dataset("three"))  # takes the slot that the slow client's data set has
        wait_for(lambda: "1.db" in kept_files(server), f"the first one kept\n{server.log()}")
        slow.exactly(BIG + 2)
    wait_kept(server, 2, 1)
    serving_is_sound(server)


def load_behind(server, marker):
    """As load(), where a slow client keeps the data set before in its slot."""
    number = server.load(dataset(marker))
    wait_for(lambda: server.status()["generation"] == number, "the status to tell")


def test_a_data_set_that_a_slow_client_still_reads_is_the_one_before(serve):
    server = serve(words={"keep": 3})
    load(server, "one")
    server.load({**dataset("two"), "big": "x" * BIG})
    wait_kept(server, 1)
    with slow_reader(server) as slow:
        load_behind(server, "three")
        assert kept_files(server) == ["1.db", "1.db.note"]
        assert kept(server) == [2, 1]
        done = rollback(server)
        assert done.stdout.startswith("back to generation 2, as generation 4 "), done.stderr
        assert server.serving() == "two"
        wait_kept(server, 3, 1)
        assert slow.exactly(BIG + 2) == b"x" * BIG + b"\r\n"
    server.wait("words", "generation 2 closed")
    assert server.serving() == "two"
    serving_is_sound(server)


def test_the_only_data_set_before_is_gone_back_to_while_a_slow_client_reads_it(serve):
    server = serve(words={"keep": 1})
    server.load({**dataset("one"), "big": "x" * BIG})
    with slow_reader(server):
        load_behind(server, "two")
        assert (kept_files(server), kept(server)) == ([], [1])
        done = rollback(server)
        assert done.stdout.startswith("back to generation 1, as generation 3 "), done.stderr
        assert server.serving() == "one"
    serving_is_sound(server)


def test_what_a_slow_client_still_reads_is_not_kept_where_nothing_is(serve):
    server = serve()
    server.load({**dataset("one"), "big": "x" * BIG})
    with slow_reader(server):
        load_behind(server, "two")
        assert kept(server) == []
        assert "no data set is kept" in rollback(server).stderr


def test_a_data_set_that_a_slow_client_reads_is_waited_for_while_it_cannot_be_kept(serve):
    server = serve(words={"keep": 2, "poll_interval": "100ms"})
    server.load({**dataset("one"), "big": "x" * BIG})
    with slow_reader(server):
        load_behind(server, "two")
        (server.store() / "kept").write_text("in the way")
        done = rollback(server, "--timeout", SHORT)
        assert done.returncode == 1
        why = f"generation 1 was not back within {SHORT}: cannot keep generation 1: "
        assert why in done.stderr and done.stderr.endswith("; nothing was rolled back\n")
        assert len(server.find("words", "cannot keep generation 1: ")) <= 2
        (server.store() / "kept").unlink()
        assert rollback(server).returncode == 0
        assert server.serving() == "one"
    serving_is_sound(server)


@pytest.mark.parametrize(
    "step", ["kept_noted", "kept_moved", "rollback_noted", "rollback_moved", "rollback_taken"]
)
def test_a_kill_while_a_slow_client_reads_what_is_gone_back_to_is_made_good(serve, step):
    server = serve(words={"keep": 3})
    load(server, "one")
    server.load({**dataset("two"), "big": "x" * BIG})
    wait_kept(server, 1)
    with slow_reader(server):
        load_behind(server, "three")
        server.kill_at(step)
        out = rolled_back_over_a_kill(server)
    assert out.startswith("back to generation 2, as generation 4 ")
    assert server.serving() == "two"
    wait_kept(server, 3, 1)
    serving_is_sound(server)


def test_a_content_that_comes_again_and_again_pushes_no_other_out(serve):
    server = serve(words={"keep": 3})
    load(server, "one", "two", "two", "two", "two")
    wait_kept(server, 4, 1)
    done = rollback(server)
    assert done.stdout.startswith("back to generation 1, as generation 6 "), done.stderr
    assert server.serving() == "one"
    wait_kept(server, 5)
    serving_is_sound(server)


def test_the_one_place_is_not_for_a_copy_of_what_is_served(serve):
    server = serve(words={"keep": 1})
    load(server, "one", "two", "two")
    wait_kept(server, 1)
    assert rollback(server).returncode == 0
    assert server.serving() == "one"
    wait_kept(server, 3)


def test_a_served_file_that_was_changed_is_not_kept(serve):
    server = serve(words={"keep": 2})
    server.load(dataset("one"))
    os.utime(server.store() / "data00/data.db", (1, 1))
    load(server, "two")
    server.wait("words", "cannot keep generation 1: it was changed after")
    serving_is_sound(server)
    wait_kept(server, 2)


def test_where_keeping_fails_the_swap_goes_on(serve):
    server = serve(words={"keep": 2}, wrap=without_superpowers())
    server.load(dataset("one"))
    (server.store() / "kept").write_text("in the way")
    server.load(dataset("two"))
    event = server.wait("words", "cannot keep generation 1: .*kept must be a folder")
    assert event.level == "warn"
    server.load(dataset("three"))
    assert server.serving() == "three"
    (server.store() / "kept").unlink()
    load(server, "four")
    wait_for(lambda: "3.db" in kept_files(server), f"the third one kept\n{server.log()}")


def test_a_full_disk_keeps_no_data_set_from_being_adopted(serve, tmp_path):
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tmpfs(tmp_path / "disk", "1m"))
        except OSError:
            pytest.skip("this machine does not allow to mount a file system")
        server = serve(words={"keep": 3, "basedir": str(folder), "poll_interval": "50ms"})
        stack.callback(server.stop)
        server.load(dataset("one"))
        (folder / "kept").mkdir()
        filler = stack.enter_context(open(folder / "filler", "wb", 0))
        with contextlib.suppress(OSError):
            while filler.write(b"x" * 4096):
                pass
        server.drop(dataset("two"))
        server.wait("words", "cannot .*: No space left")
        assert server.serving() == "one"
        filler.truncate(0)
        server.wait_serving("two")
        wait_kept(server, 1)


# ---- going back --------------------------------------------------------------------------------


def test_a_rollback_serves_the_data_set_before_as_a_new_generation(serve):
    server = serve(words={"keep": 2})
    load(server, "one", "two", "three")
    wait_kept(server, 2, 1)
    done = rollback(server)
    two = f"md5:{hexdigest(encode(dataset('two')))}"
    assert done.stdout == f"back to generation 2, as generation 4 ({two}, 65 entries)\n"
    assert (done.returncode, done.stderr) == (0, "")
    assert server.serving() == "two"
    stats = server.stats()
    assert (stats["goromdb_checksum"], stats["goromdb_rolled_back_to"]) == (two, "2")
    assert server.status()["rolled_back_to"] == 2
    wait_kept(server, 3, 1)
    assert not (server.inbox().file.parent / REQUEST).exists()
    server.restart(ready=True)
    assert server.serving() == "two" and generation(server) == 4
    serving_is_sound(server)


def test_a_rollback_goes_where_it_is_told_to(serve):
    server = serve(words={"keep": 3})
    load(server, "one", "two", "three")
    wait_kept(server, 2, 1)
    done = rollback(server, "--to", "1", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["database"], said["outcome"]) == ("words", "rolled_back")
    assert (said["generation"], said["rolled_back_to"], said["entries"]) == (4, 1, 65)
    assert server.serving() == "one"
    wait_kept(server, 3, 2)


def test_a_rollback_of_a_rollback_goes_further_back_and_can_be_undone(serve):
    server = serve(words={"keep": 4})
    load(server, "one", "two", "three")
    wait_kept(server, 2, 1)
    assert rollback(server).returncode == 0
    wait_kept(server, 3, 1)
    assert rollback(server).returncode == 0
    assert server.serving() == "one"
    wait_kept(server, 4, 3)
    lines = rollback(server, "--list").stdout.splitlines()
    assert all("\trefused: it was rolled back, generation " in line for line in lines)
    done = rollback(server)
    assert done.returncode == 1 and "refused or the same" in done.stderr
    assert rollback(server, "--to", "3").returncode == 0
    assert server.serving() == "three"
    wait_kept(server, 5, 4)


def test_a_rollback_needs_a_server_and_a_kept_generation(serve):
    server = serve(words={"keep": 2})
    load(server, "one", "two")
    wait_kept(server, 1)
    done = rollback(server, "--to", "7")
    assert done.returncode == 1
    assert "generation 7 is not kept, nothing was rolled back" in done.stderr
    done = run("rollback", "--config", server.config_file, "--database", "wrods")
    assert done.returncode == 2 and 'did you mean "words"' in done.stderr
    assert run("rollback", "--config", "nowhere.yaml", "--database", "words").returncode == 2
    done = rollback(server, "--to", "0")
    assert done.returncode == 2 and len(done.stderr) < 200
    server.stop()
    done = rollback(server)
    assert done.returncode == 1 and "no server runs on" in done.stderr
    assert not (server.inbox().file.parent / REQUEST).exists()
    assert kept(server) == [1]


def test_a_rollback_waits_for_a_server_that_has_just_started(serve):
    server = serve(words={"keep": 2})
    load(server, "one", "two")
    wait_kept(server, 1)
    server.stop()
    server.pause_at("opened")
    server.start()
    asking = subprocess.Popen(
        [PROGRAM, "rollback", "--config", server.config_file, "--database", "words"],
        stdout=subprocess.PIPE,
        text=True,
    )
    server.wait_paused("opened")
    lock = server.inbox().file.with_name(".data.json.publish.lock")
    wait_for(lock.exists, "the rollback to have its turn")
    server.resume("opened")
    out, _ = asking.communicate(timeout=DEADLINE)
    assert out.startswith("back to generation 1, as generation 3 ")


def test_a_rollback_of_nothing_is_refused(serve):
    server = serve(words={"keep": 2})
    wait_for((server.store() / "status").exists, "the status")
    done = rollback(server, "--timeout", "100ms")
    assert done.returncode == 1
    assert "no data set is served yet, nothing was rolled back" in done.stderr


def test_a_request_that_something_has_overtaken_is_refused(serve):
    server = serve(words={"keep": 2})
    load(server, "one", "two")
    wait_kept(server, 1)
    request = server.inbox().file.with_name(REQUEST)
    for content, why in [
        ("from 1\nto 1\n", "generation 2 is served by now, not 1"),
        ("from 2\nto 9\n", "generation 9 is not kept"),
        ("nonsense\n", "is not what `goromdb rollback` writes"),
    ]:
        after = server.mark()
        request.with_suffix(".tmp").write_text(content)
        request.with_suffix(".tmp").rename(request)
        server.wait("words", f"not rolled back: .*{why}", after)
        wait_for(lambda: not request.exists(), "the request to be taken away")
        wait_for(lambda: why in str(server.status()), "the status to tell")
    request.mkdir()
    server.wait("words", "not rolled back: .*is a folder")
    wait_for(lambda: "is a folder" in str(server.status()), "the status to tell")
    request.rmdir()
    assert server.serving() == "two"
    assert rollback(server).returncode == 0


def test_a_rollback_while_a_drop_is_being_loaded_is_refused_when_that_is_served(serve):
    server = serve(words={"keep": 3})
    load(server, "one", "two")
    wait_kept(server, 1)
    server.pause_at("opened")
    server.drop(dataset("three"))
    server.wait_paused("opened")
    asking = subprocess.Popen(
        [PROGRAM, "rollback", "--config", server.config_file, "--database", "words"],
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for((server.inbox().file.with_name(REQUEST)).exists, "the request")
    server.resume("opened")
    _, err = asking.communicate(timeout=DEADLINE)
    assert asking.returncode == 1 and "generation 3 is served by now, not 2" in err
    assert server.serving() == "three"


def test_a_rollback_comes_before_a_drop_that_waits(serve):
    server = serve(words={"keep": 3})
    load(server, "one", "two")
    wait_kept(server, 1)
    server.pause_at("adopting")
    # A drop that comes while the rollback is under way is adopted after it.
    asking = asking_for_a_rollback(server)
    server.wait_paused("adopting")
    server.drop(dataset("three"))
    server.resume("adopting")
    out, _ = asking.communicate(timeout=DEADLINE)
    assert asking.returncode == 0
    assert out.startswith("back to generation 1, as generation 3 ")
    server.wait_serving("three")
    wait_kept(server, 3, 2)


@pytest.mark.parametrize("restart", [False, True])
def test_a_rollback_that_a_drop_overtakes_at_once_has_been_done(serve, restart):
    server = serve(words={"keep": 3})
    load(server, "one", "two")
    wait_kept(server, 1)
    server.pause_at("adopting")
    asking = asking_for_a_rollback(server, "--json")
    server.wait_paused("adopting")
    asking.send_signal(signal.SIGSTOP)  # it sees nothing of what comes now
    server.drop(dataset("three"))
    server.resume("adopting")
    server.adopted(4)
    wait_for(lambda: server.status()["generation"] == 4, "the status to tell")
    if restart:
        server.process.kill()
        server.expected_exit = (-signal.SIGKILL,)
        server.restart(ready=True)
    asking.send_signal(signal.SIGCONT)
    out, _ = asking.communicate(timeout=DEADLINE)
    assert asking.returncode == 0
    said = json.loads(out)
    assert (said["outcome"], said["rolled_back_to"]) == ("rolled_back", 1)
    assert (said["generation"], said["served"]) == (3, 4)
    assert said["checksum"] == f"md5:{hexdigest(encode(dataset('one')))}"
    assert server.status()["last_rollback"] == {"to": 1, "as": 3}


def test_a_rollback_to_a_damaged_file_changes_nothing(serve):
    server = serve(words={"keep": 2})
    load(server, "one", "two")
    wait_kept(server, 1)
    (server.store() / "kept/1.db").write_bytes(b"{")
    done = rollback(server)
    assert done.returncode == 1 and "nothing was rolled back: " in done.stderr
    assert server.serving() == "two"
    assert kept(server) == []
    serving_is_sound(server)


def test_a_rollback_is_not_asked_what_new_data_is(serve):
    server = serve(words={"keep": 2})
    load(server, "one", "two")
    wait_kept(server, 1)
    server.stop()
    reconfigure(server, min_entries=1000, must_have=["nothing"], must_open_within="1ms")
    server.start(ready=True)
    assert rollback(server).returncode == 0
    assert server.serving() == "one"


@contextlib.contextmanager
def full(server):
    """As a full disk: no note can be written for the slot that is free after two data sets."""
    server.wait("words", "generation 1 is kept")
    (server.store() / "data00/data.db.note.tmp").mkdir()
    yield
    (server.store() / "data00/data.db.note.tmp").rmdir()


def test_a_rollback_waits_while_the_machine_is_in_the_way(serve):
    server = serve(words={"keep": 1, "poll_interval": "100ms"})
    load(server, "one", "two")
    with full(server):
        done = rollback(server, "--timeout", SHORT)
        assert done.returncode == 1
        assert f"generation 1 was not back within {SHORT}: cannot " in done.stderr
        assert done.stderr.endswith("; nothing was rolled back\n")
        assert not server.inbox().file.with_name(REQUEST).exists()
        assert (server.serving(), kept(server)) == ("two", [1])
        asking = subprocess.Popen(
            [PROGRAM, "rollback", "--config", server.config_file, "--database", "words"],
            stdout=subprocess.PIPE,
            text=True,
        )
        failures = int(server.stats()["goromdb_failures"])
        wait_for(lambda: int(server.stats()["goromdb_failures"]) > failures + 1, "more tries")
        assert "data.db.note.tmp" in server.status()["trouble"]
        assert len(server.find("words", "cannot .*data.db.note.tmp.*trying again in ")) <= 2
    out, _ = asking.communicate(timeout=DEADLINE)
    assert out.startswith("back to generation 1, as generation 3 ")
    wait_for(lambda: "trouble" not in server.status(), "the trouble to be over")
    serving_is_sound(server)


def test_a_rollback_to_a_file_with_another_byte_is_refused(serve):
    server = serve(words={"keep": 2})
    load(server, "one", "two")
    wait_kept(server, 1)
    path = server.store() / "kept/1.db"
    was = path.stat()
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"one', b'"eno', 1))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert path.stat().st_size == was.st_size
    done = rollback(server)
    assert done.returncode == 1
    assert "nothing was rolled back: " in done.stderr
    assert "its content is not what had been verified: its sum is " in done.stderr
    assert (server.serving(), kept(server)) == ("two", [])
    server.load(dataset("one"))  # the content of that sum is good
    serving_is_sound(server)


@pytest.mark.parametrize("storage", ["lmdb", "bolt", "cdb", "bdb"])
def test_every_storage_goes_back(serve, storage):
    server = serve(words={"keep": 2, "storage": storage})
    path = server.folder / "new.json"
    for marker in ("one", "two"):
        path.write_bytes(encode({"marker": marker}))
        out = server.folder / f"{marker}.db"
        made = run("build", "--storage", storage, "--input", path, "--output", out)
        assert made.returncode == 0, made.stderr
        server.load(out.read_bytes())
    wait_kept(server, 1)
    assert rollback(server).returncode == 0
    with server.client() as client:
        assert client.get("marker") == b"one"


# ---- kills -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["kept_noted", "kept_moved", "kept_trimmed", "closed", "removed"])
def test_a_kill_while_a_data_set_is_kept_loses_nothing(serve, step):
    server = serve(words={"keep": 1})
    load(server, "one", "two")
    wait_kept(server, 1)
    server.pause_at("noted")
    server.drop(dataset("three"))
    server.wait_paused("noted")  # the one before it has been dealt with
    server.kill_at(step)
    server.resume("noted")
    server.died_by_kill9()
    server.forget_steps()
    server.start(ready=True)
    assert server.serving() == "three"
    wait_kept(server, 2)
    wait_for(lambda: len(kept_files(server)) == 2, f"a tidy folder\n{server.log()}")
    assert rollback(server).returncode == 0
    assert server.serving() == "two"
    serving_is_sound(server)


ROLLBACK_STEPS = [
    *("rollback_noted", "rollback_moved", "rollback_taken", "opened", "verified"),
    *("pointed", "adopting", "adopted", "closed", "kept_noted", "kept_moved", "removed"),
]


@pytest.mark.parametrize("step", ROLLBACK_STEPS)
def test_a_kill_during_a_rollback_is_finished_by_the_next_start(serve, step):
    server = serve(words={"keep": 3})
    load(server, "one", "two")
    wait_kept(server, 1)
    # Behind the last step of that load: a drop that is rejected comes to the same thread after it.
    server.drop(b"{")
    server.wait("words", "rejected ")
    server.kill_at(step)
    out = rolled_back_over_a_kill(server)
    assert out.startswith("back to generation 1, as generation 3 ")
    assert server.serving() == "one" and generation(server) == 3
    wait_kept(server, 2)
    wait_for(
        lambda: not (server.inbox().file.with_name(REQUEST)).exists(), "the request to be gone"
    )
    # What was rolled back stays refused.
    after = server.mark()
    server.drop(dataset("two"))
    server.wait("words", "rejected .*it was rolled back, generation 2", after)
    serving_is_sound(server)


# ---- starts ------------------------------------------------------------------------------------


def test_a_start_whose_served_file_is_damaged_goes_back_to_a_kept_one(serve):
    server = serve(words={"keep": 2})
    load(server, "one", "two", "three")
    wait_kept(server, 2, 1)
    server.stop()
    (server.store() / "data00/data.db").write_bytes(b"{")
    (server.store() / "kept/2.db").write_bytes(b"[")
    server.start(ready=True)
    assert server.serving() == "one"
    server.wait("words", "no data set of this store opens; going back to a kept one")
    # Its content was good: it may come again.
    server.load(dataset("three"))
    serving_is_sound(server)
