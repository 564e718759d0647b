# SPDX-License-Identifier: MIT
"""`goromdb publish`: a file is handed over whole, and the answer is the server's."""

import contextlib
import json
import os
import re
import signal
import subprocess

import pytest

from harness import (
    PROGRAM,
    SANITIZER,
    SANITIZER_REPORT,
    DEADLINE,
    SLOW,
    dataset,
    encode,
    hexdigest,
    run,
    tmpfs,
    wait_for,
    without_superpowers,
)

LOCK = ".data.json.publish.lock"


def new_file(server, words, name="new.json", folder=None):
    path = (folder or server.folder) / name
    path.write_bytes(words if isinstance(words, bytes) else encode(words))
    return path


def command(server, path, *args, database="words"):
    if "--timeout" not in args:
        args = (*args, "--timeout", f"{int(DEADLINE * 0.8)}s")
    place = ("--config", server.config_file, "--database", database)
    return [str(word) for word in ("publish", *place, *args, path)]


def publish(server, path, *args, **kwargs):
    return run(*command(server, path, *args, **kwargs))


def in_json(done):
    (line,) = done.stdout.splitlines()
    return json.loads(line)


def lying_in(folder):
    return sorted(path.name for path in folder.iterdir())


class Running:
    """A publish that runs beside the test; it can be held and killed at its steps."""

    def __init__(self, server, path, *args, steps=None):
        self.steps = steps
        env = {**os.environ, **({"GOROMDB_TEST_STEPS": str(steps)} if steps else {})}
        self.process = subprocess.Popen(
            [str(PROGRAM), *command(server, path, *args)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )

    def wait_paused(self, step):
        wait_for(lambda: (self.steps / f"{step}.paused").exists(), f"the pause at {step}")

    def end(self):
        """The exit status and both outputs."""
        out, err = self.process.communicate(timeout=DEADLINE)
        assert not SANITIZER_REPORT.search(err), err
        return self.process.returncode, out, err


@pytest.fixture
def beside(tmp_path):
    """beside(server, path) is a Running; none outlives the test."""
    running = []

    def make(*args, **kwargs):
        running.append(Running(*args, **kwargs))
        return running[-1]

    yield make
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
        each.process.communicate()


@pytest.fixture
def steps(tmp_path):
    folder = tmp_path / "publish-steps"
    folder.mkdir()
    return folder


# ---- the good way ------------------------------------------------------------------------------


def test_a_published_file_is_served_and_stays_where_it_was(serve):
    server = serve()
    data = encode(dataset("one"))
    path = new_file(server, data)
    done = publish(server, path)
    assert done.stdout == f"adopted as generation 1 (md5:{hexdigest(data)}, 65 entries)\n"
    assert (done.returncode, done.stderr) == (0, "")
    assert server.serving() == "one"
    assert path.read_bytes() == data
    assert lying_in(server.inbox().file.parent) == [LOCK]


def test_whoever_reads_after_a_publish_reads_the_new_data_set(serve):
    server = serve(server={"threads": 4})
    clients = [server.client() for _ in range(8)]
    for number in range(15 if SANITIZER else 100):
        path = new_file(server, {"marker": f"set{number}"})
        done = publish(server, path)
        assert done.returncode == 0, done.stderr
        assert {client.get("marker").decode() for client in clients} == {f"set{number}"}
    for client in clients:
        client.close()


def test_the_same_content_published_again_is_a_new_generation(serve):
    server = serve()
    path = new_file(server, dataset("one"))
    assert publish(server, path).stdout.startswith("adopted as generation 1 ")
    assert publish(server, path).stdout.startswith("adopted as generation 2 ")


@pytest.mark.parametrize("verify", ["md5", "sha256", "none"])
def test_the_sum_is_of_the_kind_that_the_config_asks_for(serve, verify):
    server = serve(words={"verify": verify, **({"settle": "50ms"} if verify == "none" else {})})
    data = encode(dataset("one"))
    done = publish(server, new_file(server, data))
    kind = "md5" if verify == "none" else verify
    assert done.stdout == f"adopted as generation 1 ({kind}:{hexdigest(data, kind)}, 65 entries)\n"
    assert server.serving() == "one"


def test_a_file_on_another_file_system_is_copied(serve, elsewhere):
    server = serve()
    path = new_file(server, dataset("one", 20000), folder=elsewhere)
    assert os.stat(path).st_dev != os.stat(server.folder).st_dev
    assert publish(server, path).returncode == 0
    assert server.serving(20000) == "one"


def test_a_drop_folder_on_another_file_system_than_the_store_will_do(serve, elsewhere):
    server = serve(words={"file": str(elsewhere / "in" / "data.json")})
    assert publish(server, new_file(server, dataset("one"))).returncode == 0
    assert server.serving() == "one"


def test_the_slots_may_lie_in_the_drop_folder(serve):
    server = serve(databases={"words": {"storage": "json", "file": "in/data.json"}})
    for marker in ("one", "two"):
        assert publish(server, new_file(server, dataset(marker))).returncode == 0
        assert server.serving() == marker


def test_the_copy_may_be_read_by_whom_the_file_may_be_read(serve):
    server = serve(start=False)
    path = new_file(server, dataset("one"))
    path.chmod(0o640)
    assert publish(server, path, "--no-wait").returncode == 0
    assert server.inbox().file.stat().st_mode & 0o777 == 0o640


def test_what_lay_there_untaken_is_replaced_with_its_sum(serve):
    server = serve(start=False)
    server.drop(dataset("old"))
    assert publish(server, new_file(server, dataset("new")), "--no-wait").returncode == 0
    server.start(ready=True)
    assert server.serving() == "new"


def test_two_publishers_at_once_both_end_well_and_both_data_sets_were_served(serve, beside):
    server = serve()
    for turn in range(2 if SANITIZER else 5):
        sets = [encode(dataset(f"set{turn}{name}", 500)) for name in "ab"]
        pair = [beside(server, new_file(server, data, f"{i}.json")) for i, data in enumerate(sets)]
        generations = set()
        for each, data in zip(pair, sets):
            code, out, err = each.end()
            assert code == 0, err
            said = re.match(r"adopted as generation (\d+) \(md5:(\w+)", out)
            assert said.group(2) == hexdigest(data)
            server.wait("words", rf"generation {said.group(1)} adopted: .*md5:{hexdigest(data)}")
            generations.add(said.group(1))
        assert len(generations) == 2


# ---- what is told to scripts -------------------------------------------------------------------


def test_an_adopted_file_as_json(serve):
    server = serve()
    data = encode(dataset("one"))
    done = publish(server, new_file(server, data), "--json")
    assert in_json(done) == {
        "database": "words",
        "outcome": "adopted",
        "generation": 1,
        "checksum": f"md5:{hexdigest(data)}",
        "entries": 65,
        "reason": None,
    }


def test_a_rejected_file_as_json(serve):
    server = serve()
    data = b'{"a": "\xff\x01"}'
    done = publish(server, new_file(server, data), "--json")
    told = in_json(done)
    assert done.returncode == 1
    assert (told["outcome"], told["checksum"]) == ("rejected", f"md5:{hexdigest(data)}")
    assert told["generation"] is told["entries"] is None
    assert "data.json" in told["reason"]


def test_without_waiting_the_file_is_dropped_and_that_is_all(serve):
    server = serve(start=False)
    data = encode(dataset("one"))
    done = publish(server, new_file(server, data), "--no-wait")
    assert (done.returncode, done.stdout) == (0, f"dropped (md5:{hexdigest(data)})\n")
    assert server.inbox().file.read_bytes() == data
    assert server.inbox().sum_file.read_bytes() == server.inbox().sum_line(data)
    done = publish(server, new_file(server, data), "--no-wait", "--json")
    assert in_json(done)["outcome"] == "dropped"
    server.start(ready=True)
    assert server.serving() == "one"


# ---- the server says no ------------------------------------------------------------------------


def test_a_rejected_file_is_told_with_the_servers_reason(serve):
    server = serve()
    server.load(dataset("one"))
    path = new_file(server, b'{"cut": "sho')
    for _ in range(2):  # the second answer is not the first one's
        after = server.mark()
        done = publish(server, path)
        reason = server.wait("words", "rejected ", after).message.removeprefix("rejected ")
        assert done.stderr == f"goromdb: {path} was rejected: {reason}\n"
        assert (done.returncode, done.stdout) == (1, "")
    assert server.serving() == "one"
    assert publish(server, new_file(server, dataset("two"))).returncode == 0


def test_a_file_with_too_few_entries_is_rejected(serve):
    server = serve(words={"min_entries": 100})
    done = publish(server, new_file(server, dataset("one", 10)))
    assert done.returncode == 1
    assert "was rejected: " in done.stderr and "it has 11 entries, min_entries is 100" in done.stderr


def test_a_server_that_takes_too_long_is_a_timeout_and_the_file_stays(serve):
    server = serve()
    wait_for((server.store() / "status").exists, "the status")
    server.pause_at("hashing")
    path = new_file(server, dataset("one"))
    done = publish(server, path, "--timeout", "200ms", "--json")
    assert done.returncode == 1
    assert "was not adopted within 200ms: the server has not said why" in done.stderr
    assert f"stays as {server.inbox().file} and may still be taken" in done.stderr
    assert in_json(done)["outcome"] == "timeout"
    server.resume("hashing")
    server.adopted(1)
    assert server.serving() == "one"


def test_a_timeout_tells_the_trouble_that_the_server_has(serve):
    server = serve(words={"poll_interval": "50ms"})
    for slot in ("data00", "data01"):  # as a full disk
        (server.store() / slot / "data.db.note.tmp").mkdir()
    server.drop(dataset("zero"))
    wait_for(lambda: "data.db.note.tmp" in str(server.status()), "the status to tell")
    done = publish(server, new_file(server, dataset("one")), "--timeout", f"{int(1000 * SLOW)}ms")
    assert done.returncode == 1
    assert re.search(r"was not adopted within \w+: cannot create \S+data\.db\.note\.tmp", done.stderr)
    for slot in ("data00", "data01"):
        (server.store() / slot / "data.db.note.tmp").rmdir()
    server.adopted(1)


def test_a_timeout_tells_that_the_server_has_ended(serve, beside):
    server = serve()
    server.pause_at("hashing")
    running = beside(server, new_file(server, dataset("one")), "--timeout", f"{4 + SLOW:.0f}s")
    server.wait_paused("hashing")
    server.kill9()
    code, _, err = running.end()
    assert code == 1
    assert f"no server runs on {server.store()} any more" in err


def test_a_server_that_starts_again_meanwhile_gives_the_answer(serve, beside):
    server = serve()
    server.load(dataset("one"))
    server.kill_at("pointed")
    running = beside(server, new_file(server, dataset("two")))
    server.died_by_kill9()
    server.forget_steps()
    server.start(ready=True)
    code, out, err = running.end()
    assert (code, out.split(" (")[0]) == (0, "adopted as generation 2"), err


# ---- before anything is dropped ----------------------------------------------------------------


def nothing_was_dropped(server):
    return set(lying_in(server.inbox().file.parent)) <= {LOCK}


def test_without_a_server_nothing_is_dropped(serve):
    server = serve(start=False)
    done = publish(server, new_file(server, dataset("one")))
    assert done.returncode == 1
    assert f"no server runs on {server.store()}, nothing was dropped" in done.stderr
    server.start()
    server.stop()
    assert publish(server, new_file(server, dataset("one"))).returncode == 1
    assert nothing_was_dropped(server)


def test_with_a_server_that_tells_nothing_nothing_is_dropped(serve):
    server = serve(start=False)
    (server.store() / "status").mkdir(parents=True)
    server.start()
    done = publish(server, new_file(server, dataset("one")), "--timeout", "100ms")
    assert done.returncode == 1
    assert f"the server tells nothing ({server.store()}/status is a folder" in done.stderr
    assert nothing_was_dropped(server)


@pytest.mark.parametrize("verify", ["md5", "sha256"])
def test_a_file_that_is_not_what_its_own_sum_says_is_not_dropped(serve, verify):
    server = serve(words={"verify": verify})
    data = encode(dataset("one"))
    path = new_file(server, data)
    own = path.with_name(f"{path.name}.{verify}")
    wrong = hexdigest(b"another", verify)
    own.write_text(f"{wrong}  {path.name}\n")
    done = publish(server, path)
    assert done.returncode == 1
    assert f"is {hexdigest(data, verify)}, its sum beside it says {wrong}; build it again" in done.stderr
    assert nothing_was_dropped(server)
    own.write_text("no sum\n")
    done = publish(server, path)
    assert (done.returncode, str(own) in done.stderr) == (1, True)
    assert nothing_was_dropped(server)
    own.write_text(f"{hexdigest(data, verify).upper()} *{path.name}\n")
    assert publish(server, path).returncode == 0
    assert server.serving() == "one"


def test_a_file_that_is_written_to_while_it_is_copied_is_not_dropped(serve, beside, steps):
    server = serve()
    path = new_file(server, dataset("one"))
    (steps / "publish_copying.pause").touch()
    running = beside(server, path, steps=steps)
    running.wait_paused("publish_copying")
    with open(path, "r+b") as file:
        file.write(encode(dataset("two")))
    (steps / "publish_copying.pause").unlink()
    code, _, err = running.end()
    assert code == 1 and f"{path} was written to while it was copied" in err
    assert nothing_was_dropped(server)


def make_missing(path):
    return "No such file or directory"


def make_folder(path):
    path.mkdir()
    return "is a folder, not a regular file"


def make_fifo(path):
    os.mkfifo(path)
    return "is a fifo, not a regular file"


@pytest.mark.parametrize(
    "make", [make_missing, make_folder, make_fifo], ids=lambda make: make.__name__[5:]
)
def test_what_is_no_regular_file_is_not_dropped(serve, make):
    server = serve()
    path = server.folder / "new.json"
    reason = make(path)
    done = publish(server, path)
    assert (done.returncode, done.stdout) == (1, "")
    assert str(path) in done.stderr and reason in done.stderr
    assert nothing_was_dropped(server)


def test_a_link_is_followed(serve):
    server = serve()
    path = server.folder / "new.json"
    path.with_name("target").write_bytes(encode(dataset("one")))
    path.symlink_to(path.with_name("target"))
    assert publish(server, path).returncode == 0
    assert server.serving() == "one"


def test_the_drop_file_itself_is_refused(serve):
    server = serve(start=False)
    server.inbox().put_data(encode(dataset("one")))
    link = server.folder / "link.json"
    os.link(server.inbox().file, link)
    for path in (server.inbox().file, link):
        done = publish(server, path, "--no-wait")
        assert done.returncode == 2 and "is the drop file of words itself" in done.stderr


def test_an_unknown_database_is_told_with_the_nearest_name(serve):
    server = serve(start=False)
    done = publish(server, new_file(server, dataset("one")), database="wrods")
    assert done.returncode == 2
    assert 'has no database "wrods"; did you mean "words"?' in done.stderr


def test_a_wrong_config_is_told_with_its_place(serve):
    server = serve(start=False)
    path = new_file(server, dataset("one"))
    server.config_file.write_text("databases:\n  words: {storag: json}\n")
    done = publish(server, path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{server.config_file}:2:11: ")


@pytest.mark.skipif(
    os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"),
    reason="runs as root and has no setpriv to give up root's rights with",
)
def test_a_drop_folder_that_may_not_be_written_is_told(serve):
    server = serve()
    folder = server.inbox().file.parent
    folder.chmod(0o555)
    try:
        path = new_file(server, dataset("one"))
        done = run(*command(server, path), wrap=without_superpowers())
    finally:
        folder.chmod(0o755)
    assert done.returncode == 1
    assert f"cannot create {folder / LOCK}: Permission denied" in done.stderr


def test_a_drop_folder_that_is_missing_is_told(serve):
    server = serve(start=False)
    path = new_file(server, dataset("one"))
    server.inbox().file.parent.rmdir()
    done = publish(server, path, "--no-wait")
    assert done.returncode == 1 and "No such file or directory" in done.stderr


def test_a_full_drop_folder_keeps_what_it_had(serve, tmp_path):
    with contextlib.ExitStack() as stack:
        try:
            small = stack.enter_context(tmpfs(tmp_path / "small", "1m"))
        except OSError as error:
            pytest.skip(f"this machine does not allow to mount a tmpfs: {error}")
        server = serve(start=False, words={"file": str(small / "data.json")})
        old = server.drop(dataset("old"))
        path = new_file(server, dataset("new", 100_000))
        done = publish(server, path, "--no-wait")
        assert done.returncode == 1 and "No space left on device" in done.stderr
        assert lying_in(small) == [LOCK, "data.json", "data.json.md5"]
        assert server.inbox().file.read_bytes() == old
        server.start(ready=True)
        assert server.serving() == "old"
        assert publish(server, path).returncode == 1
        assert publish(server, new_file(server, dataset("new"))).returncode == 0
        assert server.serving() == "new"
        server.stop()


# ---- ends in the middle ------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["publish_copying", "publish_copied", "publish_data"])
def test_a_publish_that_is_killed_leaves_the_server_serving_and_the_next_one_works(
    serve, beside, steps, step
):
    server = serve()
    server.load(dataset("one"))
    (steps / f"{step}.kill").touch()
    running = beside(server, new_file(server, dataset("two")), steps=steps)
    assert running.end()[0] == -signal.SIGKILL
    assert any("publish.sum" in name or "publish.data" in name
               for name in lying_in(server.inbox().file.parent))
    if step == "publish_data":
        server.wait("words", r".*is here, .* is not: waiting for the sum")
    assert server.serving() == "one"
    done = publish(server, new_file(server, dataset("three")))
    assert done.returncode == 0, done.stderr
    assert server.serving() == "three"
    assert lying_in(server.inbox().file.parent) == [LOCK]
    assert not server.find("words", "rejected ")


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("step", ["publish_copying", "publish_copied"])
def test_a_signal_before_the_drop_leaves_nothing_behind(serve, beside, steps, step, sig):
    server = serve()
    (steps / f"{step}.pause").touch()
    running = beside(server, new_file(server, dataset("one")), steps=steps)
    running.wait_paused(step)
    running.process.send_signal(sig)
    (steps / f"{step}.pause").unlink()
    code, out, err = running.end()
    assert (code, out) == (1, "")
    assert f"stopped by {sig.name}, nothing was dropped" in err
    assert nothing_was_dropped(server)


def test_a_signal_after_the_drop_ends_the_waiting_and_tells_where_the_file_is(serve, beside):
    server = serve()
    server.pause_at("hashing")
    running = beside(server, new_file(server, dataset("one")))
    server.wait_paused("hashing")
    running.process.send_signal(signal.SIGINT)
    code, _, err = running.end()
    assert code == 1
    assert f"stopped by SIGINT; the copy stays as {server.inbox().file}" in err
    server.resume("hashing")
    server.adopted(1)


def test_a_publish_waits_for_its_turn_no_longer_than_it_may(serve, beside, steps):
    server = serve()
    (steps / "publish_copied.pause").touch()
    first = beside(server, new_file(server, dataset("one")), steps=steps)
    first.wait_paused("publish_copied")
    done = publish(server, new_file(server, dataset("two"), "two.json"), "--timeout", "100ms")
    assert done.returncode == 1
    assert re.search(rf"process {first.process.pid} \(.*\) still publishes to ", done.stderr)
    (steps / "publish_copied.pause").unlink()
    assert first.end()[0] == 0
    assert server.serving() == "one"
